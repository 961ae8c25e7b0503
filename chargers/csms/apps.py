"""The built-in CSMS as a Django app: id tags, and the transactions that it saw."""

from django.apps import AppConfig


class CsmsConfig(AppConfig):
    """Its rows are its own: nothing else refers to them, and it refers to no charger."""

    name = "chargers.csms"
    label = "csms"
    verbose_name = "Built-in CSMS"
