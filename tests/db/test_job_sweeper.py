"""The sweeper: what it takes for lost, what it leaves alone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.selectors import job_failures
from jobs.services import item_provision, jobs_sweep
from jobs.services.sweeping import LOST_AFTER_WHILE_BUSY, MAX_LOST, Swept
from tests.support.chargers import make_location
from tests.support.jobs import claim, empty_broker, group, items, make_job, provision_all, published, settle, started

pytestmark = pytest.mark.django_db

NOTHING = Swept(started=0, dispatched=0, exhausted=0, looked=0)


@pytest.fixture
def location(organization):
    empty_broker()
    return make_location(organization)


def aged(job, *, seconds=60.0):
    """Let time pass for a job and its items."""
    past = timezone.now() - timedelta(seconds=seconds)
    ProvisioningJob.objects.filter(pk=job.pk).update(progress_at=past)
    ProvisioningItem.objects.filter(job=job, dispatched_at__isnull=False).update(dispatched_at=past)
    ProvisioningItem.objects.filter(job=job, moved_at__isnull=False).update(moved_at=past)


def watched(job):
    """Somebody looks at the job."""
    ProvisioningJob.objects.filter(pk=job.pk).update(settle_at=timezone.now() + timedelta(minutes=1))
    return job


def test_it_leaves_a_fresh_job_alone(location):
    make_job(location)
    watched(started(location))
    assert jobs_sweep() == NOTHING


def test_it_starts_a_job_whose_message_was_lost(location):
    aged(make_job(location))
    assert jobs_sweep().started == 1
    assert published() == 1
    assert jobs_sweep().started == 0, "it was given its time again"


def test_it_publishes_items_that_were_never_published(location):
    job = watched(started(location))
    ProvisioningItem.objects.filter(job=job).update(dispatched_at=None)
    aged(job)
    assert jobs_sweep().started == 1


def test_it_dispatches_lost_items_again(location):
    job = watched(started(location))
    item_provision(item_id=items(job)[0].id)
    aged(job)
    assert jobs_sweep().dispatched == 4
    assert [item.attempts for item in items(job)] == [0, 1, 1, 1, 1]
    assert jobs_sweep() == NOTHING, "they were given their time again"


def test_items_lost_again_travel_alone(location):
    job = watched(started(location, group(number=100)))
    aged(job)
    empty_broker()
    assert jobs_sweep().dispatched == 100
    assert published() == 20
    aged(job)
    empty_broker()
    assert jobs_sweep().dispatched == 100
    assert published() == 100


def test_an_item_that_is_lost_too_often_fails(location):
    job = watched(started(location, group("1", "2")))
    item_provision(item_id=items(job)[0].id)
    claim(job)
    for _ in range(MAX_LOST):
        aged(job)
        assert jobs_sweep().dispatched == 1
    aged(job)
    assert jobs_sweep() == Swept(started=0, dispatched=0, exhausted=1, looked=0)
    job = settle(job)
    assert (job.status, [failure["code"] for failure in job_failures(job.id)]) == ("READY", ["attempts_exhausted"])


def test_an_item_that_waits_in_line_is_not_lost(location):
    """Workers are busy with another job: then a call that has not run yet waits for its turn."""
    waiting, moving = watched(started(location)), watched(started(location, group("x", "y", prefix="B-")))
    aged(waiting)
    item_provision(item_id=items(moving)[0].id)
    assert jobs_sweep() == NOTHING


def test_it_does_not_wait_in_line_for_ever_and_that_does_not_count_as_lost(location):
    waiting, moving = watched(started(location)), watched(started(location, group("x", "y", prefix="B-")))
    aged(waiting, seconds=LOST_AFTER_WHILE_BUSY + 1)
    item_provision(item_id=items(moving)[0].id)
    assert jobs_sweep().dispatched == 5
    assert {item.attempts for item in items(waiting)} == {0}


def test_an_item_that_will_be_retried_later_is_not_lost(location):
    job = watched(started(location))
    aged(job)
    ProvisioningItem.objects.filter(job=job).update(dispatched_at=timezone.now() + timedelta(seconds=20))
    assert jobs_sweep() == NOTHING


def test_it_looks_at_a_job_at_which_nobody_looks(location):
    job = started(location)
    provision_all(job)
    assert jobs_sweep() == Swept(started=0, dispatched=0, exhausted=0, looked=1)
    watched(job)
    assert jobs_sweep() == NOTHING
    ProvisioningJob.objects.filter(pk=job.pk).update(settle_at=timezone.now() - timedelta(seconds=10))
    assert jobs_sweep().looked == 1


def test_it_leaves_finished_jobs_alone(location):
    job = started(location)
    provision_all(job)
    claim(job)
    settle(job)
    aged(job)
    assert jobs_sweep() == NOTHING


def test_a_sweep_with_nothing_to_do_takes_few_queries(location, django_assert_max_num_queries):
    for _ in range(5):
        watched(started(location))
    with django_assert_max_num_queries(4):
        jobs_sweep()
