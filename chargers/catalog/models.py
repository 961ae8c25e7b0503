"""Brands and models that the simulator can imitate. Shared by all organizations."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from chargers.choices import ConnectorType, CurrentType


class Brand(models.Model):
    """A maker of chargers."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    image_url = models.URLField(null=True, blank=True)  # noqa: DJ001 - null is in the contract
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class ChargerModel(models.Model):
    """One product of a brand: what its chargers look like to a CSMS.

    `evses` is the physical layout: a list with one entry for each EVSE, each a list of its connectors, each an object
    `{"type": ConnectorType, "max_power_w": int, "phases": 1|3}` (DC connectors have `phases` 0). Connectors of the
    same EVSE cannot charge at the same time.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="models")
    slug = models.SlugField(max_length=80)
    name = models.CharField(max_length=100)
    image_url = models.URLField(null=True, blank=True)  # noqa: DJ001 - null is in the contract
    current_type = models.CharField(max_length=2, choices=CurrentType.choices)
    power_ratings_kw = ArrayField(models.FloatField(), help_text="Power ratings that the product is sold with, in kW.")
    connector_types = ArrayField(models.CharField(max_length=10, choices=ConnectorType.choices))
    connector_count = models.PositiveSmallIntegerField()
    max_power_w = models.PositiveIntegerField(help_text="Of the whole charger, in watts.")
    evses = models.JSONField()
    firmware_version = models.CharField(max_length=50, default="1.0.0")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["brand__slug", "slug"]
        constraints = [models.UniqueConstraint(fields=["brand", "slug"], name="model_slug_unique_in_brand")]

    def __str__(self) -> str:
        return self.name
