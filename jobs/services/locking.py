"""Locks, in one order for everybody: location, job, chargers, items.

Whoever deletes a location locks it first, and then takes its chargers, items and jobs in an order of its own. Those who
hold a share of the location before they lock anything else never wait for a deleter that waits for them.
"""

import uuid

from django.db import connection

from jobs.models import ProvisioningItem, ProvisioningJob
from locations.models import Location

_JOB, _ITEM, _LOCATION = (model._meta.db_table for model in (ProvisioningJob, ProvisioningItem, Location))

# Django has no FOR KEY SHARE, which keeps the location from being deleted and holds up nobody else.
_SHARE = "SELECT 1 FROM {location} WHERE id = (SELECT location_id FROM {job} WHERE id = %s) FOR KEY SHARE"
_SHARE_OF_ITEM = (
    "SELECT set_config('synchronous_commit', 'off', true) FROM {location} WHERE id = "
    "(SELECT job.location_id FROM {item} item JOIN {job} job ON job.id = item.job_id WHERE item.id = %s) FOR KEY SHARE"
)


def location_keep(location_id: uuid.UUID) -> bool:
    """Keep a location from being deleted until the end of the transaction; False when it is gone already."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {_LOCATION} WHERE id = %s FOR KEY SHARE", [location_id])  # noqa: S608
        return cursor.fetchone() is not None


def job_lock(job_id: uuid.UUID) -> ProvisioningJob | None:
    """Lock a job until the end of the transaction, and its location against deletion; None when it is gone.

    Items may still be added to it and change. The groups are not read.
    """
    _execute(_SHARE, job_id)
    return ProvisioningJob.objects.select_for_update(no_key=True).filter(pk=job_id).defer("groups").first()


def item_lock(item_id: int) -> ProvisioningItem | None:
    """Lock an item until the end of the transaction, and its location against deletion; None when it is gone.

    The transaction's commit does not wait for the disk. A crash of PostgreSQL in the next moment loses the charger
    together with the state of its item, never one of the two, and then the sweeper has the item done again.
    """
    _execute(_SHARE_OF_ITEM, item_id)
    return ProvisioningItem.objects.select_for_update(of=("self",)).filter(pk=item_id).first()


def _execute(statement: str, key: uuid.UUID | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.format(location=_LOCATION, job=_JOB, item=_ITEM), [key])
