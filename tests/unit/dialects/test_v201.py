"""What the CSMS asks of a 2.0.1 charger. Case ids are those of OCPP 2.0.1 Part 2."""

import pytest

from chargers.protocol import CallError, Version
from chargers.simulator.effects import Close, Connect, ConnectionState, SetPing
from chargers.simulator.model.specs import ConnectorSpec, EvseSpec, ModelSpec
from tests.support.frames import Driver

HEARTBEAT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}


@pytest.fixture
def driver():
    return Driver(Version.V201).boot().clear()


def statuses(driver):
    return {
        (call.payload["evseId"], call.payload["connectorId"]): call.payload["connectorStatus"]
        for call in driver.calls("StatusNotification")
    }


def read(driver, component, variable, **more):
    asked = {"component": component, "variable": variable, **more}
    return driver.ask("GetVariables", {"getVariableData": [asked]}).payload["getVariableResult"][0]


def write(driver, component, variable, value, **more):
    asked = {"component": component, "variable": variable, "attributeValue": value, **more}
    return driver.ask("SetVariables", {"setVariableData": [asked]}).payload["setVariableResult"][0]


def reported(driver):
    return {
        (
            one["component"]["name"],
            one["component"].get("evse", {}).get("id", 0),
            one["component"].get("evse", {}).get("connectorId", 0),
            one["variable"]["name"],
            one["variable"].get("instance", ""),
        ): one
        for call in driver.calls("NotifyReport")
        for one in call.payload["reportData"]
    }


@pytest.mark.parametrize("kind", ["Immediate", "OnIdle"])
def test_reset_reboots_with_the_reason_remote_reset(driver, kind):
    """B11, B12: without transactions the station is always idle."""
    assert driver.ask("Reset", {"type": kind}).payload == {"status": "Accepted"}
    assert driver.of(Close) == [Close(1000, "reboot")]
    driver.drop().advance(9.9)
    assert driver.of(Connect) == []
    driver.advance(0.2).connect()
    assert driver.calls("BootNotification")[0].payload["reason"] == "RemoteReset"
    assert driver.state is ConnectionState.ONLINE


@pytest.mark.parametrize(("evse", "reason"), [(1, "UnsupportedParam"), (9, "UnknownEvse")])
def test_a_single_evse_cannot_be_reset(driver, evse, reason):
    answer = driver.ask("Reset", {"type": "Immediate", "evseId": evse})
    assert answer.payload == {"status": "Rejected", "statusInfo": {"reasonCode": reason}}
    assert driver.of(Close) == []
    assert read(driver, {"name": "EVSE", "evse": {"id": 1}}, {"name": "AllowReset"})["attributeValue"] == "false"


@pytest.mark.parametrize(
    ("evse", "told"),
    [(None, {(1, 1), (2, 1)}), ({"id": 2}, {(2, 1)}), ({"id": 1, "connectorId": 1}, {(1, 1)})],
)
def test_station_evse_and_connector_can_be_taken_out_of_service_and_back(driver, evse, told):
    """G03, G04."""
    where = {"evse": evse} if evse else {}
    for word, status in (("Inoperative", "Unavailable"), ("Operative", "Available")):
        answer = driver.clear().ask("ChangeAvailability", {"operationalStatus": word, **where})
        assert answer.payload == {"status": "Accepted"}
        assert statuses(driver) == dict.fromkeys(told, status)


@pytest.mark.parametrize(
    ("evse", "reason"),
    [
        ({"id": 0}, "UnknownEvse"),
        ({"id": 3}, "UnknownEvse"),
        ({"id": 1, "connectorId": 2}, "UnknownConnectorId"),
        ({"id": 1, "connectorId": 0}, "UnknownConnectorId"),
    ],
)
def test_what_is_not_there_cannot_change_its_availability(driver, evse, reason):
    answer = driver.ask("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": evse})
    assert answer.payload == {"status": "Rejected", "statusInfo": {"reasonCode": reason}}
    assert driver.calls() == []


def test_availability_outlasts_a_reboot_level_by_level(driver):
    """G03.FR.08, G04.FR.09."""
    driver.ask("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}})
    driver.ask("ChangeAvailability", {"operationalStatus": "Inoperative"})
    driver.ask("Reset", {"type": "Immediate"})
    driver.drop().clear().advance(11).connect()
    assert statuses(driver) == {(1, 1): "Unavailable", (2, 1): "Unavailable"}
    driver.clear().ask("ChangeAvailability", {"operationalStatus": "Operative"})
    assert statuses(driver) == {(2, 1): "Available"}


@pytest.mark.parametrize(
    ("request_", "status", "sent"),
    [
        ({"requestedMessage": "Heartbeat"}, "Accepted", ["Heartbeat"]),
        (
            {"requestedMessage": "StatusNotification", "evse": {"id": 2, "connectorId": 1}},
            "Accepted",
            ["StatusNotification"],
        ),
        ({"requestedMessage": "StatusNotification"}, "Rejected", []),
        ({"requestedMessage": "StatusNotification", "evse": {"id": 1}}, "Rejected", []),
        ({"requestedMessage": "StatusNotification", "evse": {"id": 7, "connectorId": 1}}, "Rejected", []),
        ({"requestedMessage": "BootNotification"}, "Rejected", []),
        ({"requestedMessage": "MeterValues"}, "NotImplemented", []),
        ({"requestedMessage": "SignChargingStationCertificate"}, "NotImplemented", []),
    ],
)
def test_trigger_message_does_what_the_station_can(driver, request_, status, sent):
    """F06.FR.08 (not implemented), F06.FR.12 (connector needed), F06.FR.17 (no boot once accepted)."""
    assert driver.ask("TriggerMessage", request_).payload == {"status": status}
    assert driver.actions() == sent


def test_a_pending_station_can_be_triggered_to_boot():
    """F06, B02.FR.04: the reason is Triggered."""
    pending = {"status": "Pending", "interval": 900, "currentTime": "2024-01-01T00:00:00Z"}
    driver = Driver(Version.V201, script={"BootNotification": pending}).boot().clear()
    driver.script = {}
    assert driver.ask("TriggerMessage", {"requestedMessage": "BootNotification"}).payload == {"status": "Accepted"}
    assert driver.calls()[0].payload["reason"] == "Triggered"
    assert driver.state is ConnectionState.ONLINE


def test_a_variable_can_be_read(driver):
    """B06.FR.01: component and variable come back as they were asked for."""
    assert read(driver, **HEARTBEAT) == {**HEARTBEAT, "attributeStatus": "Accepted", "attributeValue": "300"}
    assert read(driver, **HEARTBEAT, attributeType="Actual")["attributeType"] == "Actual"


@pytest.mark.parametrize(
    ("component", "variable", "more", "status"),
    [
        ({"name": "Nonsense"}, {"name": "HeartbeatInterval"}, {}, "UnknownComponent"),
        ({"name": "OCPPCommCtrlr", "instance": "b"}, {"name": "HeartbeatInterval"}, {}, "UnknownComponent"),
        ({"name": "OCPPCommCtrlr", "evse": {"id": 1}}, {"name": "HeartbeatInterval"}, {}, "UnknownComponent"),
        ({"name": "EVSE", "evse": {"id": 9}}, {"name": "Available"}, {}, "UnknownComponent"),
        ({"name": "EVSE"}, {"name": "Available"}, {}, "UnknownComponent"),
        ({"name": "OCPPCommCtrlr"}, {"name": "Nonsense"}, {}, "UnknownVariable"),
        ({"name": "OCPPCommCtrlr"}, {"name": "MessageTimeout"}, {}, "UnknownVariable"),
        (HEARTBEAT["component"], HEARTBEAT["variable"], {"attributeType": "Target"}, "NotSupportedAttributeType"),
        (HEARTBEAT["component"], HEARTBEAT["variable"], {"attributeType": "MaxSet"}, "NotSupportedAttributeType"),
    ],
)
def test_what_cannot_be_read_or_written_is_said_item_by_item(driver, component, variable, more, status):
    """B05.FR.05-08, B06.FR.05-08."""
    assert read(driver, component, variable, **more) == {
        "component": component,
        "variable": variable,
        "attributeStatus": status,
        **more,
    }
    assert write(driver, component, variable, "5", **more)["attributeStatus"] == status


def test_names_are_read_without_regard_to_case(driver):
    assert read(driver, {"name": "ocppCOMMctrlr"}, {"name": "heartbeatinterval"})["attributeStatus"] == "Accepted"
    assert (
        read(driver, {"name": "OCPPCommCtrlr"}, {"name": "messagetimeout", "instance": "DEFAULT"})["attributeValue"]
        == "30"
    )


@pytest.mark.parametrize(
    ("component", "variable", "value", "status", "reason"),
    [
        ("OCPPCommCtrlr", "HeartbeatInterval", "10", "Accepted", None),
        ("OCPPCommCtrlr", "HeartbeatInterval", "0", "Rejected", "ValueOutOfRange"),
        ("OCPPCommCtrlr", "HeartbeatInterval", "ten", "Rejected", "InvalidValue"),
        ("OCPPCommCtrlr", "WebSocketPingInterval", "-1", "Rejected", "ValueOutOfRange"),
        ("ChargingStation", "Model", "x", "Rejected", "ReadOnly"),
        ("ClockCtrlr", "DateTime", "2024-01-01T00:00:00Z", "Rejected", "ReadOnly"),
    ],
)
def test_a_write_is_checked(driver, component, variable, value, status, reason):
    """B05.FR.10-12."""
    result = write(driver, {"name": component}, {"name": variable}, value)
    assert result["attributeStatus"] == status
    assert result.get("attributeStatusInfo", {}).get("reasonCode") == reason


def test_a_written_heartbeat_interval_counts_at_once(driver):
    write(driver, **HEARTBEAT, value="10")
    driver.advance(100.5)
    assert len(driver.calls("Heartbeat")) == 10


def test_a_written_ping_interval_counts_at_once(driver):
    write(driver, {"name": "OCPPCommCtrlr"}, {"name": "WebSocketPingInterval"}, "0")
    assert driver.of(SetPing) == [SetPing(0)]


def test_the_back_off_follows_its_variables(driver):
    for name, value in (("WaitMinimum", "100"), ("RandomRange", "0"), ("RepeatTimes", "2")):
        assert (
            write(driver, {"name": "OCPPCommCtrlr"}, {"name": f"RetryBackOff{name}"}, value)["attributeStatus"]
            == "Accepted"
        )
    driver.drop()
    waits = []
    for _ in range(4):
        due = driver.session.next_wake()
        assert due is not None
        waits.append(round(due - driver.now))
        driver.advance(due - driver.now).drop()
    assert waits == [100, 200, 400, 400]


def test_several_items_are_judged_one_by_one(driver):
    """B05.FR.01, B06.FR.01: as many results as items, in order."""
    data = [HEARTBEAT | {"attributeValue": value} for value in ("7", "x", "8")]
    results = driver.ask("SetVariables", {"setVariableData": data}).payload["setVariableResult"]
    assert [one["attributeStatus"] for one in results] == ["Accepted", "Rejected", "Accepted"]
    assert read(driver, **HEARTBEAT)["attributeValue"] == "8"


def test_more_items_than_it_says_it_takes_are_refused(driver):
    """B05.FR.11, B06.FR.16."""
    for action, field, item in (
        ("GetVariables", "getVariableData", HEARTBEAT),
        ("SetVariables", "setVariableData", HEARTBEAT | {"attributeValue": "5"}),
    ):
        limit = int(
            read(driver, {"name": "DeviceDataCtrlr"}, {"name": "ItemsPerMessage", "instance": action})["attributeValue"]
        )
        answer = driver.ask(action, {field: [item] * (limit + 1)})
        assert isinstance(answer, CallError)
        assert answer.code == "OccurrenceConstraintViolation"
    assert read(driver, **HEARTBEAT)["attributeValue"] == "300"


def test_availability_shows_in_the_device_model(driver):
    driver.ask("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}})
    states = [
        read(driver, component, {"name": "AvailabilityState"})["attributeValue"]
        for component in (
            {"name": "ChargingStation"},
            {"name": "EVSE", "evse": {"id": 1}},
            {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
            {"name": "Connector", "evse": {"id": 2, "connectorId": 1}},
        )
    ]
    assert states == ["Available", "Unavailable", "Unavailable", "Available"]


def test_a_full_report_tells_every_variable_that_can_be_read(driver):
    """B07.FR.08, B07.FR.12."""
    assert driver.ask("GetBaseReport", {"requestId": 7, "reportBase": "FullInventory"}).payload == {
        "status": "Accepted"
    }
    entries = reported(driver)
    assert len(entries) > 25
    for one in entries.values():
        result = read(driver, one["component"], one["variable"])
        assert result["attributeStatus"] == "Accepted"
        if one["variable"]["name"] != "DateTime":
            assert result["attributeValue"] == one["variableAttribute"][0]["value"]


def test_a_configuration_report_tells_exactly_what_can_be_written(driver):
    """B07.FR.07."""
    driver.ask("GetBaseReport", {"requestId": 7, "reportBase": "ConfigurationInventory"})
    entries = reported(driver)
    assert entries
    for one in entries.values():
        value = one["variableAttribute"][0]["value"]
        assert write(driver, one["component"], one["variable"], value)["attributeStatus"] == "Accepted"


def test_a_summary_report_tells_the_availability_of_every_part(driver):
    """B07.FR.09."""
    driver.ask("GetBaseReport", {"requestId": 7, "reportBase": "SummaryInventory"})
    assert {(key[0], key[1]) for key in reported(driver)} == {
        ("ChargingStation", 0),
        ("EVSE", 1),
        ("EVSE", 2),
        ("Connector", 1),
        ("Connector", 2),
    }


def test_a_long_report_comes_in_pages():
    """B07.FR.04-05: seqNo counts from 0, tbc is false on the last page only."""
    evse = EvseSpec((ConnectorSpec("CCS2", 50_000, 0),))
    driver = Driver(Version.V201, model=ModelSpec("V", "M", "1", (evse,) * 20, 0)).boot().clear()
    driver.ask("GetBaseReport", {"requestId": 3, "reportBase": "FullInventory"})
    pages = [call.payload for call in driver.calls("NotifyReport")]
    assert len(pages) > 2
    assert [page["seqNo"] for page in pages] == list(range(len(pages)))
    assert [page["tbc"] for page in pages] == [True] * (len(pages) - 1) + [False]
    assert {page["requestId"] for page in pages} == {3}
    assert len(reported(driver)) == sum(len(page["reportData"]) for page in pages)


def test_a_pending_station_reports_when_it_is_asked():
    """B02.FR.02."""
    pending = {"status": "Pending", "interval": 900, "currentTime": "2024-01-01T00:00:00Z"}
    driver = Driver(Version.V201, script={"BootNotification": pending}).boot().clear()
    driver.ask("GetBaseReport", {"requestId": 7, "reportBase": "FullInventory"})
    assert driver.calls("NotifyReport")


def test_reports_without_end_do_not_fill_the_memory(driver):
    driver.script = {"NotifyReport": None}
    request = {"requestId": 7, "reportBase": "FullInventory"}
    answers = [driver.ask("GetBaseReport", request).payload["status"] for _ in range(150)]
    assert answers[0] == "Accepted"
    assert answers[-1] == "Rejected"
