"""Whether an organization may have one more job, and the chargers in it."""

import uuid

from chargers.errors import LabStopped
from chargers.selectors.stops import stop_current
from chargers.services.room import room_check, room_lock
from jobs.errors import OpenJobLimitReached
from jobs.models import ProvisioningJob
from ocpplab.accounts.selectors import limits_read


def job_admit(*, organization_id: uuid.UUID, asked: int) -> None:
    """Refuse the job that this transaction has written, or opened again, with its `asked` chargers to be.

    Call it last, see `room_take`. Raises `LabStopped`, `OpenJobLimitReached` and `ChargerLimitReached`.
    """
    stop = stop_current()
    if stop is not None:
        raise LabStopped(stop)
    limits = limits_read(organization_id)
    if not (limits.open_jobs or limits.chargers):
        return
    room_lock(organization_id)
    if limits.open_jobs:
        jobs = ProvisioningJob.objects.filter(organization_id=organization_id, finished_at=None).count()
        if jobs > limits.open_jobs:
            raise OpenJobLimitReached(limit=limits.open_jobs, present=jobs - 1)
    if limits.chargers and asked:
        room_check(organization_id=organization_id, limit=limits.chargers, asked=asked)
