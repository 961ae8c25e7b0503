"""Two who work on the same job at the same time, each with a connection of its own."""

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from chargers.models import Charger
from chargers.services.provisioning import NewCharger
from chargers.services.removal import chargers_delete
from jobs.errors import IdempotencyKeyReused, JobRunning, NothingToRetry
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.selectors import job_failures
from jobs.services import (
    Outcome,
    charger_request,
    item_provision,
    items_find_lost,
    items_provision,
    job_cancel,
    job_expand,
    job_retry_failed,
    job_settle,
    job_start,
    jobs_sweep,
)
from locations.services.writing import location_delete
from tests.support.chargers import WS_URL, make_location, make_model
from tests.support.jobs import (
    claim,
    empty_broker,
    group,
    items,
    make_job,
    provision_all,
    reread,
    settle,
    started,
    unfolded,
)
from tests.support.races import Elsewhere, all_at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def location(organization):
    empty_broker()
    return make_location(organization)


@pytest.fixture
def new_charger(location):
    return NewCharger(
        organization_id=location.organization_id,
        identity="CP-1",
        model_id=make_model().id,
        connector_type="Type2",
        ocpp_version="OCPP1.6",
        ws_url=WS_URL,
        location_id=location.id,
    )


def test_two_requests_with_the_same_key_make_one_job(location):
    first, second = all_at_once(*[lambda: make_job(location, group("1"), idempotency_key="k")] * 2)
    assert first == second
    assert ProvisioningJob.objects.count() == 1


def test_two_different_requests_with_the_same_key_make_one_job_and_one_refusal(location):
    def attempt(suffix):
        try:
            return make_job(location, group(suffix), idempotency_key="k")
        except IdempotencyKeyReused:
            return None

    outcomes = all_at_once(lambda: attempt("1"), lambda: attempt("2"))
    assert outcomes.count(None) == 1
    assert ProvisioningJob.objects.count() == 1


def test_two_single_creates_with_the_same_key_make_one_charger(location, new_charger):
    outcomes = all_at_once(
        *[lambda: charger_request(organization=location.organization, new=new_charger, idempotency_key="k")] * 2
    )
    assert outcomes[0] == outcomes[1]
    assert Charger.objects.count() == 1


def test_two_who_expand_the_same_job_write_its_items_once(location):
    job = make_job(location, group(number=500))
    with transaction.atomic():
        assert job_expand(job_id=job.id)
        other = Elsewhere(lambda: job_expand(job_id=job.id)).until_blocked()
    assert other.result() is False
    assert ProvisioningItem.objects.filter(job=job).count() == 500


def test_two_who_start_the_same_job_publish_each_item_once(location):
    job = make_job(location, group(number=200))
    assert sorted(all_at_once(*[lambda: job_start(job_id=job.id)] * 2)) == [False, True]


def test_two_calls_of_the_same_item_create_one_charger(location):
    job = unfolded(location, group("1"))
    [item] = items(job)
    with transaction.atomic():
        assert item_provision(item_id=item.id) == "created"
        other = Elsewhere(lambda: item_provision(item_id=item.id)).until_blocked()
    assert other.result() == "settled"
    assert Charger.objects.count() == 1


def test_of_two_jobs_with_the_same_ids_exactly_one_wins_each(location):
    ids = [f"{number:03}" for number in range(30)]
    jobs = [unfolded(location, group(*ids)), unfolded(location, group(*ids))]
    outcomes = all_at_once(*[lambda job=job: provision_all(job) for job in jobs])
    assert [sorted(pair) for pair in zip(*outcomes, strict=True)] == [["created", "failed"]] * 30
    assert Charger.objects.count() == 30
    assert {failure["code"] for job in jobs for failure in job_failures(job.id)} == {"identity_in_use"}


def test_two_who_settle_finish_the_job_once(location):
    job = started(location)
    provision_all(job)
    claim(job)
    with transaction.atomic():
        assert job_settle(job_id=job.id) is None
        other = Elsewhere(lambda: job_settle(job_id=job.id)).until_blocked()
    assert other.result() is None
    done = reread(job)
    assert done.status == "READY"


def test_of_many_lookers_one_gets_the_next_look(location):
    job = started(location)
    outcomes = all_at_once(*[lambda: job_settle(job_id=job.id)] * 4)
    assert sum(outcome is not None for outcome in outcomes) == 1


def test_a_charger_being_created_while_the_job_is_cancelled_is_given_up(location):
    job = started(location, group("1", "2"))
    first, second = items(job)
    with transaction.atomic():
        item_provision(item_id=first.id)
        other = Elsewhere(lambda: job_cancel(job_id=job.id)).until_blocked()
    other.result()
    assert item_provision(item_id=second.id) == "settled"
    assert [failure["code"] for failure in job_failures(job.id)] == ["cancelled"] * 2
    assert [(charger.wanted, charger.provisioning_status) for charger in Charger.objects.all()] == [(False, "FAILED")]
    assert reread(job).status == "FAILED"


def test_an_item_cancelled_first_is_not_created(location):
    job = started(location, group("1"))
    [item] = items(job)
    with transaction.atomic():
        job_cancel(job_id=job.id)
        other = Elsewhere(lambda: item_provision(item_id=item.id)).until_blocked()
    assert other.result() == "settled"
    assert Charger.objects.count() == 0


def test_cancelling_while_the_job_expands_leaves_no_item_behind(location):
    job = make_job(location, group(number=300))
    ProvisioningJob.objects.filter(pk=job.pk).update(status="PROVISIONING")
    with transaction.atomic():
        job_expand(job_id=job.id)
        other = Elsewhere(lambda: job_cancel(job_id=job.id)).until_blocked()
    other.result()
    assert {item.status for item in items(job)} == {"failed"}
    assert reread(job).status == "FAILED"


def test_a_claim_between_deadline_and_giving_up_wins(location):
    job = started(location, group("1", "2"))
    provision_all(job)
    settle(job)
    ProvisioningJob.objects.filter(pk=job.pk).update(deadline_at=reread(job).created_at, settle_at=None)
    with transaction.atomic():
        claim(job, count=1)
        other = Elsewhere(lambda: job_settle(job_id=job.id)).until_blocked()
    other.result()
    job = settle(job)
    assert (job.status, [failure["code"] for failure in job_failures(job.id)]) == ("READY", ["not_hosted"])
    assert Charger.objects.get(wanted=True).provisioning_status == "READY"


def test_a_search_leaves_an_item_alone_that_is_in_work(location):
    job = started(location, group("1", "2"))
    first, _ = items(job)
    with transaction.atomic():
        item_provision(item_id=first.id)
        assert Elsewhere(lambda: items_find_lost(before=timezone.now())).result().dispatched == 1
    assert [item.attempts for item in items(job)] == [0, 1]


def test_two_searches_do_not_dispatch_the_same_item(location):
    started(location, group(number=50))
    before = timezone.now()

    def search():
        return items_find_lost(before=before)

    assert sum(found.dispatched for found in all_at_once(search, search)) == 50


def test_two_messages_with_the_same_items_make_their_chargers_once(location):
    job = started(location, group(number=50))
    ids = [item.id for item in items(job)]
    with transaction.atomic():
        assert set(items_provision(item_ids=ids[:30]).values()) == {Outcome.CREATED}
        other = Elsewhere(lambda: items_provision(item_ids=ids)).until_blocked()
    done = other.result()
    assert [done[pk] for pk in ids] == [Outcome.SETTLED] * 30 + [Outcome.CREATED] * 20
    assert Charger.objects.count() == 50


def test_two_sweepers_do_not_start_the_same_job(location, settings):
    settings.JOB_LOST_AFTER = 1
    job = make_job(location)
    ProvisioningJob.objects.filter(pk=job.pk).update(progress_at=job.created_at.replace(year=2020))
    assert sum(swept.started for swept in all_at_once(jobs_sweep, jobs_sweep)) == 1


def test_two_retries_run_the_failed_items_once(location):
    job = started(location)
    job_cancel(job_id=job.id)

    def attempt():
        try:
            return job_retry_failed(job_id=job.id)
        except (JobRunning, NothingToRetry):
            return 0

    assert sorted(all_at_once(attempt, attempt)) == [0, 5]


def test_deleting_the_chargers_of_a_running_job_meets_no_deadlock(location):
    job = started(location, group(number=60))
    stop = threading.Event()

    def delete():
        while not stop.is_set():
            ids = list(Charger.objects.values_list("public_id", flat=True)[:7])
            chargers_delete(rows=Charger.objects.all(), charger_ids=ids)

    def look():
        while not stop.is_set():
            ProvisioningJob.objects.filter(pk=job.pk).update(settle_at=None)
            job_settle(job_id=job.id)

    def provision():
        provision_all(job)
        stop.set()
        return True

    assert all_at_once(provision, delete, look)[0]
    claim(job)
    job = settle(job)
    assert job.status in {"READY", "FAILED"}
    assert {item.status for item in items(job)} <= {"held", "failed"}


def test_a_call_waits_for_whoever_deletes_its_location_and_then_ends_quietly(location):
    job = started(location, group("1"))
    [item] = items(job)
    with transaction.atomic():
        location_delete(organization=location.organization, location_id=location.id)
        call = Elsewhere(lambda: item_provision(item_id=item.id)).until_blocked()
        look = Elsewhere(lambda: job_settle(job_id=job.id)).until_blocked()
    assert call.result() == "gone"
    assert look.result() is None
    assert Charger.objects.count() == 0


def test_whoever_deletes_the_location_waits_for_a_call_and_then_deletes_its_charger(location):
    job = started(location, group("1"))
    [item] = items(job)
    with transaction.atomic():
        assert item_provision(item_id=item.id) == "created"
        deletion = Elsewhere(
            lambda: location_delete(organization=location.organization, location_id=location.id)
        ).until_blocked()
    assert deletion.result()
    assert Charger.objects.count() == 0


def test_deleting_the_location_of_a_running_job_ends_it(location):
    job = started(location, group(number=40))
    ids = [item.id for item in items(job)]

    def provision():
        return {str(item_provision(item_id=item_id)) for item_id in ids}

    def delete():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.02)")
        assert location_delete(organization=location.organization, location_id=location.id)

    outcomes, _ = all_at_once(provision, delete)
    assert outcomes <= {"created", "gone"}
    assert Charger.objects.count() == 0
    assert ProvisioningJob.objects.count() == 0
