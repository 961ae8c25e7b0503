"""The meter: energy that agrees whoever asks when, and everything that can be measured."""

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chargers.simulator.model.charge import NEVER, cut
from chargers.simulator.model.meter import Flow, Meter
from chargers.simulator.model.power import Offer
from chargers.simulator.model.vehicle import Vehicle, value_at
from chargers.simulator.model.vehicles import BY_NAME, VEHICLES

NOW = 1_790_000_000.25
HOUR = 3_600.0
ZOE = BY_NAME["Renault Zoe R135"]
GOLF = BY_NAME["Volkswagen Golf GTE"]
TAYCAN = BY_NAME["Porsche Taycan 4S"]


def charging(
    *, phases: int = 3, offer: Offer | None = None, car: Vehicle | None = None, register_wh: float = 0.0
) -> Meter:
    meter = Meter(phases=phases, seed=42, register_wh=register_wh)
    meter.plug(NOW, car or Vehicle(ZOE, soc=0.1))
    meter.offer(NOW, offer or Offer(11_040, phases))
    return meter


def by_small_steps(car: Vehicle, offer: Offer, seconds: float, *, step: float = 0.05) -> tuple[float, float]:
    """Energy and state of charge by the crudest integration there is: the oracle."""
    soc, wh, passed = car.soc, 0.0, 0.0
    cap = offer.watts if offer.phases == 0 else offer.watts * car.phases_used(offer.phases) / offer.phases
    while passed < seconds and soc < car.target_soc:
        part = min(step, seconds - passed)
        watts = min(cap, value_at(car.curve(offer.phases), soc))
        wh += watts * part / HOUR
        soc += watts * part / HOUR * car.battery_share(offer.phases)
        passed += part
    return wh, soc


def test_an_hour_at_constant_power_is_exactly_that_energy() -> None:
    meter = charging()
    assert meter.wh(NOW + HOUR) == 11_040
    assert meter.wh(NOW + 1.5 * HOUR) == 16_560


def test_half_the_limit_is_half_the_energy() -> None:
    assert charging(offer=Offer(5_520, 3)).wh(NOW + HOUR) * 2 == charging().wh(NOW + HOUR)


@pytest.mark.parametrize(
    ("name", "offer", "soc", "target", "minutes"),
    [
        ("Porsche Taycan 4S", Offer(300_000, 0), 0.05, 0.9, 40),
        ("Porsche Taycan 4S", Offer(150_000, 0), 0.05, 0.9, 15),
        ("Volkswagen ID.3 Pro", Offer(50_000, 0), 0.2, 1.0, 120),
        ("Renault Zoe R135", Offer(22_080, 3), 0.9, 1.0, 30),
        ("Dacia Spring Electric", Offer(22_080, 3), 0.95, 1.0, 60),
    ],
)
def test_it_agrees_with_an_integration_in_small_steps(
    name: str, offer: Offer, soc: float, target: float, minutes: int
) -> None:
    car = Vehicle(BY_NAME[name], soc=soc, target_soc=target, derate=0.93)
    expected_wh, expected_soc = by_small_steps(car, offer, minutes * 60)
    meter = charging(phases=offer.phases, offer=offer, car=car)
    assert meter.exact_wh(NOW + minutes * 60) == pytest.approx(expected_wh, abs=2.0)
    assert car.soc == pytest.approx(expected_soc, abs=1e-5)


instants = st.lists(st.floats(0, 8 * HOUR), max_size=30).map(sorted)
cars = st.builds(
    lambda index, soc, target, derate: (VEHICLES[index], soc, target, derate),
    st.integers(0, len(VEHICLES) - 1),
    st.floats(0, 1),
    st.floats(0.01, 1),
    st.floats(0.5, 1),
)
offers = st.one_of(
    st.none(),
    st.builds(Offer, st.sampled_from([0, 4_140, 11_040, 22_080]), st.just(3)),
    st.builds(Offer, st.floats(0, 8_000), st.just(1)),
)
#: what happens to a connector, with the second when it does
events = st.lists(
    st.tuples(
        st.floats(0, 8 * HOUR),
        st.one_of(
            st.tuples(st.just("offer"), offers),
            st.tuples(st.just("plug"), cars),
            st.tuples(st.just("unplug"), st.none()),
            st.tuples(st.just("want"), st.booleans()),
            st.tuples(st.just("ask"), st.one_of(st.none(), st.floats(0, 30_000))),
        ),
    ),
    max_size=12,
).map(lambda those: sorted(those, key=lambda event: event[0]))


def do(meter: Meter, at: float, name: str, value: Any) -> None:
    if name == "plug":
        spec, soc, target, derate = value
        meter.plug(at, Vehicle(spec, soc=soc, target_soc=target, derate=derate))
    elif name == "unplug":
        meter.unplug(at)
    else:
        getattr(meter, name)(at, value)


def played(happening: list[Any], asked: list[float]) -> tuple[Meter, list[float]]:
    """Play events to a meter and read it at the given instants in between."""
    meter = Meter(phases=3, seed=1)
    registers = []
    both = sorted(
        [*((at, 0, event) for at, event in happening), *((at, 1, None) for at in asked)], key=lambda it: it[:2]
    )
    for at, _, event in both:
        if event is not None:
            do(meter, NOW + at, *event)
        registers.append(meter.exact_wh(NOW + at))
    return meter, registers


@settings(deadline=None)
@given(events, instants)
def test_the_register_never_falls(happening: list[Any], asked: list[float]) -> None:
    _, registers = played(happening, asked)
    assert registers == sorted(registers)


@settings(deadline=None)
@given(events, instants, instants)
def test_when_and_how_often_it_is_read_changes_nothing_not_even_the_last_bit(
    happening: list[Any], some: list[float], others: list[float]
) -> None:
    one, _ = played(happening, [*some, 8 * HOUR])
    other, _ = played(happening, [*others, 8 * HOUR])
    assert one.read(NOW + 8 * HOUR) == other.read(NOW + 8 * HOUR)
    assert one.exact_wh(NOW + 9 * HOUR) == other.exact_wh(NOW + 9 * HOUR)


@settings(deadline=None)
@given(events, instants)
def test_every_reading_is_consistent_in_itself(happening: list[Any], asked: list[float]) -> None:
    meter = Meter(phases=3, seed=1)
    todo = list(happening)
    for at in [*asked, 8 * HOUR]:
        while todo and todo[0][0] <= at:
            do(meter, NOW + todo[0][0], *todo.pop(0)[1])
        reading = meter.read(NOW + at)
        assert reading.watts == pytest.approx(sum(v * a for v, a in zip(reading.volts, reading.amps, strict=True)))
        assert reading.watts <= reading.offered_w + 1e-6
        assert all(amps <= reading.offered_amps + 1e-9 for amps in reading.amps)
        assert (reading.watts > 0) == (reading.flow is Flow.FLOWING)
        assert reading.soc is None or 0 <= reading.soc <= 100
        assert 10 < reading.celsius < 60
        assert reading.wh == meter.wh(NOW + at)


@settings(deadline=None)
@given(cars, st.sampled_from([Offer(22_080, 3), Offer(4_140, 3), Offer(300_000, 0), Offer(20_000, 0)]))
@example((ZOE, 0.9999999999999999, 1.0, 1.0), Offer(22_080, 3))  # full before the clock has moved
def test_it_is_full_exactly_when_it_said_it_would_be(car: Any, offer: Offer) -> None:
    spec, soc, target, derate = car
    meter = Meter(phases=offer.phases, seed=9)
    meter.plug(NOW, Vehicle(spec, soc=soc, target_soc=target, derate=derate))
    meter.offer(NOW, offer)
    when = meter.when_full()
    if when == NEVER:
        assert meter.flow(NOW) is not Flow.FLOWING
        return
    if math.nextafter(NOW, math.inf) < when - 1e-3:
        assert meter.flow(when - 1e-3) is Flow.FLOWING
    assert meter.flow(when) is Flow.VEHICLE_FULL
    vehicle = meter.vehicle
    assert vehicle is not None
    assert vehicle.full
    before = meter.exact_wh(when)
    assert meter.exact_wh(when + 30 * HOUR) == before
    gained = (vehicle.soc - min(soc, vehicle.soc)) / vehicle.battery_share(offer.phases)
    assert before == pytest.approx(gained, rel=1e-6, abs=1e-3)


@settings(deadline=None)
@given(cars, st.sampled_from([Offer(22_080, 3), Offer(300_000, 0)]), st.integers(1, 60_000), st.floats(0, HOUR))
def test_the_register_shows_an_energy_exactly_when_it_said_it_would(
    car: Any, offer: Offer, goal: int, read_before: float
) -> None:
    spec, soc, target, derate = car
    meter = Meter(phases=offer.phases, seed=9, register_wh=1_000.5)
    meter.plug(NOW, Vehicle(spec, soc=soc, target_soc=target, derate=derate))
    meter.offer(NOW, offer)
    meter.read(NOW + read_before)
    when = meter.when_register(1_000 + goal)
    if when == NEVER:
        assert meter.wh(NOW + 300 * HOUR) < 1_000 + goal
        return
    assert when >= NOW + read_before
    if when > NOW + read_before + 0.01:
        assert meter.wh(when - 0.01) <= 1_000 + goal - 1
    assert meter.wh(when) >= 1_000 + goal


def test_it_says_why_nothing_flows() -> None:
    meter = Meter(phases=3, seed=1)
    assert meter.flow(NOW) is Flow.NO_VEHICLE
    meter.plug(NOW, Vehicle(ZOE, soc=0.5, target_soc=0.51))
    assert meter.flow(NOW) is Flow.NOT_OFFERED
    meter.offer(NOW, Offer(0, 3))
    assert meter.flow(NOW) is Flow.LIMITED
    meter.offer(NOW, Offer(4_139, 3))
    assert meter.flow(NOW) is Flow.LIMITED
    meter.offer(NOW, Offer(4_140, 3))
    assert meter.flow(NOW) is Flow.FLOWING
    meter.want(NOW, False)
    assert meter.flow(NOW) is Flow.VEHICLE_PAUSED
    meter.want(NOW, True)
    meter.ask(NOW, 0)
    assert meter.flow(NOW) is Flow.VEHICLE_PAUSED
    meter.ask(NOW, None)
    assert meter.flow(NOW + HOUR) is Flow.VEHICLE_FULL
    meter.offer(NOW + HOUR, Offer(0, 3))
    assert meter.flow(NOW + HOUR) is Flow.VEHICLE_FULL, "a full car stays full whatever is offered"
    meter.unplug(NOW + HOUR)
    assert meter.flow(NOW + HOUR) is Flow.NO_VEHICLE


def test_a_car_without_dc_pauses_at_a_dc_charger() -> None:
    assert charging(phases=0, offer=Offer(50_000, 0), car=Vehicle(GOLF, soc=0.2)).flow(NOW) is Flow.VEHICLE_PAUSED


def test_a_single_phase_car_uses_one_phase_of_three() -> None:
    meter = charging(offer=Offer(11_040, 3), car=Vehicle(GOLF, soc=0.2))
    reading = meter.read(NOW + 60)
    assert reading.watts == 3_680
    assert reading.phases == 1
    assert reading.amps[1:] == (0.0, 0.0)
    assert reading.offered_amps == pytest.approx(16.0)
    assert len(reading.volts) == 3


def test_limiting_the_phases_limits_a_three_phase_car_to_what_one_phase_gives() -> None:
    reading = charging(offer=Offer(7_360, 1)).read(NOW + 60)
    assert reading.watts == pytest.approx(7_360)
    assert reading.phases == 1


def test_dc_voltage_follows_the_battery_and_current_the_power() -> None:
    meter = charging(phases=0, offer=Offer(150_000, 0), car=Vehicle(TAYCAN, soc=0.2))
    early, late = meter.read(NOW + 60), meter.read(NOW + 1_200)
    assert 610 < early.volts[0] < late.volts[0] < 840
    assert early.volts[0] * early.amps[0] == pytest.approx(150_000)
    assert Meter(phases=0, seed=1).read(NOW).volts == (0.0,)


def test_an_asked_power_replaces_the_cars_own_but_obeys_the_offer() -> None:
    meter = charging()
    meter.ask(NOW, 5_000)
    assert meter.read(NOW).watts == 5_000
    meter.ask(NOW, 50_000)
    assert meter.read(NOW).watts == 11_040


def test_the_connector_warms_while_it_charges_and_cools_after() -> None:
    meter = charging(offer=Offer(22_080, 3), car=Vehicle(ZOE, soc=0.0))
    cold = meter.read(NOW).celsius
    warm = meter.read(NOW + HOUR).celsius
    meter.offer(NOW + HOUR, None)
    just_after = meter.read(NOW + HOUR).celsius
    later = meter.read(NOW + 2 * HOUR).celsius
    assert warm > cold + 10
    assert just_after == pytest.approx(warm, abs=0.3)
    assert later < warm - 10


def test_it_does_not_cool_at_once_when_the_car_is_full() -> None:
    meter = charging(phases=0, offer=Offer(150_000, 0), car=Vehicle(TAYCAN, soc=0.1, target_soc=0.6))
    when = meter.when_full()
    before, after = meter.read(when - 1).celsius, meter.read(when + 1).celsius
    assert before == pytest.approx(after, abs=0.4)


def test_an_instant_before_the_last_one_counts_as_the_last_one() -> None:
    meter = charging()
    later = meter.exact_wh(NOW + HOUR)
    assert meter.exact_wh(NOW) == later
    meter.offer(NOW, None)
    assert meter.exact_wh(NOW) == later


def test_it_goes_on_from_the_register_it_is_given() -> None:
    meter = charging(register_wh=123_456.75)
    assert meter.wh(NOW) == 123_456
    assert meter.wh(NOW + HOUR) == 123_456 + 11_040
    with pytest.raises(ValueError, match="register_wh"):
        Meter(phases=3, seed=1, register_wh=-1)


def test_a_swapped_car_takes_nothing_from_the_register() -> None:
    meter = charging()
    meter.plug(NOW + HOUR, Vehicle(GOLF, soc=0.1))
    assert meter.wh(NOW + 2 * HOUR) == 11_040 + 3_680


def test_the_car_takes_its_state_of_charge_away_with_it() -> None:
    meter = charging()
    car = meter.unplug(NOW + HOUR)
    assert car is not None
    assert car.soc == pytest.approx(0.1 + 11_040 * 0.9 / 52_000)
    assert meter.unplug(NOW + HOUR) is None
    assert meter.offered is None


@pytest.mark.parametrize(("phases", "offer"), [(3, Offer(1, 0)), (0, Offer(1, 3)), (1, Offer(1, 3))])
def test_an_offer_that_the_connector_cannot_make_is_a_mistake(phases: int, offer: Offer) -> None:
    with pytest.raises(ValueError, match="offer"):
        Meter(phases=phases, seed=1).offer(NOW, offer)


def test_two_meters_of_one_seed_read_the_same_and_voltage_stays_near_nominal() -> None:
    def day(seed: int) -> list[Any]:
        meter = Meter(phases=3, seed=seed)
        return [meter.read(NOW + 60 * minute) for minute in range(200)]

    assert day(5) == day(5)
    assert day(5) != day(6)
    volts = [volt for reading in day(5) for volt in reading.volts]
    assert min(volts) >= 230
    assert max(volts) < 233
    assert len(set(volts)) > 100
    assert all(49.95 < reading.hertz < 50.05 for reading in day(5))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(1, 100)), min_size=1, max_size=6, unique_by=lambda it: it[0]),
    st.floats(0.5, 120),
    st.floats(0.01, 1),
    st.floats(0, 1),
)
def test_a_cut_curve_is_the_lower_of_curve_and_cap(points: Any, cap: float, end: float, at: float) -> None:
    curve = tuple(sorted(points))
    lower = cut(curve, cap_w=cap, end=end)
    assert lower[-1][0] == end
    assert [place for place, _ in lower] == sorted({place for place, _ in lower})
    if at <= end:
        steepest = max((abs(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(curve)), default=0)
        assert value_at(lower, at) == pytest.approx(min(value_at(curve, at), cap), abs=1e-6 + 1e-12 * steepest)
