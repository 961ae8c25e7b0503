"""Web, worker and beat as real processes: what they show, and when they say that they are ready."""

import httpx
import pytest
from django.conf import settings

from chargers.models import Charger
from jobs.models import ProvisioningJob
from ocpplab.accounts.models import Organization
from tests.support.chargers import make_chargers, make_location, make_model
from tests.support.host import Cable, states
from tests.support.processes import Processes, database_url
from tests.support.scraping import SideDoor
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system]


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
    beats, works = SideDoor(), SideDoor()
    processes.beat(**beats.env)
    eventually(lambda: beats.is_("ready", 200))
    web = processes.web()
    processes.worker("--concurrency", "2", **works.env)
    processes.simulator()
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
    assert Charger.objects.count() == 12
