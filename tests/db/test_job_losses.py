"""Calls that were lost, or that ended the worker which had them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import ProvisioningItem
from jobs.selectors import job_failures
from jobs.services import Found, item_provision, items_find_lost, items_redelivered
from jobs.services.losing import MAX_ATTEMPTS
from tests.support.chargers import make_location
from tests.support.jobs import claim, empty_broker, group, items, provision_all, published, settle, started

pytestmark = pytest.mark.django_db


@pytest.fixture
def location(organization):
    empty_broker()
    return make_location(organization)


def search():
    return items_find_lost(before=timezone.now() + timedelta(milliseconds=1))


def test_lost_items_are_dispatched_again(location):
    job = started(location)
    item_provision(item_id=items(job)[0].id)
    before = timezone.now()
    assert items_find_lost(before=before) == Found(dispatched=4, exhausted=0)
    assert [item.attempts for item in items(job)] == [0, 1, 1, 1, 1]
    assert items_find_lost(before=before) == Found(0, 0), "they were given their time again"


def test_items_lost_again_travel_alone(location):
    job = started(location, group(number=100))
    empty_broker()
    assert search().dispatched == 100
    assert published() == 4
    empty_broker()
    assert search().dispatched == 100
    assert published() == 100
    assert {item.attempts for item in items(job)} == {2}


def test_an_item_that_is_lost_too_often_fails(location):
    job = started(location, group("1", "2"))
    item_provision(item_id=items(job)[0].id)
    claim(job)
    for _ in range(MAX_ATTEMPTS):
        assert search() == Found(dispatched=1, exhausted=0)
    assert search() == Found(dispatched=0, exhausted=1)
    job = settle(job)
    assert (job.status, [failure["code"] for failure in job_failures(job.id)]) == ("READY", ["attempts_exhausted"])


def test_an_item_that_will_be_retried_later_is_not_lost(location):
    job = started(location)
    ProvisioningItem.objects.filter(job=job).update(dispatched_at=timezone.now() + timedelta(seconds=20))
    assert search() == Found(0, 0)


def test_items_of_finished_jobs_are_not_lost(location):
    job = started(location)
    provision_all(job)
    claim(job)
    settle(job)
    assert search() == Found(0, 0)


def test_a_message_that_came_back_is_taken_apart(location):
    job = started(location, group(number=60))
    empty_broker()
    ids = [item.id for item in items(job)][:3]
    item_provision(item_id=ids[0])
    assert items_redelivered(item_ids=ids) == []
    assert published() == 2, "the one that was done is not published again"
    assert [item.attempts for item in items(job)][:4] == [0, 1, 1, 0]


def test_a_call_that_comes_back_alone_is_tried_again_but_not_for_ever(location):
    job = started(location, group("1"))
    [item] = items(job)
    for _ in range(MAX_ATTEMPTS):
        assert items_redelivered(item_ids=[item.id]) == [item.id]
    assert items_redelivered(item_ids=[item.id]) == []
    assert [(one.status, one.error_code) for one in items(job)] == [("failed", "attempts_exhausted")]
    assert items_redelivered(item_ids=[item.id]) == []
