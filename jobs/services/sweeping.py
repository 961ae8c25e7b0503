"""The guarantee behind the chord: whatever died or was lost, each job comes to its end.

Asks the rows, never the broker. Work is claimed by locking or changing rows, so that two sweepers at the same time do
not do the same.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from jobs import queue
from jobs.choices import ItemStatus
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.services.losing import items_overdue

#: seconds after which a look that was due counts as lost
LOOK_LOST_AFTER = 5
#: jobs that one sweep takes care of; the next one begins with those that waited longest
JOBS_PER_SWEEP = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did: jobs started, whether lost calls are looked for, jobs looked at."""

    started: int
    searched: bool
    looked: int


def jobs_sweep() -> Swept:
    """Take care of all unfinished jobs; publishes, and leaves the work to those whom it calls."""
    now = timezone.now()
    not_started = _jobs_not_started(now)
    for job_id, calls in not_started:
        queue.start(job_id, calls)
    before = now - timedelta(seconds=settings.JOB_LOST_AFTER)
    searched = items_overdue(before).exists()
    if searched:
        queue.find_lost(before)
    unwatched = _jobs_unwatched(now)
    for job_id in unwatched:
        queue.settle(job_id)
    return Swept(len(not_started), searched, len(unwatched))


def _jobs_not_started(now: datetime) -> list[tuple[uuid.UUID, int]]:
    """Claim the jobs that have items to write or to publish and stand still; return them with their sizes."""
    unpublished = ProvisioningItem.objects.filter(
        job=OuterRef("pk"), status=ItemStatus.PENDING, dispatched_at__isnull=True
    )
    found = (
        ProvisioningJob.objects.filter(Q(expanded_at=None) | Exists(unpublished), finished_at=None)
        .filter(progress_at__lt=now - timedelta(seconds=settings.JOB_LOST_AFTER))
        .order_by("progress_at")
        .values_list("id", "total", "progress_at")
    )
    return [
        (job_id, total)
        for job_id, total, progress_at in found[:JOBS_PER_SWEEP]
        if ProvisioningJob.objects.filter(pk=job_id, progress_at=progress_at).update(progress_at=now)
    ]


def _jobs_unwatched(now: datetime) -> list[uuid.UUID]:
    """Return the running jobs at which nobody looks: no look was ever due, or the one that was did not come."""
    unwatched = Q(settle_at=None) | Q(settle_at__lt=now - timedelta(seconds=LOOK_LOST_AFTER))
    rows = ProvisioningJob.objects.filter(unwatched, finished_at=None, expanded_at__isnull=False)
    return list(rows.order_by("progress_at").values_list("id", flat=True)[:JOBS_PER_SWEEP])
