"""Whatever comes as a certificate is read, or refused with a reason."""

import base64
import contextlib

from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from chargers.simulator.model import certificates
from chargers.simulator.model.certificates import BadCertificate
from tests.support import pki

NOW = 1_700_000_000.0
ROOT = pki.Paper.root("Root", now=NOW)
LEAF = ROOT.issue("Leaf", now=NOW)
ORIGINALS = [one.certificate.public_bytes(Encoding.DER) for one in (ROOT, LEAF)]


def pem(der: bytes) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(der).decode()}-----END CERTIFICATE-----\n"


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(ORIGINALS),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_a_certificate_with_broken_bytes_breaks_nothing(original, changes):
    der = bytearray(original)
    for place, value in changes:
        der[place % len(der)] = value
    with contextlib.suppress(BadCertificate):
        certificate = certificates.read(pem(bytes(der)))
        certificates.hash_of(certificate, "SHA256", [])
        certificates.common_name(certificate)
        certificates.belongs(certificate, LEAF.key_pem)
        certificates.check_issued([LEAF.certificate, certificate], [ROOT.certificate], NOW)


@given(st.text())
def test_text_that_is_no_certificate_is_refused(text):
    with contextlib.suppress(BadCertificate):
        certificates.read_chain(text)
        raise AssertionError("it was read")


@given(st.text(alphabet=st.characters(max_codepoint=300)))
def test_text_that_is_no_signature_is_refused(text):
    with contextlib.suppress(BadCertificate):
        certificates.check_signature(LEAF.certificate, text, pki.digest(b"x"))
        raise AssertionError("it was taken")


def test_versions_that_do_not_exist_are_refused():
    der = ORIGINALS[0].replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x24", 1)
    with contextlib.suppress(BadCertificate):
        certificates.read(pem(der))
        raise AssertionError("it was read")
