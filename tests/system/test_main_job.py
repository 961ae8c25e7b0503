"""The main job, whole: a request to the web process, a worker, a simulator, live sessions at the built-in CSMS."""

from typing import Any

import httpx
import pytest

from chargers.models import Charger, Message
from jobs.models import ProvisioningItem, ProvisioningJob
from tests.support.chargers import make_location, make_model
from tests.support.processes import Process
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def client(processes, user_token):
    web = processes.web()
    with httpx.Client(base_url=web.url, headers={"Authorization": f"Bearer {user_token}"}, timeout=30) as client:
        yield client


@pytest.fixture
def location(organization):
    make_model("evlink-pro-ac-22kw", "schneider")
    return make_location(organization)


def finished(client: httpx.Client, status_url: str) -> dict[str, Any]:
    def poll() -> dict[str, Any] | None:
        body: dict[str, Any] = client.get(status_url).raise_for_status().json()
        return body if body["status"] in {"READY", "FAILED"} else None

    return eventually(poll, timeout=60, every=0.25, what="READY or FAILED")  # type: ignore[return-value]


def example(ws_url: str) -> list[dict[str, Any]]:
    """The published example."""
    template = {
        "brand_slug": "schneider",
        "model_slug": "evlink-pro-ac-22kw",
        "connector_type": "CCS2",
        "ws_url": ws_url,
        "ocpp_version": "OCPP1.6",
        "identity_prefix": "SITE_A_",
        "template_name": "Charger",
    }
    return [{"template": template, "charger_ids": ["001", "002"], "chargers_number": 5}]


def csms_of(web: Process) -> str:
    return f"{web.url.replace('http', 'ws', 1)}/csms"


def test_the_published_example_ends_in_live_sessions(client, processes, location):
    processes.worker()
    processes.simulator()
    url = csms_of(processes.started[0])
    accepted = client.post(f"/ocpp/locations/{location.id}/chargers", json=example(url))
    assert accepted.status_code == 202
    body = finished(client, accepted.json()["status_url"])
    assert (body["status"], body["results"]["created_count"], body["results"]["failed"]) == ("READY", 5, [])
    assert [row["identity"] for row in body["results"]["created"][:2]] == ["SITE_A_001", "SITE_A_002"]
    eventually(lambda: Charger.objects.filter(connection_state="online").count() == 5, what="all are online")
    actions = {"BootNotification", "StatusNotification"}
    first = Charger.objects.get(identity="SITE_A_001")
    eventually(lambda: actions <= set(Message.objects.filter(charger=first).values_list("action", flat=True)))
    shown = client.get(f"/ocpp/chargers/{first.public_id}").json()
    assert (shown["connection_state"], shown["host"], shown["name"]) == ("online", "simulator-1", "Charger 001")


def test_a_csms_that_is_not_there_never_blocks_provisioning(client, processes, location):
    processes.worker()
    processes.simulator()
    accepted = client.post(f"/ocpp/locations/{location.id}/chargers", json=example("ws://127.0.0.1:1"))
    body = finished(client, accepted.json()["status_url"])
    assert (body["status"], body["results"]["created_count"]) == ("READY", 5)
    eventually(
        lambda: all("refused" in error for error in Charger.objects.values_list("connection_error", flat=True)),
        what="each says why it is not online",
    )


def test_a_single_create_goes_online_too(client, processes, location):
    processes.worker()
    processes.simulator()
    single = {
        "identity": "LIN-1",
        "brand_slug": "schneider",
        "model_slug": "evlink-pro-ac-22kw",
        "connector_type": "Type2",
        "ws_url": csms_of(processes.started[0]),
        "ocpp_version": "OCPP2.0.1",
    }
    accepted = client.post("/ocpp/chargers", json=single).raise_for_status().json()
    status = finished(client, accepted["status_url"])
    assert (status["status"], status["error"]) == ("READY", None)
    assert status["workflow_run_id"] == accepted["workflow_run_id"]
    eventually(lambda: Charger.objects.get().connection_state == "online")
    job = eventually(lambda: ProvisioningJob.objects.filter(status="READY").first(), what="its job is settled")
    assert ProvisioningItem.objects.get(job=job).status == "held"


def test_an_item_that_meets_a_bug_costs_the_others_nothing(client, processes, location):
    accepted = client.post(f"/ocpp/locations/{location.id}/chargers", json=example("ws://127.0.0.1:1"))
    job = ProvisioningJob.objects.get()
    job.groups[0]["connector_type"] = "x" * 50  # longer than its column: nothing that a user can cause
    job.groups.append({**job.groups[0], "connector_type": "Type2", "prefix": "B-"})
    job.save(update_fields=["groups"])
    processes.worker(JOB_MAX_MESSAGES="1")
    processes.simulator()
    body = finished(client, accepted.json()["status_url"])
    assert (body["status"], body["results"]["created_count"], body["results"]["failed_count"]) == ("READY", 5, 5)
    assert {failure["code"] for failure in body["results"]["failed"]} == {"internal_error"}
    assert all(failure["retryable"] for failure in body["results"]["failed"])
    assert "item_not_provisioned" in processes.started[1].text()
