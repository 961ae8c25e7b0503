"""Sites that chargers stand at."""

from django.apps import AppConfig


class LocationsConfig(AppConfig):
    """Locations."""

    name = "locations"
