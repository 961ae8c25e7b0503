"""Jobs from acceptance to their end, step by step on a real database."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from chargers.models import Charger
from chargers.services.removal import chargers_delete
from chargers.services.runtime import chargers_start, chargers_stop
from jobs.choices import ItemStatus
from jobs.errors import IdempotencyKeyReused, JobFinished, JobNotFound, JobRunning, NothingToRetry
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.selectors import job_chargers, job_counts, job_failures
from jobs.services import item_provision, job_cancel, job_retry_failed, job_settle, job_start
from tests.support.chargers import make_charger, make_chargers, make_host, make_location, make_model
from tests.support.jobs import claim, group, items, make_job, provision_all, reread, settle, started, unfolded

pytestmark = pytest.mark.django_db


@pytest.fixture
def location(organization):
    return make_location(organization)


def codes(job: ProvisioningJob) -> list[str]:
    return [failure["code"] for failure in job_failures(job.id)]


def expire(job: ProvisioningJob) -> None:
    ProvisioningJob.objects.filter(pk=job.pk).update(deadline_at=timezone.now() - timedelta(seconds=1))


# --- accepting ---------------------------------------------------------------------------------------------------


def test_it_accepts_ten_thousand_with_one_row(location, django_assert_num_queries):
    groups = [group(number=10_000)]
    # the location's lock, the insert between two savepoints, is the lab stopped, limits: read, lock, jobs, chargers
    with django_assert_num_queries(11):
        job = make_job(location, *groups)
    assert (job.status, job.total, job.items.count()) == ("PENDING", 10_000, 0)
    assert job.workflow_run_id == f"wfr_{job.id.hex[:16]}"


def test_the_same_key_and_request_give_the_same_job(location):
    first = make_job(location, group("1"), idempotency_key="k")
    assert make_job(location, group("1"), idempotency_key="k") == first
    assert ProvisioningJob.objects.count() == 1


def test_the_same_key_with_another_request_is_refused(location):
    make_job(location, group("1"), idempotency_key="k")
    with pytest.raises(IdempotencyKeyReused, match="take a new key"):
        make_job(location, group("2"), idempotency_key="k")
    with pytest.raises(IdempotencyKeyReused):
        make_job(make_location(location.organization), group("1"), idempotency_key="k")
    assert ProvisioningJob.objects.count() == 1


def test_two_organizations_may_use_the_same_key(location, other_organization):
    job = make_job(location, group("1"), idempotency_key="k")
    assert make_job(make_location(other_organization), group("1"), idempotency_key="k") != job


# --- starting and expanding --------------------------------------------------------------------------------------


def test_it_writes_one_item_for_each_charger(location):
    job = unfolded(location, group("001", "002", number=3), group("9", prefix="B-"))
    assert [(item.ordinal, item.group, item.explicit, item.status) for item in items(job)] == [
        (0, 0, True, "pending"),
        (1, 0, True, "pending"),
        (2, 0, False, "pending"),
        (3, 1, True, "pending"),
    ]


def test_starting_twice_writes_and_publishes_once(location):
    job = make_job(location)
    assert job_start(job_id=job.id)
    before = items(job)
    assert not job_start(job_id=job.id)
    assert items(job) == before
    assert reread(job).status == "PROVISIONING"


def test_starting_goes_on_after_a_death_in_the_middle_of_expanding(location):
    job = unfolded(location)
    ProvisioningItem.objects.filter(job=job, ordinal__gt=1).delete()
    ProvisioningJob.objects.filter(pk=job.pk).update(expanded_at=None)
    assert job_start(job_id=job.id)
    assert [item.ordinal for item in items(job)] == [0, 1, 2, 3, 4]
    assert all(item.dispatched_at for item in items(job))


def test_starting_a_deleted_job_does_nothing():
    assert not job_start(job_id=uuid.uuid4())


# --- one charger -------------------------------------------------------------------------------------------------


def test_it_creates_the_charger_with_the_values_of_its_group(location):
    model = make_model("other")
    job = unfolded(
        location,
        group("001", model_id=str(model.id), ocpp_version="OCPP2.0.1", connector_type="CCS2", message_log="none"),
    )
    assert provision_all(job) == ["created"]
    charger = Charger.objects.get()
    assert (charger.identity, charger.name, charger.location) == ("SITE_001", "Bay 001", location)
    assert (charger.model, charger.ocpp_version, charger.connector_type) == (model, "OCPP2.0.1", "CCS2")
    assert (charger.wanted, charger.provisioning_status) == (True, "PROVISIONING")
    assert charger.message_log == "none"
    assert items(job)[0].charger == charger


def test_it_creates_a_charger_once_however_often_it_is_called(location):
    job = unfolded(location)
    assert provision_all(job) == ["created"] * 5
    assert provision_all(job) == ["settled"] * 5
    assert Charger.objects.count() == 5


def test_an_explicit_identity_in_use_fails_the_item_only(location):
    make_charger(location.organization, identity="SITE_002")
    job = unfolded(location, group("001", "002", "003"))
    assert provision_all(job) == ["created", "failed", "created"]
    claim(job)
    job = settle(job)
    assert job.status == "READY"
    [failure] = job_failures(job.id)
    assert (failure["identity"], failure["code"], failure["retryable"]) == ("SITE_002", "identity_in_use", False)
    assert "identity already in use" in failure["error"]
    assert [charger.identity for charger in job_chargers(job.id)] == ["SITE_001", "SITE_003"]


def test_the_same_identity_at_another_csms_is_no_clash(location):
    make_charger(location.organization, identity="SITE_002", ws_url="ws://elsewhere.test")
    assert provision_all(unfolded(location, group("002"))) == ["created"]


def test_a_drawn_suffix_in_use_is_drawn_again(location):
    job = unfolded(location, group(number=1))
    [item] = items(job)
    make_charger(location.organization, identity=item.identity)
    assert provision_all(job) == ["created"]
    [after] = items(job)
    assert after.identity != item.identity
    assert after.identity.startswith("SITE_")
    assert len(after.identity) == len("SITE_") + 8
    assert after.charger.identity == after.identity
    assert after.name == after.charger.name == f"Bay {after.identity.removeprefix('SITE_')}"


def test_a_deleted_location_ends_the_calls_quietly(location):
    job = unfolded(location)
    ids = [item.id for item in items(job)]
    location.delete()
    assert [item_provision(item_id=item_id) for item_id in ids] == ["gone"] * 5
    assert job_settle(job_id=job.id) is None
    assert Charger.objects.count() == 0


def test_a_deleted_organization_ends_the_calls_quietly(location, organization):
    job = unfolded(location)
    ids = [item.id for item in items(job)]
    organization.delete()
    assert {item_provision(item_id=item_id) for item_id in ids} == {"gone"}


def test_one_charger_takes_few_queries(location, django_assert_max_num_queries):
    job = unfolded(location, group("1", "2"))
    first, second = items(job)
    item_provision(item_id=first.id)
    with django_assert_max_num_queries(8):
        item_provision(item_id=second.id)


# --- settling ----------------------------------------------------------------------------------------------------


def test_it_waits_while_an_item_is_pending(location):
    job = started(location)
    item_provision(item_id=items(job)[0].id)
    claim(job)
    assert settle(job).status == "PROVISIONING"


def test_it_waits_until_hosts_hold_them_all(location):
    job = started(location)
    provision_all(job)
    assert settle(job).status == "PROVISIONING"
    host = claim(job, count=4)
    assert settle(job).status == "PROVISIONING"
    claim(job, host)
    job = settle(job)
    assert job.status == "READY"
    assert job.finished_at is not None
    assert {item.status for item in items(job)} == {ItemStatus.HELD}


def test_being_online_is_no_condition_of_ready(location):
    job = started(location)
    provision_all(job)
    claim(job)
    Charger.objects.update(connection_state="rejected", connection_error="HTTP 401")
    assert settle(job).status == "READY"


@pytest.mark.parametrize(
    "dead", [{"status": "gone", "gone_at": timezone.now()}, {"beat_at": timezone.now() - timedelta(minutes=1)}]
)
def test_a_dead_host_holds_nothing(location, dead):
    job = started(location)
    provision_all(job)
    host = claim(job)
    type(host).objects.filter(pk=host.pk).update(**dead)
    assert settle(job).status == "PROVISIONING"
    Charger.objects.update(host=make_host("another"))
    assert settle(job).status == "READY"


def test_only_one_looks_at_a_time(location):
    job = started(location)
    provision_all(job)
    assert job_settle(job_id=job.id) is not None
    ProvisioningJob.objects.filter(pk=job.pk).update(settle_at=timezone.now() + timedelta(seconds=30))
    assert job_settle(job_id=job.id) is None  # somebody has a look that is due
    ProvisioningJob.objects.filter(pk=job.pk).update(settle_at=timezone.now())
    assert job_settle(job_id=job.id) is not None


def test_it_looks_rarer_the_longer_nothing_moves(location):
    job = started(location)
    assert job_settle(job_id=job.id) == pytest.approx(0.3)
    ProvisioningJob.objects.filter(pk=job.pk).update(settle_at=None, progress_at=timezone.now() - timedelta(minutes=1))
    assert job_settle(job_id=job.id) == pytest.approx(10.0)


def test_chargers_that_nobody_takes_fail_at_the_deadline(location, settings):
    settings.JOB_HOSTING_DEADLINE = 60
    job = started(location)
    provision_all(job)
    claim(job, count=3)
    job = settle(job)
    assert job.deadline_at is not None
    assert timedelta(seconds=55) < job.deadline_at - timezone.now() <= timedelta(seconds=60)
    expire(job)
    job = settle(job)
    assert job.status == "READY"
    assert codes(job) == ["not_hosted"] * 2
    assert all(failure["retryable"] for failure in job_failures(job.id))
    given_up = Charger.objects.filter(provisioning_status="FAILED")
    assert [(charger.wanted, charger.error_code) for charger in given_up] == [(False, "not_hosted")] * 2


def test_the_deadline_counts_from_the_last_charger_that_was_created(location):
    job = started(location)
    settle(job)
    assert reread(job).deadline_at is None
    provision_all(job)
    assert settle(job).deadline_at is not None


def test_it_fails_when_nothing_could_be_provisioned(location):
    job = started(location, group("1", "2"))
    provision_all(job)
    settle(job)
    expire(job)
    job = settle(job)
    assert (job.status, job.error_code, job.error_retryable) == ("FAILED", "not_hosted", True)
    assert "simulator" in job.error_message


def test_it_says_all_reasons_when_they_differ(location):
    make_charger(location.organization, identity="SITE_1")
    job = started(location, group("1", "2", "3"))
    provision_all(job)
    settle(job)
    expire(job)
    job = settle(job)
    assert (job.status, job.error_code, job.error_retryable) == ("FAILED", "all_failed", True)
    assert "2 not_hosted, 1 identity_in_use" in job.error_message


def test_a_charger_that_lost_its_host_at_the_deadline_counts_as_provisioned(location):
    job = started(location, group("1"))
    provision_all(job)
    host = claim(job)
    type(host).objects.filter(pk=host.pk).update(beat_at=timezone.now() - timedelta(minutes=1))
    settle(job)
    expire(job)
    assert settle(job).status == "READY"
    assert Charger.objects.get().wanted


def test_a_charger_deleted_while_the_job_runs_is_a_failed_item(location):
    job = started(location, group("1", "2"))
    provision_all(job)
    chargers_delete(rows=Charger.objects.all(), charger_ids=[items(job)[0].charger.public_id])
    claim(job)
    job = settle(job)
    assert (job.status, codes(job)) == ("READY", ["charger_deleted"])


def test_a_charger_stopped_before_it_was_held_is_a_failed_item_and_stays_stopped(location):
    job = started(location, group("1", "2"))
    provision_all(job)
    stopped = items(job)[0].charger_id
    chargers_stop(ids=[stopped])
    claim(job)
    job = settle(job)
    assert (job.status, codes(job)) == ("READY", ["charger_stopped"])
    assert not Charger.objects.get(pk=stopped).wanted


def test_a_charger_stopped_after_it_was_held_is_provisioned(location):
    job = started(location, group("1"))
    provision_all(job)
    claim(job)
    chargers_stop(ids=[items(job)[0].charger_id])
    Charger.objects.update(host=None)
    assert settle(job).status == "READY"


def test_a_finished_job_is_not_settled_again(location):
    job = started(location, group("1"))
    provision_all(job)
    claim(job)
    done = settle(job)
    Charger.objects.update(host=None)
    assert settle(job).finished_at == done.finished_at


def test_settling_takes_the_same_number_of_queries_for_any_size(location, django_assert_num_queries):
    def queries_of(size: int) -> int:
        job = started(location, group(number=size, prefix=f"N{size}-"))
        provision_all(job)
        claim(job)
        with django_assert_num_queries(8):
            assert job_settle(job_id=job.id) is None
        assert reread(job).status == "READY"
        return size

    assert [queries_of(size) for size in (2, 60)] == [2, 60]


def test_settling_reads_each_row_a_few_times_though_statistics_are_of_before_the_job(location):
    """By such statistics a subquery gives one row, and the planner asks it again for every item: 700 x 700 rows."""

    def rows_read() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = %s",
                [ProvisioningItem._meta.db_table],
            )
            return int(cursor.fetchone()[0])

    before = started(location, group(number=100, prefix="BEFORE"))
    provision_all(before)
    host = claim(before)
    assert settle(before).status == "READY"
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {ProvisioningItem._meta.db_table}")
    job = started(location, group(number=700, prefix="NOW"))
    rows = items(job)
    held = {"provisioning_status": "READY", "provisioned_at": timezone.now(), "host": host}
    chargers = make_chargers(location.organization, 700, location=location, **held)
    for row, row.charger in zip(rows, chargers, strict=True):
        row.status = ItemStatus.CREATED
    ProvisioningItem.objects.bulk_update(rows, ["charger", "status"])
    read = rows_read()
    assert settle(job).status == "READY"
    assert rows_read() - read < 20 * 1000


def test_counts_tell_created_hosted_online_and_failed_apart(location):
    make_charger(location.organization, identity="SITE_1")
    job = started(location, group("1", "2", "3", "4", "5"))
    for item in items(job)[:4]:
        item_provision(item_id=item.id)
    claim(job, count=2)
    Charger.objects.filter(identity="SITE_2").update(connection_state="online")
    counts = job_counts(job.id)
    assert (counts.items, counts.pending, counts.created, counts.hosted) == (5, 1, 3, 2)
    assert (counts.online, counts.failed) == (1, 1)


# --- cancelling and retrying -------------------------------------------------------------------------------------


def test_cancelling_before_the_start_fails_every_charger_and_creates_none(location):
    job = make_job(location)
    job_cancel(job_id=job.id)
    job = reread(job)
    assert (job.status, job.error_code, job.error_retryable) == ("FAILED", "cancelled", True)
    assert codes(job) == ["cancelled"] * 5
    assert not job_start(job_id=job.id)
    assert provision_all(job) == ["settled"] * 5
    assert Charger.objects.count() == 0


def test_cancelling_keeps_what_is_up_and_gives_up_the_rest(location):
    job = started(location)
    for item in items(job)[:4]:
        item_provision(item_id=item.id)
    claim(job, count=2)
    job_cancel(job_id=job.id)
    job = reread(job)
    assert (job.status, codes(job)) == ("READY", ["cancelled"] * 3)
    assert len(job_chargers(job.id)) == 2
    assert Charger.objects.filter(wanted=True).count() == 2
    assert Charger.objects.filter(provisioning_status="FAILED", error_code="cancelled").count() == 2


def test_a_finished_job_cannot_be_cancelled(location):
    job = started(location, group("1"))
    provision_all(job)
    claim(job)
    settle(job)
    with pytest.raises(JobFinished, match="READY already"):
        job_cancel(job_id=job.id)
    with pytest.raises(JobNotFound):
        job_cancel(job_id=uuid.uuid4())


def test_retrying_runs_the_failed_items_again_and_creates_nothing_twice(location):
    clash = make_charger(location.organization, identity="SITE_1")
    job = started(location, group("1", "2", "3"))
    provision_all(job)
    settle(job)
    host = claim(job, count=1)
    expire(job)
    job = settle(job)
    assert sorted(codes(job)) == ["identity_in_use", "not_hosted"]
    clash.delete()
    assert job_retry_failed(job_id=job.id) == 2
    job = reread(job)
    assert (job.status, job.finished_at, job.deadline_at, job.error_code) == ("PROVISIONING", None, None, "")
    assert job_start(job_id=job.id)
    assert provision_all(job) == ["created", "settled", "created"]
    claim(job, host)
    job = settle(job)
    assert (job.status, codes(job)) == ("READY", [])
    assert Charger.objects.count() == 3


def test_retrying_a_single_create_whose_charger_was_deleted_creates_it_again(location):
    job = started(location, group("1"))
    provision_all(job)
    Charger.objects.all().delete()
    job = settle(job)
    assert (job.status, job.error_code) == ("FAILED", "charger_deleted")
    job_retry_failed(job_id=job.id)
    assert provision_all(job) == ["created"]
    assert Charger.objects.get().identity == "SITE_1"


def test_a_charger_that_its_user_started_after_it_was_given_up_is_found_by_the_retry(location):
    job = started(location, group("1"))
    provision_all(job)
    settle(job)
    expire(job)
    settle(job)
    chargers_start(ids=[items(job)[0].charger_id])
    claim(job)
    job_retry_failed(job_id=job.id)
    assert provision_all(job) == ["created"]
    assert settle(job).status == "READY"


def test_a_running_job_cannot_be_retried(location):
    job = started(location)
    with pytest.raises(JobRunning):
        job_retry_failed(job_id=job.id)


def test_a_job_without_failures_has_nothing_to_retry(location):
    job = started(location, group("1"))
    provision_all(job)
    claim(job)
    settle(job)
    with pytest.raises(NothingToRetry):
        job_retry_failed(job_id=job.id)
    assert reread(job).status == "READY"


def test_stopping_a_single_charger_before_its_job_ran_is_respected(location):
    job = started(location, group("1"))
    provision_all(job)
    Charger.objects.update(provisioning_status="PENDING", wanted=False)
    ProvisioningItem.objects.update(status="pending", attempts=F("attempts"))
    provision_all(job)
    assert not Charger.objects.get().wanted
