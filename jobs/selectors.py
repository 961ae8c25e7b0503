"""Reading jobs."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from chargers.choices import HostStatus
from chargers.models import Charger
from chargers.selectors import chargers_with_related_of_many
from chargers.simulator.effects import ConnectionState
from jobs.choices import ItemStatus, JobKind
from jobs.errors import JobNotFound
from jobs.models import ProvisioningItem, ProvisioningJob
from ocpplab.accounts.models import Organization
from ocpplab.common.choices import ProvisioningStatus

#: SQL that counts the chargers of unfinished jobs that have no row yet. A single create makes its row at once; the
#: chargers of a job that was not unfolded yet are as many as were asked for.
RESERVED = f"""
    (SELECT coalesce(sum(CASE
        WHEN job.expanded_at IS NOT NULL THEN (
            SELECT count(*) FROM {ProvisioningItem._meta.db_table} item
             WHERE item.job_id = job.id AND item.status = '{ItemStatus.PENDING}' AND item.charger_id IS NULL)
        WHEN job.kind = '{JobKind.LOCATION_CHARGERS}' THEN job.total
        ELSE 0 END), 0)
       FROM {ProvisioningJob._meta.db_table} job
      WHERE job.finished_at IS NULL AND job.organization_id = %(organization)s)
"""  # noqa: S608 - names of our own


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the items of a job stand; `hosted` of the `created` are held by a live host or were stopped since."""

    items: int
    pending: int
    created: int
    hosted: int
    online: int
    failed: int
    moved_at: datetime | None


def created() -> Q:
    """Items that have a charger, or had."""
    return Q(status__in=(ItemStatus.CREATED, ItemStatus.HELD))


def hosted() -> Q:
    """Items whose charger a live simulator holds now, or that was held and then stopped by its user.

    A host that has not beaten for a while does not count, whatever its row says (database clock). Items that the job
    has settled as held count for good: what becomes of their hosts later is not the job's matter.
    """
    alive = Now() - timedelta(seconds=settings.HOST_DEAD_AFTER)
    was_held = Q(charger__provisioning_status=ProvisioningStatus.READY)
    held = Q(charger__host__status=HostStatus.LIVE, charger__host__beat_at__gt=alive)
    return Q(status=ItemStatus.HELD) | (was_held & (held | Q(charger__wanted=False)))


def jobs_counts(job_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Counts]:
    """Count the items of each job: one query. A job that has none yet has zeros."""
    rows: Iterable[Any] = (
        ProvisioningItem.objects.filter(job_id__in=job_ids)
        .values("job_id")
        .annotate(
            items=Count("id"),
            pending=Count("id", filter=Q(status=ItemStatus.PENDING)),
            created=Count("id", filter=created()),
            hosted=Count("id", filter=created() & hosted()),
            online=Count("id", filter=created() & Q(charger__connection_state=ConnectionState.ONLINE)),
            failed=Count("id", filter=Q(status=ItemStatus.FAILED)),
            moved_at=Max("moved_at"),
        )
    )
    nothing = Counts(items=0, pending=0, created=0, hosted=0, online=0, failed=0, moved_at=None)
    found = {row["job_id"]: Counts(**{field: row[field] for field in Counts.__slots__}) for row in rows}
    return dict.fromkeys(job_ids, nothing) | found


def job_counts(job_id: uuid.UUID) -> Counts:
    """Count the items of one job."""
    return jobs_counts([job_id])[job_id]


def job_crowd(job_id: uuid.UUID) -> int:
    """Return how many jobs of the job's organization still have chargers to create: at least 1, itself."""
    pending = ProvisioningItem.objects.filter(job=OuterRef("pk"), status=ItemStatus.PENDING)
    organization = ProvisioningJob.objects.filter(pk=job_id).values("organization_id")
    unfinished = ProvisioningJob.objects.filter(organization_id=Subquery(organization), finished_at=None)
    return max(1, unfinished.filter(Q(expanded_at=None) | Exists(pending)).count())


def jobs_list(
    organization: Organization, *, status: str | None = None, location_id: uuid.UUID | None = None
) -> QuerySet[ProvisioningJob]:
    """Return the organization's jobs, newest first, without their groups (10,000 ids in each)."""
    rows = ProvisioningJob.objects.filter(organization=organization).defer("groups")
    if status is not None:
        rows = rows.filter(status=status)
    if location_id is not None:
        rows = rows.filter(location_id=location_id)
    return rows.order_by("-created_at", "-id")


def job_get(
    organization: Organization, job_id: uuid.UUID | None, *, location_id: uuid.UUID | None = None
) -> ProvisioningJob:
    """Return a job of the organization (and of the location, when one is named). Raises `JobNotFound`."""
    rows = jobs_list(organization, location_id=location_id)
    job = None if job_id is None else rows.filter(pk=job_id).first()
    if job is None:
        raise JobNotFound
    return job


def job_of_charger(charger_id: int) -> ProvisioningJob | None:
    """Return the latest job that the charger was an item of; None when it came without one (an import)."""
    return ProvisioningJob.objects.filter(items__charger_id=charger_id).defer("groups").order_by("-created_at").first()


def job_chargers(job_id: uuid.UUID) -> list[Charger]:
    """Return the chargers that a job created and that still exist, as they were asked for.

    A job has thousands of chargers of few models on few hosts, so these are fetched once each and not with every row.
    """
    rows = Charger.objects.filter(items__in=ProvisioningItem.objects.filter(created(), job_id=job_id))
    return list(chargers_with_related_of_many(rows).order_by("items__ordinal"))


def job_failures(job_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return `identity`, `error`, `code` and `retryable` of each item that failed, as they were asked for."""
    rows = ProvisioningItem.objects.filter(job_id=job_id, status=ItemStatus.FAILED).order_by("ordinal")
    return [
        {"identity": identity, "error": message, "code": code, "retryable": retryable}
        for identity, message, code, retryable in rows.values_list(
            "identity", "error_message", "error_code", "error_retryable"
        )
    ]


def jobs_latest(organization: Organization | None, count: int) -> list[ProvisioningJob]:
    """Return the newest jobs of an organization (None: of all), with their locations."""
    rows = ProvisioningJob.objects.all() if organization is None else jobs_list(organization)
    return list(rows.select_related("location").defer("groups").order_by("-created_at", "-id")[:count])
