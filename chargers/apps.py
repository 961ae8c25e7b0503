"""The simulated chargers."""

from django.apps import AppConfig


class ChargersConfig(AppConfig):
    """Chargers, their catalog, their simulator and the built-in CSMS."""

    name = "chargers"
