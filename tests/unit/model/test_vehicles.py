"""Vehicles: the library, what they take, and the choice of one."""

import pytest

from chargers.simulator.model.dice import Dice
from chargers.simulator.model.specs import ConnectorSpec
from chargers.simulator.model.vehicle import Vehicle, VehicleSpec, value_at
from chargers.simulator.model.vehicles import BY_NAME, VEHICLES, arriving, fitting

TYPE2 = ConnectorSpec("Type2", 22_000, 3)
CCS2 = ConnectorSpec("CCS2", 150_000, 0)
ID3 = BY_NAME["Volkswagen ID.3 Pro"]
GOLF = BY_NAME["Volkswagen Golf GTE"]


def test_the_library_has_a_dozen_vehicles_or_more_each_with_its_own_name() -> None:
    assert len(VEHICLES) >= 12
    assert len(BY_NAME) == len(VEHICLES)


@pytest.mark.parametrize("spec", VEHICLES, ids=lambda spec: spec.name)
def test_every_vehicle_of_the_library_is_plausible(spec: VehicleSpec) -> None:
    assert 8_000 <= spec.battery_wh <= 700_000
    assert 3_000 <= spec.ac_max_w <= 22_100
    assert spec.ac_max_w / spec.ac_phases / 230 <= 48.1, "no car takes more than 48 A a phase"
    assert spec.inlets
    low, high = spec.dc_volts
    assert 150 < low < high < 1000
    if spec.dc_curve:
        assert spec.dc_curve[0][0] == 0.0
        assert spec.dc_curve[-1][0] == 1.0
        assert spec.dc_curve[-1][1] < spec.dc_max_w / 3, "it tapers near full"
        assert spec.dc_max_w / low < 1000, "no plug carries a kiloampere"


def test_a_car_takes_its_phases_and_not_more_than_its_on_board_charger() -> None:
    assert Vehicle(ID3, soc=0.5).acceptance_w(3) == 11_040
    assert Vehicle(ID3, soc=0.5).acceptance_w(1) == pytest.approx(3_680)
    assert Vehicle(GOLF, soc=0.5).acceptance_w(3) == 3_680
    assert Vehicle(GOLF, soc=0.5).phases_used(3) == 1


def test_a_car_without_dc_takes_nothing_from_dc() -> None:
    assert Vehicle(GOLF, soc=0.5).acceptance_w(0) == 0.0


def test_it_follows_the_curve_on_dc_and_a_cold_battery_weakens_it() -> None:
    assert Vehicle(ID3, soc=0.525).acceptance_w(0) == pytest.approx((98_000 + 78_000) / 2)
    assert Vehicle(ID3, soc=0.525, derate=0.5).acceptance_w(0) == pytest.approx(44_000)


def test_it_takes_nothing_when_it_is_full_or_does_not_want_energy() -> None:
    assert Vehicle(ID3, soc=0.8, target_soc=0.8).acceptance_w(3) == 0.0
    paused = Vehicle(ID3, soc=0.5)
    paused.ready = False
    assert paused.acceptance_w(3) == 0.0


def test_an_asked_power_replaces_its_own() -> None:
    car = Vehicle(ID3, soc=0.99)
    car.asked_w = 5_000
    assert car.acceptance_w(3) == 5_000
    car.asked_w = 0
    assert car.acceptance_w(3) == 0.0


@pytest.mark.parametrize("values", [(-0.1, 1, 1), (1.1, 1, 1), (0.5, 0, 1), (0.5, 1.1, 1), (0.5, 1, 0), (0.5, 1, 1.1)])
def test_it_refuses_impossible_states(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Vehicle(ID3, soc=values[0], target_soc=values[1], derate=values[2])


@pytest.mark.parametrize("curve", [((0.0, 1.0), (0.0, 2.0)), ((0.5, 1.0), (0.2, 2.0)), ((0.0, 0.0), (1.0, 2.0))])
def test_it_refuses_a_curve_that_is_none(curve: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="dc_curve"):
        VehicleSpec("X", 50_000, 11_000, 3, curve, (300, 400), frozenset())


def test_a_curve_holds_its_ends_outside() -> None:
    curve = ((0.2, 100.0), (0.8, 40.0))
    assert [value_at(curve, soc) for soc in (0.0, 0.2, 0.5, 0.8, 1.0)] == [
        100.0,
        100.0,
        pytest.approx(70.0),
        40.0,
        40.0,
    ]


def test_only_cars_with_the_inlet_come_and_none_without_dc_comes_to_dc() -> None:
    assert {spec.name for spec in fitting(ConnectorSpec("CHAdeMO", 50_000, 0))} == {
        "Nissan Leaf 40 kWh",
        "Nissan Leaf e+",
    }
    assert GOLF in fitting(TYPE2)
    assert GOLF not in fitting(CCS2)


def test_any_car_that_can_comes_to_a_connector_that_no_car_is_known_for() -> None:
    assert len(fitting(ConnectorSpec("Other", 22_000, 3))) == len(VEHICLES)
    assert all(spec.dc_curve for spec in fitting(ConnectorSpec("Other", 50_000, 0)))


def test_the_same_seed_brings_the_same_cars_and_another_one_others() -> None:
    def fleet(seed: int) -> list[tuple[str, float, float, float]]:
        dice = Dice(seed)
        cars = [arriving(dice, TYPE2) for _ in range(20)]
        return [(car.spec.name, car.soc, car.target_soc, car.derate) for car in cars]

    assert fleet(1) == fleet(1)
    assert fleet(1) != fleet(2)


def test_arriving_cars_vary_and_always_want_something() -> None:
    dice = Dice(7)
    cars = [arriving(dice, CCS2) for _ in range(500)]
    assert len({car.spec.name for car in cars}) >= 10
    assert all(0.05 < car.soc < car.target_soc <= 1.0 for car in cars)
    assert all(0.85 <= car.derate <= 1.0 for car in cars)


@pytest.mark.parametrize("connector", [TYPE2, CCS2])
def test_a_wish_sets_the_target_but_never_above_full(connector: ConnectorSpec) -> None:
    dice = Dice(3)
    car = arriving(dice, connector, wish_wh=2_000)
    gained = (car.target_soc - car.soc) * car.spec.battery_wh
    assert 1_790 < gained < 1_910, "what is lost between plug and battery is paid for, too"
    assert arriving(dice, connector, wish_wh=10**9).target_soc == 1.0
