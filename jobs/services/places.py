"""What the items of a job share, and the charger that each of them asks for."""

import uuid
from functools import lru_cache

from chargers.choices import MessageLog
from chargers.services.provisioning import NewCharger
from jobs.groups import Group
from jobs.models import ProvisioningJob
from jobs.services.locking import LockedItem


class Place:
    """What the items of a job share. It never changes, so a worker reads it once and not for every charger."""

    def __init__(self, job: ProvisioningJob) -> None:
        self.organization_id: uuid.UUID = job.organization_id
        self.location_id: uuid.UUID | None = job.location_id
        self.groups: list[Group] = job.groups
        for group in self.groups:
            group["ids"] = []  # as many as there are items, and those have them


@lru_cache(maxsize=64)
def place_of(job_id: uuid.UUID) -> Place:
    """Return what the items of the job share. Raises `ProvisioningJob.DoesNotExist`."""
    return Place(ProvisioningJob.objects.only("organization_id", "location_id", "groups").get(pk=job_id))


def new_charger(item: LockedItem) -> NewCharger:
    """Return the charger that an item asks for. Raises `ProvisioningJob.DoesNotExist`."""
    place = place_of(item.job_id)
    group = place.groups[item.group]
    return NewCharger(
        organization_id=place.organization_id,
        location_id=place.location_id,
        identity=item.identity,
        name=item.name,
        model_id=uuid.UUID(group["model_id"]),
        connector_type=group["connector_type"],
        ocpp_version=group["ocpp_version"],
        ws_url=group["ws_url"],
        location_name=group["location_name"],
        message_log=group.get("message_log", MessageLog.ALL),
        turn=item.ordinal,
    )
