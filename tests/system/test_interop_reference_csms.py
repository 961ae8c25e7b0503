"""Real simulator processes against a CSMS that someone else wrote (tests/support/reference_csms.py)."""

import time
from collections.abc import Iterator

import pytest
from ocpp.exceptions import NotSupportedError, OCPPError
from ocpp.v16 import call as call16
from ocpp.v201 import call as call201

from chargers.models import Charger
from ocpplab.accounts.models import Organization
from tests.support.chargers import make_charger, make_model
from tests.support.processes import Processes
from tests.support.reference_csms import Reference, ReferenceCsms
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

CONNECTOR = {"type": "CCS2", "max_power_w": 150_000, "phases": 0}
TWO_EVSES = [[CONNECTOR, {**CONNECTOR, "type": "CHAdeMO"}], [CONNECTOR]]


@pytest.fixture
def csms() -> Iterator[ReferenceCsms]:
    with ReferenceCsms() as server:
        yield server
        assert server.complaints == [], "the reference CSMS refused a frame"


def add(csms: ReferenceCsms, version: str, identity: str) -> Reference:
    """A charger with three connectors on two EVSEs that a host will claim."""
    model = make_model("interop", evses=TWO_EVSES, connector_count=3, current_type="dc", max_power_w=300_000)
    organization, _ = Organization.objects.get_or_create(name="Interop")
    make_charger(organization, model=model, identity=identity, ws_url=csms.url, ocpp_version=version)
    return csms.station(identity)


def dial(processes: Processes, csms: ReferenceCsms, version: str, identity: str = "INTEROP 1/a") -> Reference:
    """As `add`, and a host for it."""
    station = add(csms, version, identity)
    processes.simulator()
    return station


def state_of(identity: str) -> str:
    return Charger.objects.get(identity=identity).connection_state


def online(station: Reference) -> None:
    eventually(lambda: state_of(station.identity) == "online", what=f"{station.identity} is online")


# --- OCPP 1.6 ---------------------------------------------------------------------------------------------------------


def test_16_boots_reports_each_connector_and_beats(processes, csms):
    csms.interval = 1
    station = dial(processes, csms, "OCPP1.6")
    boot = station.wait_for("BootNotification")[0]
    assert (boot["chargePointVendor"], boot["chargePointModel"]) == ("Acme", "Interop")
    statuses = station.wait_for("StatusNotification", 4)
    assert sorted(one["connectorId"] for one in statuses) == [0, 1, 2, 3]
    assert {(one["status"], one["errorCode"]) for one in statuses} == {("Available", "NoError")}
    station.wait_for("Heartbeat", 2)
    assert station.actions()[0] == "BootNotification"
    assert station.subprotocols == ["ocpp1.6"]
    online(station)


def test_16_reset_closes_and_boots_again(processes, csms):
    stations = {"Soft": dial(processes, csms, "OCPP1.6", "A"), "Hard": add(csms, "OCPP1.6", "B")}
    for kind, station in stations.items():
        station.wait_for("StatusNotification", 4)
        assert station.call(call16.Reset(type=kind)).status == "Accepted"
    for station in stations.values():
        station.wait_connected(2, timeout=40)
        station.wait_for("StatusNotification", 8)
        assert station.actions(connection=2)[0] == "BootNotification"
        online(station)


def test_16_trigger_message_asks_for_what_there_is(processes, csms):
    station = dial(processes, csms, "OCPP1.6")
    station.wait_for("StatusNotification", 4)
    for action in ("Heartbeat", "BootNotification"):
        before = len(station.payloads(action))
        assert station.call(call16.TriggerMessage(requested_message=action)).status == "Accepted"
        station.wait_for(action, before + 1)
    before = len(station.payloads("StatusNotification"))
    answer = station.call(call16.TriggerMessage(requested_message="StatusNotification", connector_id=2))
    assert answer.status == "Accepted"
    assert station.wait_for("StatusNotification", before + 1)[-1]["connectorId"] == 2
    answer = station.call(call16.TriggerMessage(requested_message="StatusNotification", connector_id=9))
    assert answer.status == "Rejected"


def test_16_configuration_is_read_changed_and_obeyed(processes, csms):
    station = dial(processes, csms, "OCPP1.6")
    station.wait_for("StatusNotification", 4)
    listed = station.call(call16.GetConfiguration())
    keys = {one["key"]: one for one in listed.configuration_key}
    assert keys["HeartbeatInterval"]["value"] == "300"
    assert keys["NumberOfConnectors"] == {"key": "NumberOfConnectors", "readonly": True, "value": "3"}
    answer = station.call(call16.ChangeConfiguration(key="HeartbeatInterval", value="1"))
    assert answer.status == "Accepted"
    station.wait_for("Heartbeat", 2)
    for key, value, status in (
        ("HeartbeatInterval", "often", "Rejected"),
        ("NumberOfConnectors", "9", "Rejected"),
        ("NoSuchKey", "1", "NotSupported"),
    ):
        assert station.call(call16.ChangeConfiguration(key=key, value=value)).status == status
    some = station.call(call16.GetConfiguration(key=["HeartbeatInterval", "NoSuchKey"]))
    assert some.unknown_key == ["NoSuchKey"]
    assert [one["value"] for one in some.configuration_key] == ["1"]


def test_16_availability_changes_are_reported(processes, csms):
    station = dial(processes, csms, "OCPP1.6")
    before = len(station.wait_for("StatusNotification", 4))
    assert station.call(call16.ChangeAvailability(connector_id=1, type="Inoperative")).status == "Accepted"
    last = station.wait_for("StatusNotification", before + 1)[-1]
    assert (last["connectorId"], last["status"]) == (1, "Unavailable")


def test_16_pending_then_accepted(processes, csms):
    csms.boot_status, csms.interval = "Pending", 1
    station = dial(processes, csms, "OCPP1.6")
    eventually(lambda: state_of(station.identity) == "pending")
    station.wait_for("BootNotification", 2)
    assert set(station.actions()) == {"BootNotification"}
    csms.boot_status = "Accepted"
    station.wait_for("StatusNotification", 4)
    online(station)


def test_16_rejected_sends_nothing_but_boots(processes, csms):
    csms.boot_status, csms.interval = "Rejected", 1
    station = dial(processes, csms, "OCPP1.6")
    station.wait_for("BootNotification", 3)
    assert set(station.actions()) == {"BootNotification"}
    eventually(lambda: state_of(station.identity) == "rejected")


def test_16_what_it_does_not_do_it_refuses_and_lives(processes, csms):
    station = dial(processes, csms, "OCPP1.6")
    station.wait_for("StatusNotification", 4)
    answer = station.call(call16.DataTransfer(vendor_id="nobody"))
    assert answer.status in {"UnknownVendorId", "Rejected"}
    for text in ("junk", "[]", '[2,"x"]', '[3,"nobody",{}]', '[4,"nobody","GenericError","",{}]', "[9,1]"):
        station.send_raw(text)
    assert station.call(call16.TriggerMessage(requested_message="Heartbeat")).status == "Accepted"
    station.wait_for("Heartbeat")
    assert station.connections == 1


# --- OCPP 2.0.1 -------------------------------------------------------------------------------------------------------


def test_201_b01_boots_reports_each_connector_and_beats(processes, csms):
    csms.interval = 1
    station = dial(processes, csms, "OCPP2.0.1")
    boot = station.wait_for("BootNotification")[0]
    assert boot["reason"] == "PowerUp"
    assert boot["chargingStation"]["vendorName"] == "Acme"
    statuses = station.wait_for("StatusNotification", 3)
    assert {(one["evseId"], one["connectorId"]): one["connectorStatus"] for one in statuses} == {
        (1, 1): "Available",
        (1, 2): "Available",
        (2, 1): "Available",
    }
    station.wait_for("Heartbeat", 2)
    assert station.subprotocols == ["ocpp2.0.1"]
    online(station)


def test_201_b11_reset_boots_again_and_says_why(processes, csms):
    station = dial(processes, csms, "OCPP2.0.1")
    station.wait_for("StatusNotification", 3)
    assert station.call(call201.Reset(type="Immediate")).status == "Accepted"
    station.wait_connected(2, timeout=40)
    eventually(lambda: len(station.payloads("StatusNotification", connection=2)) == 3)
    assert station.payloads("BootNotification", connection=2)[0]["reason"] == "RemoteReset"


def test_201_a_reconnect_without_reboot_does_not_boot(processes, csms):
    station = dial(processes, csms, "OCPP2.0.1")
    station.wait_for("StatusNotification", 3)
    station.drop()
    station.wait_connected(2, timeout=40)
    online(station)
    assert station.call(call201.TriggerMessage(requested_message="Heartbeat")).status == "Accepted"
    station.wait_for("Heartbeat")
    assert "BootNotification" not in station.actions(connection=2)


def test_201_f06_trigger_message(processes, csms):
    station = dial(processes, csms, "OCPP2.0.1")
    station.wait_for("StatusNotification", 3)
    answer = station.call(
        call201.TriggerMessage(requested_message="StatusNotification", evse={"id": 1, "connector_id": 2})
    )
    assert answer.status == "Accepted"
    last = station.wait_for("StatusNotification", 4)[-1]
    assert (last["evseId"], last["connectorId"]) == (1, 2)
    assert station.call(call201.TriggerMessage(requested_message="BootNotification")).status in {
        "Accepted",
        "Rejected",  # F06.FR.17: a station that was accepted need not
    }


def test_201_b05_b06_variables_are_set_read_and_obeyed(processes, csms):
    station = dial(processes, csms, "OCPP2.0.1")
    station.wait_for("StatusNotification", 3)
    interval = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    nothing = {"component": {"name": "Nonsense"}, "variable": {"name": "X"}}
    answer = station.call(
        call201.SetVariables(
            set_variable_data=[
                {**interval, "attribute_value": "1"},
                {**interval, "attribute_value": "x"},
                {**nothing, "attribute_value": "1"},
            ]
        )
    )
    assert [one["attribute_status"] for one in answer.set_variable_result] == [
        "Accepted",
        "Rejected",
        "UnknownComponent",
    ]
    answer = station.call(call201.GetVariables(get_variable_data=[interval, nothing]))
    known, unknown = answer.get_variable_result
    assert (known["attribute_status"], known["attribute_value"]) == ("Accepted", "1")
    assert unknown["attribute_status"] == "UnknownComponent"
    station.wait_for("Heartbeat", 2)


def test_201_b07_a_base_report_comes_in_order_and_ends(processes, csms):
    station = dial(processes, csms, "OCPP2.0.1")
    station.wait_for("StatusNotification", 3)
    answer = station.call(call201.GetBaseReport(request_id=42, report_base="FullInventory"))
    assert answer.status == "Accepted"
    eventually(lambda: any(not one.get("tbc", False) for one in station.payloads("NotifyReport")))
    parts = station.payloads("NotifyReport")
    assert [one["seqNo"] for one in parts] == list(range(len(parts)))
    assert {one["requestId"] for one in parts} == {42}
    assert [one.get("tbc", False) for one in parts] == [True] * (len(parts) - 1) + [False]


def test_201_b02_pending_station_can_be_configured_before_it_is_accepted(processes, csms):
    csms.boot_status, csms.interval = "Pending", 2
    station = dial(processes, csms, "OCPP2.0.1")
    eventually(lambda: state_of(station.identity) == "pending")
    interval = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    answer = station.call(call201.GetVariables(get_variable_data=[interval]))
    assert answer.get_variable_result[0]["attribute_status"] == "Accepted"
    csms.boot_status = "Accepted"
    assert station.call(call201.TriggerMessage(requested_message="BootNotification")).status == "Accepted"
    station.wait_for("StatusNotification", 3)
    online(station)


def test_201_what_it_does_not_do_it_refuses_and_lives(processes, csms):
    station = dial(processes, csms, "OCPP2.0.1")
    station.wait_for("StatusNotification", 3)
    with pytest.raises(OCPPError) as refused:
        station.call(call201.ClearDisplayMessage(id=1))
    assert isinstance(refused.value, NotSupportedError)
    station.send_raw('[2,"odd","MakeCoffee",{}]')
    station.send_raw("junk")
    eventually(lambda: sum('"RpcFrameworkError"' in one for one in station.raw) == 1)
    assert any('"NotImplemented"' in one for one in station.raw)
    assert station.connections == 1


def test_both_versions_at_once_come_back_after_the_csms_was_away(processes, csms):
    one, other = dial(processes, csms, "OCPP1.6", "A"), add(csms, "OCPP2.0.1", "B")
    for station in (one, other):
        station.wait_for("BootNotification")
    began = time.monotonic()
    for station in (one, other):
        station.drop()
    for station in (one, other):
        station.wait_connected(2, timeout=30)
        online(station)
    assert time.monotonic() - began < 30
