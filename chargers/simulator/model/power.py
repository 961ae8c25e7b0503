"""Power and current at a connector, and how a station shares what it has."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .vehicle import NOMINAL_VOLTS

#: IEC 61851: the pilot signal cannot announce less, so an AC limit below it means no charging at all
LEAST_AC_AMPS: Final = 6.0
GRID_PHASES: Final = 3  #: of the grid connection of a DC charger
_NOISE: Final = 1e-9  #: relative; 6 A that was computed from 4,140 W is still 6 A
_ROUNDING: Final = 1e-6  #: the same, in the whole units that are shared


@dataclass(slots=True, frozen=True)
class Offer:
    """What a connector offers to the car now: `watts` in all over `phases` phases (0: DC).

    `minimum_w` is the least that makes sense; an offer below it, or below 6 A on AC, gives nothing.
    """

    watts: float
    phases: int
    minimum_w: float = 0.0

    @property
    def amps(self) -> float:
        """The offered current per phase; on DC the current that a grid of three phases would give."""
        return to_amps(self.watts, self.phases or GRID_PHASES)

    @property
    def usable(self) -> bool:
        """Whether a car can charge from it."""
        if self.watts <= 0 or self.watts < self.minimum_w * (1 - _NOISE):
            return False
        return self.phases == 0 or self.amps >= LEAST_AC_AMPS * (1 - _NOISE)


def to_watts(amps: float, phases: int) -> float:
    """Watts over `phases` phases with `amps` on each."""
    return amps * NOMINAL_VOLTS * phases


def to_amps(watts: float, phases: int) -> float:
    """Amperes per phase."""
    return watts / (NOMINAL_VOLTS * phases)


def share(total: int, wants: Sequence[int], least: Sequence[int]) -> list[int]:
    """Split `total` equally among those that want some; what one does not want goes to the others.

    Whole units of any kind. No share is above its want, the sum is never above `total`, and each share is 0 or at
    least the `least` of its place: who would get less gives up, the last in order first.
    """
    taking = [place for place, want in enumerate(wants) if want > 0 and want >= least[place]]
    while True:
        shares = [0] * len(wants)
        left = max(total, 0)
        ordered = sorted(taking, key=lambda place: wants[place])
        for done, place in enumerate(ordered):
            # rounded up: what cannot be divided goes to the first ones, so that it is the last one who lacks it
            shares[place] = min(wants[place], -(-left // (len(ordered) - done)))
            left -= shares[place]
        starved = [place for place in taking if shares[place] < max(least[place], 1)]
        if not starved:
            return shares
        taking.remove(starved[-1])


def allot(demands: Mapping[int, Offer], *, cap_w: float, phases: int) -> dict[int, Offer]:
    """What each charging connector may offer so that all together stay below `cap_w` over `phases` grid phases.

    `demands` holds, by connector, the most that it could offer on its own: its hardware, its own limits and what the
    car could ever take. A station of AC connectors is shared per phase in milliamperes, as if every car drew from the
    first phase, because it is the phase that has a fuse; otherwise in watts.
    """
    if math.isinf(cap_w):
        return dict(demands)
    offers = list(demands.values())
    per_phase = all(offer.phases for offer in offers)

    def units(watts: float, phases: int) -> float:
        return to_amps(watts, phases) * 1000 if per_phase else watts

    def least(offer: Offer) -> int:
        pilot_w = to_watts(LEAST_AC_AMPS, offer.phases) if offer.phases else 0.0
        return math.ceil(units(max(offer.minimum_w, pilot_w), offer.phases) - _ROUNDING)

    # what is wanted is rounded up and what there is down, so that the sum is never above the cap
    wants = [math.ceil(units(offer.watts, offer.phases) - _ROUNDING) for offer in offers]
    total = math.floor(units(cap_w, phases) + _ROUNDING)
    shares = share(total, wants, [least(offer) for offer in offers])
    allotted = {}
    for (connector, offer), want, given in zip(demands.items(), wants, shares, strict=True):
        watts = to_watts(given / 1000, offer.phases) if per_phase else float(given)
        # one that gets all it wants keeps its exact figure
        allotted[connector] = offer if given == want else Offer(watts, offer.phases, offer.minimum_w)
    return allotted
