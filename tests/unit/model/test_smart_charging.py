"""Limits, sharing and meters together: what a profile does to the energy of a session."""

import pytest

from chargers.simulator.model.limits import Limits, Running, Supply
from chargers.simulator.model.meter import Flow, Meter
from chargers.simulator.model.power import Offer, allot, to_watts
from chargers.simulator.model.profiles import NEVER, Bounds, Kind, Period, Profile, Purpose, Schedule, Unit
from chargers.simulator.model.vehicle import Vehicle
from chargers.simulator.model.vehicles import BY_NAME

NOW = 1_790_000_000.0
HOUR = 3_600.0
SUPPLIES = (Supply(22_080, 3, 1), Supply(22_080, 3, 2))
ZOE = BY_NAME["Renault Zoe R135"]
LEAF = BY_NAME["Nissan Leaf 40 kWh"]


class Socket22:
    """Two sockets of 22 kW, both with a car, wired up as a session would do it."""

    def __init__(self, *cars: Vehicle) -> None:
        self.limits = Limits(SUPPLIES, Bounds())
        self.running = {place: Running(NOW) for place, _ in enumerate(cars, 1)}
        self.meters = {place: Meter(phases=3, seed=place) for place in self.running}
        for place, car in enumerate(cars, 1):
            self.meters[place].plug(NOW, car)

    def offer(self, now: float) -> None:
        demands = {}
        for place in self.meters:
            supply, limit = SUPPLIES[place - 1], self.limits.own_limit_at(now, place, self.running)
            if limit is None:
                demands[place] = Offer(supply.watts, supply.phases)
            else:
                most = supply.watts * limit.phases / supply.phases
                demands[place] = Offer(min(limit.watts, most), limit.phases, limit.minimum_w)
        station = self.limits.limit_at(now, 0)
        offers = demands if station is None else allot(demands, cap_w=station.watts, phases=station.phases)
        for place, offer in offers.items():
            self.meters[place].offer(now, offer)

    def run(self, until: float) -> None:
        """Wake at every change of a limit and nowhere else."""
        now = NOW
        while now < until:
            self.offer(now)
            now = min(self.limits.next_change(now, 0, self.running), until)

    def energy(self, now: float) -> list[int]:
        return [meter.wh(now) for meter in self.meters.values()]


def profile(*periods: Period, purpose: Purpose, unit: Unit = Unit.AMPS, number: int = 1, least: float = 0.0) -> Profile:
    return Profile(number, purpose, 0, Kind.ABSOLUTE, Schedule(unit, periods, NOW, least=least))


def test_a_limit_of_half_the_current_halves_the_energy_of_the_session() -> None:
    free, limited = Socket22(Vehicle(ZOE, soc=0.1)), Socket22(Vehicle(ZOE, soc=0.1))
    half = profile(Period(0, 16.0), purpose=Purpose.TRANSACTION)
    assert limited.limits.install(NOW, 1, half, limited.running) is None
    free.run(NOW + HOUR)
    limited.run(NOW + HOUR)
    assert free.energy(NOW + HOUR) == [22_080]
    assert limited.energy(NOW + HOUR) == [11_040]


def test_energy_follows_the_periods_to_the_watt_hour() -> None:
    station = Socket22(Vehicle(ZOE, soc=0.1))
    steps = profile(Period(0, 32.0), Period(900, 0.0), Period(1_800, 10.0, 1), purpose=Purpose.DEFAULT)
    assert station.limits.install(NOW, 0, steps) is None
    station.run(NOW + HOUR)
    assert station.energy(NOW + HOUR) == [int(22_080 / 4 + to_watts(10, 1) / 2)]


def test_a_limit_of_zero_suspends_and_the_next_period_goes_on() -> None:
    station = Socket22(Vehicle(ZOE, soc=0.1))
    assert station.limits.install(NOW, 1, profile(Period(0, 0.0), Period(60, 8.0), purpose=Purpose.DEFAULT)) is None
    station.offer(NOW)
    assert station.meters[1].flow(NOW) is Flow.LIMITED
    assert station.meters[1].when_full() == NEVER
    change = station.limits.next_change(NOW, 1, station.running)
    assert change == NOW + 60
    station.offer(change)
    assert station.meters[1].flow(change) is Flow.FLOWING


def test_two_cars_share_the_stations_maximum_and_the_second_has_it_alone_when_the_first_leaves() -> None:
    station = Socket22(Vehicle(ZOE, soc=0.1), Vehicle(ZOE, soc=0.1))
    cap = profile(Period(0, 32.0), purpose=Purpose.STATION_MAX)
    assert station.limits.install(NOW, 0, cap) is None
    station.run(NOW + HOUR)
    assert station.energy(NOW + HOUR) == [11_040, 11_040]
    station.meters.pop(1).unplug(NOW + HOUR)
    station.offer(NOW + HOUR)
    assert station.energy(NOW + 1.5 * HOUR) == [22_080]


def test_when_there_is_too_little_for_both_the_first_charges_and_the_second_waits() -> None:
    station = Socket22(Vehicle(ZOE, soc=0.1), Vehicle(LEAF, soc=0.1))
    assert station.limits.install(NOW, 0, profile(Period(0, 10.0), purpose=Purpose.STATION_MAX)) is None
    station.offer(NOW)
    assert [meter.flow(NOW) for meter in station.meters.values()] == [Flow.FLOWING, Flow.LIMITED]


def test_a_limit_below_the_least_rate_suspends() -> None:
    station = Socket22(Vehicle(ZOE, soc=0.1))
    assert station.limits.install(NOW, 1, profile(Period(0, 9.0), purpose=Purpose.DEFAULT, least=10.0)) is None
    station.offer(NOW)
    assert station.meters[1].flow(NOW) is Flow.LIMITED


@pytest.mark.parametrize("cap", [6.0, 9.9, 16.0, 23.3, 32.0])
def test_the_current_of_all_cars_together_is_never_above_the_stations_maximum(cap: float) -> None:
    station = Socket22(Vehicle(ZOE, soc=0.1), Vehicle(LEAF, soc=0.1))
    assert station.limits.install(NOW, 0, profile(Period(0, cap), purpose=Purpose.STATION_MAX)) is None
    station.offer(NOW)
    for minute in range(0, 300, 7):
        readings = [meter.read(NOW + 60 * minute) for meter in station.meters.values()]
        for line in range(3):
            assert sum(reading.amps[line] for reading in readings) <= cap + 1e-9
