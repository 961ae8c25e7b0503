"""Whatever is posted to the command routes, the answer is one of the contract's."""

import json
from random import Random

import pytest

from chargers.api.commands_fan_out import ROUTES
from chargers.models import Command
from chargers.protocol import Version, actions_from_charger
from tests.support.chargers import make_charger, make_host, make_location

pytestmark = pytest.mark.django_db

PATHS = [
    *(route.path for route in ROUTES),
    *("proxy-message", "configuration", "cache/reset", "local-auth-list"),
    *("clear-local-auth-list", "inject-fault", "clear-fault"),
]
KEYS = [
    *("charger_id", "location_id", "charger_ids", "target", "event", "evse_id", "connector_id", "id_tag"),
    *("duration_seconds", "target_energy_kwh", "power_w", "transaction_id", "fault_type", "configuration"),
    *("list_version", "entries", "expiry_date", "action", "ocpp_version", "payload", "tags", "off", "seed"),
    *("arrivals_per_hour", "wrong_tags", "weight", "id", "", "a\x00", "non_field_errors", "message", "code", "🔌"),
]
WORDS = [
    *("", " ", "x", "\x00", "dep-1", "OverCurrent", "ocpp1.6", "heartbeat", "meter_values", "2026-05-04T08:00:00Z"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "X" * 5000, "🔌", "true", "null", "\ufffe", "1e5"),
]
NUMBERS = [0, 1, -1, 2, 1.5, -0.0, 1e300, 2**31, 2**63, 2**64 - 1, -(2**63), 10**30, 1e-320]


def anything(dice: Random, depth: int = 3):
    kind = dice.randrange(8 if depth else 5)
    if kind == 0:
        return dice.choice([None, True, False])
    if kind < 3:
        return dice.choice(NUMBERS)
    if kind < 5:
        return dice.choice(WORDS)
    if kind == 5:
        return [anything(dice, depth - 1) for _ in range(dice.randrange(4))]
    return {dice.choice(KEYS): anything(dice, depth - 1) for _ in range(dice.randrange(5))}


def check(answer):
    assert answer.status_code in {200, 202, 400, 404, 422}, (answer.status_code, answer.content[:500])
    found = answer.json()
    if answer.status_code in {400, 404}:
        assert isinstance(found["detail"], str)
    elif answer.status_code == 422 and isinstance(found["detail"], list):
        assert found["detail"]
        for problem in found["detail"]:
            assert problem["loc"][0] == "body"
            assert all(isinstance(part, str | int) for part in problem["loc"])
            assert isinstance(problem["msg"], str)
            assert isinstance(problem["type"], str)


@pytest.mark.parametrize("path", PATHS)
def test_bodies_without_sense_are_refused_in_the_contract_s_words(api, organization, path):
    dice = Random(path)
    for _ in range(60):
        check(api.post(f"/ocpp/commands/{path}", json.dumps(anything(dice)), content_type="application/json"))
    assert not Command.objects.exists()


@pytest.mark.parametrize("path", PATHS)
def test_events_without_sense_for_a_real_charger_are_refused_or_queued_as_what_they_say(
    api, organization, monkeypatch, path
):
    monkeypatch.setattr("chargers.services.commands_orders.WAIT_MOST", 0.0)
    place = make_location(organization)
    charger = make_charger(organization, location=place, host=make_host(), lease_epoch=1)
    single = path not in {route.path for route in ROUTES}
    dice = Random(f"event {path}")
    for _ in range(60):
        target = {"charger_id": charger.public_id} if single or dice.random() < 0.5 else {"location_id": str(place.id)}
        event = anything(dice)
        if isinstance(event, dict):
            event |= {"id_tag": "T", "power_w": 1} if dice.random() < 0.3 else {}
        body = json.dumps({"target": target, "event": event})
        check(api.post(f"/ocpp/commands/{path}", body, content_type="application/json"))


def test_payloads_without_sense_are_refused(api, organization):
    charger = make_charger(organization, host=make_host(), lease_epoch=1)
    dice = Random("payload")
    for _ in range(300):
        action = dice.choice(sorted(actions_from_charger(Version.V16)))
        event = {"action": action, "ocpp_version": "ocpp1.6", "payload": {"a": anything(dice), "x": anything(dice)}}
        body = json.dumps({"target": {"charger_id": charger.public_id}, "event": event})
        answer = api.post("/ocpp/commands/proxy-message", body, content_type="application/json")
        check(answer)
        assert answer.status_code in {400, 422}
    assert not Command.objects.exists()
