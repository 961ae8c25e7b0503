"""UpdateFirmware and SignedUpdateFirmware (white paper, L01)."""

import pytest

from chargers.protocol import CallError, Version, format_time
from chargers.simulator.effects import Download, Transfer, Verdict
from tests.support import pki
from tests.support.frames import START, Driver
from tests.unit.dialects.v16.conftest import configure, start
from tests.unit.dialects.v16.files import (
    DATA,
    abandoned,
    arrives,
    downloads,
    events,
    fails,
    install,
    signed_update,
    told,
    update,
)

PLAIN, SIGNED = "FirmwareStatusNotification", "SignedFirmwareStatusNotification"
ALL = ["Downloading", "Downloaded", "Installing", "Installed"]


def reboot(driver):
    """The connection ends, the charger boots and connects."""
    driver.drop().advance(11).connect()
    return driver


def last_boot(driver):
    return driver.calls("BootNotification")[-1].payload


def test_an_update_tells_each_step_and_boots_with_the_new_version(driver):
    assert update(driver).payload == {}
    (wanted,) = downloads(driver)
    assert wanted.location == "http://files/fw-9.9.1.bin"
    arrives(driver, wanted.id).advance(14)
    assert told(driver, PLAIN) == ["Downloading"], "a download takes the time of the setting"
    driver.advance(1)
    assert told(driver, PLAIN) == ["Downloading", "Downloaded", "Installing"]
    driver.advance(29)
    assert driver.open
    driver.advance(4)
    assert not driver.open, "it reboots"
    reboot(driver)
    assert last_boot(driver)["firmwareVersion"] == "9.9.1"
    assert told(driver, PLAIN) == ALL


def test_the_version_of_the_setting_wins_over_the_file_name(driver):
    configure(driver, OcppLabFirmwareNextVersion="2.0-beta", OcppLabFirmwareDownloadSeconds=0)
    update(driver)
    arrives(driver, downloads(driver)[0].id).advance(40)
    assert last_boot(reboot(driver))["firmwareVersion"] == "2.0-beta"


def test_a_slow_server_makes_the_download_as_long_as_it_takes(driver):
    update(driver)
    driver.advance(500)
    assert told(driver, PLAIN) == ["Downloading"]
    arrives(driver, downloads(driver)[0].id).advance(0.1)
    assert told(driver, PLAIN) == ["Downloading", "Downloaded", "Installing"]


def test_it_waits_for_the_retrieve_date(driver):
    update(driver, after=3600)
    driver.advance(3590)
    assert not downloads(driver)
    driver.advance(20)
    assert len(downloads(driver)) == 1


def test_it_tries_as_often_as_it_was_asked_to_and_then_gives_up(driver):
    update(driver, retries=3, retryInterval=100)
    for attempt in range(3):
        assert len(downloads(driver)) == attempt + 1
        fails(driver, downloads(driver)[-1].id).advance(15)
        driver.advance(100)
    assert told(driver, PLAIN) == ["Downloading", "DownloadFailed"]
    driver.advance(1000)
    assert len(downloads(driver)) == 3


def test_without_retries_there_is_one_try(driver):
    update(driver)
    fails(driver, downloads(driver)[0].id, Verdict.DENIED).advance(1000)
    assert told(driver, PLAIN) == ["Downloading", "DownloadFailed"]
    assert len(downloads(driver)) == 1


@pytest.mark.parametrize(
    ("outcome", "statuses"),
    [
        ("DownloadFailed", ["Downloading", "DownloadFailed"]),
        ("InstallVerificationFailed", ["Downloading", "Downloaded", "InstallationFailed"]),
        ("InstallationFailed", ["Downloading", "Downloaded", "Installing", "InstallationFailed"]),
    ],
)
def test_it_turns_out_as_the_setting_says(driver, outcome, statuses):
    configure(driver, OcppLabFirmwareOutcome=outcome.lower())
    update(driver)
    for wanted in downloads(driver):
        arrives(driver, wanted.id)
    driver.advance(300)
    assert told(driver, PLAIN) == statuses
    assert driver.open, "the old firmware goes on"
    assert driver.ask("TriggerMessage", {"requestedMessage": PLAIN}).payload == {"status": "Accepted"}
    assert told(driver, PLAIN)[-1] == "Idle"
    assert driver.intent("plug", connector=1).ok


def test_an_outcome_that_does_not_exist_is_rejected(driver):
    answer = driver.ask("ChangeConfiguration", {"key": "OcppLabFirmwareOutcome", "value": "Exploded"})
    assert answer.payload == {"status": "Rejected"}


def test_it_waits_for_the_last_transaction_and_closes_the_other_connectors(driver):
    configure(driver, OcppLabFirmwareDownloadSeconds=0)
    start(driver, connector=1)
    update(driver)
    arrives(driver, downloads(driver)[0].id).advance(600)
    assert told(driver, PLAIN) == ["Downloading", "Downloaded"]
    assert driver.statuses(2)[-1] == "Unavailable"
    assert not driver.intent("start_transaction", connector=2, id_tag="T2").ok
    assert driver.intent("stop_transaction").ok
    driver.advance(1)
    assert told(driver, PLAIN)[-1] == "Installing"
    assert driver.statuses(1)[-1] == "Unavailable"
    driver.advance(40)
    reboot(driver)
    assert driver.statuses(1)[-1] in {"Available", "Preparing", "Finishing"}
    assert driver.statuses(2)[-1] == "Available"
    assert told(driver, PLAIN) == ALL


def test_a_new_request_takes_the_place_of_a_download(driver):
    update(driver)
    first = downloads(driver)[0].id
    update(driver, "http://files/other-1.2.3.bin")
    assert abandoned(driver) == [first]
    arrives(driver, first).advance(100)
    assert told(driver, PLAIN) == ["Downloading", "Downloading"], "the end of the old one means nothing"


def test_an_installation_cannot_be_stopped(driver):
    configure(driver, OcppLabFirmwareDownloadSeconds=0)
    update(driver)
    arrives(driver, downloads(driver)[0].id).advance(1)
    assert isinstance(update(driver), CallError)
    assert len(downloads(driver)) == 1


def test_statuses_wait_for_the_connection_and_come_in_order(driver):
    configure(driver, OcppLabFirmwareDownloadSeconds=5, OcppLabFirmwareInstallSeconds=100)
    update(driver)
    driver.drop()
    arrives(driver, downloads(driver)[0].id).advance(6)
    assert told(driver, PLAIN) == ["Downloading"]
    driver.settle_connection()
    assert told(driver, PLAIN) == ["Downloading", "Downloaded", "Installing"]


def test_a_status_without_an_answer_is_sent_again_before_the_next_one():
    ids: list[str] = []

    def all_but_the_first(call):
        ids.append(call.id)
        return None if call.id == ids[0] else {}

    driver = Driver(Version.V16, script={PLAIN: all_but_the_first}).boot().clear()
    configure(driver, OcppLabFirmwareDownloadSeconds=0, OcppLabFirmwareInstallSeconds=300)
    update(driver)
    arrives(driver, downloads(driver)[0].id).advance(65)
    assert told(driver, PLAIN)[:4] == ["Downloading", "Downloading", "Downloaded", "Installing"]


@pytest.mark.parametrize("moment", [1.0, 20.0, 46.5])
def test_a_restart_of_the_process_in_the_middle_ends_in_the_new_firmware(driver, moment):
    update(driver)
    arrives(driver, downloads(driver)[0].id).advance(moment)
    memory = driver.memory()
    again = Driver(Version.V16, memory=memory, now=driver.now + 30, seed=2).boot()
    for _ in range(20):
        for wanted in again.of(Download):
            arrives(again, wanted.id)
        again.advance(10)
        if not again.open:
            again.settle_connection()
    assert told(again, PLAIN)[-1] == "Installed"
    assert last_boot(again)["firmwareVersion"] == "9.9.1"


def test_a_reset_in_the_middle_of_a_download_begins_it_anew(driver):
    update(driver)
    first = downloads(driver)[0].id
    driver.ask("Reset", {"type": "Hard"})
    driver.drop()
    assert abandoned(driver) == [first]
    driver.settle_connection()
    driver.advance(20)
    second = downloads(driver)[-1].id
    assert second != first
    arrives(driver, first).advance(60)
    assert told(driver, PLAIN) == ["Downloading"]
    arrives(driver, second).advance(1)
    assert told(driver, PLAIN) == ["Downloading", "Downloaded", "Installing"]


def test_power_off_gives_the_download_up(driver):
    update(driver)
    driver.stop()
    assert abandoned(driver) == [downloads(driver)[0].id]
    assert driver.session.transferred(driver.now, "download-1", Transfer(Verdict.DONE)) == []


def test_a_trigger_tells_the_status_of_the_update(driver):
    driver.ask("TriggerMessage", {"requestedMessage": PLAIN})
    assert told(driver, PLAIN) == ["Idle"]
    update(driver)
    driver.ask("TriggerMessage", {"requestedMessage": PLAIN})
    assert told(driver, PLAIN) == ["Idle", "Downloading", "Downloading"]


@pytest.mark.parametrize("location", ["", "nonsense", "http://[::1", "x" * 5000, "ftp://a b/c\n"])
def test_nonsense_as_a_location_is_the_transfers_problem(driver, location):
    update(driver, location)
    fails(driver, downloads(driver)[0].id, Verdict.BAD).advance(20)
    assert told(driver, PLAIN) == ["Downloading", "DownloadFailed"]


@pytest.mark.parametrize("location", ["http://[::1", "nonsense", "http://h/"])
def test_firmware_without_a_version_in_its_name_counts_up(driver, location):
    configure(driver, OcppLabFirmwareDownloadSeconds=0)
    update(driver, location)
    arrives(driver, downloads(driver)[0].id).advance(40)
    assert last_boot(reboot(driver))["firmwareVersion"] == "3.4.1"


# signed firmware


@pytest.fixture
def maker():
    return pki.Paper.root("Maker", now=START)


@pytest.fixture
def signer(maker):
    return maker.issue("Signing", now=START)


def test_l01_signed_firmware_is_verified_installed_and_reported(driver, maker, signer):
    assert install(driver, maker.pem) == "Accepted"
    assert signed_update(driver, signer.pem, signer.sign(DATA)) == "Accepted"
    arrives(driver, downloads(driver)[0].id, pki.digest(DATA)).advance(60)
    reboot(driver)
    statuses = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]
    assert told(driver, SIGNED) == statuses
    assert {call.payload["requestId"] for call in driver.calls(SIGNED)} == {7}
    assert "FirmwareUpdated" in events(driver)
    assert told(driver, PLAIN) == []


@pytest.mark.parametrize("pss", [True, False])
def test_l01_fr_04_rsa_signatures_are_verified(driver, maker, pss):
    signer = maker.issue("Signing", now=START, key=pki.rsa_key())
    install(driver, maker.pem)
    assert signed_update(driver, signer.pem, signer.sign(DATA, pss=pss)) == "Accepted"
    arrives(driver, downloads(driver)[0].id, pki.digest(DATA)).advance(15)
    assert "SignatureVerified" in told(driver, SIGNED)


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", "ü"])
def test_l01_fr_03_a_signature_that_does_not_fit_ends_the_update(driver, maker, signer, signature):
    install(driver, maker.pem)
    assert signed_update(driver, signer.pem, signature) == "Accepted"
    arrives(driver, downloads(driver)[0].id, pki.digest(DATA)).advance(100)
    assert told(driver, SIGNED) == ["Downloading", "Downloaded", "InvalidSignature"]
    assert events(driver) == ["InvalidFirmwareSignature"]
    assert driver.open


def test_l01_fr_03_a_file_that_was_changed_is_noticed(driver, maker, signer):
    install(driver, maker.pem)
    signed_update(driver, signer.pem, signer.sign(DATA))
    arrives(driver, downloads(driver)[0].id, pki.digest(DATA + b"!")).advance(100)
    assert told(driver, SIGNED)[-1] == "InvalidSignature"


def test_l01_fr_24_certificates_that_cannot_be_trusted_are_refused(driver, maker, signer):
    stranger = pki.Paper.root("Maker", now=START)
    refused = "InvalidCertificate"
    assert signed_update(driver, signer.pem, "AAAA") == refused, "no root is installed"
    install(driver, maker.pem)
    assert signed_update(driver, stranger.issue("S", now=START).pem, "AAAA") == refused
    assert signed_update(driver, maker.issue("S", now=START, ends=-1).pem, "AAAA") == refused
    assert signed_update(driver, maker.issue("S", now=START, starts=999).pem, "AAAA") == refused
    assert signed_update(driver, "nonsense", "AAAA") == refused
    assert signed_update(driver, signer.pem + signer.pem, "AAAA") == refused
    weak = maker.issue("S", now=START, key=pki.rsa_key(1024))
    assert signed_update(driver, weak.pem, "AAAA") == refused
    assert events(driver) == ["InvalidFirmwareSigningCertificate"] * 7
    assert not downloads(driver)


def test_l01_fr_25_a_revoked_certificate_is_refused(driver, maker, signer):
    install(driver, maker.pem)
    configure(driver, OcppLabRevokedSerials=f"AB, {signer.certificate.serial_number:x}")
    assert signed_update(driver, signer.pem, signer.sign(DATA)) == "RevokedCertificate"


def test_l01_fr_16_the_installation_waits_for_its_time(driver, maker, signer):
    install(driver, maker.pem)
    signed_update(driver, signer.pem, signer.sign(DATA), installDateTime=format_time(driver.now + 3600))
    arrives(driver, downloads(driver)[0].id, pki.digest(DATA)).advance(3500)
    assert told(driver, SIGNED)[-1] == "InstallScheduled"
    driver.advance(101)
    assert told(driver, SIGNED)[-1] == "Installing"


def test_l01_fr_26_a_new_request_cancels_the_old_one(driver, maker, signer):
    install(driver, maker.pem)
    good = signer.sign(DATA)
    signed_update(driver, signer.pem, good, retrieveDateTime=format_time(driver.now + 3600))
    assert told(driver, SIGNED) == ["DownloadScheduled"]
    assert signed_update(driver, signer.pem, good, request_id=8) == "AcceptedCanceled"
    arrives(driver, downloads(driver)[0].id, pki.digest(DATA)).advance(16)
    assert signed_update(driver, signer.pem, good, request_id=9) == "Rejected", "L01.FR.27"


def test_l01_fr_20_plain_firmware_is_refused_with_a_security_profile(driver):
    configure(driver, AuthorizationKey="00112233445566778899AABBCCDDEEFF", SecurityProfile=1)
    driver.settle_connection()
    answer = update(driver)
    assert isinstance(answer, CallError)
    assert answer.code == "NotSupported"


def test_l01_fr_28_29_the_extended_trigger_tells_the_last_signed_status(driver, maker, signer):
    trigger = {"requestedMessage": PLAIN}
    driver.ask("ExtendedTriggerMessage", trigger)
    assert driver.calls(SIGNED)[-1].payload == {"status": "Idle"}
    install(driver, maker.pem)
    signed_update(driver, signer.pem, "AAAA")
    arrives(driver, downloads(driver)[0].id, pki.digest(DATA)).advance(16)
    driver.ask("ExtendedTriggerMessage", trigger)
    assert driver.calls(SIGNED)[-1].payload == {"status": "InvalidSignature", "requestId": 7}
