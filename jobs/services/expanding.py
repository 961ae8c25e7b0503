"""Starting a job: its groups become items, and each item a task call."""

import itertools
import uuid
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from jobs import queue
from jobs.choices import JOB_MOVES, ItemStatus
from jobs.groups import Planned, planned
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.selectors import job_crowd
from jobs.services.locking import job_lock
from ocpplab.common.choices import ProvisioningStatus
from ocpplab.common.transitions import move

BATCH = 5000  # rows of one INSERT

# An array for each column, whatever the number of rows: a statement with a placeholder for each value costs ten times
# as much to put together and to read.
_INSERT_ITEMS = f"""
INSERT INTO {ProvisioningItem._meta.db_table}
       (job_id, status, ordinal, "group", identity, name, explicit,
        attempts, error_code, error_message, error_retryable)
SELECT %s, %s, plan.*, 0, '', '', false
  FROM unnest(%s::int[], %s::int[], %s::text[], %s::text[], %s::bool[]) AS plan
    ON CONFLICT (job_id, ordinal) DO NOTHING
"""  # noqa: S608 - a name of our own


def job_start(*, job_id: uuid.UUID) -> bool:
    """Move the job to PROVISIONING, write its items and publish a call for each; return whether there was any.

    Safe to run twice, also at the same time, and after a death in between: whoever marks an item as dispatched
    publishes its call, and the sweeper finds those that were marked and never published.
    """
    now = timezone.now()
    move(
        ProvisioningJob.objects.filter(pk=job_id, status=ProvisioningStatus.PENDING),
        JOB_MOVES,
        to=ProvisioningStatus.PROVISIONING,
        progress_at=now,
        updated_at=now,
    )
    job_expand(job_id=job_id)
    items = _claim_undispatched(job_id)
    queue.dispatch(job_id, items, crowd=job_crowd(job_id))
    return bool(items)


def job_expand(*, job_id: uuid.UUID) -> bool:
    """Write the items of an unfinished job, and return whether this call was the one that did.

    The items depend on the job's id and groups only, so that a second run writes the same ones, which the constraint
    on (job, ordinal) drops.
    """
    with transaction.atomic():
        job = job_lock(job_id)
        if job is None or job.expanded_at is not None or job.finished_at is not None:
            return False
        _write_items(job)
        ProvisioningJob.objects.filter(pk=job_id).update(expanded_at=timezone.now(), progress_at=timezone.now())
    return True


def _write_items(job: ProvisioningJob) -> None:
    plans = planned(job.id, job.groups)
    with connection.cursor() as cursor:
        while batch := list(itertools.islice(plans, BATCH)):
            columns: list[list[Any]] = [[getattr(plan, name) for plan in batch] for name in Planned.__slots__]
            cursor.execute(_INSERT_ITEMS, [job.id, ItemStatus.PENDING, *columns])


def _claim_undispatched(job_id: uuid.UUID) -> list[int]:
    """Mark the items whose call was never published and return their ids, in the order of the request."""
    with transaction.atomic():
        undispatched = ProvisioningItem.objects.filter(
            job_id=job_id, job__finished_at=None, status=ItemStatus.PENDING, dispatched_at=None
        )
        ids = list(
            undispatched.select_for_update(of=("self",), skip_locked=True)
            .order_by("ordinal")
            .values_list("id", flat=True)
        )
        ProvisioningItem.objects.filter(pk__in=ids).update(dispatched_at=timezone.now())
    return ids
