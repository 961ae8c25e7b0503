"""Reading commands, and the chargers that they are for."""

from collections.abc import Collection
from dataclasses import dataclass

from chargers.errors import ChargerNotFound, CommandNotFound
from chargers.models import Charger, Command
from locations.selectors import location_get
from ocpplab.accounts.models import Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The chargers that a fan-out is for, and those of the ids asked for that are not in the location."""

    chargers: list[Charger]
    missing: list[str]


def command_get(*, organization: Organization, command_id: str) -> Command:
    """Return one command with its charger. Raises `CommandNotFound`."""
    rows = Command.objects.select_related("charger").filter(charger__organization=organization, pk=command_id)
    command = rows.first()
    if command is None:
        raise CommandNotFound
    return command


def target_get(*, organization: Organization, charger_id: str) -> Charger:
    """Return the charger that a command is for, with its model. Raises `ChargerNotFound`."""
    rows = Charger.objects.select_related("model").filter(organization=organization, public_id=charger_id)
    charger = rows.first()
    if charger is None:
        raise ChargerNotFound
    return charger


def targets_of_location(
    *, organization: Organization, location_id: str, charger_ids: Collection[str] | None
) -> Targets:
    """Return a location's chargers in the order of their creation, or those of `charger_ids` in the order given.

    Raises `LocationNotFound`. Three queries whatever the number; the few models are built once each.
    """
    location = location_get(organization=organization, location_id=location_id)
    rows = Charger.objects.filter(location=location, organization=organization).prefetch_related("model")
    if charger_ids is None:
        return Targets(chargers=list(rows.order_by("created_at", "id")), missing=[])
    wanted = list(dict.fromkeys(charger_ids))
    found = {row.public_id: row for row in rows.filter(public_id__in=wanted)}
    return Targets(
        chargers=[found[charger_id] for charger_id in wanted if charger_id in found],
        missing=[charger_id for charger_id in wanted if charger_id not in found],
    )
