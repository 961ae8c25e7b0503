"""Choices of a location."""

from django.db.models import TextChoices


class LocationStatus(TextChoices):
    """Life of a site. It is a label for people: chargers of an inactive site keep running."""

    PLANNED = "planned"
    ACTIVE = "active"
    INACTIVE = "inactive"
