"""How many chargers an organization may have: those that exist, and those that unfinished work will make."""

import uuid

from django.db import connection

from chargers import hooks
from chargers.errors import ChargerLimitReached
from chargers.models import Charger
from ocpplab.accounts.selectors import limits_read

# Not a lock of the organization's row: an import holds that one from its first line to its last.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def room_take(*, organization_id: uuid.UUID, asked: int, written: bool = True) -> None:
    """Refuse `asked` chargers when they are too many: rows that this transaction has `written`, or is not going to.

    Call it last: from here to the end of the transaction all others of the organization who ask for chargers wait, so
    that two at the same time cannot both take the last place. Counts no more rows than the limit, and none at all
    without one. Raises `ChargerLimitReached`.
    """
    if asked and (limit := limits_read(organization_id).chargers):
        room_lock(organization_id)
        room_check(organization_id=organization_id, limit=limit, asked=asked, written=written)


def room_check(*, organization_id: uuid.UUID, limit: int, asked: int, written: bool = True) -> None:
    """Do the work of `room_take` for a caller who knows the limit and holds the lock."""
    present = _taken(organization_id) - (asked if written else 0)
    if present + asked > limit:
        raise ChargerLimitReached(limit=limit, present=present, asked=asked)


def room_lock(organization_id: uuid.UUID) -> None:
    """Wait for all others who change what the organization's limits count; held until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [f"limits of {organization_id}"])


def _taken(organization_id: uuid.UUID) -> int:
    """Count in one statement: what it sees is of one moment, while workers turn reservations into chargers."""
    counts = [f"(SELECT count(*) FROM {Charger._meta.db_table} WHERE organization_id = %(organization)s)"]  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {' + '.join(counts + hooks.chargers_reserved)}", {"organization": organization_id})
        row = cursor.fetchone()
    return int(row[0])
