"""The official SDK orders chargers of a real simulator host at the reference CSMS, by every command route."""

from collections.abc import Iterator
from typing import Any

import pytest

from chargers.models import Charger, Command
from ocpplab.accounts.models import Organization
from tests.sdk.conftest import Sdk
from tests.support.chargers import make_charger, make_chargers, make_location
from tests.support.processes import Processes
from tests.support.reference_csms import Reference, ReferenceCsms
from tests.support.waiting import eventually

pytestmark = pytest.mark.system


@pytest.fixture
def csms() -> Iterator[ReferenceCsms]:
    with ReferenceCsms() as server:
        server.id_tags["BAD"] = "Blocked"
        yield server


def test_the_sdk_drives_every_command_route_and_the_chargers_do_it(
    sdk: Sdk, user_token: str, organization: Organization, processes: Processes, csms: ReferenceCsms
) -> None:
    place = make_location(organization)
    charger = make_charger(organization, ws_url=csms.url)
    members = make_chargers(organization, 3, ws_url=csms.url, location=place)
    stopped = make_charger(organization, ws_url=csms.url, location=place, wanted=False)
    processes.simulator()
    eventually(lambda: Charger.objects.filter(connection_state="online").count() == 4)
    answer = sdk(
        "commands",
        token=user_token,
        charger_id=charger.public_id,
        location_id=place.id,
        some=[row.public_id for row in members[:2]],
        stopped_id=stopped.public_id,
    )
    check_settings(answer["settings"])
    check_steps(answer["steps"], charger)
    check_proxied(answer["proxied"], csms.station(charger.identity))
    check_location(answer["location"], members, stopped)
    check_refused(answer["refused"], stopped)
    check_ledger(answer, csms.station(charger.identity))
    assert csms.complaints == []
    assert not Command.objects.filter(kind="state").exists(), "a question leaves no command behind"


def check_error(answer: dict[str, Any], error: str, status: int, code: str) -> None:
    assert (answer["error"], answer["status"], answer["body"]["code"]) == (error, status, code)
    assert isinstance(answer["body"]["detail"], str)


def check_settings(answer: dict[str, Any]) -> None:
    configured = answer["configured"]
    assert (configured["status"], configured["msg"]) == ("Accepted", "2 of 2 configuration keys applied")
    assert sorted(configured["configured"]) == ["HeartbeatInterval", "MeterValueSampleInterval"]
    half = answer["half_configured"]
    assert (half["status"], half["configured"]) == ("Rejected", ["HeartbeatInterval"])
    assert half["results"] == {
        "HeartbeatInterval": "Accepted",
        "NoSuchKey": "NotSupported",
        "ConnectionTimeOut": "Rejected",
    }
    assert answer["list"] == {"status": "Accepted", "list_version": 4, "entries_received": 2}
    check_error(answer["stale_list"], "BadRequestError", 400, "version_mismatch")
    assert answer["cleared"] == {"msg": "Local authorization list emptied", "entries_deleted": 2}
    assert answer["new_list"] == {"status": "Accepted", "list_version": 1, "entries_received": 0}
    assert answer["cache"]["cleared_entries"] == 0
    place = {"evse_id": 1, "connector_id": 1}
    assert answer["fault"] == {"msg": "Fault injected", "fault_type": "OverCurrent", "status": "Faulted", **place}
    assert answer["faultless"] == {"msg": "Fault cleared", "fault_type": None, "status": "Available", **place}
    check_error(answer["no_fault"], "UnprocessableEntityError", 422, "no_fault")
    check_error(answer["unknown_connector"], "UnprocessableEntityError", 422, "unknown_connector")
    unknown = answer["unknown_fault"]
    assert unknown["error"] == "UnprocessableEntityError"
    assert [problem["loc"] for problem in unknown["body"]["detail"]] == [["body", "event", "fault_type"]]


#: step of the script: outcome of the command, and status of the connector after it
STEPS = {
    "plug": ("accepted", "Preparing"),
    "authorize": ("accepted", "Preparing"),
    "blocked": ("id_tag_refused", "Preparing"),
    "start": ("accepted", "Charging"),
    "start_again": ("connector_occupied", "Charging"),
    "power": ("accepted", "Charging"),
    "suspend": ("accepted", "SuspendedEV"),
    "resume": ("accepted", "Charging"),
    "stop_other": ("no_transaction", "Charging"),
    "stop": ("accepted", "Finishing"),
    "unlock": ("accepted", "Finishing"),
    "unplug": ("accepted", "Available"),
    "unplug_again": ("not_plugged", "Available"),
}


def check_steps(answer: dict[str, Any], charger: Charger) -> None:
    found = {name: (step["outcomes"][0]["code"], step["connector"]["status"]) for name, step in answer.items()}
    assert found == STEPS
    for step in answer.values():
        assert (step["targeted_count"], step["queued_count"], step["failed_count"]) == (1, 1, 0)
        assert (step["results"][0]["charger_id"], step["results"][0]["identity"]) == (
            charger.public_id,
            charger.identity,
        )
        outcome = step["outcomes"][0]
        assert outcome["status"] == ("done" if outcome["code"] == "accepted" else "failed")
        assert (outcome["detail"] is None) == (outcome["status"] == "done")
    command = answer["start"]["results"][0]["command"]
    assert (command["event_type"], command["ocpp_version"]) == ("start_transaction", "ocpp1.6")
    assert command["payload"] == {"id_tag": "TAG-A", "evse_id": 1, "connector_id": 1}
    assert answer["power"]["connector"]["power_w"] == pytest.approx(5000, abs=100)
    assert answer["suspend"]["connector"]["power_w"] == 0
    assert answer["blocked"]["outcomes"][0]["data"]["status"] == "Blocked"


def check_proxied(answer: dict[str, Any], station: Reference) -> None:
    sent = answer["sent"]["data_transfer"]
    assert (sent["event_type"], sent["ocpp_version"]) == ("data_transfer", "ocpp1.6")
    assert sent["payload"] == {"vendor_id": "acme", "message_id": "hello", "data": "a_b"}
    assert {action: outcome["status"] for action, outcome in answer["outcomes"].items()} == dict.fromkeys(
        answer["sent"], "done"
    )
    assert {"vendorId": "acme", "messageId": "hello", "data": "a_b"} in station.payloads("DataTransfer")
    told = [one["meterValue"][0]["sampledValue"] for one in station.payloads("MeterValues")]
    assert [{"value": "80", "measurand": "SoC"}] in told
    check_error(answer["bad"], "BadRequestError", 400, "bad_payload")
    check_error(answer["unknown"], "BadRequestError", 400, "unknown_action")
    check_error(answer["mismatch"], "BadRequestError", 400, "version_mismatch")


def check_location(answer: dict[str, Any], members: list[Charger], stopped: Charger) -> None:
    started = answer["started"]
    assert (started["targeted_count"], started["queued_count"], started["failed_count"]) == (4, 3, 1)
    assert [row["charger_id"] for row in started["results"]] == [row.public_id for row in members]
    assert [(row["identity"], row["code"]) for row in started["failed"]] == [(stopped.identity, "charger_stopped")]
    assert {outcome["code"] for outcome in started["outcomes"]} == {"accepted"}
    payload = {"id_tag": "TAG-A", "connector_id": 1, "duration_seconds": 600, "target_energy_kwh": 12.5}
    assert started["results"][0]["command"]["payload"] == payload
    assert [outcome["status"] for outcome in answer["stopped"]["outcomes"]] == ["done", "done"]
    assert (answer["behaving"]["status"], answer["behaving"]["body"]["queued_count"]) == (202, 2)
    assert answer["state"]["behaviour"]["arrivals_per_hour"] == 60
    assert answer["quiet"]["status"] == 202
    assert [problem["loc"] for problem in answer["two_targets"]["body"]["detail"]] == [["body", "target"]]
    assert answer["nowhere"]["error"] == "NotFoundError"


def check_refused(answer: dict[str, Any], stopped: Charger) -> None:
    check_error(answer["declared"], "BadRequestError", 400, "charger_stopped")
    check_error(answer["undeclared"], "UnprocessableEntityError", 422, "charger_stopped")
    assert answer["unknown"]["error"] == "NotFoundError"
    assert [row["identity"] for row in answer["fan_out"]["failed"]] == [stopped.identity]


def check_ledger(answer: dict[str, Any], station: Reference) -> None:
    assert answer["state"]["configuration"]["HeartbeatInterval"] == "78"
    assert answer["state"]["local_list_version"] == 1
    (row,) = answer["own_ledger"]["data"]
    assert (row["state"], row["reason"], row["id_tag"]) == ("stopped", "Local", "TAG-A")
    (start,), (stop,) = station.payloads("StartTransaction"), station.payloads("StopTransaction")
    assert row["meter_stop"] - row["meter_start"] == row["energy_wh"] == stop["meterStop"] - start["meterStart"]
    assert row["transaction_id"] == str(stop["transactionId"])
    actions = [message["action"] for message in row["messages"] if message["accepted_at"]]
    assert (actions[0], actions[-1]) == ("StartTransaction", "StopTransaction")
    assert answer["ledger"]["total"] == 3
    assert "messages" not in answer["ledger"]["data"][0]
