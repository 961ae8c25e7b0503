"""kill -9 in the middle of a job, with all processes for real: the job ends by itself, nothing is lost or twice."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from django.db import connection

from chargers.models import Charger
from jobs.models import ProvisioningItem, ProvisioningJob
from ocpplab.embedded import Valkey
from tests.support import servers
from tests.support.bad_csms import BadCsms
from tests.support.chargers import make_location, make_model
from tests.support.processes import Process, Processes
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.system, pytest.mark.timeout(300)]

CHARGERS = 200
#: seconds in which everything must be over after the last process is back: the sweeper, and some for a busy machine
RECOVERY = 120.0


@dataclass
class Stack:
    """Everything that runs, with a broker of its own that can be killed."""

    valkey: Valkey
    web: Process
    worker: Process
    beat: Process
    simulator: Process
    csms: BadCsms
    client: httpx.Client
    location_id: str

    def ask(self) -> ProvisioningJob:
        """POST a bulk create, as a client does."""
        group = {
            "template": {
                "brand_slug": "acme",
                "model_slug": "pulse-22",
                "connector_type": "Type2",
                "ws_url": self.csms.url("good"),
                "identity_prefix": "CHAOS-",
            },
            "charger_ids": [f"{number:03}" for number in range(20)],
            "chargers_number": CHARGERS,
        }
        answer = self.client.post(f"/ocpp/locations/{self.location_id}/chargers", json=[group])
        assert answer.status_code == 202, answer.text
        return ProvisioningJob.objects.get(pk=answer.json()["job_id"])

    def poll(self, job: ProvisioningJob) -> dict[str, Any]:
        answer = self.client.get(f"/ocpp/locations/{self.location_id}/chargers/jobs/{job.id}")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


@pytest.fixture
def csms() -> Iterator[BadCsms]:
    with BadCsms() as server:
        yield server


@pytest.fixture
def stack(processes: Processes, csms: BadCsms, organization, user_token: str, tmp_path: Path) -> Iterator[Stack]:
    make_model()
    location = make_location(organization)
    valkey = Valkey(tmp_path / "valkey", port=None, password=secrets.token_hex(8), durable=True)
    valkey.start()
    # One call at a time and each in its own message, so that there is a middle to kill in.
    env = {"REDIS_URL": valkey.url, "JOB_MAX_MESSAGES": "0", "JOB_SWEEP_INTERVAL": "2", "JOB_LOST_AFTER": "2"}
    headers = {"Authorization": f"Bearer {user_token}"}
    try:
        web = processes.web(wait=False, **env)
        client = httpx.Client(base_url=web.url, headers=headers, timeout=30)
        started = [
            processes.worker("--concurrency", "1", "--without-mingle", wait=False, **env),
            processes.beat(wait=False, **env),
            processes.simulator(wait=False, **env),
        ]
        for process in (web, *started):
            process.wait_ready()
        worker, beat, simulator = started
        yield Stack(
            valkey=valkey,
            web=web,
            worker=worker,
            beat=beat,
            simulator=simulator,
            csms=csms,
            client=client,
            location_id=str(location.id),
        )
        client.close()
    finally:
        processes.stop_all()
        valkey.stop()


def some_created() -> bool:
    return Charger.objects.count() >= 20


def some_held() -> bool:
    return Charger.objects.filter(provisioning_status="READY").exists()


def in_the_middle(job: ProvisioningJob, begun: Callable[[], bool]) -> None:
    """Wait until a part of the job is done, and see that it is only a part."""
    eventually(begun, every=0.005, timeout=60, what="the job is in its middle")
    assert Charger.objects.count() < CHARGERS
    job.refresh_from_db()
    assert job.finished_at is None


def everything_is_there_once(stack: Stack, job: ProvisioningJob) -> None:
    """The job is READY, each charger exists once and has exactly one socket at the CSMS."""
    began = time.monotonic()
    body = eventually(
        lambda: body if (body := stack.poll(job))["status"] in {"READY", "FAILED"} else None,
        timeout=RECOVERY,
        every=0.5,
        what="the job ends by itself",
    )
    print(f"ended {time.monotonic() - began:.1f} s after the last process was back")
    assert (body["status"], body["results"]["failed"]) == ("READY", [])
    assert body["results"]["created_count"] == CHARGERS
    identities = list(Charger.objects.values_list("identity", flat=True))
    assert len(identities) == len(set(identities)) == CHARGERS
    assert ProvisioningItem.objects.filter(job=job, status="held").count() == CHARGERS
    eventually(
        lambda: all(stack.csms.live(identity) == 1 for identity in identities),
        timeout=RECOVERY,
        what="each has one socket",
    )
    eventually(lambda: states() == {"online": CHARGERS}, timeout=60, what="all are online")
    assert sum(stack.csms.sockets.values()) == CHARGERS
    assert {identity for identity, count in stack.csms.sockets.items() if count} == set(identities)


def states() -> Counter[str]:
    return Counter(Charger.objects.values_list("connection_state", flat=True))


def test_a_job_survives_kill_9_of_the_worker(stack: Stack) -> None:
    job = stack.ask()
    in_the_middle(job, some_created)
    stack.worker.kill()
    stack.worker.start()
    everything_is_there_once(stack, job)
    assert max(stack.csms.most.values()) == 1


def test_a_job_survives_kill_9_of_the_simulator(stack: Stack) -> None:
    job = stack.ask()
    in_the_middle(job, some_held)
    stack.simulator.kill()
    stack.simulator.start()
    everything_is_there_once(stack, job)


def test_a_job_survives_kill_9_of_the_broker(stack: Stack) -> None:
    job = stack.ask()
    in_the_middle(job, some_created)
    stack.valkey.kill()
    time.sleep(2)  # long enough for everybody to notice
    stack.valkey.start()
    everything_is_there_once(stack, job)


def test_a_job_survives_a_broker_that_comes_back_empty(stack: Stack) -> None:
    job = stack.ask()
    in_the_middle(job, some_created)
    stack.valkey.kill()
    for file in sorted(stack.valkey.folder.rglob("*.aof*")):
        file.unlink()
    for file in sorted(stack.valkey.folder.rglob("*.rdb")):
        file.unlink()
    stack.valkey.start()
    everything_is_there_once(stack, job)


def test_a_job_survives_kill_9_of_everything_at_once(stack: Stack) -> None:
    job = stack.ask()
    in_the_middle(job, some_created)
    for process in (stack.worker, stack.simulator, stack.beat):
        process.kill()
    stack.valkey.kill()
    stack.valkey.start()
    for process in (stack.beat, stack.simulator, stack.worker):
        process.start(wait=False)
    everything_is_there_once(stack, job)


def test_a_job_survives_kill_9_of_the_process_that_runs_its_calls(stack: Stack) -> None:
    """A pool process of the worker, again and again, while the worker itself lives."""
    job = stack.ask()
    in_the_middle(job, some_created)
    for _ in range(3):
        for child in psutil.Process(stack.worker.pid).children():
            child.kill()
        time.sleep(0.5)
    everything_is_there_once(stack, job)
    assert stack.worker.alive


def test_a_job_survives_kill_9_of_the_database(stack: Stack) -> None:
    if servers.servers is None:
        pytest.skip("the database is not ours to kill")
    job = stack.ask()
    in_the_middle(job, some_created)
    servers.servers.postgres.kill()
    time.sleep(1)  # long enough for everybody to notice
    servers.servers.postgres.start()
    connection.close()
    everything_is_there_once(stack, job)


def test_a_job_accepted_while_the_broker_is_away_runs_when_it_is_back(stack: Stack) -> None:
    stack.valkey.kill()
    began = time.monotonic()
    job = stack.ask()
    assert time.monotonic() - began < 5
    stack.valkey.start()
    everything_is_there_once(stack, job)
