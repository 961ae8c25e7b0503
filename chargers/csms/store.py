"""What the built-in CSMS keeps in the database, read and written for many stations at once."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from .models import IdTag, SeenTransaction
from .tags import Tag, TagStatus
from .transactions import COLUMNS, Entry, Transaction

HISTORY: Final = 32  #: latest transactions of a station that are looked at again when it connects
BATCH: Final = 5_000

_FIELDS: Final = ("station", "version", *("transaction_id" if name == "id" else name for name in COLUMNS))
_TYPES: Final = {
    "meter_start": "float8",
    "meter_stop": "float8",
    "last_wh": "float8",
    "reservation_id": "int8",
    "last_seq_no": "int8",
    "messages": "int4",
    "samples": "int4",
    "disorders": "int4",
}
_ARRAYS: Final = ", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in _FIELDS)
# A process that stalled must not undo what another has heard since: `messages` only grows.
_WRITE: Final = (
    f"INSERT INTO csms_seentransaction ({', '.join(_FIELDS)}) "  # noqa: S608 - names of columns
    f"SELECT * FROM unnest({_ARRAYS}) "
    "ON CONFLICT (station, transaction_id) DO UPDATE SET "
    f"{', '.join(f'{name} = EXCLUDED.{name}' for name in _FIELDS[1:])}, seen_at = statement_timestamp() "
    "WHERE csms_seentransaction.messages <= EXCLUDED.messages"
)
_READ: Final = (
    f"SELECT latest.station, {', '.join(f'latest.{name}' for name in _FIELDS[2:])} "  # noqa: S608 - names of columns
    "FROM unnest(%s::text[]) AS asked (station) CROSS JOIN LATERAL ("
    "SELECT * FROM csms_seentransaction one WHERE one.station = asked.station ORDER BY one.id DESC LIMIT %s"
    ") AS latest ORDER BY latest.id"
)


def transactions_write(entries: Collection[Entry]) -> None:
    """Write transactions as they stand, in one statement."""
    rows = sorted(entries, key=lambda entry: (entry.station, entry.columns["id"]))  # two writers never wait crosswise
    columns: list[list[Any]] = [
        [entry.station for entry in rows],
        [entry.version.value for entry in rows],
        *([entry.columns[name] for entry in rows] for name in COLUMNS),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, columns)


def transactions_read(stations: Collection[str]) -> Mapping[str, list[Transaction]]:
    """The latest transactions of each station, oldest first."""
    found: dict[str, list[Transaction]] = {station: [] for station in stations}
    with connection.cursor() as cursor:
        cursor.execute(_READ, [list(stations), HISTORY])
        for station, *values in cursor.fetchall():
            found[station].append(Transaction(**dict(zip(COLUMNS, values, strict=True))))
    return found


def tags_read() -> dict[str, Tag]:
    """All id tags."""
    return {
        row.tag: Tag(
            TagStatus(row.status),
            row.parent_tag,
            row.expires_at.timestamp() if row.expires_at is not None else None,
            row.single,
        )
        for row in IdTag.objects.order_by()
    }


def transactions_prune(*, older_than: timedelta) -> int:
    """Delete the transactions that were not heard of for so long, in small transactions; return how many."""
    before, count = timezone.now() - older_than, 0
    while True:
        with transaction.atomic():
            old = SeenTransaction.objects.filter(seen_at__lt=before).select_for_update(skip_locked=True)
            deleted, _ = SeenTransaction.objects.filter(id__in=old.values("id")[:BATCH]).delete()
        count += deleted
        if deleted < BATCH:
            return count
