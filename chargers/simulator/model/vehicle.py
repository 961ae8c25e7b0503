"""An electric vehicle: how full it is, and how much power it takes."""

from dataclasses import dataclass
from typing import Final

#: (state of charge 0..1, watts at the plug), with strictly rising states of charge; straight lines in between
Curve = tuple[tuple[float, float], ...]

NOMINAL_VOLTS: Final = 230.0  #: between a phase and neutral
_AC_EFFICIENCY: Final = 0.90  #: from the plug into the battery, through the car's own charger
_DC_EFFICIENCY: Final = 0.95
_AC_TAPER_FROM: Final = 0.97  #: cars charge at full AC power until they are almost full …
_AC_TAPER_TO: Final = 0.20  #: … and end at this part of it


@dataclass(slots=True, frozen=True)
class VehicleSpec:
    """A car as it is sold. Share one instance between all cars of the kind.

    `battery_wh` is what can be used of the battery. `dc_curve` is what it takes at a strong DC charger in warm weather,
    empty for a car without DC. `dc_volts` is the battery's voltage when empty and when full. `inlets` are the
    connector types (the catalog's words) that it is met at.
    """

    name: str
    battery_wh: int
    ac_max_w: int
    ac_phases: int
    dc_curve: Curve
    dc_volts: tuple[float, float]
    inlets: frozenset[str]

    def __post_init__(self) -> None:
        if self.battery_wh <= 0 or self.ac_max_w <= 0 or self.ac_phases not in {1, 2, 3}:
            raise ValueError(f"{self.name}: battery_wh and ac_max_w are above 0, ac_phases is 1, 2 or 3")
        places = [soc for soc, _ in self.dc_curve]
        if places != sorted(set(places)) or any(watts <= 0 for _, watts in self.dc_curve):
            raise ValueError(f"{self.name}: dc_curve has rising states of charge and powers above 0")

    @property
    def dc_max_w(self) -> float:
        """The peak of the DC curve in watts; 0 for a car without DC."""
        return max((watts for _, watts in self.dc_curve), default=0.0)

    def ac_w(self, phases: int) -> float:
        """The most it takes on AC from a supply with `phases` phases, in watts at the plug."""
        return self.ac_max_w * min(phases, self.ac_phases) / self.ac_phases


class Vehicle:
    """One car. `soc` and `target_soc` are 0..1; charging ends at the target.

    `derate` (0..1) weakens DC charging, as a cold battery does. `ready` is whether the car wants energy at all, and
    `asked_w` replaces its own idea of how much by a fixed power (None: its own).
    The meter that the car is plugged to moves `soc` on.
    """

    __slots__ = ("asked_w", "derate", "ready", "soc", "spec", "target_soc")

    def __init__(self, spec: VehicleSpec, *, soc: float, target_soc: float = 1.0, derate: float = 1.0) -> None:
        if not (0.0 <= soc <= 1.0 and 0.0 < target_soc <= 1.0 and 0.0 < derate <= 1.0):
            raise ValueError("soc, target_soc and derate are between 0 and 1; only soc may be 0")
        self.spec = spec
        self.soc = soc
        self.target_soc = target_soc
        self.derate = derate
        self.ready = True
        self.asked_w: float | None = None

    @property
    def full(self) -> bool:
        """Whether it has what it wants."""
        return self.soc >= self.target_soc

    def phases_used(self, phases: int) -> int:
        """How many of a supply's phases it draws from; 0 on DC."""
        return min(phases, self.spec.ac_phases)

    def curve(self, phases: int) -> Curve:
        """What it would take over its state of charge, from AC with `phases` phases or from DC (0).

        Empty when it takes nothing there at all. It does not look at `ready` and `full`.
        """
        if self.asked_w is not None:
            return ((0.0, self.asked_w), (1.0, self.asked_w)) if self.asked_w > 0 else ()
        if phases == 0:
            return tuple((soc, watts * self.derate) for soc, watts in self.spec.dc_curve)
        most = self.spec.ac_w(phases)
        return ((0.0, most), (_AC_TAPER_FROM, most), (1.0, most * _AC_TAPER_TO))

    def acceptance_w(self, phases: int) -> float:
        """The most it takes now, in watts at the plug, from AC with `phases` phases or from DC (0)."""
        if self.full or not self.ready:
            return 0.0
        return value_at(self.curve(phases), self.soc)

    def pack_volts(self, soc: float) -> float:
        """The battery's voltage at a state of charge."""
        empty, full = self.spec.dc_volts
        return empty + (full - empty) * soc

    def battery_share(self, phases: int) -> float:
        """How much the state of charge rises by one watt-hour at the plug."""
        return (_AC_EFFICIENCY if phases else _DC_EFFICIENCY) / self.spec.battery_wh


def value_at(curve: Curve, soc: float) -> float:
    """The power of a curve in watts; its first and last values hold outside of it, 0 for an empty one."""
    before: tuple[float, float] | None = None
    for place, watts in curve:
        if soc <= place:
            if before is None:
                return watts
            return before[1] + (watts - before[1]) * (soc - before[0]) / (place - before[0])
        before = (place, watts)
    return 0.0 if before is None else before[1]
