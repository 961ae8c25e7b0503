"""Payloads against the official schemas."""

import subprocess
import sys

import pytest

from chargers.protocol import (
    Fault,
    Version,
    actions,
    actions_from_charger,
    actions_from_csms,
    schema_names,
    validate_request,
    validate_response,
)

BOTH = pytest.mark.parametrize("version", list(Version))
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


@BOTH
def test_every_schema_belongs_to_an_action_and_every_action_has_its_two_schemas(version):
    requests = {name.removesuffix("Request") for name in schema_names(version) if not name.endswith("Response")}
    responses = {name.removesuffix("Response") for name in schema_names(version) if name.endswith("Response")}
    assert requests == responses == actions(version)


@BOTH
def test_only_data_transfer_is_sent_by_both_ends(version):
    assert actions_from_charger(version) & actions_from_csms(version) == {"DataTransfer"}
    assert actions_from_charger(version) | actions_from_csms(version) == actions(version)


@BOTH
def test_every_schema_compiles(version):
    for action in actions(version):
        for formats in (True, False):
            validate_request(version, action, {}, formats=formats)
            validate_response(version, action, {}, formats=formats)


@BOTH
def test_an_action_that_the_version_does_not_have_is_a_key_error(version):
    for name in ("Nonsense", "", "../../secrets", "BootNotificationResponse"):
        with pytest.raises(KeyError):
            validate_request(version, name, {})


@pytest.mark.parametrize(
    ("change", "fault", "v16"),
    [
        ({"connectorId": "1"}, Fault.TYPE, "TypeConstraintViolation"),
        ({"connectorId": 1.5}, Fault.TYPE, "TypeConstraintViolation"),
        ({"connectorId": True}, Fault.TYPE, "TypeConstraintViolation"),
        ({"status": "Broken"}, Fault.PROPERTY, "PropertyConstraintViolation"),
        ({"info": "x" * 51}, Fault.PROPERTY, "PropertyConstraintViolation"),
        ({"timestamp": "yesterday"}, Fault.PROPERTY, "PropertyConstraintViolation"),
        ({"colour": "red"}, Fault.FORMAT, "FormationViolation"),
    ],
)
def test_a_breach_gets_the_code_of_its_kind(change, fault, v16):
    breach = validate_request(Version.V16, "StatusNotification", STATUS | change)
    assert breach is not None
    assert (breach.fault, breach.code) == (fault, v16)


def test_a_missing_field_is_an_occurrence_violation_in_the_spelling_of_the_version():
    v16 = validate_request(Version.V16, "StatusNotification", {"connectorId": 1, "status": "Available"})
    v201 = validate_request(Version.V201, "Reset", {})
    assert v16 is not None
    assert v201 is not None
    assert v16.code == "OccurenceConstraintViolation"
    assert v201.code == "OccurrenceConstraintViolation"
    assert "errorCode" in v16.message


def test_a_list_that_is_too_short_is_an_occurrence_violation():
    breach = validate_request(Version.V201, "GetVariables", {"getVariableData": []})
    assert breach is not None
    assert breach.fault is Fault.OCCURRENCE


def test_the_breach_that_says_most_is_reported_whatever_the_order():
    one = validate_request(Version.V16, "StatusNotification", {"connectorId": "1", "status": "x"})
    other = validate_request(Version.V16, "StatusNotification", {"status": "x", "connectorId": "1"})
    assert one == other
    assert one is not None
    assert one.fault is Fault.OCCURRENCE


def test_a_message_is_never_longer_than_a_call_error_takes():
    breach = validate_request(Version.V16, "StatusNotification", STATUS | {"info": "x" * 100_000})
    assert breach is not None
    assert len(breach.message) <= 255


def test_tenths_of_an_ampere_are_not_mistaken_for_a_breach():
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.7}]}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
    }
    request = {"connectorId": 1, "csChargingProfiles": profile}
    assert validate_request(Version.V16, "SetChargingProfile", request) is None


def test_date_times_can_be_left_to_the_reader():
    answer = {"currentTime": "2024-01-01T00:00:00"}
    assert validate_response(Version.V16, "Heartbeat", answer) is not None
    assert validate_response(Version.V16, "Heartbeat", answer, formats=False) is None


def test_it_does_not_import_the_package_that_brings_the_schemas():
    use = "p.validate_request(p.Version.V16, 'Heartbeat', {})"
    code = f"import sys, chargers.protocol as p; {use}; print('ocpp' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
