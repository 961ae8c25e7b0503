"""GetDiagnostics (§5.9) and GetLog (white paper, N01)."""

import pytest

from chargers.protocol import Version, format_time
from chargers.simulator.effects import Upload, Verdict
from tests.support.frames import Driver
from tests.unit.dialects.v16.conftest import configure, start
from tests.unit.dialects.v16.files import abandoned, arrives, fails, told, uploads

DIAGNOSTICS, LOG = "DiagnosticsStatusNotification", "LogStatusNotification"
KEY = "00112233445566778899AABBCCDDEEFF00112233"


def diagnostics(driver, **more):
    return driver.ask("GetDiagnostics", {"location": "ftp://files/in", **more}).payload


def log(driver, kind="DiagnosticsLog", request_id=5, retries=None, **more):
    request = {"logType": kind, "requestId": request_id, "log": {"remoteLocation": "http://files/in", **more}}
    return driver.ask("GetLog", request | ({"retries": retries, "retryInterval": 50} if retries else {})).payload


def test_diagnostics_are_uploaded_and_reported(driver):
    name = diagnostics(driver)["fileName"]
    (wanted,) = uploads(driver)
    assert (wanted.location, wanted.name, wanted.frames) == ("ftp://files/in", name, True)
    arrives(driver, wanted.id).advance(4)
    assert told(driver, DIAGNOSTICS) == ["Uploading"]
    driver.advance(2)
    assert told(driver, DIAGNOSTICS) == ["Uploading", "Uploaded"]


def test_the_file_tells_what_the_charger_is_and_how_it_is(driver):
    start(driver)
    diagnostics(driver)
    head = uploads(driver)[0].head
    for words in ("SITE_A_001", "Schneider Electric", "SN-0001", "3.4.0", '"HeartbeatInterval"', '"connector": 1'):
        assert words in head


def test_a01_fr_12_the_file_does_not_hold_the_authorization_key(driver):
    configure(driver, AuthorizationKey=KEY)
    diagnostics(driver)
    log(driver, "SecurityLog")
    assert "AuthorizationKey changed" in uploads(driver)[1].head
    assert all(KEY not in wanted.head for wanted in uploads(driver))
    assert not uploads(driver)[1].frames


@pytest.mark.parametrize("verdict", [one for one in Verdict if one is not Verdict.DONE])
def test_any_failure_is_upload_failed_in_plain_16(driver, verdict):
    diagnostics(driver)
    fails(driver, uploads(driver)[0].id, verdict).advance(6)
    assert told(driver, DIAGNOSTICS) == ["Uploading", "UploadFailed"]


def test_it_tries_as_often_as_it_was_asked_to(driver):
    diagnostics(driver, retries=2, retryInterval=30)
    fails(driver, uploads(driver)[0].id).advance(36)
    assert len(uploads(driver)) == 2
    arrives(driver, uploads(driver)[1].id).advance(5)
    assert told(driver, DIAGNOSTICS) == ["Uploading", "Uploaded"]


def test_the_times_of_the_request_are_handed_on(driver):
    diagnostics(driver, startTime=format_time(driver.now - 60), stopTime=format_time(driver.now))
    assert (uploads(driver)[0].since, uploads(driver)[0].until) == (driver.now - 60, driver.now)


def test_n01_a_log_is_uploaded_and_reported_with_its_request(driver):
    answer = log(driver)
    assert answer["status"] == "Accepted"
    assert answer["filename"] == uploads(driver)[0].name
    arrives(driver, uploads(driver)[0].id).advance(5)
    payloads = [call.payload for call in driver.calls(LOG)]
    assert payloads == [{"status": "Uploading", "requestId": 5}, {"status": "Uploaded", "requestId": 5}]


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.FAILED, "UploadFailure"),
        (Verdict.DENIED, "PermissionDenied"),
        (Verdict.BAD, "BadMessage"),
        (Verdict.UNSUPPORTED, "NotSupportedOperation"),
    ],
)
def test_n01_fr_10_the_status_says_why_it_failed(driver, verdict, status):
    log(driver)
    fails(driver, uploads(driver)[0].id, verdict).advance(5)
    assert told(driver, LOG) == ["Uploading", status]


def test_only_a_failure_that_may_pass_is_tried_again(driver):
    log(driver, retries=3)
    fails(driver, uploads(driver)[0].id, Verdict.DENIED).advance(100)
    assert len(uploads(driver)) == 1


def test_n01_fr_11_a_new_request_cancels_the_old_one(driver):
    log(driver)
    first = uploads(driver)[0].id
    assert log(driver, request_id=6)["status"] == "AcceptedCanceled"
    assert abandoned(driver) == [first]
    arrives(driver, first).advance(10)
    assert told(driver, LOG) == ["Uploading", "Uploading"]


def test_a_log_request_ends_the_upload_of_diagnostics_and_says_so(driver):
    diagnostics(driver)
    assert log(driver)["status"] == "AcceptedCanceled"
    assert told(driver, DIAGNOSTICS) == ["Uploading", "UploadFailed"]


@pytest.mark.parametrize(
    ("outcome", "status"), [("UploadFailure", "UploadFailure"), ("permissiondenied", "PermissionDenied")]
)
def test_it_turns_out_as_the_setting_says(driver, outcome, status):
    configure(driver, OcppLabUploadOutcome=outcome, OcppLabUploadSeconds=1)
    log(driver)
    assert not uploads(driver)
    driver.advance(2)
    assert told(driver, LOG) == ["Uploading", status]


def test_triggers_tell_whether_something_is_uploaded(driver):
    driver.ask("TriggerMessage", {"requestedMessage": DIAGNOSTICS})
    driver.ask("ExtendedTriggerMessage", {"requestedMessage": LOG})
    assert (told(driver, DIAGNOSTICS), told(driver, LOG)) == (["Idle"], ["Idle"])
    log(driver)
    driver.ask("ExtendedTriggerMessage", {"requestedMessage": LOG})
    driver.ask("TriggerMessage", {"requestedMessage": DIAGNOSTICS})
    assert driver.calls(LOG)[-1].payload == {"status": "Uploading", "requestId": 5}
    assert told(driver, DIAGNOSTICS) == ["Idle", "Idle"]


def test_an_upload_outlasts_the_process(driver):
    log(driver)
    again = Driver(Version.V16, memory=driver.memory(), now=driver.now + 5, seed=2).boot()
    again.advance(11)
    (wanted,) = again.of(Upload)
    arrives(again, wanted.id).advance(5)
    assert told(again, LOG) == ["Uploaded"]


@pytest.mark.parametrize("text", ["yesterday", "9999-99-99T00:00:00Z", ""])
def test_times_that_cannot_be_read_are_no_bounds(driver, text):
    diagnostics(driver, startTime=text)
    assert uploads(driver)[0].since is None


def test_notices_are_bounded_while_there_is_no_csms(driver):
    configure(driver, OcppLabUploadOutcome="BadMessage", OcppLabUploadSeconds=0)
    driver.script[LOG] = None
    for number in range(300):
        log(driver, request_id=number)
    assert len(driver.memory()["upkeep"]["notices"]) <= 200
