"""Certificates for tests: authorities, what they issue, and signatures."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID


@dataclass
class Paper:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, form, none).decode()

    def sign(self, data: bytes, *, pss: bool = True) -> str:
        """A signature of a file in base64: ECDSA, or RSA with either padding."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            raw = self.key.sign(data, ec.ECDSA(hashes.SHA256()))
        elif pss:
            raw = self.key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        else:
            raw = self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(raw).decode()

    def issue(self, name: str, *, now: float, key: Any = None, **options: Any) -> "Paper":
        """A certificate signed by this one."""
        return make(name, now=now, issuer=self, key=key, **options)

    def issue_for(self, csr_pem: str, *, now: float, name: str = "", **options: Any) -> str:
        """The certificate for a signing request, in PEM."""
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        common = csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        return make(name or str(common), now=now, issuer=self, public=csr.public_key(), **options).pem

    @classmethod
    def root(cls, name: str = "Root", *, now: float, **options: Any) -> Self:
        made = make(name, now=now, authority=True, **options)
        return cls(made.certificate, made.key)


def make(
    name: str,
    *,
    now: float,
    issuer: Paper | None = None,
    key: Any = None,
    public: Any = None,
    authority: bool = False,
    starts: float = -86_400.0,
    ends: float = 86_400.0 * 365,
    serial: int | None = None,
) -> Paper:
    """A certificate; `starts` and `ends` are seconds from `now`."""
    key = key or (None if public is not None else ec.generate_private_key(ec.SECP256R1()))
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Org")]
    )
    moment = datetime.fromtimestamp(now, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(public or key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(moment + timedelta(seconds=starts))
        .not_valid_after(moment + timedelta(seconds=ends))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    return Paper(builder.sign((issuer.key if issuer else key), hashes.SHA256()), key)


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
