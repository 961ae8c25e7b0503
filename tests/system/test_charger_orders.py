"""What the API and the admin order reaches the sessions of a real simulator host at the real built-in CSMS."""

import json

import httpx
import pytest
from django.test import Client
from rest_framework.test import APIClient

from chargers.models import Charger, Message
from ocpplab.accounts.models import Organization, User
from tests.support.chargers import make_chargers, make_location
from tests.support.processes import Processes
from tests.support.waiting import eventually

pytestmark = pytest.mark.system


def state(charger: Charger) -> str:
    charger.refresh_from_db()
    return charger.connection_state


def boots(charger: Charger) -> int:
    return Message.objects.filter(charger=charger, action="BootNotification", direction="cp_to_csms").count()


def test_orders_and_changes_reach_the_session(
    organization: Organization, processes: Processes, api: APIClient, user_token: str
) -> None:
    web = processes.web()
    csms = f"{web.url.replace('http', 'ws')}/csms"
    place = make_location(organization)
    charger, neighbour = make_chargers(organization, 2, ws_url=csms, location=place)
    path = f"/ocpp/chargers/{charger.public_id}"
    processes.simulator()
    eventually(lambda: state(charger) == state(neighbour) == "online")
    eventually(lambda: boots(charger) == 1)

    assert api.post(f"{path}/stop-charger").status_code == 202
    eventually(lambda: state(charger) == "offline" and charger.host is None)
    assert api.get(path).json()["host"] is None

    assert api.post(f"{path}/start-charger").status_code == 202
    eventually(lambda: state(charger) == "online")
    eventually(lambda: boots(charger) == 2)

    assert api.post(f"{path}/reset-charger").status_code == 202
    eventually(lambda: boots(charger) == 3)
    eventually(lambda: state(charger) == "online")

    assert api.put(path, {"ocpp_version": "OCPP2.0.1"}).status_code == 200
    eventually(lambda: boots(charger) == 4)
    last = Message.objects.filter(charger=charger, action="BootNotification", direction="cp_to_csms").latest("id")
    assert "chargingStation" in json.loads(last.message)[3]

    assert api.put(path, {"charge_point_name": "no reason to restart"}).status_code == 200
    assert api.put(path, {"ws_url": "ws://127.0.0.1:9/nobody"}).status_code == 200
    eventually(lambda: state(charger) in {"offline", "connecting"} and "refused" in charger.connection_error)
    assert boots(charger) == 4

    log = api.get(f"{path}/logs", {"event": "BootNotification", "limit": 1000}).json()
    assert log["total"] == len(log["data"]) >= 8, "the call and its answer, four times"

    # Through a real web process, with as many ids as the client (the SDK's too) puts into an address: 64 KB.
    ids = [charger.public_id, *(f"dep-{number:012x}" for number in range(2_000))]
    answer = httpx.delete(
        f"{web.url}/ocpp/locations/{place.id}/chargers",
        params={"charger_ids": ids},
        headers={"Authorization": f"Bearer {user_token}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text[:300]
    assert answer.json()["deleted"] == [charger.public_id]
    assert (boots(neighbour), state(neighbour)) == (1, "online"), "its neighbour noticed nothing"


def test_the_admin_sends_calls_from_the_built_in_csms(
    organization: Organization, processes: Processes, client: Client
) -> None:
    web = processes.web()
    (charger,) = make_chargers(organization, 1, ws_url=f"{web.url.replace('http', 'ws')}/csms")
    processes.simulator()
    eventually(lambda: state(charger) == "online")
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    page = f"/admin/chargers/charger/{charger.pk}/call/"

    answer = client.post(page, {"action": "GetConfiguration", "payload": '{"key": ["HeartbeatInterval"]}'})
    assert '"key": "HeartbeatInterval"' in answer.context["answer"]
    answer = client.post(page, {"action": "GetConfiguration", "payload": '{"keys": []}'})
    assert answer.context["failure"].startswith("invalid")
    answer = client.post(page, {"action": "Reset", "payload": '{"type": "Soft"}'})
    assert json.loads(answer.context["answer"]) == {"status": "Accepted"}
    eventually(lambda: boots(charger) == 2)
