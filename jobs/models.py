"""Rows of provisioning jobs and their items."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from chargers.models import Charger
from jobs.choices import ItemStatus, JobKind
from locations.models import Location
from ocpplab.accounts.models import Organization
from ocpplab.common.base import TimeStamped
from ocpplab.common.choices import ProvisioningStatus

FINAL = (ProvisioningStatus.READY, ProvisioningStatus.FAILED)


class ProvisioningJob(TimeStamped):
    """A durable request for chargers.

    `groups` holds the validated groups as they were asked for; they are expanded into items when the job starts, so
    that accepting takes the same time whatever the size. `progress_at` moves whenever the job does: the sweeper looks
    at those that stand still. `settle_at` is when the next look at the job is due: it makes the poller one per job.
    `deadline_at` is when chargers that no host holds count as failed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="jobs")
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=20, choices=JobKind.choices)
    status = models.CharField(max_length=12, choices=ProvisioningStatus.choices, default=ProvisioningStatus.PENDING)
    groups = models.JSONField()
    total = models.PositiveIntegerField()
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is not unique
    request_digest = models.CharField(max_length=64)
    error_code = models.CharField(max_length=50, blank=True, default="")
    error_message = models.CharField(max_length=2000, blank=True, default="")
    error_retryable = models.BooleanField(default=False)
    expanded_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    progress_at = models.DateTimeField(default=timezone.now)
    settle_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "idempotency_key"], name="job_idempotency_key_unique"),
            models.CheckConstraint(
                condition=Q(status__in=FINAL, finished_at__isnull=False)
                | (~Q(status__in=FINAL) & Q(finished_at__isnull=True)),
                name="job_finished_at_exactly_when_final",
            ),
            models.CheckConstraint(
                condition=~Q(status=ProvisioningStatus.FAILED) | ~Q(error_code=""), name="job_failed_has_error"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="job_newest_first"),
            models.Index(fields=["progress_at"], condition=~Q(status__in=FINAL), name="job_unfinished"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def workflow_run_id(self) -> str:
        """Opaque id of the contract."""
        return f"wfr_{self.id.hex[:16]}"


class ProvisioningItem(models.Model):
    """One charger of a job: its own outcome, its own retries.

    `group` is the index into the job's groups. `explicit` tells an id that the caller gave (a clash is a failure) from
    a random suffix (a clash draws another). `dispatched_at` is when its call was last published or, for a retry, is
    due; `moved_at` is when its status last changed. `attempts` counts the tries that came to nothing.
    """

    job = models.ForeignKey(ProvisioningJob, on_delete=models.CASCADE, related_name="items")
    ordinal = models.PositiveIntegerField()
    group = models.PositiveSmallIntegerField(default=0)
    identity = models.CharField(max_length=48)
    name = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - null is in the contract
    explicit = models.BooleanField(default=True)
    status = models.CharField(max_length=8, choices=ItemStatus.choices, default=ItemStatus.PENDING)
    charger = models.ForeignKey(Charger, null=True, blank=True, on_delete=models.SET_NULL, related_name="items")
    attempts = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=50, blank=True, default="")
    error_message = models.CharField(max_length=2000, blank=True, default="")
    error_retryable = models.BooleanField(default=False)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    moved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "ordinal"], name="item_once_per_job"),
            models.CheckConstraint(
                condition=~Q(status=ItemStatus.FAILED) | ~Q(error_code=""), name="item_failed_has_error"
            ),
        ]
        indexes = [models.Index(fields=["job", "status"], name="item_by_status")]

    def __str__(self) -> str:
        return self.identity
