"""The meter of one connector: a register that never falls, and everything that can be measured at it."""

import math
from enum import StrEnum
from typing import Final, NamedTuple

from .charge import NEVER, Charge, cut
from .dice import Dice
from .power import Offer
from .vehicle import NOMINAL_VOLTS, Vehicle

_SETTLES_S: Final = 900.0  #: time constant of the connector's temperature
_DAY: Final = 86_400.0
_SHOWN: Final = 1e-6  #: Wh; what rounding may lack to the next whole watt-hour
_SURE_S: Final = 1e-6  #: s; a few steps of a float that holds seconds since 1970
_PART: Final = 1023.0


class Flow(StrEnum):
    """Whether energy flows, and if not, why."""

    FLOWING = "flowing"
    NO_VEHICLE = "no_vehicle"
    NOT_OFFERED = "not_offered"  #: nobody switched the connector on
    LIMITED = "limited"  #: the station offers nothing, or too little to charge with
    VEHICLE_FULL = "vehicle_full"
    VEHICLE_PAUSED = "vehicle_paused"  #: the car does not want energy now, or cannot take this kind


class Reading(NamedTuple):
    """What the meter shows at one instant.

    `volts` and `amps` hold one value per phase of the connector, a single one on DC. `phases` is how many of them
    carry current (1 on DC). `offered_amps` is per phase on AC. `soc` is in percent, None without a vehicle. Powers
    are exact: `watts` is the sum of volts times amps, and its integral over time is the register's rise.
    """

    wh: int
    watts: float
    offered_w: float
    offered_amps: float
    volts: tuple[float, ...]
    amps: tuple[float, ...]
    phases: int
    hertz: float
    celsius: float
    soc: float | None
    flow: Flow


class Meter:
    """Integrates one connector's power. `phases` is the connector's, 0 for DC.

    Everything that changes the flow is said with the instant when it does: `plug`, `unplug`, `offer`, `want`, `ask`.
    Between these calls the register is a function of time alone, so it does not matter when or how often it is read.
    Time never goes back: an instant before the last one counts as the last one.
    """

    __slots__ = (
        "_charge",
        "_flow",
        "_known",
        "_known_at",
        "_offer",
        "_phases",
        "_rise",
        "_seed",
        "_seen",
        "_since",
        "_vehicle",
        "_wh",
    )

    def __init__(self, *, phases: int, seed: int, register_wh: float = 0.0) -> None:
        if register_wh < 0:
            raise ValueError("register_wh is 0 or above")
        self._phases = phases
        self._seed = seed
        self._wh = register_wh
        self._vehicle: Vehicle | None = None
        self._offer: Offer | None = None
        self._charge: Charge | None = None
        self._flow = Flow.NO_VEHICLE
        self._seen = -NEVER
        #: register and watts at the instant `_known_at`: one sample asks for them several times
        self._known = (register_wh, 0.0)
        self._known_at = -NEVER
        self._since = 0.0
        self._rise = 0.0

    @property
    def vehicle(self) -> Vehicle | None:
        """The car that is plugged in. Its state of charge is that of the last call to the meter."""
        return self._vehicle

    @property
    def offered(self) -> Offer | None:
        """What the connector offers now; None when it is switched off."""
        return self._offer

    def plug(self, now: float, vehicle: Vehicle) -> None:
        """Put a car on the connector, in place of one that is there."""
        self._settle(now)
        self._vehicle = vehicle
        self._resume()

    def unplug(self, now: float) -> Vehicle | None:
        """Take the car away and return it. The offer is withdrawn."""
        self._settle(now)
        gone, self._vehicle, self._offer = self._vehicle, None, None
        self._resume()
        return gone

    def offer(self, now: float, offer: Offer | None) -> None:
        """Offer this much from `now` on; None switches the connector off. The same offer again changes nothing."""
        if offer is not None and (offer.phases > self._phases or (offer.phases == 0) != (self._phases == 0)):
            raise ValueError(f"an offer of {offer.phases} phases at a connector of {self._phases}")
        if offer != self._offer:
            self._settle(now)
            self._offer = offer
            self._resume()

    def want(self, now: float, ready: bool) -> None:
        """Let the car want energy or not."""
        self._settle(now)
        if self._vehicle is not None:
            self._vehicle.ready = ready
        self._resume()

    def ask(self, now: float, watts: float | None) -> None:
        """Let the car take a fixed power instead of its own; None gives its own back. It still obeys the offer."""
        self._settle(now)
        if self._vehicle is not None:
            self._vehicle.asked_w = watts
        self._resume()

    def wh(self, now: float) -> int:
        """The register in whole watt-hours."""
        return int(self.exact_wh(now) + _SHOWN)

    def exact_wh(self, now: float) -> float:
        """The register with its fraction, to start another meter with after a restart."""
        return self._state(now)[0]

    def flow(self, now: float) -> Flow:
        """Whether energy flows, and if not, why."""
        self._state(now)
        return self._flow

    def when_full(self) -> float:
        """When the car has what it wants, if all stays as it is; never, when nothing flows."""
        return NEVER if self._flow is not Flow.FLOWING or self._charge is None else self._charge.when_full()

    def when_register(self, wh: float) -> float:
        """When the register shows `wh` whole watt-hours, if all stays as it is; never, when it will not."""
        if self._charge is None:
            return self._seen if self._wh + _SHOWN >= wh else NEVER
        return max(self._charge.when_register(wh) + _SURE_S, self._seen)

    def watts(self, now: float) -> float:
        """The power that flows."""
        return self._state(now)[1]

    def soc(self, now: float) -> float | None:
        """The car's state of charge in percent; None without a car."""
        self._state(now)
        return None if self._vehicle is None else self._vehicle.soc * 100.0

    def offered_w(self) -> float:
        """The power that the connector offers now."""
        return self._offer.watts if self._offer is not None else 0.0

    def offered_amps(self, now: float) -> float:
        """The current that the connector offers; per phase on AC."""
        offer = self._offer
        if offer is None or offer.watts == 0.0:
            return 0.0
        if self._phases:
            return offer.amps
        volts = self.volts(now)
        return offer.watts / volts[0] if volts[0] else 0.0

    def volts(self, now: float) -> tuple[float, ...]:
        """Voltage per phase. On AC never below nominal, so that no current is above what the limit in watts means."""
        self._state(now)
        noise = self._noise()
        if self._phases == 0:
            if self._vehicle is None:
                return (0.0,)
            return (self._vehicle.pack_volts(self._vehicle.soc) * (1.0 + 0.004 * ((noise & 1023) / _PART)),)
        slow = NOMINAL_VOLTS + 1.0 + math.sin((self._seen + (self._seed & 4095)) / 700.0)
        ripple = [(noise >> 10 * line & 1023) / _PART for line in range(self._phases)]
        return tuple([slow + 0.8 * part for part in ripple])

    def amps(self, now: float) -> tuple[float, ...]:
        """Current per phase of the connector: volts times amps over all of them is `watts`."""
        watts, volts = self._state(now)[1], self.volts(now)
        if watts == 0.0:
            return (0.0,) * len(volts)
        used = self._phases_used(watts)
        each = watts / used
        return tuple([each / volt if line < used else 0.0 for line, volt in enumerate(volts)])

    def hertz(self, now: float) -> float:
        """The grid's frequency."""
        self._state(now)
        return 49.98 + 0.04 * ((self._noise() >> 40 & 1023) / _PART)

    def celsius(self, now: float) -> float:
        """The connector's temperature: 11 to 23 degrees around it, warmest at three in the afternoon UTC."""
        watts = self._state(now)[1]
        around = (
            17.0 + 6.0 * math.sin(2.0 * math.pi * (self._seen % _DAY / _DAY - 0.375)) + (self._seed >> 12 & 7) / 2.0
        )
        return around + self._rise_at(self._seen, watts) + 0.2 * ((self._noise() >> 50 & 1023) / _PART)

    def read(self, now: float) -> Reading:
        """Everything there is to measure."""
        wh, watts = self._state(now)
        return Reading(
            wh=int(wh + _SHOWN),
            watts=watts,
            offered_w=self.offered_w(),
            offered_amps=self.offered_amps(now),
            volts=self.volts(now),
            amps=self.amps(now),
            phases=self._phases_used(watts),
            hertz=self.hertz(now),
            celsius=self.celsius(now),
            soc=self.soc(now),
            flow=self._flow,
        )

    def _state(self, now: float) -> tuple[float, float]:
        """Register and watts at `now`; the car's state of charge and the flow are brought there, too."""
        if now <= self._known_at:
            return self._known
        self._seen = now = max(now, self._seen)
        if self._charge is None or self._vehicle is None:
            return self._wh, 0.0
        self._vehicle.soc, wh, watts = self._charge.at(now)
        if watts == 0.0:  # the end lies at an instant of its own, which does not depend on when it is noticed
            full_at = self._charge.since
            self._rise = self._rise_at(full_at, self._charge.last_w)
            self._wh, self._since, self._charge = wh, full_at, None
            self._flow = Flow.VEHICLE_FULL
        self._known_at, self._known = now, (wh, watts)
        return self._known

    def _settle(self, now: float) -> None:
        """Bring everything to `now`, where a change is about to happen."""
        wh, watts = self._state(now)
        self._rise = self._rise_at(self._seen, watts)
        self._wh, self._since, self._charge = wh, self._seen, None

    def _resume(self) -> None:
        """Begin anew with what is there now."""
        self._known_at = -NEVER
        vehicle, offer = self._vehicle, self._offer
        if vehicle is None:
            self._flow = Flow.NO_VEHICLE
        elif offer is None:
            self._flow = Flow.NOT_OFFERED
        elif vehicle.full:
            self._flow = Flow.VEHICLE_FULL
        elif not offer.usable:
            self._flow = Flow.LIMITED
        else:
            phases = min(offer.phases, self._phases)
            curve = vehicle.curve(phases)
            if not curve or not vehicle.ready:
                self._flow = Flow.VEHICLE_PAUSED
                return
            cap_w = offer.watts if phases == 0 else offer.watts * vehicle.phases_used(phases) / offer.phases
            self._flow = Flow.FLOWING
            self._charge = Charge(
                cut(curve, cap_w=cap_w, end=vehicle.target_soc),
                gain=vehicle.battery_share(phases),
                since=self._since,
                soc=vehicle.soc,
                wh=self._wh,
            )

    def _noise(self) -> int:
        """64 bits that are the same whenever this instant is measured."""
        return Dice(self._seed ^ int(self._seen * 10)).draw()

    def _phases_used(self, watts: float) -> int:
        """How many phases carry current (1 on DC), or would."""
        if self._phases == 0:
            return 1
        if watts == 0.0 or self._vehicle is None or self._offer is None:
            return self._phases
        return self._vehicle.phases_used(self._offer.phases)

    def _rise_at(self, now: float, watts: float) -> float:
        """How much warmer than its surroundings the connector is; settles towards what `watts` would give for long."""
        if self._phases:
            goal = 18.0 * (watts / (32.0 * NOMINAL_VOLTS * self._phases)) ** 2
        else:
            goal = 22.0 * min(1.0, watts / 150_000)
        return goal + (self._rise - goal) * math.exp(-(now - self._since) / _SETTLES_S)
