"""The project itself as an app: its management commands and system checks."""

from django.apps import AppConfig


class OcpplabConfig(AppConfig):
    """Wiring only: no models."""

    name = "ocpplab"
    verbose_name = "OCPPLAB"

    def ready(self) -> None:
        """Register the system checks."""
        from ocpplab import checks  # noqa: F401
