"""Choices of a job and its items."""

from django.db.models import TextChoices

from ocpplab.common.choices import ProvisioningStatus
from ocpplab.common.transitions import Moves


class JobKind(TextChoices):
    """Which route asked for the job; `job_type` of the contract."""

    CHARGER = "charger", "One charger"
    LOCATION_CHARGERS = "location_chargers", "Chargers of a location"


class ItemStatus(TextChoices):
    """How far one charger of a job is."""

    PENDING = "pending", "waiting for a worker"
    CREATED = "created", "charger row exists and is wanted, no host holds it yet"
    HELD = "held", "a simulator host holds it"
    FAILED = "failed", "failed for good"


#: moves of `ProvisioningJob.status`; READY or FAILED to PROVISIONING is a retry of failed items
JOB_MOVES: Moves = {
    ProvisioningStatus.PROVISIONING: frozenset(
        {ProvisioningStatus.PENDING, ProvisioningStatus.READY, ProvisioningStatus.FAILED}
    ),
    ProvisioningStatus.READY: frozenset({ProvisioningStatus.PROVISIONING}),
    ProvisioningStatus.FAILED: frozenset({ProvisioningStatus.PENDING, ProvisioningStatus.PROVISIONING}),
}

#: moves of `ProvisioningItem.status`; FAILED to PENDING is a retry
ITEM_MOVES: Moves = {
    ItemStatus.PENDING: frozenset({ItemStatus.FAILED}),
    ItemStatus.CREATED: frozenset({ItemStatus.PENDING}),
    ItemStatus.HELD: frozenset({ItemStatus.CREATED}),
    ItemStatus.FAILED: frozenset({ItemStatus.PENDING, ItemStatus.CREATED}),
}
