"""Counting fleets: where chargers stand, by location, and who holds them."""

import uuid
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet

from chargers.choices import HostStatus
from chargers.models import Charger, SimulatorHost
from chargers.simulator.effects import ConnectionState
from ocpplab.accounts.models import Organization


@dataclass(slots=True)
class Fleet:
    """The chargers of one location (`location_id` None: those without one), counted by connection state."""

    location_id: uuid.UUID | None
    name: str
    organization: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ConnectionState, 0))
    stopped: int = 0

    @property
    def total(self) -> int:
        """All chargers, stopped ones too."""
        return sum(self.counts.values())


def fleets(organization: Organization | None) -> list[Fleet]:
    """Count the chargers of an organization (None: of all) by location, the largest fleet first: one query."""
    rows = Charger.objects.all() if organization is None else Charger.objects.filter(organization=organization)
    found: dict[tuple[uuid.UUID | None, str], Fleet] = {}
    for location_id, name, owner, state, chargers, stopped in rows.values_list(
        "location_id", "location__name", "organization__name", "connection_state"
    ).annotate(chargers=Count("id"), stopped=Count("id", filter=Q(wanted=False))):
        fleet = found.setdefault(
            (location_id, owner), Fleet(location_id=location_id, name=name or "(no location)", organization=owner)
        )
        fleet.counts[state] += chargers
        fleet.stopped += stopped
    return sorted(found.values(), key=lambda fleet: (-fleet.total, fleet.name))


def hosts_living() -> QuerySet[SimulatorHost]:
    """Return the simulator processes that are not gone, with `sessions`: how many chargers each holds."""
    rows = SimulatorHost.objects.exclude(status=HostStatus.GONE)
    return rows.annotate(sessions=Count("chargers")).order_by("name")
