"""Calls that were lost, or that ended the worker that ran them: they are published again, but not for ever."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from jobs import queue
from jobs.choices import ItemStatus
from jobs.models import ProvisioningItem
from jobs.selectors import job_crowd
from jobs.services.provisioning import item_fail

#: tries of an item that may come to nothing, whatever the reason, before it fails
MAX_ATTEMPTS = 8
#: jobs that one search takes care of
JOBS_PER_SEARCH = 500


@dataclass(frozen=True, slots=True)
class Found:
    """What one search did: items dispatched again, and given up."""

    dispatched: int
    exhausted: int


def items_overdue(before: datetime) -> QuerySet[ProvisioningItem]:
    """Return the items of unfinished jobs that are not done although their calls were published before a moment.

    Their calls stand in line, or are lost: whoever has waited at the end of the same line knows.
    """
    return ProvisioningItem.objects.filter(status=ItemStatus.PENDING, dispatched_at__lt=before, job__finished_at=None)


def items_find_lost(*, before: datetime) -> Found:
    """Dispatch again what was published before a moment and is not done; what was lost too often fails.

    To be called when everything that was published before that moment has been taken out of the line, some seconds
    ago: then a call whose item nobody has touched is lost.
    """
    dispatched = exhausted = 0
    for job_id in items_overdue(before).values_list("job_id", flat=True).distinct()[:JOBS_PER_SEARCH]:
        overdue = ProvisioningItem.objects.filter(job_id=job_id, dispatched_at__lt=before)
        first, again, over = _claim(overdue)
        crowd = job_crowd(job_id)
        queue.dispatch(job_id, first, crowd=crowd)
        # A call that is lost again and again may take the others of its message with it: each gets its own.
        queue.dispatch(job_id, again, crowd=crowd, singly=True)
        dispatched += len(first) + len(again)
        exhausted += _give_up(over)
    return Found(dispatched, exhausted)


def items_redelivered(*, item_ids: Sequence[int]) -> list[int]:
    """Count a try for items whose message came back because the worker that had it is gone; return those to try again.

    One of them may have ended that worker. Unless it is known which, each gets a message of its own, and none is
    returned.
    """
    first, again, over = _claim(ProvisioningItem.objects.filter(pk__in=item_ids))
    _give_up(over)
    rest = sorted(first + again)
    if len(item_ids) > 1 and rest:
        for job_id in _jobs_of(rest):
            queue.dispatch(job_id, rest, crowd=job_crowd(job_id), singly=True)
        return []
    return rest


def _claim(rows: QuerySet[ProvisioningItem]) -> tuple[list[int], list[int], list[int]]:
    """Count a try for pending items; return the ids of those at their first one, at a later one, and past the last."""
    with transaction.atomic():
        # A locked row is in somebody's hands at this moment, so it is not lost.
        pending = rows.filter(status=ItemStatus.PENDING).order_by("id").select_for_update(skip_locked=True)
        found = list(pending.values_list("id", "attempts"))
        first = [pk for pk, attempts in found if attempts == 0]
        again = [pk for pk, attempts in found if 0 < attempts < MAX_ATTEMPTS]
        ProvisioningItem.objects.filter(pk__in=first + again).update(
            dispatched_at=timezone.now(), attempts=F("attempts") + 1
        )
    return first, again, [pk for pk, attempts in found if attempts >= MAX_ATTEMPTS]


def _give_up(item_ids: Sequence[int]) -> int:
    return sum(item_fail(item_id=item_id, code="attempts_exhausted") for item_id in item_ids)


def _jobs_of(item_ids: Sequence[int]) -> list[uuid.UUID]:
    """Return the one job of items that travelled together; none when it was deleted meanwhile."""
    return list(ProvisioningItem.objects.filter(pk__in=item_ids).values_list("job_id", flat=True).distinct())
