"""Whom a command is for, and every refusal that is certain before anybody is ordered: nothing is written then."""

from uuid import uuid4

import pytest

from chargers.api.commands_fan_out import ROUTES
from chargers.models import Command
from tests.support.chargers import make_charger, make_chargers, make_host, make_location, snapshot

pytestmark = pytest.mark.django_db

#: the least event of every route
EVENTS = {
    "start-transaction": {"id_tag": "TAG"},
    "start-session": {"id_tag": "TAG"},
    "authorize-id-tag": {"id_tag": "TAG"},
    "power-update": {"power_w": 11_000},
    "behaviour": {"off": True},
}
FAN_OUT = [route.path for route in ROUTES]
CONTRACTED = [path for path in FAN_OUT if path != "behaviour"]
SINGLE = {
    "proxy-message": {"action": "heartbeat", "ocpp_version": "ocpp1.6", "payload": {}},
    "configuration": {"configuration": {"HeartbeatInterval": "60"}},
    "cache/reset": {},
    "local-auth-list": {"list_version": 1, "entries": []},
    "clear-local-auth-list": {},
    "inject-fault": {"fault_type": "OverCurrent"},
    "clear-fault": {},
}
DECLARE_400 = {"proxy-message", "configuration", "local-auth-list"}


def post(api, path, target, event=None):
    return api.post(
        f"/ocpp/commands/{path}", {"target": target, "event": EVENTS.get(path, {}) if event is None else event}
    )


def problems(answer):
    assert answer.status_code == 422, answer.json()
    return [(problem["loc"], problem["type"]) for problem in answer.json()["detail"]]


def test_the_contract_s_eighteen_routes_are_there():
    on_and_off = ["plug", "unplug", "unlock"]
    assert set(CONTRACTED) == {
        *(f"{word}-connector" for word in on_and_off),
        *(f"{word}-{what}" for word in ("start", "stop") for what in ("transaction", "session")),
        "authorize-id-tag",
        "ev-requests-energy",
        "ev-stops-energy",
        "power-update",
    }
    assert len({*CONTRACTED, *SINGLE}) == 18


@pytest.mark.parametrize("path", FAN_OUT)
@pytest.mark.parametrize(
    ("target", "loc"),
    [
        ({}, ["body", "target"]),
        ({"charger_id": None, "location_id": None}, ["body", "target"]),
        ({"charger_id": "dep-1", "location_id": "x"}, ["body", "target"]),
        ({"charger_ids": ["dep-1"]}, ["body", "target"]),
        ({"charger_id": "dep-1", "charger_ids": ["dep-1"]}, ["body", "target", "charger_ids"]),
        ({"location_id": "x", "charger_ids": []}, ["body", "target", "charger_ids"]),
        ({"location_id": "x", "charger_ids": "dep-1"}, ["body", "target", "charger_ids"]),
        ({"location_id": "x", "charger_ids": [1]}, ["body", "target", "charger_ids", 0]),
        ({"charger_id": 7}, ["body", "target", "charger_id"]),
        ({"charger_id": ""}, ["body", "target", "charger_id"]),
        ({"location_id": "x", "chargers_ids": ["dep-1"]}, ["body", "target", "chargers_ids"]),
        ([], ["body", "target"]),
        (None, ["body", "target"]),
        ("dep-1", ["body", "target"]),
    ],
)
def test_a_fan_out_wants_exactly_one_charger_or_location(api, path, target, loc):
    assert [where for where, _ in problems(post(api, path, target))] == [loc]


@pytest.mark.parametrize("path", SINGLE)
@pytest.mark.parametrize(
    ("target", "found"),
    [
        ({}, (["body", "target", "charger_id"], "missing")),
        ({"charger_id": None}, (["body", "target", "charger_id"], "null_not_allowed")),
        ({"charger_id": "dep-1", "location_id": "x"}, (["body", "target", "location_id"], "extra_forbidden")),
        ({"charger_id": "dep-1", "charger_ids": None}, (["body", "target", "charger_ids"], "extra_forbidden")),
    ],
)
def test_a_single_command_wants_one_charger_and_nothing_else(api, path, target, found):
    assert problems(post(api, path, target, SINGLE[path])) == [found]


@pytest.mark.parametrize("path", [*FAN_OUT, *SINGLE])
def test_it_finds_no_charger_of_another_organization_nor_one_that_is_not_there(api, other_organization, path):
    foreign = make_charger(other_organization)
    for charger_id in (foreign.public_id, "dep-000000000000", "x" * 5000):
        answer = post(api, path, {"charger_id": charger_id}, SINGLE.get(path))
        assert (answer.status_code, answer.json()) == (
            404,
            {"detail": "Charger not found.", "code": "charger_not_found"},
        )


@pytest.mark.parametrize("path", FAN_OUT)
def test_it_finds_no_location_of_another_organization_nor_a_malformed_one(api, other_organization, path):
    foreign = make_location(other_organization)
    for location_id in (str(foreign.id), str(uuid4()), "depot"):
        assert post(api, path, {"location_id": location_id}).status_code == 404


@pytest.mark.parametrize("path", [*FAN_OUT, *SINGLE])
def test_a_stranger_is_sent_away(anonymous_api, path):
    assert post(anonymous_api, path, {"charger_id": "dep-1"}, SINGLE.get(path)).status_code == 401


@pytest.mark.parametrize("path", FAN_OUT)
def test_chargers_without_a_host_are_listed_as_failed_and_nothing_is_written(api, organization, path):
    place = make_location(organization)
    chargers = make_chargers(organization, 2, location=place)
    stopped = make_charger(organization, location=place, wanted=False)
    before = snapshot()
    answer = post(api, path, {"location_id": str(place.id)})
    assert answer.status_code == 202
    found = answer.json()
    assert (found["targeted_count"], found["queued_count"], found["failed_count"]) == (3, 0, 3)
    assert found["results"] == []
    assert [row["identity"] for row in found["failed"]] == [row.identity for row in [*chargers, stopped]]
    assert all(row["error"] and row["code"] for row in found["failed"])
    assert snapshot() == before
    assert not Command.objects.exists()


@pytest.mark.parametrize("path", SINGLE)
def test_a_single_command_to_a_charger_without_a_host_is_refused_in_words(api, organization, path):
    charger = make_charger(organization)
    before = snapshot()
    answer = post(api, path, {"charger_id": charger.public_id}, SINGLE[path])
    assert answer.status_code == (400 if path in DECLARE_400 else 422)
    assert isinstance(answer.json()["detail"], str)
    assert snapshot() == before
    assert not Command.objects.exists()


def test_an_empty_location_is_a_fan_out_to_nobody(api, organization):
    answer = post(api, "plug-connector", {"location_id": str(make_location(organization).id)})
    assert answer.status_code == 202
    assert answer.json() == {"targeted_count": 0, "queued_count": 0, "failed_count": 0, "results": [], "failed": []}


def test_ids_that_are_not_in_the_location_are_listed_as_failed(api, organization):
    place, other_place = make_location(organization), make_location(organization, "Yard")
    elsewhere = make_charger(organization, location=other_place)
    target = {"location_id": str(place.id), "charger_ids": [elsewhere.public_id, "dep-none", "dep-none"]}
    found = post(api, "plug-connector", target).json()
    assert (found["targeted_count"], found["failed_count"]) == (2, 2)
    assert found["failed"] == [
        {"error": "Charger not found in location", "charger_id": charger_id, "code": "charger_not_found"}
        for charger_id in (elsewhere.public_id, "dep-none")
    ]


@pytest.mark.parametrize("path", FAN_OUT)
def test_a_charger_whose_version_cannot_do_it_is_listed_as_failed(api, organization, path):
    charger = make_charger(organization, ocpp_version="OCPP2.0.1", host=make_host(), lease_epoch=1)
    found = post(api, path, {"charger_id": charger.public_id}).json()
    assert [row["code"] for row in found["failed"]] == ["not_supported"]
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    "path", [path for path in FAN_OUT if path not in {"stop-transaction", "authorize-id-tag", "behaviour"}]
)
def test_a_connector_that_the_model_does_not_have_is_refused_at_once(api, organization, path):
    charger = make_charger(organization, host=make_host(), lease_epoch=1)
    for place in ({"connector_id": 2}, {"evse_id": 2}, {"evse_id": 2, "connector_id": 1}):
        found = post(api, path, {"charger_id": charger.public_id}, EVENTS.get(path, {}) | place).json()
        assert [(row["code"], row["error"]) for row in found["failed"]] == [
            ("unknown_connector", "The charger has no such connector.")
        ]
    for path_of_one in ("inject-fault", "clear-fault"):
        answer = post(api, path_of_one, {"charger_id": charger.public_id}, SINGLE[path_of_one] | {"connector_id": 2})
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_connector")
    assert not Command.objects.exists()


def test_an_id_tag_is_as_long_as_the_version_allows(api, organization):
    charger = make_charger(organization, host=make_host(), lease_epoch=1)
    found = post(api, "start-session", {"charger_id": charger.public_id}, {"id_tag": "T" * 21}).json()
    assert [row["code"] for row in found["failed"]] == ["bad_id_tag"]
    assert problems(post(api, "start-session", {"charger_id": charger.public_id}, {"id_tag": "T" * 37}))
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("path", "event", "loc"),
    [
        ("plug-connector", {"connector_id": 0}, ["connector_id"]),
        ("plug-connector", {"connector_id": "1"}, ["connector_id"]),
        ("plug-connector", {"evse_id": 1.5}, ["evse_id"]),
        ("plug-connector", {"evse_id": True}, ["evse_id"]),
        ("plug-connector", {"evse_id": 10**12}, ["evse_id"]),
        ("plug-connector", [], []),
        ("plug-connector", None, []),
        ("start-transaction", {}, ["id_tag"]),
        ("start-transaction", {"id_tag": None}, ["id_tag"]),
        ("start-transaction", {"id_tag": 7}, ["id_tag"]),
        ("start-transaction", {"id_tag": " "}, ["id_tag"]),
        ("start-transaction", {"id_tag": "a\x00b"}, ["id_tag"]),
        ("stop-transaction", {"transaction_id": 10231}, ["transaction_id"]),
        ("start-session", {"id_tag": "T", "duration_seconds": 0}, ["duration_seconds"]),
        ("start-session", {"id_tag": "T", "duration_seconds": "600"}, ["duration_seconds"]),
        ("start-session", {"id_tag": "T", "target_energy_kwh": 0}, ["target_energy_kwh"]),
        ("start-session", {"id_tag": "T", "target_energy_kwh": -1}, ["target_energy_kwh"]),
        ("authorize-id-tag", {}, ["id_tag"]),
        ("power-update", {}, ["power_w"]),
        ("power-update", {"power_w": -1}, ["power_w"]),
        ("power-update", {"power_w": 11000.5}, ["power_w"]),
        ("inject-fault", {}, ["fault_type"]),
        ("inject-fault", {"fault_type": "Meltdown"}, ["fault_type"]),
        ("inject-fault", {"fault_type": ["OverCurrent"]}, ["fault_type"]),
        ("configuration", {}, ["configuration"]),
        ("configuration", {"configuration": {}}, ["configuration"]),
        ("configuration", {"configuration": {"HeartbeatInterval": 60}}, ["configuration", "HeartbeatInterval"]),
        ("configuration", {"configuration": {"HeartbeatInterval": None}}, ["configuration", "HeartbeatInterval"]),
        ("configuration", {"configuration": {"": "1"}}, ["configuration"]),
        ("configuration", {"configuration": {"a\x00": "1"}}, ["configuration"]),
        ("configuration", {"configuration": {"a": "\x00"}}, ["configuration", "a"]),
        ("configuration", {"configuration": ["a"]}, ["configuration"]),
        ("local-auth-list", {"entries": []}, ["list_version"]),
        ("local-auth-list", {"list_version": 0, "entries": []}, ["list_version"]),
        ("local-auth-list", {"list_version": 1}, ["entries"]),
        ("local-auth-list", {"list_version": 1, "entries": [{"id_tag": "A"}, {}]}, ["entries", 1, "id_tag"]),
        (
            "local-auth-list",
            {"list_version": 1, "entries": [{"id_tag": "A", "expiry_date": "0001-01-01T00:00:00+14:00"}]},
            ["entries", 0, "expiry_date"],
        ),
        ("local-auth-list", {"list_version": 1, "entries": [{"id_tag": "A"}, {"id_tag": "a"}]}, ["entries"]),
        (
            "local-auth-list",
            {"list_version": 1, "entries": [{"id_tag": "A", "expiry_date": "soon"}]},
            ["entries", 0, "expiry_date"],
        ),
        (
            "local-auth-list",
            {"list_version": 1, "entries": [{"id_tag": "A", "status": "Great"}]},
            ["entries", 0, "status"],
        ),
        ("proxy-message", {"action": "heartbeat", "ocpp_version": "ocpp1.6"}, ["payload"]),
        ("proxy-message", {"action": "heartbeat", "ocpp_version": "ocpp3", "payload": {}}, ["ocpp_version"]),
        ("proxy-message", {"action": "", "ocpp_version": "ocpp1.6", "payload": {}}, ["action"]),
        ("proxy-message", {"action": "heartbeat", "ocpp_version": "ocpp1.6", "payload": []}, ["payload"]),
        ("proxy-message", {"action": "heartbeat", "ocpp_version": "ocpp1.6", "payload": {"a": "\x00"}}, ["payload"]),
        ("proxy-message", {"action": "heartbeat", "ocpp_version": "ocpp1.6", "payload": {"\x00": 1}}, ["payload"]),
        ("behaviour", {}, ["arrivals_per_hour"]),
        ("behaviour", {"arrivals_per_hour": 1}, ["tags"]),
        ("behaviour", {"arrivals_per_hour": -1, "tags": [{"id": "A"}]}, ["arrivals_per_hour"]),
        ("behaviour", {"arrivals_per_hour": 1, "tags": []}, ["tags"]),
        ("behaviour", {"arrivals_per_hour": 1, "tags": [{"id": "A", "weight": 0}]}, ["tags"]),
        ("behaviour", {"arrivals_per_hour": 1, "tags": ["A"]}, ["tags", 0]),
        ("behaviour", {"arrivals_per_hour": 1, "tags": [{"id": "A"}], "wrong_tag": 1.5}, ["wrong_tag"]),
    ],
)
def test_an_event_that_breaks_its_schema_is_named_by_its_place(api, organization, path, event, loc):
    charger = make_charger(organization, host=make_host(), lease_epoch=1)
    answer = api.post(f"/ocpp/commands/{path}", {"target": {"charger_id": charger.public_id}, "event": event})
    assert [where for where, _ in problems(answer)] == [["body", "event", *loc]]
    assert not Command.objects.exists()


def test_nesting_without_a_bottom_is_refused(api, organization):
    charger = make_charger(organization, host=make_host(), lease_epoch=1)
    payload: dict = {}
    for _ in range(200):
        payload = {"custom_data": payload}
    event = {"action": "heartbeat", "ocpp_version": "ocpp1.6", "payload": payload}
    answer = post(api, "proxy-message", {"charger_id": charger.public_id}, event)
    assert problems(answer) == [(["body", "event", "payload"], "value_error")]


@pytest.mark.parametrize(
    ("event", "code", "words"),
    [
        ({"action": "notify_event"}, "unknown_action", "OCPP 1.6 send no message 'notify_event'"),
        ({"action": "reset"}, "unknown_action", "send no message"),
        ({"ocpp_version": "ocpp2.0.1"}, "version_mismatch", "speaks OCPP 1.6, the message is of OCPP 2.0.1"),
        ({"payload": {"a": 1}}, "bad_payload", "breaks OCPP's schema of Heartbeat"),
        ({"action": "authorize", "payload": {}}, "bad_payload", "idTag"),
        ({"action": "authorize", "payload": {"id_tag": "T" * 21}}, "bad_payload", "idTag"),
        ({"action": "authorize", "payload": {"id_tag": "T", "idTag": "T"}}, "bad_payload", "given twice"),
    ],
)
def test_a_message_that_is_none_of_the_charger_s_is_refused(api, organization, event, code, words):
    charger = make_charger(organization, host=make_host(), lease_epoch=1)
    whole = {"action": "heartbeat", "ocpp_version": "ocpp1.6", "payload": {}} | event
    answer = post(api, "proxy-message", {"charger_id": charger.public_id}, whole)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert words in answer.json()["detail"]
    assert not Command.objects.exists()


def test_a_2_0_1_charger_takes_no_message_yet(api, organization):
    charger = make_charger(organization, ocpp_version="OCPP2.0.1", host=make_host(), lease_epoch=1)
    event = {"action": "heartbeat", "ocpp_version": "ocpp2.0.1", "payload": {}}
    answer = post(api, "proxy-message", {"charger_id": charger.public_id}, event)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_supported")


@pytest.mark.parametrize("path", ["cache/reset", "clear-local-auth-list"])
@pytest.mark.parametrize("rest", [{}, {"event": None}, {"event": {}}, {"event": {"a": 1}}])
def test_the_two_routes_that_say_nothing_need_no_event(api, organization, path, rest):
    charger = make_charger(organization)
    answer = api.post(f"/ocpp/commands/{path}", {"target": {"charger_id": charger.public_id}, **rest})
    assert (answer.status_code, type(answer.json()["detail"])) == (422, str), "refused only because it has no host"
