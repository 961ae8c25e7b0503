"""X.509 for the security extension of 1.6 and block M of 2.x: reading, hashing and checking certificates.

Everything here is computation on text; a breach of any kind is a `BadCertificate` that says what is wrong. Import it
where it is used and not at the top of a module: `cryptography` takes memory that most hosts never need.
"""

import base64
import binascii
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils
from cryptography.x509.oid import NameOID

ALGORITHMS: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}
#: what `cryptography` raises for bytes that are no certificate, or one that it does not understand
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
LEAST_RSA_BITS: Final = 2048  #: A00.FR.502
LEAST_EC_BITS: Final = 224  #: A00.FR.503


class BadCertificate(ValueError):
    """A certificate, a chain or a signature that cannot be accepted; the message says why."""


@dataclass(slots=True, frozen=True)
class CertificateHash:
    """How OCPP names a certificate (CertificateHashDataType); hex digits in upper case."""

    algorithm: str
    issuer_name: str
    issuer_key: str
    serial: str


def read(pem: str) -> x509.Certificate:
    """The one certificate in a PEM text. Raises BadCertificate."""
    found = read_chain(pem)
    if len(found) != 1:
        raise BadCertificate(f"{len(found)} certificates where one is expected")
    return found[0]


def read_chain(pem: str) -> list[x509.Certificate]:
    """The certificates in a PEM text, at least one. Raises BadCertificate; also for keys that are too weak."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a certificate has of oddities is no news for the lab's log
            found = x509.load_pem_x509_certificates(pem.encode())
            for one in found:
                _strong_enough(one)
                _ = one.subject, one.issuer, one.extensions  # these are parsed late, and may be broken
                if one.serial_number <= 0:
                    raise BadCertificate("its serial number is not positive")
    except BadCertificate:
        raise
    except _UNREADABLE as error:
        raise BadCertificate(f"not a certificate in PEM: {str(error)[:100]}") from error
    return found


def check_root(certificate: x509.Certificate, now: float) -> None:
    """Whether it can be a trusted root now: self-signed, an authority, not expired. Raises BadCertificate."""
    check_time(certificate, now)
    if not _signed_by(certificate, certificate):
        raise BadCertificate("the certificate is not self-signed, so it is no root")
    _check_authority(certificate)


def check_time(certificate: x509.Certificate, now: float, *, early: bool = False) -> None:
    """Whether it is valid at `now` (seconds since the epoch); `early`: it may begin later. Raises BadCertificate."""
    moment = datetime.fromtimestamp(now, UTC)
    if moment < certificate.not_valid_before_utc and not early:
        raise BadCertificate(f"the certificate is not valid before {certificate.not_valid_before_utc.isoformat()}")
    if moment > certificate.not_valid_after_utc:
        raise BadCertificate(f"the certificate expired at {certificate.not_valid_after_utc.isoformat()}")


def check_issued(chain: list[x509.Certificate], roots: list[x509.Certificate], now: float) -> None:
    """Whether the chain, leaf first, leads to one of the roots by authorities valid now. Raises BadCertificate."""
    for child, parent in pairwise(chain):
        check_time(parent, now)
        _check_authority(parent)
        if not _signed_by(child, parent):
            raise BadCertificate("the chain is broken: a certificate is not signed by the next one")
    last = chain[-1]
    if not any(last == root or _signed_by(last, root) for root in roots):
        raise BadCertificate("no installed root certificate signed it")


def hash_of(certificate: x509.Certificate, algorithm: str, issuers: list[x509.Certificate]) -> CertificateHash:
    """Its name in OCPP (RFC 6960 §4.1.1): hashes of the issuer's name and public key, and the serial number.

    The issuer is looked for in `issuers`; a certificate whose issuer is not there counts as its own.
    """
    issuer = next((one for one in issuers if _signed_by(certificate, one)), certificate)
    return CertificateHash(
        algorithm,
        _digest(algorithm, certificate.issuer.public_bytes()),
        _digest(algorithm, _key_bits(issuer)),
        f"{certificate.serial_number:X}",
    )


def serial_of(certificate: x509.Certificate) -> str:
    """The serial number in hex, upper case, without leading zeros."""
    return f"{certificate.serial_number:X}"


def begins(certificate: x509.Certificate) -> float:
    """From when it is valid, in seconds since the epoch."""
    return certificate.not_valid_before_utc.timestamp()


def common_name(certificate: x509.Certificate) -> str:
    """The CN of its subject, "" when there is none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def organization(certificate: x509.Certificate) -> str:
    """The O of its subject, "" when there is none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(names[0].value) if names else ""


def belongs(certificate: x509.Certificate, key_pem: str) -> bool:
    """Whether its public key is the one of a private key in PEM."""
    key = serialization.load_pem_private_key(key_pem.encode(), password=None)
    return _public(certificate.public_key()) == _public(key.public_key())


def check_signature(certificate: x509.Certificate, signature: str, digest: str) -> None:
    """Whether a signature in base64 fits a file with a SHA-256 digest in hex (L01.FR.04). Raises BadCertificate.

    The white paper asks for RSA-PSS or ECSchnorr; ECDSA and RSA with PKCS#1 v1.5 padding, which tools in the field
    produce, are taken as well.
    """
    try:
        raw = base64.b64decode("".join(signature.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadCertificate("the signature is not base64") from error
    key, hashed, algorithm = certificate.public_key(), bytes.fromhex(digest), utils.Prehashed(hashes.SHA256())
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(raw, hashed, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            _check_rsa(key, raw, hashed, algorithm)
        else:
            raise BadCertificate("the key of the certificate is neither RSA nor EC")
    except InvalidSignature as error:
        raise BadCertificate("the signature does not fit the file") from error


def make_request(common_name: str, organization: str) -> tuple[str, str]:
    """A new EC key (P-256) and a signing request for it (RFC 2986), both in PEM. Takes about a millisecond."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64] or "charger")]
    if organization:
        names.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization[:64]))
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), request.public_bytes(serialization.Encoding.PEM).decode()


def _check_rsa(key: rsa.RSAPublicKey, raw: bytes, hashed: bytes, algorithm: utils.Prehashed) -> None:
    try:
        key.verify(raw, hashed, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO), algorithm)
    except InvalidSignature:
        key.verify(raw, hashed, padding.PKCS1v15(), algorithm)


def _check_authority(certificate: x509.Certificate) -> None:
    try:
        authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        authority = certificate.version is x509.Version.v1
    if not authority:
        raise BadCertificate("the certificate is not one of an authority")


def _strong_enough(certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        strong = key.key_size >= LEAST_RSA_BITS
    elif isinstance(key, ec.EllipticCurvePublicKey):
        strong = key.curve.key_size >= LEAST_EC_BITS
    else:
        strong = isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey)
    if not strong:
        raise BadCertificate("its key is too weak: RSA needs 2048 bits, EC 224")


def _signed_by(child: x509.Certificate, parent: x509.Certificate) -> bool:
    try:
        child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _digest(algorithm: str, data: bytes) -> str:
    digest = hashes.Hash(ALGORITHMS[algorithm]())
    digest.update(data)
    return digest.finalize().hex().upper()


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The value of the BIT STRING subjectPublicKey, without tag, length and count of unused bits.

    For every key in use here that is the encoding which `cryptography` calls raw, uncompressed or PKCS#1.
    """
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return key.public_bytes_raw()
    raise BadCertificate("the issuer's key is of a kind that is not supported")


def _public(key: object) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, form)  # type: ignore[attr-defined, no-any-return]
