"""Locks, in one order for everybody: location, job, chargers, items.

Whoever deletes a location locks it first, and then takes its chargers, items and jobs in an order of its own. Those who
hold a share of the location before they lock anything else never wait for a deleter that waits for them.
"""

import uuid
from dataclasses import dataclass

from django.db import connection

from jobs.models import ProvisioningItem, ProvisioningJob
from locations.models import Location

_JOB, _ITEM, _LOCATION = (model._meta.db_table for model in (ProvisioningJob, ProvisioningItem, Location))

# Django has no FOR KEY SHARE, which keeps a location from being deleted and holds up nobody else.
_KEEP = f"SELECT 1 FROM {_LOCATION} WHERE id = %s FOR KEY SHARE"  # noqa: S608 - table names of our own
_KEEP_FOR_JOB = f"SELECT 1 FROM {_LOCATION} WHERE id = (SELECT location_id FROM {_JOB} WHERE id = %s) FOR KEY SHARE"  # noqa: S608
# One trip to the database for everything that comes before a charger. PostgreSQL locks rows last, so that the
# location, which the condition asks for, is locked before the item.
_LOCK_ITEM = f"""
WITH kept AS MATERIALIZED (
    SELECT location.id FROM {_ITEM} item
      JOIN {_JOB} job ON job.id = item.job_id JOIN {_LOCATION} location ON location.id = job.location_id
     WHERE item.id = %s
       FOR KEY SHARE OF location
)
SELECT job_id, "group", identity, name, explicit, status, charger_id, set_config('synchronous_commit', 'off', true)
  FROM {_ITEM} WHERE id = %s AND (SELECT count(*) FROM kept) >= 0 FOR UPDATE
"""  # noqa: S608


@dataclass(slots=True)
class LockedItem:
    """What a call needs of its item."""

    id: int
    job_id: uuid.UUID
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


def item_lock(item_id: int) -> LockedItem | None:
    """Lock an item until the end of the transaction, and its location against deletion; None when it is gone.

    The transaction's commit does not wait for the disk. A crash of PostgreSQL in the next moment loses the charger
    together with the state of its item, never one of the two, and then the sweeper has the item done again.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ITEM, [item_id, item_id])
        row = cursor.fetchone()
    return None if row is None else LockedItem(item_id, *row[:-1])
