"""The times in which the whole lab was, or is, stopped."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class LabStop(models.Model):
    """One stop of the lab: from its beginning to its end no host holds or dials a charger.

    What is wanted of the chargers is not touched, so that the end brings back exactly what there was.
    """

    started_at = models.DateTimeField(default=timezone.now)
    started_by = models.CharField(max_length=200, help_text="A person, a token, or the command line.")
    reason = models.CharField(max_length=300)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            # Of those that hold, all have the same (empty) `ended_by`.
            models.UniqueConstraint(fields=["ended_by"], condition=Q(ended_at=None), name="stop_one_at_a_time"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="") | (Q(ended_at__isnull=False) & ~Q(ended_by="")),
                name="stop_ended_by_exactly_when_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M:%S} UTC by {self.started_by}: {self.reason}"
