"""The simulated chargers."""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as current_apps
from django.db.models.signals import post_migrate


class ChargersConfig(AppConfig):
    """Chargers, their catalog, their simulator and the built-in CSMS."""

    name = "chargers"

    def ready(self) -> None:
        """Wire what Django calls back: the catalog after `migrate`, the hosts after the end of a location."""
        from chargers.services.nudge import nudge
        from chargers.services.removal import chargers_lock
        from locations import hooks

        # Not a data migration: that would run between the schema's migrations with today's files, and the flush after
        # a transactional test would leave a database without a catalog.
        post_migrate.connect(load_catalog, sender=self)
        hooks.location_deleting.append(chargers_lock)
        hooks.location_deleted.append(nudge)


def load_catalog(*, apps: Any = current_apps, **_: Any) -> None:
    """Add to the catalog what is missing, with the columns that the database has at this point of its migrations.

    `migrate` gives the models as they are then; `flush` gives none, so today's are right.
    """
    from chargers.catalog.loader import catalog_load

    try:
        brands, models = apps.get_model("chargers", "Brand"), apps.get_model("chargers", "ChargerModel")
    except LookupError:
        return  # migrated backwards to before the catalog
    catalog_load(brand_rows=brands, model_rows=models)
