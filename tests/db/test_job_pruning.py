"""Jobs that ended long ago: what is forgotten, and what stays."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from chargers.models import Charger
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.services import job_cancel, job_create, jobs_prune
from jobs.services import pruning as module
from jobs.tasks import prune
from tests.support.chargers import make_location
from tests.support.jobs import claim, empty_broker, group, items, provision_all, published, settle, started
from tests.support.races import Elsewhere

pytestmark = pytest.mark.django_db


@pytest.fixture
def location(organization):
    empty_broker()
    return make_location(organization)


def ended(location, *, days, **options):
    job = started(location, group(number=5), **options)
    provision_all(job)
    claim(job)
    settle(job)
    ProvisioningJob.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=days))
    return job


def run(*, days=30, seconds=30.0):
    return jobs_prune(before=timezone.now() - timedelta(days=days), seconds=seconds)


def test_it_deletes_old_jobs_with_their_items_and_leaves_their_chargers(location):
    ended(location, days=31)
    young = ended(location, days=29)
    assert run() == (1, True)
    assert list(ProvisioningJob.objects.all()) == [young]
    assert set(ProvisioningItem.objects.values_list("job_id", flat=True)) == {young.id}
    assert Charger.objects.count() == 10


def test_it_never_deletes_a_job_that_has_not_ended(location):
    job = started(location)
    ProvisioningJob.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(days=400))
    assert run() == (0, True)
    job_cancel(job_id=job.id)
    assert run() == (0, True), "it ended just now"
    assert len(items(job)) == 5


def test_the_key_of_a_forgotten_job_may_be_used_again(location):
    old = ended(location, days=31, idempotency_key="key")
    again, new = job_create(location=location, groups=[group(number=5)], idempotency_key="key")
    assert (again.id, new) == (old.id, False)
    run()
    again, new = job_create(location=location, groups=[group(number=5)], idempotency_key="key")
    assert (again.id != old.id, new) == (True, True)


def test_it_works_in_small_steps(location, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 2)
    ended(location, days=31)
    assert run() == (1, True)
    assert not ProvisioningItem.objects.exists()


def test_what_does_not_fit_is_left_to_a_run_at_the_end_of_the_line(location, settings, monkeypatch):
    ended(location, days=31)
    empty_broker()
    monkeypatch.setattr("jobs.tasks.BUDGET", 0.0)
    prune.run()
    assert (ProvisioningJob.objects.count(), published()) == (1, 1)
    monkeypatch.undo()
    prune.run()
    assert (ProvisioningJob.objects.count(), published()) == (0, 1)
    assert settings.CELERY_BEAT_SCHEDULE["jobs.prune"]["task"] == prune.name


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_nobody_who_holds_an_item(location):
    job = ended(location, days=31)
    first = items(job)[0]
    with transaction.atomic():
        ProvisioningItem.objects.select_for_update().get(pk=first.pk)
        assert Elsewhere(run).result() == (0, True)
    assert items(job) == [first]
    assert run() == (1, True)
