"""One connector: what is plugged in, who uses it, what its meter shows."""

from enum import StrEnum

from .charging import Claim, FaultKind, Transaction
from .meter import Flow, Meter, Reading
from .power import Offer
from .specs import ConnectorSpec, EvseSpec
from .vehicle import Vehicle


class Condition(StrEnum):
    """What a connector, or the whole station, can be used for, or is used for."""

    AVAILABLE = "available"
    PREPARING = "preparing"  #: a car is plugged in or a tag was shown, but no transaction runs
    CHARGING = "charging"
    SUSPENDED_EVSE = "suspended_evse"  #: the station offers nothing
    SUSPENDED_EV = "suspended_ev"  #: the car takes nothing
    FINISHING = "finishing"  #: the transaction is over, the car is still there
    RESERVED = "reserved"
    UNAVAILABLE = "unavailable"  #: taken out of service by an operator, or its EVSE is busy with another connector
    FAULTED = "faulted"


_SUSPENDED_BY_STATION = frozenset({Flow.LIMITED, Flow.NOT_OFFERED})


class Evse:
    """One EVSE, by its number from 1. `shared`: it has several connectors, of which one can charge at a time."""

    __slots__ = ("number", "operative", "shared", "spec")

    def __init__(self, spec: EvseSpec, *, number: int) -> None:
        self.spec = spec
        self.number = number
        self.operative = True
        self.shared = len(spec.connectors) > 1


class Connector:
    """One connector. `number` counts through the station; `evse` and `place` are its 2.x address. All count from 1.

    `register_wh` is the register while there is no meter: that is made when a car comes, and costs nothing before.
    `held`: the cable is locked in the socket, though the car is gone. `shown` is the condition that was last told to
    the dialect.
    """

    __slots__ = (
        "claim",
        "evse",
        "fault",
        "finishing",
        "held",
        "meter",
        "number",
        "operative",
        "place",
        "register_wh",
        "shown",
        "spec",
        "transaction",
    )

    def __init__(self, spec: ConnectorSpec, *, number: int, evse: Evse, place: int) -> None:
        self.spec = spec
        self.number = number
        self.evse = evse
        self.place = place
        self.operative = True
        self.held = False
        self.fault: FaultKind | None = None
        self.claim: Claim | None = None
        self.transaction: Transaction | None = None
        self.finishing = False
        self.meter: Meter | None = None
        self.register_wh = 0.0
        self.shown = Condition.AVAILABLE

    @property
    def vehicle(self) -> Vehicle | None:
        """The car that is plugged in."""
        return self.meter.vehicle if self.meter is not None else None

    @property
    def idle(self) -> bool:
        """Nobody uses it: no car, no cable, no claim, no transaction, and none that just ended."""
        return (
            self.meter is None
            and self.transaction is None
            and self.claim is None
            and not self.held
            and not self.finishing
        )

    def plug(self, now: float, vehicle: Vehicle, *, seed: int) -> None:
        """Put a car on it. `seed` makes the meter's noise."""
        if self.meter is None:
            self.meter = self._new_meter(seed)
        self.meter.plug(now, vehicle)
        self.finishing = self.held = False

    def unplug(self, now: float) -> Vehicle | None:
        """Take the car away and return it."""
        if self.meter is None:
            return None
        gone = self.meter.unplug(now)
        self.finishing = False
        self._rest(now)
        return gone

    def begin(self, transaction: Transaction, *, seed: int) -> None:
        """Let a transaction run; it uses up the claim."""
        if self.meter is None:
            self.meter = self._new_meter(seed)
        self.transaction = transaction
        self.claim = None
        self.finishing = False

    def end(self, now: float) -> Transaction | None:
        """End the transaction and return it. The meter stops."""
        ended, self.transaction = self.transaction, None
        if self.meter is not None:
            self.meter.offer(now, None)
            self.finishing = ended is not None and self.meter.vehicle is not None
            self._rest(now)
        return ended

    def offer(self, now: float, offer: Offer | None) -> None:
        """Offer energy to the car, or none."""
        if self.meter is not None:
            self.meter.offer(now, offer)

    def wh(self, now: float) -> int:
        """The register in whole watt-hours."""
        return int(self.register_wh + 1e-6) if self.meter is None else self.meter.wh(now)

    def exact_wh(self, now: float) -> float:
        """The register with its fraction."""
        return self.register_wh if self.meter is None else self.meter.exact_wh(now)

    def any_meter(self) -> Meter:
        """Its meter; or, while there is none, one that shows what it would."""
        return self.meter or self._new_meter(self.number)

    def read(self, now: float) -> Reading:
        """Everything that can be measured."""
        return self.any_meter().read(now)

    def use(self, now: float) -> Condition:
        """What it is used for, whether it is in service or not."""
        if self.transaction is not None:
            flow = self.meter.flow(now) if self.meter is not None else Flow.NO_VEHICLE
            if flow is Flow.FLOWING:
                return Condition.CHARGING
            return Condition.SUSPENDED_EVSE if flow in _SUSPENDED_BY_STATION else Condition.SUSPENDED_EV
        if self.finishing or self.held:
            return Condition.FINISHING
        return Condition.AVAILABLE if self.idle else Condition.PREPARING

    def _rest(self, now: float) -> None:
        if self.meter is not None and self.meter.vehicle is None and self.transaction is None:
            self.register_wh = self.meter.exact_wh(now)
            self.meter = None

    def _new_meter(self, seed: int) -> Meter:
        return Meter(phases=self.spec.phases, seed=seed, register_wh=self.register_wh)
