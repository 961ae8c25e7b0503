"""Jobs through a real broker and a real worker. What simulators do is done by hand here."""

import time

import pytest
import redis
from django.conf import settings
from django.db import connection, transaction

from chargers.models import Charger
from jobs import queue
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.services import job_cancel, job_retry_failed
from locations.services.writing import location_delete
from tests.support.chargers import make_charger, make_host, make_location
from tests.support.jobs import claim, empty_broker, group, items, make_job, published, reread, unfolded
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def location(organization):
    return make_location(organization)


def finished(job, *, host=None, timeout=30.0):
    """Claim what the worker creates, as a simulator does, until the job is final."""
    host = host or make_host()

    def probe():
        # A fresh beat each time: hosts that do not beat hold nothing.
        type(host).objects.filter(pk=host.pk).update(beat_at=time_now())
        claim(job, host)
        return reread(job) if reread(job).finished_at else None

    return eventually(probe, timeout=timeout, what="the job ends")


def time_now():
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        return cursor.fetchone()[0]


def test_a_job_runs_by_itself(processes, location):
    processes.worker()
    make_charger(location.organization, identity="SITE_002")
    job = finished(make_job(location, group("001", "002", number=120), group("9", prefix="B-")))
    assert (job.status, job.error_code) == ("READY", "")
    assert Charger.objects.filter(items__job=job).count() == 120
    statuses = [item.status for item in items(job)]
    assert (statuses.count("held"), statuses.count("failed")) == (120, 1)
    assert all(item.attempts == 0 for item in items(job))


def test_one_call_a_message_works_as_well(processes, location):
    processes.worker(JOB_MAX_MESSAGES="0")
    job = finished(make_job(location, group(number=120)))
    assert job.status == "READY"
    assert "celery.starmap" not in processes.started[0].text()


def test_it_settles_without_the_sweeper(processes, location):
    processes.worker()
    began = time.monotonic()
    assert finished(make_job(location, group(number=50))).status == "READY"
    assert time.monotonic() - began < 10  # no beat runs: callback and looks did it


def test_a_job_that_nobody_hosts_fails_at_its_deadline(processes, location):
    processes.worker(JOB_HOSTING_DEADLINE="2")
    job = make_job(location, group(number=3))
    job = eventually(lambda: reread(job) if reread(job).finished_at else None, what="the job fails")
    assert (job.status, job.error_code, job.error_retryable) == ("FAILED", "not_hosted", True)
    assert job_retry_failed(job_id=job.id) == 3
    assert finished(job).status == "READY"
    assert Charger.objects.count() == 3


def test_a_small_job_does_not_wait_for_a_large_one(processes, location):
    large = make_job(location, group(number=3000, prefix="L"))
    worker = processes.worker()
    eventually(Charger.objects.exists, what="the large job is under way")
    began = time.monotonic()
    assert finished(make_job(location, group(number=5, prefix="S"))).status == "READY"
    waited = time.monotonic() - began
    pending = ProvisioningItem.objects.filter(job=large, status="pending").count()
    assert pending > 500, f"the large job was done before the small one, which took {waited:.1f} s"
    worker.kill()


def test_many_jobs_that_wait_for_a_simulator_do_not_hold_up_one_that_has_it(processes, location):
    waiting = [make_job(location, group("1", prefix=f"W{number}-")) for number in range(80)]
    processes.worker()
    eventually(lambda: Charger.objects.count() == len(waiting), timeout=60, what="all of them wait")
    began = time.monotonic()
    assert finished(make_job(location, group(number=20))).status == "READY"
    assert time.monotonic() - began < 15
    assert {reread(job).status for job in waiting} == {"PROVISIONING"}


@pytest.fixture
def impatient_database(transactional_db):
    """Statements of new connections wait for a lock 0.3 s at most, and fail with an error that a retry cures."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER ROLE CURRENT_USER IN DATABASE {} SET lock_timeout = 300".format(cursor.db.settings_dict["NAME"])
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER ROLE CURRENT_USER IN DATABASE {} RESET lock_timeout".format(cursor.db.settings_dict["NAME"])
        )


def test_an_item_that_meets_a_database_error_is_tried_again_by_itself(impatient_database, processes, location):
    job = unfolded(location, group("1", "2", "3"))
    empty_broker()
    first = items(job)[0]
    worker = processes.worker()
    with transaction.atomic():
        ProvisioningItem.objects.select_for_update().get(pk=first.pk)
        queue.dispatch(job.id, [item.id for item in items(job)])
        eventually(lambda: "item_to_be_tried_again" in worker.text(), what="a retry")
        eventually(lambda: Charger.objects.count() == 2, what="the others are done meanwhile")
    assert finished(job).status == "READY"
    first.refresh_from_db()
    assert (first.status, first.attempts >= 0) == ("held", True)
    assert Charger.objects.count() == 3


def test_an_item_whose_errors_do_not_end_fails_as_retryable(impatient_database, processes, location):
    job = unfolded(location, group("1"))
    empty_broker()
    [item] = items(job)
    worker = processes.worker()
    with transaction.atomic():
        ProvisioningItem.objects.select_for_update().get(pk=item.pk)
        queue.provision_again(item.pk, 4, countdown=0)  # its fifth try
        eventually(lambda: "item_to_be_tried_again" in worker.text(), what="the last try")
        eventually(lambda: "'retry'" in worker.text(), what="even its failure could not be written")
    queue.provision_again(item.pk, 4, countdown=0)
    assert eventually(lambda: items(job)[0].status == "created")


def test_the_sweeper_finishes_a_job_whose_messages_are_all_lost(processes, location):
    job = make_job(location, group(number=40))
    assert published() == 1
    empty_broker()
    processes.beat(JOB_SWEEP_INTERVAL="2")
    processes.worker(JOB_LOST_AFTER="1")
    assert finished(job, timeout=60).status == "READY"


def test_the_sweeper_finishes_a_job_whose_calls_are_lost(processes, location):
    job = make_job(location, group(number=40))
    worker = processes.worker(JOB_LOST_AFTER="1")
    eventually(lambda: ProvisioningItem.objects.filter(job=job, dispatched_at__isnull=False).exists(), every=0.01)
    empty_broker()
    processes.beat(JOB_SWEEP_INTERVAL="2")
    job = finished(job, timeout=60)
    assert job.status == "READY"
    assert Charger.objects.count() == 40
    assert worker.alive


def test_a_cancelled_job_creates_no_more_chargers(processes, location):
    job = make_job(location, group(number=2000))
    processes.worker()
    eventually(Charger.objects.exists, what="the job is under way")
    job_cancel(job_id=job.id)
    count = Charger.objects.count()
    assert reread(job).status == "FAILED"
    eventually(lambda: published() == 0, what="the messages are used up")
    assert Charger.objects.count() == count < 2000
    assert not Charger.objects.filter(wanted=True).exists()


def test_deleting_the_location_of_a_running_job_leaves_no_error(processes, location):
    make_job(location, group(number=1000))
    worker = processes.worker()
    eventually(Charger.objects.exists, what="the job is under way")
    assert location_delete(organization=location.organization, location_id=location.id)
    eventually(lambda: published() == 0, what="the messages are used up")
    assert not Charger.objects.exists()
    assert not ProvisioningJob.objects.exists()
    assert worker.stop() == 0
    assert "[error" not in worker.text()
    assert "Traceback" not in worker.text()


def test_accepting_does_not_wait_for_a_broker_that_hangs(api, location, processes):
    """The request is answered although nobody reads what it publishes; a worker finds the job later."""
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        began = time.monotonic()
        broker.execute_command("CLIENT", "PAUSE", "6000", "ALL")
        job = make_job(location, group(number=2))
        assert time.monotonic() - began < queue.PATIENCE + 1
    assert reread(job).status == "PENDING"
    eventually(lambda: published() <= 1, timeout=20)
