"""Reservations of connectors: who they are kept for, until when, and what follows for everybody else.

The rules are those of OCPP 1.6 §5.13. Times are of the charger's own clock. Where the specification leaves room:

- Connectors of one EVSE cannot be used side by side, so a reservation of one keeps the others from strangers, too.
- A reservation of the whole station keeps no connector in particular. The last EVSE that is still free is kept, and
  its connectors show as reserved.
- The station as a whole is reserved for one tag at a time; single connectors may be reserved beside it as long as one
  EVSE remains.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final, NamedTuple

from .connector import Connector
from .station import Station

WHOLE: Final = 0  #: the connector number that means the whole station


class Reservation(NamedTuple):
    """One reservation, until `until` (not included). `connector` 0 is any connector; `parent` is a group of tags."""

    id: int
    connector: int
    tag: str
    until: float
    parent: str | None = None

    def fits(self, tag: str, parent: str | None) -> bool:
        """Whether it is for the holder of a tag; letter case does not count (1.6 §7.28)."""
        if tag.casefold() == self.tag.casefold():
            return True
        return parent is not None and self.parent is not None and parent.casefold() == self.parent.casefold()


class Declined(StrEnum):
    """Why the station reserves nothing."""

    UNKNOWN_CONNECTOR = "unknown_connector"
    OVER = "over"  #: it would have ended already
    FAULTED = "faulted"
    OCCUPIED = "occupied"  #: in use, or reserved already
    UNAVAILABLE = "unavailable"  #: out of service


class Reservations:
    """The reservations of one station: `charging.Reservations`, and how they come and go.

    Whoever changes them must see to it that the conditions of the connectors are shown anew.
    """

    __slots__ = ("_all", "_station")

    def __init__(self, station: Station, reservations: Iterable[Reservation] = ()) -> None:
        self._station = station
        self._all = tuple(one for one in reservations if one.connector == WHOLE or station.connector(one.connector))

    @property
    def all(self) -> tuple[Reservation, ...]:
        """Every reservation, oldest first."""
        return self._all

    # who may charge

    def reserved(self, connector: int) -> bool:
        """Whether a connector that nobody uses shows as reserved."""
        if any(one.connector == connector for one in self._all):
            return True
        place = self._station.connector(connector)
        return self._whole is not None and place is not None and self._free() == {place.evse.number}

    def may_use(self, connector: int, tag: str, parent: str | None) -> bool:
        """Whether the holder of a tag may use a connector now. `parent` is None as long as it is not known."""
        return all(one.fits(tag, parent) for one in self._blocking(connector))

    def kept_for(self, connector: int, tag: str, parent: str | None) -> bool:
        """Whether a connector is kept for the holder of a tag, by a reservation of it or of its EVSE."""
        return any(one.fits(tag, parent) for one in self._on_evse(connector))

    def asks_parent(self, connector: int) -> bool:
        """Whether it may depend on the parent of a tag who may use a connector (1.6 §5.13: then it must be asked)."""
        return any(one.parent is not None for one in self._blocking(connector))

    def consume(self, connector: int, tag: str, parent: str | None) -> int | None:
        """A transaction begins: end the reservation that it uses, and return its id. It uses up one at most."""
        own = (*self._on_evse(connector), self._whole)
        used = next((one for one in own if one is not None and one.fits(tag, parent)), None)
        if used is None:
            return None
        self.cancel(used.id)
        return used.id

    # how they come and go

    def reserve(self, shown: float, wanted: Reservation) -> Declined | None:
        """Make a reservation in place of the one with the same id, or say why not; then nothing changed.

        `shown` is what the charger's clock shows.
        """
        before = self._all
        self._all = tuple(one for one in before if one.id != wanted.id)
        declined = Declined.OVER if wanted.until <= shown else self._declined(wanted)
        self._all = before if declined is not None else (*self._all, wanted)
        return declined

    def cancel(self, reservation: int) -> bool:
        """End a reservation; whether there was one."""
        return self._keep(one for one in self._all if one.id != reservation)

    def expire(self, shown: float) -> bool:
        """End those whose time is over; whether there was one."""
        return self._keep(one for one in self._all if shown < one.until)

    def drop_broken(self) -> bool:
        """End those that cannot be served any more, because of a fault or an operator; whether there was one."""
        return self._keep(one for one in self._all if self._works(one.connector))

    def next_end(self) -> float | None:
        """When the next one ends, by the charger's clock."""
        return min((one.until for one in self._all), default=None)

    def dump(self) -> list[list[Any]]:
        """As JSON, for the memory: what `Reservation` is made of."""
        return [list(one) for one in self._all]

    def described(self) -> list[dict[str, Any]]:
        """For people; `until` is of the charger's clock."""
        names = {"id": "reservation_id", "tag": "id_tag", "parent": "parent_id_tag"}
        return [{names.get(key, key): value for key, value in one._asdict().items()} for one in self._all]

    def _keep(self, kept: Iterable[Reservation]) -> bool:
        before, self._all = self._all, tuple(kept)
        return len(self._all) < len(before)

    @property
    def _whole(self) -> Reservation | None:
        return next((one for one in self._all if one.connector == WHOLE), None)

    def _on_evse(self, connector: int) -> list[Reservation]:
        """Reservations of a connector, then those of the others on its EVSE."""
        place = self._station.connector(connector)
        if place is None:
            return []
        numbers = (connector, *(other.number for other in self._station.siblings(place)))
        return [one for number in numbers for one in self._all if one.connector == number]

    def _blocking(self, connector: int) -> list[Reservation]:
        """The reservations that keep a connector from strangers now."""
        own = self._on_evse(connector)
        place, whole = self._station.connector(connector), self._whole
        if own or whole is None or place is None:
            return own  # its holder takes nothing from the one who reserved the station
        return [] if self._free() - {place.evse.number} else [whole]

    def _free(self) -> set[int]:
        """The EVSEs on which somebody without a reservation of a connector could charge."""
        return {
            one.evse.number
            for one in self._station.connectors
            if one.idle and _sound(self._station, one) and not self._evse_used(one) and not self._on_evse(one.number)
        }

    def _evse_used(self, connector: Connector) -> bool:
        others = self._station.siblings(connector)
        return any(other.transaction is not None or other.claim is not None for other in others)

    def _works(self, connector: int) -> bool:
        if connector == WHOLE:
            return self._station.operative and any(_sound(self._station, one) for one in self._station.connectors)
        place = self._station.connector(connector)
        return place is not None and _sound(self._station, place)

    def _declined(self, wanted: Reservation) -> Declined | None:
        if wanted.connector == WHOLE:
            return self._whole_declined()
        place = self._station.connector(wanted.connector)
        if place is None:
            return Declined.UNKNOWN_CONNECTOR
        if place.fault is not None:
            return Declined.FAULTED
        if place.transaction is None and not self._station.in_service(place):
            return Declined.UNAVAILABLE
        if not place.idle or self._evse_used(place) or self._on_evse(place.number):
            return Declined.OCCUPIED
        if self._whole is not None and not self._free() - {place.evse.number}:
            return Declined.OCCUPIED
        return None

    def _whole_declined(self) -> Declined | None:
        connectors = self._station.connectors
        if self._whole is not None:
            return Declined.OCCUPIED
        if self._free():
            return None
        sound = [one for one in connectors if _sound(self._station, one)]
        if sound or self._station.transactions():
            return Declined.OCCUPIED
        faulted = any(one.fault is not None for one in connectors)
        return Declined.FAULTED if faulted and self._station.operative else Declined.UNAVAILABLE


def _sound(station: Station, connector: Connector) -> bool:
    """Whether a connector works and is in service."""
    return connector.fault is None and station.in_service(connector)
