"""Simulator processes as the database sees them."""

import uuid

from django.db import models
from django.db.models import Q

from chargers.choices import HostStatus


class SimulatorHost(models.Model):
    """One life of one simulator process; a restarted process is a new row.

    `machine` tells whether another process can see this one's `pid`: boot id and pid namespace of the machine.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    machine = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=HostStatus.choices, default=HostStatus.LIVE)
    capacity = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status=HostStatus.GONE, gone_at__isnull=False)
                | (~Q(status=HostStatus.GONE) & Q(gone_at__isnull=True)),
                name="host_gone_at_exactly_when_gone",
            ),
        ]
        indexes = [models.Index(fields=["beat_at"], condition=~Q(status=HostStatus.GONE), name="host_not_gone")]

    def __str__(self) -> str:
        return self.name
