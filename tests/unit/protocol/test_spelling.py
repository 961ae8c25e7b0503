"""What people write in snake_case, in OCPP's own spelling."""

import re
from typing import Any

import pytest

from chargers.protocol import (
    Payload,
    TwiceSpelled,
    Version,
    action_spelled,
    actions_from_charger,
    payload_spelled,
    request_schema,
    validate_request,
)

EVERY = [(version, action) for version in Version for action in sorted(actions_from_charger(version))]

#: the actions that the gateway's clients know, and in which versions they are
GATEWAY = {
    "authorize": ("Authorize", Version),
    "boot_notification": ("BootNotification", Version),
    "data_transfer": ("DataTransfer", Version),
    "diagnostics_status_notification": ("DiagnosticsStatusNotification", [Version.V16]),
    "firmware_status_notification": ("FirmwareStatusNotification", Version),
    "heartbeat": ("Heartbeat", Version),
    "meter_values": ("MeterValues", Version),
    "notify_customer_information": ("NotifyCustomerInformation", [Version.V201]),
    "notify_event": ("NotifyEvent", [Version.V201]),
    "notify_report": ("NotifyReport", [Version.V201]),
    "publish_firmware_status_notification": ("PublishFirmwareStatusNotification", [Version.V201]),
    "report_charging_profiles": ("ReportChargingProfiles", [Version.V201]),
    "reservation_status_update": ("ReservationStatusUpdate", [Version.V201]),
    "security_event_notification": ("SecurityEventNotification", Version),
    "start_transaction": ("StartTransaction", [Version.V16]),
    "status_notification": ("StatusNotification", Version),
    "stop_transaction": ("StopTransaction", [Version.V16]),
    "transaction_event": ("TransactionEvent", [Version.V201]),
}


def snake(word: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", word).lower()


def example(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """Make a value with every key that the schema has."""
    if "$ref" in schema:
        return example(root["definitions"][schema["$ref"].removeprefix("#/definitions/")], root)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    if kind == "object":
        return {name: example(part, root) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"], root)] * schema.get("minItems", 1)
    if kind == "string":
        return {"date-time": "2026-05-04T08:00:00Z", "uri": "ftp://files.test/f"}.get(schema.get("format", ""), "x")
    return {"integer": 1, "number": 1.0, "boolean": True}[kind]


def snaked(value: Any) -> Any:
    if isinstance(value, dict):
        return {snake(key): snaked(entry) for key, entry in value.items()}
    return [snaked(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("version", "action"), EVERY)
def test_it_spells_every_key_of_every_action_as_the_schema_does(version: Version, action: str) -> None:
    schema: Any = request_schema(version, action)
    payload: Payload = example(schema, schema)
    assert validate_request(version, action, payload) is None, "the example itself is right"
    assert payload_spelled(version, action, snaked(payload)) == payload
    assert payload_spelled(version, action, payload) == payload, "OCPP's own spelling stays"
    assert action_spelled(version, snake(action)) == action


@pytest.mark.parametrize(("word", "action", "versions"), [(word, *rest) for word, rest in GATEWAY.items()])
def test_it_knows_the_actions_of_the_gateway_in_their_versions(word: str, action: str, versions: Any) -> None:
    assert {version: action_spelled(version, word) for version in Version} == {
        version: action if version in versions else None for version in Version
    }


@pytest.mark.parametrize(
    "word", ["", "_", "reset", "remote_start_transaction", "start transaction", "heartbeats", "héartbeat"]
)
def test_what_a_charger_never_sends_is_no_action(word: str) -> None:
    assert {action_spelled(version, word) for version in Version} == {None}


def test_it_leaves_values_and_unknown_keys_as_they_are() -> None:
    given = {
        "connector_id": 1,
        "meter_value": [
            {"timestamp": "t", "sampled_value": [{"value": "80", "measurand": "SoC", "my_key": {"a_b": 1}}]}
        ],
    }
    assert payload_spelled(Version.V16, "MeterValues", given) == {
        "connectorId": 1,
        "meterValue": [{"timestamp": "t", "sampledValue": [{"value": "80", "measurand": "SoC", "my_key": {"a_b": 1}}]}],
    }
    breach = validate_request(Version.V16, "MeterValues", payload_spelled(Version.V16, "MeterValues", given))
    assert breach is not None
    assert "my_key" in breach.message


def test_custom_data_of_2_0_1_keeps_its_own_keys() -> None:
    given = {"custom_data": {"vendor_id": "acme", "my_key": {"id_tag": 1}}}
    assert payload_spelled(Version.V201, "Heartbeat", given) == {
        "customData": {"vendorId": "acme", "my_key": {"id_tag": 1}}
    }


@pytest.mark.parametrize("second", ["idTag", "id__tag", "ID_TAG", "idtag"])
def test_a_key_in_two_spellings_is_refused_and_named(second: str) -> None:
    with pytest.raises(TwiceSpelled, match=f"{second} is given twice: it is another spelling of idTag"):
        payload_spelled(Version.V16, "Authorize", {"id_tag": "A", second: "B"})


def test_a_key_given_twice_deep_inside_is_named_by_its_path() -> None:
    given = {"meter_value": [{}, {"sampled_value": [{"value": "1", "Value": "2"}]}]}
    with pytest.raises(TwiceSpelled, match=r"meter_value\.1\.sampled_value\.0\.Value"):
        payload_spelled(Version.V16, "MeterValues", given)


def test_what_has_the_wrong_shape_goes_through_to_the_schema() -> None:
    for given in ({"meter_value": "none"}, {"meter_value": {"sampled_value": 1}}, {"id_tag": ["x", [{"y": 1}]]}):
        for action in ("MeterValues", "Authorize"):
            assert validate_request(Version.V16, action, payload_spelled(Version.V16, action, given)) is not None


def test_an_action_of_no_version_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        payload_spelled(Version.V16, "TransactionEvent", {})
