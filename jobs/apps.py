"""Durable bulk work."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Provisioning jobs."""

    name = "jobs"

    def ready(self) -> None:
        """Have the chargers of unfinished jobs counted as if they were there."""
        from chargers import hooks
        from jobs.selectors import RESERVED

        hooks.chargers_reserved.append(RESERVED)
