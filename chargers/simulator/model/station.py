"""The station: EVSEs, connectors and their state. Decisions are taken here, dialects only put them in words."""

import math
from typing import Final

from .charging import Claim, Refused, Reservations, Transaction
from .connector import Condition, Connector, Evse
from .limits import Limits, Running, Supply
from .power import GRID_PHASES, Offer, allot, to_amps
from .specs import ModelSpec
from .vehicle import Vehicle

__all__ = ["Condition", "Connector", "Evse", "Station"]

NEVER: Final = math.inf
_ROUNDING: Final = 1e-6  #: amperes


class Station:
    """A whole charger. The station, each EVSE and each connector is in service or not, which outlasts a reboot.

    `closed`: new firmware waits for the last transaction or is being installed. `limits` and `reservations` are None
    until somebody makes them. Limits are asked in the charger's own time.
    """

    __slots__ = ("closed", "connectors", "evses", "limits", "max_power_w", "operative", "reservations", "shown")

    def __init__(self, model: ModelSpec) -> None:
        self.operative = True
        self.closed = False
        self.shown = Condition.AVAILABLE
        self.max_power_w = model.max_power_w
        self.limits: Limits | None = None
        self.reservations: Reservations | None = None
        self.evses: Final = tuple(Evse(spec, number=number) for number, spec in enumerate(model.evses, 1))
        places = [(evse, place, spec) for evse in self.evses for place, spec in enumerate(evse.spec.connectors, 1)]
        self.connectors: Final = tuple(
            Connector(spec, number=number, evse=evse, place=place)
            for number, (evse, place, spec) in enumerate(places, 1)
        )

    def condition(self) -> Condition:
        """Of the station as a whole: it goes out of service when its last transaction is over."""
        return Condition.AVAILABLE if self.operative or self.transactions() else Condition.UNAVAILABLE

    def evse_condition(self, evse: Evse) -> Condition:
        """Of an EVSE: in service only if the station is, too."""
        return Condition.AVAILABLE if self.operative and evse.operative else Condition.UNAVAILABLE

    def connector_condition(self, connector: Connector, now: float = 0.0) -> Condition:
        """Of a connector: in service only if its EVSE and the station are, too. `now` matters while it is used."""
        if connector.fault is not None:
            return Condition.FAULTED
        if connector.transaction is not None:
            return connector.use(now)
        if not self.in_service(connector):
            return Condition.UNAVAILABLE
        if not connector.idle:
            return connector.use(now)
        if connector.evse.shared and any(other.transaction is not None for other in self.siblings(connector)):
            return Condition.UNAVAILABLE
        if self.reservations is not None and self.reservations.reserved(connector.number):
            return Condition.RESERVED
        return Condition.AVAILABLE

    def rests(self) -> bool:
        """Whether every condition is AVAILABLE, and was shown as such, for a reason that one look tells.

        Of most stations this is true most of the time, and it is asked after every message.
        """
        if not self.operative or self.closed or self.reservations is not None or self.shown is not Condition.AVAILABLE:
            return False
        for one in self.connectors:
            if (
                one.meter is not None
                or one.transaction is not None
                or one.claim is not None
                or one.fault is not None
                or one.held
                or one.finishing
                or not one.operative
                or not one.evse.operative
                or one.shown is not Condition.AVAILABLE
            ):
                return False
        return True

    def in_service(self, connector: Connector) -> bool:
        """Whether no operator took it, its EVSE or the station out of service, and the station is not closed."""
        return not self.closed and self.operative and connector.evse.operative and connector.operative

    def connector(self, number: int) -> Connector | None:
        """The connector of that number, counted through the station."""
        return self.connectors[number - 1] if 1 <= number <= len(self.connectors) else None

    def evse(self, number: int) -> Evse | None:
        """The EVSE of that number."""
        return self.evses[number - 1] if 1 <= number <= len(self.evses) else None

    def connectors_of(self, evse: Evse) -> tuple[Connector, ...]:
        """The connectors of an EVSE, in order."""
        return tuple(connector for connector in self.connectors if connector.evse is evse)

    def siblings(self, connector: Connector) -> tuple[Connector, ...]:
        """The other connectors of the same EVSE, which cannot charge while this one does."""
        if not connector.evse.shared:
            return ()
        return tuple(one for one in self.connectors if one.evse is connector.evse and one is not connector)

    def connector_at(self, evse_number: int, place: int) -> Connector | None:
        """The connector at a 2.x address."""
        return next((one for one in self.connectors if one.evse.number == evse_number and one.place == place), None)

    def set_operative(self, part: "Station | Evse | Connector", operative: bool) -> None:
        """Put a part in or out of service; a connector with a transaction goes out of service when that is over."""
        part.operative = operative

    # who may use a connector

    def may_plug(self, connector: Connector) -> Refused | None:
        """Whether a car can be plugged in (a plug fits whatever the operator thinks)."""
        return Refused.CONNECTOR_OCCUPIED if connector.vehicle is not None else None

    def may_claim(self, connector: Connector, tag: str, parent: str | None = None) -> Refused | None:
        """Whether the holder of a tag may begin to use a connector."""
        if connector.fault is not None:
            return Refused.FAULTED
        if connector.transaction is not None or connector.claim is not None:
            return Refused.CONNECTOR_OCCUPIED
        if not self.in_service(connector):
            return Refused.UNAVAILABLE
        if any(other.transaction is not None or other.claim is not None for other in self.siblings(connector)):
            return Refused.CONNECTOR_OCCUPIED
        if self.reservations is not None and not self.reservations.may_use(connector.number, tag, parent):
            return Refused.RESERVED
        return None

    def claim(self, connector: Connector, claim: Claim) -> Refused | None:
        """Give the right to charge at a connector; says why not, then nothing changed."""
        refused = self.may_claim(connector, claim.tag, claim.parent)
        if refused is None:
            connector.claim = claim
        return refused

    def ready(self, connector: Connector) -> bool:
        """Whether a transaction can begin: a tag was accepted and a car is there."""
        return connector.claim is not None and connector.vehicle is not None and connector.fault is None

    def plug(self, connector: Connector, now: float, vehicle: Vehicle, *, seed: int) -> Refused | None:
        """Plug a car in; says why not, then nothing changed."""
        refused = self.may_plug(connector)
        if refused is None:
            connector.plug(now, vehicle, seed=seed)
        return refused

    def transactions(self) -> tuple[Transaction, ...]:
        """Those that run."""
        return tuple([one.transaction for one in self.connectors if one.transaction is not None])

    # power

    def make_limits(self, limits: Limits) -> Limits:
        """Install the keeper of charging profiles."""
        self.limits = limits
        return limits

    def supplies(self) -> tuple[Supply, ...]:
        """What the hardware of each connector gives."""
        return tuple(Supply(float(one.spec.max_power_w), one.spec.phases, one.evse.number) for one in self.connectors)

    def running(self) -> dict[int, Running]:
        """The running transactions as the limits want them."""
        return {one.connector: Running(one.started_at, one.number) for one in self.transactions()}

    def distribute(self, now: float, shown: float) -> float:
        """Offer each charging connector what it may give; returns when that may change (session time).

        `shown` is what the charger's own clock shows at `now`.
        """
        charging = [one for one in self.connectors if one.transaction is not None and one.meter is not None]
        if not charging:
            return NEVER
        running = self.running() if self.limits is not None else {}
        demands = {one.number: self._demand(one, now, shown, running) for one in charging}
        cap_w, phases = float(self.max_power_w), max(one.spec.phases or GRID_PHASES for one in self.connectors)
        whole = None if self.limits is None else self.limits.limit_at(shown, 0, running)
        crowded = False
        if whole is not None:
            per_phase = all(offer.phases for offer in demands.values())
            if per_phase:
                cap_w, phases = cap_w * whole.phases / phases, whole.phases
            cap_w = min(cap_w, whole.watts)
            # cars on one phase can be too much for that phase long before they are too much for all
            crowded = per_phase and sum(offer.amps for offer in demands.values()) > to_amps(cap_w, phases) + _ROUNDING
        if crowded or sum(offer.watts for offer in demands.values()) > cap_w:
            wanted = {one.number: _worth(one, demands[one.number]) for one in charging}
            demands = allot(wanted, cap_w=cap_w, phases=phases)
        for one in charging:
            one.offer(now, demands[one.number])
        change = NEVER if self.limits is None else self.limits.next_change(shown, 0, running) - shown + now
        return min([change, *(self._own_change(one, now) for one in charging)])

    def _demand(self, connector: Connector, now: float, shown: float, running: dict[int, Running]) -> Offer:
        """The most that it may offer if alone: by its hardware, its fault, all profiles, the worth of its tag."""
        spec, transaction = connector.spec, connector.transaction
        capped = transaction is not None and transaction.cap_wh is not None and connector.wh(now) >= transaction.cap_wh
        if connector.fault is not None or capped:
            return Offer(0.0, spec.phases)
        own = None if self.limits is None else self.limits.limit_at(shown, connector.number, running)
        if own is None:
            return Offer(float(spec.max_power_w), spec.phases)
        part = own.phases / spec.phases if spec.phases else 1.0
        return Offer(min(own.watts, spec.max_power_w * part), own.phases, own.minimum_w)

    def _own_change(self, connector: Connector, now: float) -> float:
        meter, transaction = connector.meter, connector.transaction
        if meter is None or transaction is None:
            return NEVER
        marks = [wh for wh in (transaction.cap_wh, _target(transaction)) if wh is not None and meter.wh(now) < wh]
        due = [meter.when_full(), *(meter.when_register(wh) for wh in marks)]
        if transaction.until is not None:
            due.append(transaction.until)
        return min(due)


def reached(connector: Connector, now: float) -> bool:
    """Whether its transaction has what was wanted of it."""
    transaction = connector.transaction
    if transaction is None:
        return False
    target = _target(transaction)
    late = transaction.until is not None and now >= transaction.until
    return late or (target is not None and connector.wh(now) >= target)


def _target(transaction: Transaction) -> int | None:
    return None if transaction.target_wh is None else transaction.start_wh + transaction.target_wh


def _worth(connector: Connector, offer: Offer) -> Offer:
    """An offer cut down to what the car could ever take, so that sharing wastes nothing."""
    vehicle = connector.vehicle
    if vehicle is None or vehicle.full or not vehicle.ready:
        return Offer(0.0, offer.phases, offer.minimum_w)
    most = max((watts for _, watts in vehicle.curve(offer.phases)), default=0.0)
    if offer.phases:
        used = vehicle.phases_used(offer.phases)
        most = most * offer.phases / used
    return Offer(min(offer.watts, most), offer.phases, offer.minimum_w)
