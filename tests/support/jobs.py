"""Jobs to test with, and what workers and hosts do to them, done by hand."""

from typing import Any

import redis
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from chargers.models import Charger, SimulatorHost
from jobs import queue
from jobs.groups import Group
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.services import item_provision, job_create, job_expand, job_settle, job_start
from locations.models import Location
from ocpplab.common.choices import ProvisioningStatus
from tests.support.chargers import WS_URL, make_host, make_model

QUEUES = ("celery", *(f"celery\x06\x16{level}" for level in queue.LEVELS[1:]))


def group(*ids: str, number: int | None = None, **values: Any) -> Group:
    defaults = Group(
        model_id=str(make_model().id),
        connector_type="Type2",
        ocpp_version="OCPP1.6",
        ws_url=WS_URL,
        prefix="SITE_",
        name="Bay",
        location_name=None,
        ids=list(ids),
        number=len(ids) if number is None else number,
    )
    return Group(**{**defaults, **values})


def make_job(location: Location, *groups: Group, **options: Any) -> ProvisioningJob:
    return job_create(location=location, groups=groups or [group("001", "002", number=5)], **options)[0]


def started(location: Location, *groups: Group, **options: Any) -> ProvisioningJob:
    """A job whose items wait for a worker; its calls are in the broker, where nobody takes them."""
    job = make_job(location, *groups, **options)
    job_start(job_id=job.id)
    job.refresh_from_db()
    return job


def unfolded(location: Location, *groups: Group) -> ProvisioningJob:
    """A running job with items, none of them published."""
    job = make_job(location, *groups)
    ProvisioningJob.objects.filter(pk=job.pk).update(status=ProvisioningStatus.PROVISIONING)
    job_expand(job_id=job.id)
    job.refresh_from_db()
    return job


def items(job: ProvisioningJob) -> list[ProvisioningItem]:
    return list(ProvisioningItem.objects.filter(job=job).order_by("ordinal"))


def provision_all(job: ProvisioningJob) -> list[str]:
    """What a worker does."""
    return [str(item_provision(item_id=item.id)) for item in items(job)]


def claim(job: ProvisioningJob, host: SimulatorHost | None = None, *, count: int | None = None) -> SimulatorHost:
    """What a simulator does: take the wanted chargers of a job (or the first `count` of them)."""
    host = host or make_host()
    wanted = Charger.objects.filter(items__job=job, wanted=True, host=None).order_by("items__ordinal")
    Charger.objects.filter(pk__in=list(wanted.values_list("pk", flat=True)[:count])).update(
        host=host,
        lease_epoch=F("lease_epoch") + 1,
        provisioning_status=ProvisioningStatus.READY,
        provisioned_at=timezone.now(),
    )
    return host


def settle(job: ProvisioningJob) -> ProvisioningJob:
    """Look at the job as if the look were due, and return it as it is then."""
    ProvisioningJob.objects.filter(pk=job.pk).update(settle_at=None)
    job_settle(job_id=job.id)
    return reread(job)


def reread(job: ProvisioningJob) -> ProvisioningJob:
    return ProvisioningJob.objects.get(pk=job.pk)


def published() -> int:
    """Return how many messages wait in the broker."""
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        return sum(int(broker.llen(name)) for name in QUEUES)


def empty_broker() -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        broker.flushall()
