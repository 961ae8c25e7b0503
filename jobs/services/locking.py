"""Locks, in one order for everybody: location, job, chargers, items.

Whoever deletes a location locks it first, and then takes its chargers, items and jobs in an order of its own. Those who
hold a share of the location before they lock anything else never wait for a deleter that waits for them.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from jobs.models import ProvisioningItem, ProvisioningJob
from locations.models import Location

_JOB, _ITEM, _LOCATION = (model._meta.db_table for model in (ProvisioningJob, ProvisioningItem, Location))

# Django has no FOR KEY SHARE, which keeps a location from being deleted and holds up nobody else.
_KEEP = f"SELECT 1 FROM {_LOCATION} WHERE id = %s FOR KEY SHARE"  # noqa: S608 - table names of our own
_KEEP_FOR_JOB = f"SELECT 1 FROM {_LOCATION} WHERE id = (SELECT location_id FROM {_JOB} WHERE id = %s) FOR KEY SHARE"  # noqa: S608
# One trip to the database for everything that comes before chargers. PostgreSQL locks rows last, so that the location,
# which the condition asks for, is locked before the items, and those in the order in which everybody locks them.
_LOCK_ITEMS = f"""
WITH kept AS MATERIALIZED (
    SELECT location.id FROM {_JOB} job JOIN {_LOCATION} location ON location.id = job.location_id
     WHERE job.id IN (SELECT job_id FROM {_ITEM} WHERE id = ANY(%(ids)s))
       FOR KEY SHARE OF location
)
SELECT id, job_id, ordinal, "group", identity, name, explicit, status, charger_id,
       set_config('synchronous_commit', 'off', true)
  FROM {_ITEM} WHERE id = ANY(%(ids)s) AND (SELECT count(*) FROM kept) >= 0 ORDER BY id FOR UPDATE
"""  # noqa: S608


@dataclass(slots=True)
class LockedItem:
    """What a call needs of its item."""

    id: int
    job_id: uuid.UUID
    ordinal: int
    group: int
    identity: str
    name: str | None
    explicit: bool
    status: str
    charger_id: int | None


def location_keep(location_id: uuid.UUID) -> bool:
    """Keep a location from being deleted until the end of the transaction; False when it is gone already."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [location_id])
        return cursor.fetchone() is not None


def job_lock(job_id: uuid.UUID) -> ProvisioningJob | None:
    """Lock a job until the end of the transaction, and its location against deletion; None when it is gone.

    Items may still be added to it and change. The groups are not read.
    """
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_FOR_JOB, [job_id])
    return ProvisioningJob.objects.select_for_update(no_key=True).filter(pk=job_id).defer("groups").first()


def items_lock(item_ids: Sequence[int]) -> list[LockedItem]:
    """Lock items until the end of the transaction, and their location against deletion; what is gone is left out.

    The transaction's commit does not wait for the disk. A crash of PostgreSQL in the next moment loses the chargers
    together with the state of their items, never one of the two, and then the sweeper has the items done again.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ITEMS, {"ids": list(item_ids)})
        return [LockedItem(*row[:-1]) for row in cursor.fetchall()]
