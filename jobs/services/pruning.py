"""Forgetting jobs that ended long ago."""

import time
import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from jobs.models import FINAL, ProvisioningItem, ProvisioningJob
from jobs.services.locking import job_lock

#: items deleted in one transaction
BATCH = 5000


def jobs_prune(*, before: datetime, seconds: float) -> tuple[int, bool]:
    """Delete jobs that ended before a moment, with their items; their chargers stay.

    Works in small transactions for so many seconds, and beside itself. With a job its Idempotency-Key is forgotten: the
    same request makes a new job then. Returns how many jobs were deleted, and whether those were all.
    """
    deadline = time.monotonic() + seconds
    deleted, held = 0, set[uuid.UUID]()
    while time.monotonic() < deadline:
        job_id = _ended(before).exclude(pk__in=held).order_by("finished_at").values_list("id", flat=True).first()
        if job_id is None:
            return deleted, True  # but for those whose chargers are being deleted, which the next run finds
        with transaction.atomic():
            if job_lock(job_id) is None or not _ended(before).filter(pk=job_id).exists():
                continue  # deleted or retried in this very moment
            items = ProvisioningItem.objects.filter(job_id=job_id)
            # An item is locked while its charger is being deleted: it is left to the next run.
            free = list(items.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
            if free:
                items.filter(pk__in=free).delete()
            elif items.exists():
                held.add(job_id)
            else:
                deleted += ProvisioningJob.objects.filter(pk=job_id).delete()[0]
    return deleted, False


def _ended(before: datetime) -> QuerySet[ProvisioningJob]:
    return ProvisioningJob.objects.filter(status__in=FINAL, finished_at__lt=before)
