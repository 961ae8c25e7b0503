"""Jobs that came to an end, each noticed once: what makes counters of rows.

Rows can be counted at any time, but a job can be tried again and forgotten, so that a count of ended ones falls; a
counter must not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from jobs.models import FINAL, ProvisioningItem, ProvisioningJob

#: how far a look reaches back beyond the last one: transactions that were still open then, and clocks that differ
OVERLAP: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Ended:
    """One job's end: how many seconds after it was asked for, and its items by status."""

    kind: str
    status: str
    seconds: float
    items: dict[str, int]


class Endings:
    """Looks for jobs that ended since it was made."""

    def __init__(self) -> None:
        self._since = self._looked_at = timezone.now()
        self._seen: set[tuple[UUID, datetime | None]] = set()

    def look(self) -> Iterable[Ended]:
        """Return those that were not returned before: one query, and one for the items of what is new."""
        since = max(self._since, self._looked_at - OVERLAP)
        looked_at = timezone.now()
        rows = ProvisioningJob.objects.filter(status__in=FINAL, finished_at__gt=since).defer("groups")
        window = {(job.id, job.finished_at): job for job in rows}
        news = [job for key, job in window.items() if key not in self._seen]
        items = self._items([job.id for job in news])
        self._seen, self._looked_at = set(window), looked_at
        for job in news:
            seconds = (job.finished_at - job.created_at).total_seconds() if job.finished_at else 0.0
            yield Ended(job.kind, job.status, max(0.0, seconds), items.get(job.id, {}))

    def _items(self, job_ids: list[UUID]) -> dict[UUID, dict[str, int]]:
        if not job_ids:
            return {}
        found: dict[UUID, dict[str, int]] = {}
        rows = ProvisioningItem.objects.filter(job_id__in=job_ids).values_list("job_id", "status")
        for job_id, status, count in rows.annotate(count=Count("id")).order_by():
            found.setdefault(job_id, {})[status] = count
        return found
