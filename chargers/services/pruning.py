"""Forgetting: old messages, messages of deleted chargers, processes that are long gone."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from chargers.choices import HostStatus
from chargers.models import Charger, Message, SimulatorHost

#: rows deleted in one transaction, and chargers looked at in one query
BATCH = 5000
CHARGERS = 500

# Which chargers have messages, by one look into the index for each of them instead of reading it all.
_CHARGERS_WITH_MESSAGES = """
WITH RECURSIVE found (id) AS (
    (SELECT charger_id FROM chargers_message ORDER BY charger_id LIMIT 1)
    UNION ALL
    SELECT (SELECT charger_id FROM chargers_message WHERE charger_id > found.id ORDER BY charger_id LIMIT 1)
      FROM found WHERE found.id IS NOT NULL
)
SELECT id FROM found WHERE id IS NOT NULL
"""


class OutOfTime(Exception):
    """The seconds given are over; what was deleted stays deleted."""


def messages_prune(
    *,
    before: datetime,
    charger: Charger | None = None,
    seconds: float | None = None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[int, bool]:
    """Delete the messages from before a moment, and all messages of chargers that are no more.

    With `charger` only that one's. Works in small transactions, so a log may be written and read meanwhile, and another
    call of this may run. Returns how many were deleted, and whether all was done within `seconds`. `advance` hears of
    (chargers done, chargers in all).
    """
    work = _Deletion(None if seconds is None else time.monotonic() + seconds)
    try:
        if charger is not None:
            work.delete(Message.objects.filter(charger=charger, at__lt=before))
            return work.count, True
        ids = _chargers_with_messages()
        for start in range(0, len(ids), CHARGERS):
            chunk = ids[start : start + CHARGERS]
            alive = set(Charger.objects.filter(id__in=chunk).values_list("id", flat=True))
            work.delete(Message.objects.filter(charger_id__in=sorted(set(chunk) - alive)))
            work.delete(Message.objects.filter(charger_id__in=sorted(alive), at__lt=before))
            advance(start + len(chunk), len(ids))
    except OutOfTime:
        return work.count, False
    return work.count, True


class _Deletion:
    """Deletes in batches until there is no more, or no more time."""

    def __init__(self, deadline: float | None) -> None:
        self.deadline = deadline
        self.count = 0

    def delete(self, rows: QuerySet[Message]) -> None:
        """Delete all of the rows but those that another pruning is just deleting."""
        while True:
            if self.deadline is not None and time.monotonic() > self.deadline:
                raise OutOfTime
            with transaction.atomic():
                batch = rows.select_for_update(skip_locked=True).values("id")[:BATCH]
                deleted, _ = Message.objects.filter(id__in=batch).delete()
            self.count += deleted
            if deleted < BATCH:
                return


def _chargers_with_messages() -> Sequence[int]:
    with connection.cursor() as cursor:
        cursor.execute(_CHARGERS_WITH_MESSAGES)
        return [row[0] for row in cursor.fetchall()]


def hosts_forget(*, gone_for: timedelta = timedelta(days=1)) -> int:
    """Delete the rows of simulator processes that went long ago, and return how many."""
    _, counts = SimulatorHost.objects.filter(status=HostStatus.GONE, gone_at__lt=timezone.now() - gone_for).delete()
    return counts.get("chargers.SimulatorHost", 0)
