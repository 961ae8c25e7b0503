"""Reading the message log of one charger."""

from dataclasses import dataclass
from datetime import datetime

from chargers.models import Charger, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """Conditions on a log; None is no condition. Both ends are inclusive, `event` is an OCPP action."""

    start: datetime | None = None
    end: datetime | None = None
    event: str | None = None


def messages_page(*, charger: Charger, where: MessageFilter, limit: int, offset: int) -> tuple[list[Message], int]:
    """Return `limit` messages from `offset` on, oldest first, and how many there are in total."""
    rows = Message.objects.filter(charger=charger)
    if where.start is not None:
        rows = rows.filter(at__gte=where.start)
    if where.end is not None:
        rows = rows.filter(at__lte=where.end)
    if where.event is not None:
        rows = rows.filter(action=where.event)
    # Ids first, from the index alone: skipping a million rows must not read a million frames.
    ids = list(rows.order_by("at", "id").values_list("id", flat=True)[offset : offset + limit])
    is_last = len(ids) < limit and (bool(ids) or offset == 0)
    total = offset + len(ids) if is_last else rows.count()
    return list(Message.objects.filter(id__in=ids).order_by("at", "id")), total
