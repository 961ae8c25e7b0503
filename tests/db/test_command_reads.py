"""Reading commands back, and refusals of a charger that is held by nobody who answers."""

import threading

import pytest
from django.db import connection
from django.utils import timezone

from chargers.choices import CommandStatus
from chargers.models import Command
from tests.support.chargers import make_charger, make_chargers, make_host, make_location, make_model
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db


def make_command(charger, **columns):
    host = charger.host or make_host()
    defaults = {"kind": "plug", "payload": {"connector": 1}, "host_id": host.id, "lease_epoch": charger.lease_epoch}
    return Command.objects.create(charger=charger, **defaults | columns)


def read(api, command):
    answer = api.get(f"/ocpp/commands/{command.pk}")
    assert answer.status_code == 200, answer.json()
    return answer.json()


def test_a_queued_command_has_no_outcome_yet(api, organization):
    charger = make_charger(organization)
    found = read(api, make_command(charger))
    assert found == found | {
        "charger_id": charger.public_id,
        "identity": charger.identity,
        "kind": "plug",
        "ocpp_version": "ocpp1.6",
        "payload": {"connector": 1},
        "status": "queued",
        "code": None,
        "detail": None,
        "data": None,
        "taken_at": None,
        "settled_at": None,
    }


def test_a_password_that_was_ordered_is_not_told(api, organization):
    order = {"configuration": {"AuthorizationKey": "a password of 20 ch", "HeartbeatInterval": "60"}}
    found = read(api, make_command(make_charger(organization), kind="set_configuration", payload=order))
    assert found["payload"] == {"configuration": {"AuthorizationKey": "(hidden)", "HeartbeatInterval": "60"}}


@pytest.mark.parametrize(
    ("status", "code", "data", "detail"),
    [
        ("done", "accepted", {"connector": 1}, None),
        ("failed", "not_plugged", {}, "No car is plugged in: plug the connector first."),
        ("failed", "bad_payload", {"reason": "idTag"}, "The payload does not fit OCPP's schema: idTag"),
        ("failed", "something_new", {}, "The charger said something_new."),
        (
            "lost",
            "host_lost",
            {"ran": None},
            "The simulator process that held the charger ended before it told what became of the command.",
        ),
    ],
)
def test_an_outcome_is_told_with_a_sentence_when_it_is_a_bad_one(api, organization, status, code, data, detail):
    outcome = {"status": status, "outcome": {"code": code, "data": data}, "settled_at": timezone.now()}
    found = read(api, make_command(make_charger(organization), **outcome))
    assert (found["status"], found["code"], found["data"], found["detail"]) == (status, code, data, detail)


def test_it_finds_no_command_of_another_organization_nor_one_that_is_not_there(api, other_organization, organization):
    foreign = make_command(make_charger(other_organization))
    for command_id in (foreign.pk, "000000000000", "x", "X" * 3000, "%00", "a%00b", "%F0%9F%92%A9"):
        answer = api.get(f"/ocpp/commands/{command_id}")
        assert (answer.status_code, type(answer.json()["detail"])) == (404, str), command_id


def test_reading_a_command_takes_one_query(api, organization, django_assert_num_queries):
    command = make_command(make_charger(organization))
    api.get(f"/ocpp/commands/{command.pk}")
    with django_assert_num_queries(2):  # the token is the other one
        api.get(f"/ocpp/commands/{command.pk}")


def test_the_number_of_queries_of_a_fan_out_does_not_grow_with_the_chargers(
    api, organization, django_assert_max_num_queries
):
    place, host = make_location(organization), make_host()
    make_chargers(organization, 200, location=place, host=host, lease_epoch=1)
    body = {"target": {"location_id": str(place.id)}, "event": {"connector_id": 1}}
    with django_assert_max_num_queries(10):
        answer = api.post("/ocpp/commands/plug-connector", body)
    assert answer.json()["queued_count"] == Command.objects.count() == 200
    command = answer.json()["results"][0]["command"]
    assert Command.objects.get(pk=command["id"]).payload == {"connector": 1}
    assert command == {
        "id": command["id"],
        "event_type": "plug_connector",
        "ocpp_version": "ocpp1.6",
        "payload": {"connector_id": 1},
    }
    assert len(command["id"]) == 12
    assert int(command["id"], 16) >= 0


def test_models_with_other_layouts_get_their_own_connector_numbers(api, organization):
    place, host = make_location(organization), make_host()
    plug = {"type": "Type2", "max_power_w": 22_000, "phases": 3}
    columns = {"location": place, "host": host, "lease_epoch": 1}
    twin = make_model("twin", connector_count=2, evses=[[plug], [plug]])
    wide = make_model("wide", connector_count=3, evses=[[plug, plug], [plug]])
    chargers = [make_charger(organization, model=model, **columns) for model in (None, wide, twin, wide)]
    body = {"target": {"location_id": str(place.id)}, "event": {"evse_id": 2, "power_w": 7000}}
    found = api.post("/ocpp/commands/power-update", body).json()
    assert [row["identity"] for row in found["failed"]] == [chargers[0].identity]
    assert [row["identity"] for row in found["results"]] == [row.identity for row in chargers[1:]]
    numbers = {row["identity"]: Command.objects.get(pk=row["command"]["id"]).payload for row in found["results"]}
    assert [numbers[row.identity] for row in chargers[1:]] == [
        {"connector": 3, "power_w": 7000},
        {"connector": 2, "power_w": 7000},
        {"connector": 3, "power_w": 7000},
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "status", "event"),
    [("configuration", 400, {"configuration": {"HeartbeatInterval": "60"}}), ("cache/reset", 422, {})],
)
def test_an_outcome_that_does_not_come_is_not_waited_for_for_ever(api, organization, monkeypatch, path, status, event):
    monkeypatch.setattr("chargers.services.commands_orders.WAIT_MOST", 0.2)
    charger = make_charger(organization, host=make_host(), lease_epoch=1)
    answer = api.post(f"/ocpp/commands/{path}", {"target": {"charger_id": charger.public_id}, "event": event})
    command = Command.objects.get()
    assert (answer.status_code, answer.json()["code"]) == (status, "no_outcome")
    assert f"/ocpp/commands/{command.pk} later" in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("state", "code", "answered"),
    [("lost", "host_lost", 400), ("failed", "bad_entries", 400), ("failed", "version_mismatch", 400)],
)
def test_a_bad_end_is_refused_in_words(api, organization, state, code, answered):
    charger = make_charger(organization, host=make_host(), lease_epoch=1)

    def host() -> None:
        try:
            command = eventually(lambda: Command.objects.filter(status=CommandStatus.QUEUED).first())
            Command.objects.filter(pk=command.pk).update(
                status=state, outcome={"code": code, "data": {"list_version": 7}}, settled_at=timezone.now()
            )
        finally:
            connection.close()

    thread = threading.Thread(target=host)
    thread.start()
    event = {"list_version": 3, "entries": [{"id_tag": "A", "expiry_date": "2030-01-01T02:00:00+02:00"}]}
    answer = api.post("/ocpp/commands/local-auth-list", {"target": {"charger_id": charger.public_id}, "event": event})
    thread.join()
    assert (answer.status_code, answer.json()["code"]) == (answered, code)
    assert ("The charger has version 7." in answer.json()["detail"]) == (code == "version_mismatch")
    assert Command.objects.get().payload["entries"] == [{"id_tag": "A", "expiry_date": "2030-01-01T00:00:00Z"}]


def test_the_state_of_a_charger_without_a_host_is_refused(api, organization, other_organization):
    answer = api.get(f"/ocpp/chargers/{make_charger(organization).public_id}/state")
    assert (answer.status_code, answer.json()["code"]) == (400, "charger_not_hosted")
    answer = api.get(f"/ocpp/chargers/{make_charger(other_organization).public_id}/state")
    assert answer.status_code == 404
    assert not Command.objects.exists()
