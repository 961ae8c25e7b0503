"""The row of a location."""

import uuid

from django.db import models

from locations.choices import LocationStatus
from ocpplab.accounts.models import Organization
from ocpplab.common.base import TimeStamped


class Location(TimeStamped):
    """A site of one organization. Coordinates are decimal degrees, `country` is ISO 3166-1 alpha-2."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="locations")
    slug = models.SlugField(max_length=120)
    name = models.CharField(max_length=200)
    address = models.CharField(max_length=300)
    city = models.CharField(max_length=100)
    country = models.CharField(max_length=2)
    latitude = models.FloatField()
    longitude = models.FloatField()
    timezone = models.CharField(max_length=64, default="UTC")
    owner_name = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - null is in the contract
    public = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=LocationStatus.choices, default=LocationStatus.ACTIVE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "slug"], name="location_slug_unique_in_organization"),
            models.CheckConstraint(
                condition=models.Q(latitude__gte=-90, latitude__lte=90, longitude__gte=-180, longitude__lte=180),
                name="location_coordinates_in_range",
            ),
        ]
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="location_newest_first")]

    def __str__(self) -> str:
        return self.name
