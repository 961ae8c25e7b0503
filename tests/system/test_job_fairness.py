"""Jobs that run at the same time, through a real broker, worker and simulator: none waits for all of another."""

import sys

import pytest

from chargers.models import Charger
from jobs.models import ProvisioningItem
from tests.support.bad_csms import BadCsms
from tests.support.chargers import make_location
from tests.support.deadly_worker import DEADLY
from tests.support.jobs import group, items, make_job, reread
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def location(organization):
    return make_location(organization)


@pytest.fixture
def csms():
    with BadCsms() as server:
        yield server


def created(job):
    return ProvisioningItem.objects.filter(job=job).exclude(status="pending").count()


def ended(job, *, timeout=90.0):
    return eventually(lambda: reread(job) if reread(job).finished_at else None, timeout=timeout, what="the job ends")


def test_a_job_of_ten_is_ready_while_one_of_thousands_is_being_provisioned(processes, location, csms):
    """The same organization asks for both."""
    address = csms.url("good")
    large = make_job(location, group(number=3000, prefix="L", ws_url=address))
    processes.simulator(wait=False)
    processes.worker()
    eventually(Charger.objects.exists, every=0.01, what="the large job is under way")
    small = make_job(location, group(number=10, prefix="S", ws_url=address))
    assert ended(small).status == "READY"
    assert reread(large).status == "PROVISIONING"
    assert ended(large).status == "READY"
    assert Charger.objects.filter(provisioning_status="READY").count() == 3010


def test_large_jobs_of_two_organizations_move_side_by_side(processes, location, other_organization):
    first = make_job(location, group(number=2000, prefix="A"))
    second = make_job(make_location(other_organization), group(number=2000, prefix="B"))
    processes.worker()
    counts = eventually(
        lambda: both if 2000 in (both := (created(first), created(second))) else None,
        every=0.01,
        timeout=60,
        what="one of them has created all of its chargers",
    )
    assert min(counts) >= 2000 / 3, counts


def test_many_jobs_of_one_organization_do_not_hold_up_the_one_of_another(processes, location, other_organization):
    many = [make_job(location, group(number=500, prefix=f"A{number}-")) for number in range(8)]
    one = make_job(make_location(other_organization), group(number=500, prefix="B"))
    processes.worker()
    eventually(lambda: created(one) == 500, every=0.01, timeout=60, what="the only job of its organization is done")
    assert sum(created(job) for job in many) < 8 * 500 * 2 / 3


def test_a_simulator_takes_the_first_chargers_of_each_job_first(processes, location, other_organization, csms):
    """The small job comes last, and there is room for a part only."""
    address = csms.url("good")
    large = make_job(location, group(number=300, prefix="L", ws_url=address))
    worker = processes.worker()
    eventually(lambda: created(large) == 300, what="its chargers wait for a simulator")
    small = make_job(make_location(other_organization), group(number=10, prefix="S", ws_url=address))
    eventually(lambda: created(small) == 10, what="these wait, too")
    processes.simulator(HOST_CAPACITY="100")
    assert ended(small).status == "READY"
    eventually(lambda: Charger.objects.filter(provisioning_status="READY").count() == 100, what="it is full")
    assert reread(large).status == "PROVISIONING"
    assert worker.alive


def test_a_call_that_ends_its_worker_each_time_fails_and_costs_no_other(processes, location):
    """While another job moves all the time, and in a message with others."""
    command = [sys.executable, "-m", "celery", "-A", "tests.support.deadly_worker", "worker", "--loglevel", "INFO"]
    command += ["--concurrency", "2"]
    worker = processes.run("worker", command, ready=lambda process: " ready." in process.text())
    job = make_job(location, group(DEADLY, number=60))
    other = make_job(location, group(number=2000, prefix="O"))
    eventually(lambda: created(job) == 60, timeout=60, what="each item has its outcome")
    failed = [item for item in items(job) if item.status == "failed"]
    assert [(item.identity, item.error_code) for item in failed] == [(f"SITE_{DEADLY}", "attempts_exhausted")]
    assert Charger.objects.filter(items__job=job).count() == 59
    eventually(lambda: created(other) == 2000, timeout=60, what="the other job is done")
    assert worker.alive
