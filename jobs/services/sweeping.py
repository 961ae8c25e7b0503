"""The guarantee behind the chord: whatever died or was lost, each job comes to its end.

Asks the rows, never the broker. Work is claimed by locking or changing rows, so that two sweepers at the same time do
not do the same.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q
from django.utils import timezone

from jobs import queue
from jobs.choices import ItemStatus
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.services.provisioning import item_fail

#: calls of an item that may be lost without a trace before it fails
MAX_LOST = 5
#: seconds after which an item counts as lost although others move: longer than the broker takes to give a dead
#: worker's messages to another
LOST_AFTER_WHILE_BUSY = 180
#: seconds after which a look that was due counts as lost
LOOK_LOST_AFTER = 5
#: jobs that one sweep takes care of; the next one begins with those that waited longest
JOBS_PER_SWEEP = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did: jobs started, items dispatched again or given up, jobs looked at."""

    started: int
    dispatched: int
    exhausted: int
    looked: int


def jobs_sweep() -> Swept:
    """Take care of all unfinished jobs; publishes, and leaves the work to those whom it calls."""
    now = timezone.now()
    not_started = _jobs_not_started(now)
    for job_id in not_started:
        queue.start(job_id)
    dispatched = exhausted = 0
    busy = _busy(now)
    for job_id in _jobs_with_lost_items(now, busy=busy):
        first, again, over = _claim_lost(job_id, now, busy=busy)
        queue.dispatch(job_id, first)
        # A call that is lost again and again may take the others of its message with it: each gets its own.
        queue.dispatch(job_id, again, singly=True)
        exhausted += sum(item_fail(item_id=item_id, code="attempts_exhausted") for item_id in over)
        dispatched += len(first) + len(again)
    unwatched = _jobs_unwatched(now)
    for job_id in unwatched:
        queue.settle(job_id)
    return Swept(len(not_started), dispatched, exhausted, len(unwatched))


def _jobs_not_started(now: datetime) -> list[uuid.UUID]:
    """Claim the jobs that have items to write or to publish and stand still."""
    unpublished = ProvisioningItem.objects.filter(
        job=OuterRef("pk"), status=ItemStatus.PENDING, dispatched_at__isnull=True
    )
    found = (
        ProvisioningJob.objects.filter(Q(expanded_at=None) | Exists(unpublished), finished_at=None)
        .filter(progress_at__lt=now - timedelta(seconds=settings.JOB_LOST_AFTER))
        .order_by("progress_at")
        .values_list("id", "progress_at")
    )
    return [
        job_id
        for job_id, progress_at in found[:JOBS_PER_SWEEP]
        if ProvisioningJob.objects.filter(pk=job_id, progress_at=progress_at).update(progress_at=now)
    ]


def _busy(now: datetime) -> bool:
    """Whether workers get on with any job: then an item that has not been done is waiting in line rather than lost."""
    last = ProvisioningItem.objects.filter(job__finished_at=None).aggregate(at=Max("moved_at"))["at"]
    return last is not None and last > now - timedelta(seconds=settings.JOB_LOST_AFTER)


def _lost(now: datetime, *, busy: bool) -> Q:
    patience = LOST_AFTER_WHILE_BUSY if busy else settings.JOB_LOST_AFTER
    return Q(status=ItemStatus.PENDING, dispatched_at__lt=now - timedelta(seconds=patience))


def _jobs_with_lost_items(now: datetime, *, busy: bool) -> list[uuid.UUID]:
    lost = ProvisioningItem.objects.filter(_lost(now, busy=busy), job__finished_at=None)
    return list(lost.values_list("job_id", flat=True).distinct()[:JOBS_PER_SWEEP])


def _claim_lost(job_id: uuid.UUID, now: datetime, *, busy: bool) -> tuple[list[int], list[int], list[int]]:
    """Return the ids of items lost for the first time, lost again, and lost too often; the first two are claimed."""
    with transaction.atomic():
        # A locked row is in somebody's hands at this moment, so it is not lost.
        lost = (
            ProvisioningItem.objects.select_for_update(skip_locked=True)
            .filter(_lost(now, busy=busy), job_id=job_id)
            .order_by("ordinal")
            .values_list("id", "attempts")
        )
        rows = list(lost)
        over = [] if busy else [pk for pk, attempts in rows if attempts >= MAX_LOST]
        claimed = [(pk, attempts) for pk, attempts in rows if busy or attempts < MAX_LOST]
        ProvisioningItem.objects.filter(pk__in=[pk for pk, _ in claimed]).update(
            dispatched_at=now, attempts=F("attempts") + (0 if busy else 1)
        )
    first = [pk for pk, attempts in claimed if attempts == 0]
    return first, [pk for pk, attempts in claimed if attempts > 0], over


def _jobs_unwatched(now: datetime) -> list[uuid.UUID]:
    """Return the running jobs at which nobody looks: no look was ever due, or the one that was did not come."""
    unwatched = Q(settle_at=None) | Q(settle_at__lt=now - timedelta(seconds=LOOK_LOST_AFTER))
    rows = ProvisioningJob.objects.filter(unwatched, finished_at=None, expanded_at__isnull=False)
    return list(rows.order_by("progress_at").values_list("id", flat=True)[:JOBS_PER_SWEEP])
