"""The command API when a simulator host is frozen, killed or comes back."""

import signal
from collections.abc import Iterator

import pytest
from rest_framework.test import APIClient

from chargers.models import Charger, Command
from ocpplab.accounts.models import Organization
from tests.support.chargers import make_chargers, make_location
from tests.support.processes import Processes
from tests.support.reference_csms import ReferenceCsms
from tests.support.waiting import eventually

pytestmark = pytest.mark.system


@pytest.fixture
def csms() -> Iterator[ReferenceCsms]:
    with ReferenceCsms() as server:
        yield server


def all_online(count: int) -> bool:
    return Charger.objects.filter(connection_state="online").count() == count


def status_of(api: APIClient, command_id: str) -> str:
    return str(api.get(f"/ocpp/commands/{command_id}").json()["status"])


def test_a_frozen_host_answers_late_and_what_it_did_can_be_read(
    organization: Organization, processes: Processes, csms: ReferenceCsms, api: APIClient
) -> None:
    (charger,) = make_chargers(organization, 1, ws_url=csms.url)
    simulator = processes.simulator()
    eventually(lambda: all_online(1))
    simulator.signal(signal.SIGSTOP)
    body = {
        "target": {"charger_id": charger.public_id},
        "event": {"configuration": {"HeartbeatInterval": "61"}},
    }
    answer = api.post("/ocpp/commands/configuration", body)
    command = Command.objects.get()
    assert (answer.status_code, answer.json()["code"]) == (400, "no_outcome")
    assert command.pk in answer.json()["detail"]
    state = api.get(f"/ocpp/chargers/{charger.public_id}/state")
    assert (state.status_code, state.json()["code"]) == (400, "no_outcome")
    assert list(Command.objects.all()) == [command], "the question was taken back"
    simulator.signal(signal.SIGCONT)
    eventually(lambda: status_of(api, command.pk) == "done")
    found = api.get(f"/ocpp/chargers/{charger.public_id}/state").json()
    assert found["configuration"]["HeartbeatInterval"] == "61"


def test_commands_to_a_killed_host_are_lost_and_never_carried_out_later(
    organization: Organization, processes: Processes, csms: ReferenceCsms, api: APIClient
) -> None:
    place = make_location(organization)
    chargers = make_chargers(organization, 5, ws_url=csms.url, location=place)
    simulator = processes.simulator()
    eventually(lambda: all_online(5))
    simulator.signal(signal.SIGSTOP)
    body = {"target": {"location_id": str(place.id)}, "event": {"connector_id": 1}}
    queued = api.post("/ocpp/commands/plug-connector", body).json()
    assert queued["queued_count"] == 5
    simulator.kill()
    simulator.start()
    ids = [row["command"]["id"] for row in queued["results"]]
    eventually(lambda: {status_of(api, command_id) for command_id in ids} == {"lost"}, timeout=60)
    eventually(lambda: all_online(5), timeout=60)
    lost = api.get(f"/ocpp/commands/{ids[0]}").json()
    assert (lost["code"], lost["settled_at"] is None) == ("host_lost", False)
    for charger in chargers:
        state = api.get(f"/ocpp/chargers/{charger.public_id}/state").json()
        assert [connector["status"] for connector in state["connectors"]] == ["Available"]
    again = api.post("/ocpp/commands/plug-connector", body).json()
    eventually(lambda: {status_of(api, row["command"]["id"]) for row in again["results"]} == {"done"})


def test_a_session_ends_by_itself_and_the_ledger_agrees_with_the_csms(
    organization: Organization, processes: Processes, csms: ReferenceCsms, api: APIClient
) -> None:
    (charger,) = make_chargers(organization, 1, ws_url=csms.url)
    processes.simulator()
    eventually(lambda: all_online(1))
    target = {"charger_id": charger.public_id}
    event = {"id_tag": "TAG", "duration_seconds": 2}
    api.post("/ocpp/commands/start-session", {"target": target, "event": event})
    path = f"/ocpp/chargers/{charger.public_id}/transactions"
    eventually(lambda: [row["state"] for row in api.get(path).json()["data"]] == ["stopped"])
    (stop,) = csms.station(charger.identity).wait_for("StopTransaction")
    (start,) = csms.station(charger.identity).payloads("StartTransaction")

    def told() -> list[str]:
        (row,) = api.get(path).json()["data"]
        return [message["action"] for message in row["messages"] if message["accepted_at"]]

    eventually(lambda: told()[-1:] == ["StopTransaction"])
    (row,) = api.get(path).json()["data"]
    assert (row["meter_start"], row["meter_stop"]) == (start["meterStart"], stop["meterStop"])
    assert row["transaction_id"] == str(stop["transactionId"])
    assert api.get("/ocpp/transactions", {"transaction_id": row["transaction_id"]}).json()["total"] == 1
    state = api.get(f"/ocpp/chargers/{charger.public_id}/state").json()
    assert state["connectors"][0]["status"] == "Available", "the car left"
    assert csms.complaints == []
