"""The sweeper: what it takes for lost, what it leaves alone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.services import jobs_sweep
from jobs.services.sweeping import Swept
from tests.support.chargers import make_location
from tests.support.jobs import claim, empty_broker, items, make_job, provision_all, published, settle, started

pytestmark = pytest.mark.django_db

NOTHING = Swept(started=0, searched=False, looked=0)


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


def test_it_has_items_looked_for_that_are_overdue(location):
    job = watched(started(location))
    assert not jobs_sweep().searched
    aged(job)
    assert jobs_sweep() == Swept(started=0, searched=True, looked=0)
    assert {item.attempts for item in items(job)} == {0}, "waiting in line is no loss"
    provision_all(job)
    assert not jobs_sweep().searched


def test_it_looks_at_a_job_at_which_nobody_looks(location):
    job = started(location)
    provision_all(job)
    assert jobs_sweep() == Swept(started=0, searched=False, looked=1)
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
