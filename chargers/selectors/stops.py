"""Reading whether the lab is stopped."""

from chargers.models import Charger, LabStop


def stop_current() -> LabStop | None:
    """Return the stop that holds now; None while the lab runs."""
    return LabStop.objects.filter(ended_at=None).first()


def sessions_held() -> int:
    """Count the chargers that any host holds: 0 some seconds after a stop."""
    return Charger.objects.filter(host__isnull=False).count()
