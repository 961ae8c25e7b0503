"""Accepting a request: one row, and a message on commit."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from chargers.errors import UnknownLocation
from chargers.models import Charger
from chargers.services.provisioning import NewCharger, charger_create
from jobs import queue
from jobs.choices import JobKind
from jobs.errors import IdempotencyKeyReused
from jobs.groups import Group
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.services.admitting import job_admit
from jobs.services.locking import location_keep
from locations.errors import LocationNotFound
from locations.models import Location
from ocpplab.accounts.models import Organization


def request_digest(kind: JobKind, *parts: Any) -> str:
    """Return the digest by which a repeated request is known: 64 hex digits of its kind and validated content."""
    text = json.dumps([kind.value, *parts], sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def job_create(
    *, location: Location, groups: Sequence[Group], idempotency_key: str | None = None
) -> tuple[ProvisioningJob, bool]:
    """Accept a bulk request and return its job, and whether it is new.

    Writes one row whatever the size; the items come when the job starts. With an `idempotency_key`, the same request
    again returns the first one's job. Raises `IdempotencyKeyReused` when the key belongs to another request,
    `LocationNotFound` when the location was deleted meanwhile, and what `job_admit` raises.
    """
    digest = request_digest(JobKind.LOCATION_CHARGERS, location.id, groups)
    with transaction.atomic():
        if not location_keep(location.id):
            raise LocationNotFound
        job, new = _insert(
            ProvisioningJob(
                organization_id=location.organization_id,
                location=location,
                kind=JobKind.LOCATION_CHARGERS,
                groups=list(groups),
                total=sum(group["number"] for group in groups),
                idempotency_key=idempotency_key,
                request_digest=digest,
            )
        )
        if new:
            job_admit(organization_id=location.organization_id, asked=job.total)
            transaction.on_commit(lambda: queue.start_soon(job.id, job.total), robust=True)
    return job, new


def charger_request(
    *, organization: Organization, new: NewCharger, idempotency_key: str | None = None
) -> tuple[ProvisioningJob, Charger]:
    """Accept a single charger: its row at once, and a job with one item that brings it up.

    Raises `IdentityInUse` (nothing is written then), `IdempotencyKeyReused`, `UnknownLocation` when the location was
    deleted meanwhile, and what `job_admit` raises.
    """
    group = Group(
        model_id=str(new.model_id),
        connector_type=str(new.connector_type),
        ocpp_version=str(new.ocpp_version),
        ws_url=new.ws_url,
        prefix="",
        name=new.name,
        location_name=new.location_name,
        ids=[new.identity],
        number=1,
        message_log=str(new.message_log),
    )
    with transaction.atomic():
        if new.location_id is not None and not location_keep(new.location_id):
            raise UnknownLocation(new.location_id)
        job, is_new = _insert(
            ProvisioningJob(
                organization=organization,
                location_id=new.location_id,
                kind=JobKind.CHARGER,
                groups=[group],
                total=1,
                idempotency_key=idempotency_key,
                request_digest=request_digest(JobKind.CHARGER, new.location_id, group),
            )
        )
        if not is_new:
            return job, _charger_of(job)
        charger = charger_create(new=new, wanted=True, reserved=True)
        ProvisioningItem.objects.create(
            job=job, ordinal=0, identity=charger.identity, name=charger.name, charger=charger
        )
        job_admit(organization_id=organization.id, asked=1)
        transaction.on_commit(lambda: queue.start_soon(job.id, job.total), robust=True)
    return job, charger


def _charger_of(job: ProvisioningJob) -> Charger:
    charger = Charger.objects.filter(items__job=job).first()
    if charger is None:  # deleted since: the key's request was fulfilled once and is not done again
        raise IdempotencyKeyReused
    return charger


def _insert(job: ProvisioningJob) -> tuple[ProvisioningJob, bool]:
    """Insert the job, or return the one that holds its key: the constraint decides between two at the same time."""
    if job.idempotency_key is not None and (first := _holder(job)) is not None:
        return first, False
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        first = None if job.idempotency_key is None else _holder(job)
        if first is None:
            raise
        return first, False
    return job, True


def _holder(job: ProvisioningJob) -> ProvisioningJob | None:
    """Return the job that holds this job's key."""
    found = (
        ProvisioningJob.objects.filter(organization_id=job.organization_id, idempotency_key=job.idempotency_key)
        .defer("groups")
        .first()
    )
    if found is not None and found.request_digest != job.request_digest:
        raise IdempotencyKeyReused
    return found
