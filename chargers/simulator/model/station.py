"""The station: EVSEs, connectors and their state. Decisions are taken here, dialects only put them in words."""

from enum import StrEnum
from typing import Final

from .specs import ConnectorSpec, EvseSpec, ModelSpec


class Condition(StrEnum):
    """What a connector, or the whole station, can be used for."""

    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"  #: taken out of service by an operator


class Connector:
    """One connector. `number` counts through the station; `evse` and `place` are its 2.x address. All count from 1."""

    __slots__ = ("evse", "number", "operative", "place", "spec")

    def __init__(self, spec: ConnectorSpec, *, number: int, evse: "Evse", place: int) -> None:
        self.spec = spec
        self.number = number
        self.evse = evse
        self.place = place
        self.operative = True


class Evse:
    """One EVSE, by its number from 1."""

    __slots__ = ("number", "operative", "spec")

    def __init__(self, spec: EvseSpec, *, number: int) -> None:
        self.spec = spec
        self.number = number
        self.operative = True


class Station:
    """A whole charger. The station, each EVSE and each connector is in service or not, which outlasts a reboot."""

    __slots__ = ("connectors", "evses", "operative")

    def __init__(self, model: ModelSpec) -> None:
        self.operative = True
        self.evses: Final = tuple(Evse(spec, number=number) for number, spec in enumerate(model.evses, 1))
        places = [(evse, place, spec) for evse in self.evses for place, spec in enumerate(evse.spec.connectors, 1)]
        self.connectors: Final = tuple(
            Connector(spec, number=number, evse=evse, place=place)
            for number, (evse, place, spec) in enumerate(places, 1)
        )

    def condition(self) -> Condition:
        """Of the station as a whole."""
        return Condition.AVAILABLE if self.operative else Condition.UNAVAILABLE

    def evse_condition(self, evse: Evse) -> Condition:
        """Of an EVSE: in service only if the station is, too."""
        return Condition.AVAILABLE if self.operative and evse.operative else Condition.UNAVAILABLE

    def connector_condition(self, connector: Connector) -> Condition:
        """Of a connector: in service only if its EVSE and the station are, too."""
        in_service = self.operative and connector.evse.operative and connector.operative
        return Condition.AVAILABLE if in_service else Condition.UNAVAILABLE

    def connector(self, number: int) -> Connector | None:
        """The connector of that number, counted through the station."""
        return self.connectors[number - 1] if 1 <= number <= len(self.connectors) else None

    def evse(self, number: int) -> Evse | None:
        """The EVSE of that number."""
        return self.evses[number - 1] if 1 <= number <= len(self.evses) else None

    def connectors_of(self, evse: Evse) -> tuple[Connector, ...]:
        """The connectors of an EVSE, in order."""
        return tuple(connector for connector in self.connectors if connector.evse is evse)

    def connector_at(self, evse_number: int, place: int) -> Connector | None:
        """The connector at a 2.x address."""
        return next((one for one in self.connectors if one.evse.number == evse_number and one.place == place), None)

    def set_operative(self, part: "Station | Evse | Connector", operative: bool) -> list[Connector]:
        """Put a part in or out of service. Returns the connectors whose condition this changed.

        Nothing can be charging yet, so it always happens at once.
        """
        before = [self.connector_condition(connector) for connector in self.connectors]
        part.operative = operative
        return [
            connector
            for connector, old in zip(self.connectors, before, strict=True)
            if self.connector_condition(connector) is not old
        ]
