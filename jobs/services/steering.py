"""What a user can do with a job: cancel it, retry what failed."""

import uuid

from django.db import transaction
from django.utils import timezone

from jobs import queue
from jobs.choices import ITEM_MOVES, JOB_MOVES, ItemStatus
from jobs.errors import JobFinished, JobNotFound, JobRunning, NothingToRetry
from jobs.models import FINAL, ProvisioningItem, ProvisioningJob
from jobs.services.admitting import job_admit
from jobs.services.expanding import job_expand
from jobs.services.locking import job_lock
from jobs.services.settling import settle_locked
from ocpplab.common.choices import ProvisioningStatus
from ocpplab.common.transitions import move


def job_cancel(*, job_id: uuid.UUID) -> None:
    """End a job now: what is up stays, everything else becomes a failed item with code `cancelled`.

    Chargers that no host has claimed yet are given up. The job is READY when at least one charger is up, else FAILED.
    Raises `JobNotFound` and `JobFinished`.
    """
    with transaction.atomic():
        job_expand(job_id=job_id)  # so that each charger which is not to be has its line in `results.failed`
        job = _locked(job_id)
        if job.status in FINAL:
            raise JobFinished(job.status)
        now = timezone.now()
        move(
            ProvisioningJob.objects.filter(pk=job_id, status=ProvisioningStatus.PENDING),
            JOB_MOVES,
            to=ProvisioningStatus.PROVISIONING,
        )
        job.cancelled_at = now
        job.save(update_fields=["cancelled_at", "updated_at"])
        settle_locked(job, now)


def job_retry_failed(*, job_id: uuid.UUID) -> int:
    """Run the failed items of a finished job again, and return how many there are.

    Raises `JobNotFound`, `JobRunning`, `NothingToRetry`, and what `job_admit` raises.
    """
    with transaction.atomic():
        job = _locked(job_id)
        if job.status not in FINAL:
            raise JobRunning
        now = timezone.now()
        count = move(
            ProvisioningItem.objects.filter(job=job, status=ItemStatus.FAILED),
            ITEM_MOVES,
            to=ItemStatus.PENDING,
            error_code="",
            error_message="",
            error_retryable=False,
            attempts=0,
            dispatched_at=None,
            moved_at=now,
        )
        if not count:
            raise NothingToRetry
        move(
            ProvisioningJob.objects.filter(pk=job_id),
            JOB_MOVES,
            to=ProvisioningStatus.PROVISIONING,
            error_code="",
            error_message="",
            error_retryable=False,
            finished_at=None,
            cancelled_at=None,
            deadline_at=None,
            settle_at=None,
            progress_at=now,
            updated_at=now,
        )
        lacking = ProvisioningItem.objects.filter(job=job, status=ItemStatus.PENDING, charger=None).count()
        job_admit(organization_id=job.organization_id, asked=lacking)
        transaction.on_commit(lambda: queue.start_soon(job_id, count), robust=True)
    return count


def _locked(job_id: uuid.UUID) -> ProvisioningJob:
    job = job_lock(job_id)
    if job is None:
        raise JobNotFound
    return job
