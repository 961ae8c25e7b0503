"""Certificates (white paper, A02 and M03-M05)."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from chargers.protocol import Version
from chargers.simulator.effects import Close, Connect, KeyPair, MakeKey
from chargers.simulator.model import certificates
from tests.support import pki
from tests.support.frames import START, Driver
from tests.unit.dialects.v16.conftest import configure
from tests.unit.dialects.v16.files import SERIAL, events, install, sign
from tests.unit.dialects.v16.test_security import give_certificate

CENTRAL, MANUFACTURER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"


@pytest.fixture
def central():
    return pki.Paper.root("Central", now=START)


def ids(driver, use=CENTRAL):
    return driver.ask("GetInstalledCertificateIds", {"certificateType": use}).payload


def trigger(driver):
    return driver.ask("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}).payload["status"]


def signed(driver, chain):
    return driver.ask("CertificateSigned", {"certificateChain": chain}).payload["status"]


def test_m03_installed_certificates_are_listed_by_their_use(driver, central):
    assert ids(driver) == {"status": "NotFound"}
    assert install(driver, central.pem, CENTRAL) == "Accepted"
    assert ids(driver, MANUFACTURER) == {"status": "NotFound"}
    assert ids(driver)["status"] == "Accepted"
    assert len(ids(driver)["certificateHashData"]) == 1


@pytest.mark.parametrize("key", [None, "rsa"])
def test_the_hashes_are_those_of_ocsp(driver, key):
    root = pki.Paper.root("R", now=START, key=pki.rsa_key() if key else None)
    install(driver, root.pem, CENTRAL)
    (shown,) = ids(driver)["certificateHashData"]
    builder = ocsp.OCSPRequestBuilder().add_certificate(root.certificate, root.certificate, hashes.SHA256())
    official = builder.build()
    assert shown["issuerNameHash"] == official.issuer_name_hash.hex().upper()
    assert shown["issuerKeyHash"] == official.issuer_key_hash.hex().upper()
    assert int(shown["serialNumber"], 16) == root.certificate.serial_number


def test_m04_a_certificate_is_deleted_by_its_hashes(driver, central):
    install(driver, central.pem, CENTRAL)
    (shown,) = ids(driver)["certificateHashData"]
    asked = {"certificateHashData": {**shown, "issuerNameHash": shown["issuerNameHash"].lower()}}
    assert driver.ask("DeleteCertificate", {"certificateHashData": {**shown, "serialNumber": "1"}}).payload == {
        "status": "NotFound"
    }
    assert driver.ask("DeleteCertificate", asked).payload == {"status": "Accepted"}
    assert driver.ask("DeleteCertificate", asked).payload == {"status": "NotFound"}
    assert ids(driver) == {"status": "NotFound"}


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
def test_m04_every_hash_algorithm_finds_it(driver, central, algorithm):
    install(driver, central.pem, CENTRAL)
    name = certificates.hash_of(central.certificate, algorithm, [])
    data = {
        "hashAlgorithm": algorithm,
        "issuerNameHash": name.issuer_name,
        "issuerKeyHash": name.issuer_key,
        "serialNumber": f"00{name.serial}",
    }
    assert len(data["issuerKeyHash"]) <= 128
    if len(data["serialNumber"]) <= 40:
        assert driver.ask("DeleteCertificate", {"certificateHashData": data}).payload == {"status": "Accepted"}


def test_m04_fr_06_the_root_that_the_connection_stands_on_stays(driver, central):
    configure(driver, AuthorizationKey="a password of 20 ch")
    install(driver, central.pem, CENTRAL)
    configure(driver, SecurityProfile=2)
    driver.settle_connection()
    (shown,) = ids(driver)["certificateHashData"]
    assert driver.ask("DeleteCertificate", {"certificateHashData": shown}).payload == {"status": "Failed"}


def test_m05_fr_06_what_is_no_root_is_rejected(driver, central):
    leaf = central.issue("Leaf", now=START)
    bad = {
        "nonsense": "nonsense",
        "cut off": central.pem[: len(central.pem) // 2],
        "two of them": central.pem + leaf.pem,
        "not self-signed": leaf.pem,
        "no authority": pki.make("Self", now=START).pem,
        "expired": pki.Paper.root("Old", now=START, ends=-1).pem,
        "too early": pki.Paper.root("New", now=START, starts=999).pem,
        "weak": pki.Paper.root("Weak", now=START, key=pki.rsa_key(1024)).pem,
        "a key": central.key_pem,
        "empty": "",
        "not ASCII": "ü\ud800".encode("utf-8", "replace").decode(),
    }
    assert {name: install(driver, pem, CENTRAL) for name, pem in bad.items()} == dict.fromkeys(bad, "Rejected")
    assert ids(driver) == {"status": "NotFound"}


def test_m05_fr_03_the_store_has_an_end_and_counts_each_certificate_once(driver, central):
    length = next(
        int(row["value"])
        for row in driver.ask("GetConfiguration", {"key": ["CertificateStoreMaxLength"]}).payload["configurationKey"]
    )
    for number in range(length):
        assert install(driver, pki.Paper.root(f"R{number}", now=START).pem, MANUFACTURER) == "Accepted"
    assert install(driver, central.pem, CENTRAL) == "Rejected"


def test_the_same_certificate_is_installed_once(driver, central):
    assert [install(driver, central.pem, CENTRAL) for _ in range(2)] == ["Accepted", "Accepted"]
    assert len(ids(driver)["certificateHashData"]) == 1


def test_a02_the_request_is_real_and_names_charger_and_operator(driver):
    assert trigger(driver) == "Rejected", "CpoName is a prerequisite"
    configure(driver, CpoName="My Operator")
    assert trigger(driver) == "Accepted"
    csr = x509.load_pem_x509_csr(sign(driver).encode())
    assert csr.is_signature_valid
    assert {one.rfc4514_string() for one in csr.subject} == {f"CN={SERIAL}", "O=My Operator"}


def test_a02_a_certificate_for_the_request_is_accepted_and_listed_nowhere(driver, central):
    give_certificate(driver, central)
    assert len(ids(driver)["certificateHashData"]) == 1, "M04.FR.05: the own one is none of the roots"
    assert not driver.of(Close)


def test_a02_fr_07_certificates_that_are_wrong_are_rejected(driver, central):
    configure(driver, CpoName="Org")
    trigger(driver)
    csr = sign(driver)
    good = central.issue_for(csr, now=START)
    assert signed(driver, good) == "Rejected", "its root is not installed"
    install(driver, central.pem, CENTRAL)
    other = pki.Paper.root("Central", now=START)
    for chain in (
        "nonsense",
        "",
        central.issue(SERIAL, now=START).pem,
        central.issue_for(csr, now=START, name="somebody else"),
        central.issue_for(csr, now=START, ends=-1),
        other.issue_for(csr, now=START),
        central.pem + good,
    ):
        assert signed(driver, chain) == "Rejected"
    assert set(events(driver)) == {"InvalidChargePointCertificate"}
    assert signed(driver, good) == "Accepted"
    assert signed(driver, good) == "Rejected", "the key has its certificate"


def test_a02_a_chain_through_an_intermediate_is_accepted(driver, central):
    configure(driver, CpoName="Org")
    install(driver, central.pem, CENTRAL)
    trigger(driver)
    middle = central.issue("Middle", now=START, authority=True)
    assert signed(driver, middle.issue_for(sign(driver), now=START) + middle.pem) == "Accepted"


def test_a_certificate_that_is_no_authority_cannot_issue_others(driver, central):
    configure(driver, CpoName="Org")
    install(driver, central.pem, CENTRAL)
    trigger(driver)
    csr = sign(driver)
    thief, late = central.issue("Thief", now=START), central.issue("Late", now=START, authority=True, ends=-1)
    assert signed(driver, thief.issue_for(csr, now=START) + thief.pem) == "Rejected"
    assert signed(driver, late.issue_for(csr, now=START) + late.pem) == "Rejected"


def test_a02_fr_08_a_new_certificate_is_used_at_once_with_profile_3(driver, central):
    give_certificate(driver, central)
    configure(driver, SecurityProfile=3)
    driver.settle_connection()
    driver.clear()
    trigger(driver)
    chain = central.issue_for(sign(driver), now=driver.now)
    assert signed(driver, chain) == "Accepted"
    assert driver.of(Close)
    driver.settle_connection()
    assert driver.of(Connect)[-1].credentials.certificate == chain


def test_a_key_that_waits_outlasts_the_process(driver, central):
    configure(driver, CpoName="Org")
    install(driver, central.pem, CENTRAL)
    trigger(driver)
    csr = sign(driver)
    again = Driver(Version.V16, memory=driver.memory(), now=driver.now, seed=2).boot()
    assert signed(again, central.issue_for(csr, now=START)) == "Accepted"


def test_only_the_last_key_that_was_asked_for_counts(driver):
    configure(driver, CpoName="Org")
    trigger(driver)
    trigger(driver)
    first, second = driver.of(MakeKey)
    pair = certificates.make_request("a", "b")
    driver._take(driver.session.key_made(driver.now, first.id, KeyPair(*pair)))
    assert not driver.calls("SignCertificate")
    driver._take(driver.session.key_made(driver.now, second.id, KeyPair(*pair)))
    assert len(driver.calls("SignCertificate")) == 1
