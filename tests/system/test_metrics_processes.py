"""Web, worker and beat as real processes: what they show, and when they say that they are ready."""

import json
import re
from typing import Any

import httpx
import pytest
from django.conf import settings

from jobs.models import ProvisioningJob
from ocpplab.accounts.models import Organization
from tests.support.chargers import make_chargers, make_location, make_model
from tests.support.host import Cable, states
from tests.support.processes import ROOT, Process, Processes, database_url
from tests.support.scraping import SideDoor
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system]


def documented() -> set[str]:
    """The metrics that the tables of the documentation name."""
    rows = (ROOT / "docs/howto/observe.md").read_text().splitlines()
    firsts = [row.split("|")[1] for row in rows if row.startswith("| `ocpplab_")]
    return {name for first in firsts for name in re.findall(r"`(ocpplab_\w+)", first)}


def drawn() -> set[str]:
    """The metrics that the dashboard draws."""
    board = json.loads((ROOT / "deploy/grafana/ocpplab.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return {name for query in queries for name in re.findall(r"\b((?:ocpplab|process)_\w+)", query)}


def family(name: str) -> str:
    """The name of the family that a sample belongs to."""
    return re.sub(r"_(total|bucket|count)$", "", name)


def lines(process: Process) -> list[dict[str, Any]]:
    """What a process with LOG_JSON has logged."""
    return [json.loads(line) for line in process.text().splitlines() if line.startswith("{")]


def test_web_counts_requests_by_route_and_stations_of_its_csms(
    organization: Organization, processes: Processes, user_token: str
) -> None:
    door = SideDoor()
    web = processes.web(**door.env)
    headers = {"Authorization": f"Bearer {user_token}"}
    with httpx.Client(base_url=web.url, headers=headers) as client:
        site = make_location(organization)
        assert client.get(f"/ocpp/locations/{site.id}").status_code == 200
        assert client.get(f"/ocpp/locations/{make_location(organization).id}").status_code == 200
        assert client.request("PROPFIND", "/nowhere/at/all").status_code == 404
    make_chargers(organization, 3, ws_url=f"{web.url.replace('http', 'ws')}/csms")
    processes.simulator()
    eventually(lambda: states() == {"online": 3})
    reading = door.scrape()
    name = "ocpplab_http_requests_total"
    found = [sample for sample in reading.families["ocpplab_http_requests"].samples if sample.name == name]
    of_sites = [sample for sample in found if sample.labels["route"].startswith("/ocpp/locations/")]
    assert [(sample.labels["method"], sample.labels["status"], sample.value) for sample in of_sites] == [
        ("GET", "200", 2)
    ]
    assert str(site.id) not in of_sites[0].labels["route"]
    assert reading.value(name, method="other", route="none", status="404") == 1
    assert reading.value("ocpplab_http_request_seconds_count", route=of_sites[0].labels["route"]) == 2
    assert reading.value("ocpplab_csms_connections") == 3
    assert reading.value("ocpplab_csms_messages_total") >= 3
    assert reading.value("ocpplab_loop_lag_seconds_count") > 0
    assert reading.value("process_resident_memory_bytes") > 0


def test_web_is_ready_while_database_and_broker_answer_and_lives_without_them(processes: Processes) -> None:
    door = SideDoor()
    with Cable(database_url()) as database, Cable(settings.REDIS_URL) as broker:
        web = processes.web(**door.env, DATABASE_URL=database.url, REDIS_URL=broker.url)

        def public(which: str) -> httpx.Response:
            return httpx.get(f"{web.url}/health/{which}", timeout=20)

        assert public("ready").json() == {
            "status": "ok",
            "checks": {"database": "ok", "migrations": "ok", "broker": "ok"},
        }
        assert door.is_("ready", 200)
        for cable, name in ((database, "database"), (broker, "broker")):
            for trouble in (cable.cut, cable.freeze):
                trouble()
                eventually(lambda: public("ready").status_code == 503)
                assert public("ready").json()["checks"][name] == "away"
                eventually(lambda: door.is_("ready", 503))
                assert public("live").status_code == 200
                assert door.is_("live", 200)
                cable.mend()
                eventually(lambda: public("ready").status_code == 200)
                eventually(lambda: door.is_("ready", 200))


def test_a_worker_is_ready_when_it_hears_the_broker_and_lives_without_it(processes: Processes) -> None:
    door = SideDoor()
    with Cable(settings.REDIS_URL) as broker:
        worker = processes.worker("--concurrency", "2", **door.env, REDIS_URL=broker.url)
        eventually(lambda: door.is_("ready", 200))
        assert set(door.probe("ready")[1]["checks"]) == {"database", "migrations", "broker", "consuming"}
        broker.cut()
        eventually(lambda: door.is_("ready", 503))
        assert door.is_("live", 200)
        broker.mend()
        eventually(lambda: door.is_("ready", 200), timeout=40)
        worker.kill()
        worker.start()
        assert eventually(lambda: door.is_("ready", 200)), "the port was not free again"


def test_beat_tells_what_became_of_a_job_once_and_the_worker_what_it_did(
    organization: Organization, processes: Processes, user_token: str
) -> None:
    beats, works, webs, hosts = SideDoor(), SideDoor(), SideDoor(), SideDoor()
    processes.beat(**beats.env)
    eventually(lambda: beats.is_("ready", 200))
    web = processes.web(**webs.env)
    worker = processes.worker("--concurrency", "2", **works.env, LOG_JSON="1")
    simulator = processes.simulator(**hosts.env, LOG_JSON="1")
    make_model()
    group = {
        "template": {
            "brand_slug": "acme",
            "model_slug": "pulse-22",
            "connector_type": "Type2",
            "ws_url": f"{web.url.replace('http', 'ws')}/csms",
            "ocpp_version": "OCPP1.6",
            "identity_prefix": "M_",
            "template_name": "Charger",
        },
        "charger_ids": [f"{number:03}" for number in range(12)],
    }
    answer = httpx.post(
        f"{web.url}/ocpp/locations/{make_location(organization).id}/chargers",
        json=[group],
        headers={"Authorization": f"Bearer {user_token}"},
    )
    assert answer.status_code == 202, answer.text
    eventually(lambda: set(ProvisioningJob.objects.values_list("status", flat=True)) == {"READY"})
    eventually(lambda: states() == {"online": 12})
    eventually(lambda: beats.scrape().value("ocpplab_chargers", state="online") == 12)
    reading = beats.scrape()
    job = {"kind": "location_chargers", "status": "READY"}
    assert reading.value("ocpplab_job_duration_seconds_count", **job) == 1
    assert reading.value("ocpplab_job_items_total", status="held") == 12
    assert reading.by("status", "ocpplab_jobs") == {"READY": 1}
    assert reading.by("status", "ocpplab_job_items") == {}
    assert reading.value("ocpplab_hosts", status="live") == 1
    assert (reading.value("ocpplab_database_up"), reading.value("ocpplab_broker_up")) == (1, 1)
    assert "ocpplab_broker_messages" in reading.families
    tasks = works.scrape()
    assert tasks.value("ocpplab_tasks_total") >= 3
    assert tasks.value("ocpplab_tasks_total", task="jobs.start") >= 1
    job_id = str(ProvisioningJob.objects.get().id)
    for task in ("jobs.start", "jobs.provision_items", "jobs.finish"):
        ends = [
            line for line in lines(worker) if line["event"].startswith(f"Task {task}[") and "succeeded" in line["event"]
        ]
        assert ends, task
        assert {(line["task"], line["job_id"]) for line in ends} == {(task, job_id)}
    assert all(line["host"] == "simulator-1" for line in lines(simulator))
    shown = {name: family for door in (beats, works, webs, hosts) for name, family in door.scrape().families.items()}
    ours = {name for name in shown if name.startswith("ocpplab_")}
    assert all(shown[name].documentation.endswith(".") and shown[name].type != "unknown" for name in ours)
    assert ours == {family(name) for name in documented()}, "docs/howto/observe.md is not what processes show"
    assert {family(name) for name in drawn()} <= shown.keys(), "the dashboard draws what no process shows"
