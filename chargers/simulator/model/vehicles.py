"""A small library of real vehicles, and the choice of one.

Figures are those that makers and public charging tests give, rounded: usable battery, on-board charger, and the power
at a DC charger that is no bottleneck, over the state of charge.
"""

from typing import Final

from .dice import Dice
from .specs import ConnectorSpec
from .vehicle import Curve, Vehicle, VehicleSpec

_EUROPE_AC: Final = frozenset({"Type2", "Type3", "Schuko"})
_EUROPE: Final = _EUROPE_AC | {"CCS2"}
_AMERICA: Final = frozenset({"Type1", "CCS1", "NACS"})


def _kw(*points: tuple[int, float]) -> Curve:
    """A curve from (percent, kilowatt) points."""
    return tuple((percent / 100, kilowatts * 1000) for percent, kilowatts in points)


VEHICLES: Final = (
    VehicleSpec(
        "Tesla Model 3 RWD", 57_500, 11_040, 3,
        _kw((0, 120), (8, 170), (30, 168), (45, 120), (60, 88), (80, 55), (90, 36), (100, 8)), (310, 385), _EUROPE,
    ),
    VehicleSpec(
        "Tesla Model Y Long Range", 75_000, 11_040, 3,
        _kw((0, 150), (5, 250), (18, 250), (35, 175), (50, 120), (65, 90), (80, 62), (90, 38), (100, 6)),
        (320, 400), _EUROPE,
    ),
    VehicleSpec(
        "Tesla Model Y Long Range (North America)", 75_000, 11_040, 1,
        _kw((0, 150), (5, 250), (18, 250), (35, 175), (50, 120), (65, 90), (80, 62), (90, 38), (100, 6)),
        (320, 400), _AMERICA,
    ),
    VehicleSpec(
        "Volkswagen ID.3 Pro", 58_000, 11_040, 3,
        _kw((0, 105), (5, 120), (30, 120), (45, 98), (60, 78), (80, 52), (90, 32), (100, 6)), (330, 445), _EUROPE,
    ),
    VehicleSpec(
        "Volkswagen ID.4 Pro", 77_000, 11_040, 3,
        _kw((0, 120), (5, 135), (30, 135), (40, 118), (60, 92), (80, 68), (90, 40), (100, 8)), (330, 445), _EUROPE,
    ),
    VehicleSpec(
        "Volkswagen Golf GTE", 10_400, 3_680, 1, (), (300, 395), _EUROPE_AC,
    ),
    VehicleSpec(
        "Hyundai IONIQ 5 Long Range", 74_000, 11_040, 3,
        _kw((0, 180), (10, 222), (48, 233), (52, 185), (70, 160), (79, 135), (82, 50), (90, 34), (100, 8)),
        (560, 800), _EUROPE,
    ),
    VehicleSpec(
        "Kia Niro EV", 64_800, 11_040, 3,
        _kw((0, 72), (10, 79), (45, 80), (60, 70), (75, 44), (80, 35), (90, 22), (100, 5)), (290, 410), _EUROPE,
    ),
    VehicleSpec(
        "Renault Zoe R135", 52_000, 22_080, 3,
        _kw((0, 42), (10, 46), (35, 45), (55, 35), (80, 22), (90, 14), (100, 4)), (300, 400), _EUROPE,
    ),
    VehicleSpec(
        "Nissan Leaf 40 kWh", 39_000, 6_600, 1,
        _kw((0, 44), (10, 46), (55, 45), (70, 32), (80, 23), (90, 14), (100, 4)), (300, 400),
        frozenset({"Type1", "Type2", "Schuko", "CHAdeMO"}),
    ),
    VehicleSpec(
        "Nissan Leaf e+", 59_000, 6_600, 1,
        _kw((0, 65), (10, 98), (30, 95), (45, 72), (60, 57), (80, 38), (90, 22), (100, 5)), (300, 403),
        frozenset({"Type1", "Type2", "Schuko", "CHAdeMO"}),
    ),
    VehicleSpec(
        "BMW i3 120 Ah", 37_900, 11_040, 3,
        _kw((0, 44), (10, 46), (75, 49), (85, 38), (92, 20), (100, 4)), (300, 395), _EUROPE,
    ),
    VehicleSpec(
        "Porsche Taycan 4S", 83_700, 11_040, 3,
        _kw((0, 180), (6, 262), (25, 268), (40, 215), (55, 162), (70, 140), (80, 98), (90, 48), (100, 10)),
        (610, 835), _EUROPE,
    ),
    VehicleSpec(
        "Audi e-tron 55", 86_500, 11_040, 3,
        _kw((0, 120), (5, 145), (50, 152), (75, 146), (80, 138), (90, 78), (100, 18)), (330, 450), _EUROPE,
    ),
    VehicleSpec(
        "Fiat 500e", 37_300, 11_040, 3,
        _kw((0, 70), (8, 85), (25, 80), (40, 62), (60, 48), (80, 30), (90, 18), (100, 4)), (300, 400), _EUROPE,
    ),
    VehicleSpec(
        "MG4 Electric 64 kWh", 61_700, 11_040, 3,
        _kw((0, 110), (8, 138), (30, 140), (45, 105), (60, 84), (80, 52), (90, 30), (100, 6)), (310, 440), _EUROPE,
    ),
    VehicleSpec(
        "Dacia Spring Electric", 25_000, 6_600, 1,
        _kw((0, 28), (10, 30), (50, 30), (70, 24), (85, 14), (100, 3)), (210, 290), _EUROPE,
    ),
    VehicleSpec(
        "BYD Atto 3", 60_500, 11_040, 3,
        _kw((0, 80), (10, 88), (50, 84), (65, 70), (80, 48), (90, 28), (100, 6)), (360, 460),
        _EUROPE | {"GBT_AC", "GBT_DC"},
    ),
    VehicleSpec(
        "Chevrolet Bolt EUV", 65_000, 11_040, 1,
        _kw((0, 50), (10, 54), (50, 53), (56, 38), (70, 36), (76, 25), (90, 18), (100, 4)), (290, 400), _AMERICA,
    ),
    VehicleSpec(
        "Mercedes-Benz eActros 600", 600_000, 22_080, 3,
        _kw((0, 380), (5, 400), (70, 400), (80, 320), (90, 170), (100, 30)), (600, 830), frozenset({"MCS"}),
    ),
)  # fmt: skip

BY_NAME: Final = {spec.name: spec for spec in VEHICLES}
_TARGETS: Final = (0.8, 0.8, 0.8, 0.85, 0.9, 1.0)


def fitting(connector: ConnectorSpec) -> tuple[VehicleSpec, ...]:
    """The vehicles that are met at a connector: those with its inlet, or all of the current's kind if none has it.

    A vehicle without DC never fits a DC connector.
    """
    able = tuple(spec for spec in VEHICLES if connector.phases or spec.dc_curve)
    return tuple(spec for spec in able if connector.type in spec.inlets) or able


def arriving(dice: Dice, connector: ConnectorSpec, *, wish_wh: float | None = None) -> Vehicle:
    """A car as it comes to `connector`: some model, some state of charge, some weather.

    `wish_wh` is the energy (at the plug) that the driver wants; the target is then what that fills, at most full.
    """
    choice = fitting(connector)
    spec = choice[dice.draw() % len(choice)]
    soc = 0.5 * (dice.between(0.06, 0.7) + dice.between(0.06, 0.7))
    target = _TARGETS[dice.draw() % len(_TARGETS)]
    vehicle = Vehicle(spec, soc=soc, target_soc=target, derate=dice.between(0.85, 1.0))
    if wish_wh is not None:
        vehicle.target_soc = min(1.0, soc + max(wish_wh, 1.0) * vehicle.battery_share(connector.phases))
    return vehicle
