"""The machine without any message: specs, station, settings, clock, dice, back-off."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.simulator.model.backoff import BackOff
from chargers.simulator.model.clock import Clock
from chargers.simulator.model.dice import Dice
from chargers.simulator.model.settings import DataType, Mutability, Settings, Variable, Written
from chargers.simulator.model.specs import ConnectorSpec, EvseSpec, ModelSpec
from chargers.simulator.model.station import Condition, Station
from chargers.simulator.model.variables import HEARTBEAT_INTERVAL, MESSAGE_TIMEOUT
from tests.support.frames import AC_TWIN, DC_COMBO

INTERVAL = Variable("Part", "Interval", DataType.INTEGER, "10", minimum=1, maximum=100)
SWITCH = Variable("Part", "Switch", DataType.BOOLEAN, "false", reboot_required=True)
LABEL = Variable("Part", "Label", DataType.STRING, "none")
FIXED = Variable("Part", "Fixed", DataType.INTEGER, "7", mutability=Mutability.READ_ONLY)


def test_a_model_that_has_the_connector_type_is_not_copied():
    assert DC_COMBO.fitted("CHAdeMO") is DC_COMBO


def test_a_model_without_the_connector_type_gets_it_on_its_first_connector():
    fitted = AC_TWIN.fitted("CCS2")
    assert [one.type for evse in fitted.evses for one in evse.connectors] == ["CCS2", "Type2"]
    assert [one.type for evse in AC_TWIN.evses for one in evse.connectors] == ["Type2", "Type2"]


@pytest.mark.parametrize("evses", [(), (EvseSpec(()),)])
def test_a_model_has_at_least_one_connector(evses):
    with pytest.raises(ValueError, match="at least one EVSE"):
        ModelSpec("V", "M", "", evses, 0)


def test_connectors_are_numbered_through_the_station_and_within_their_evse():
    two = EvseSpec((ConnectorSpec("CCS2", 1, 0), ConnectorSpec("CHAdeMO", 2, 0)))
    station = Station(ModelSpec("V", "M", "", (two, two), 4))
    assert [(one.number, one.evse.number, one.place) for one in station.connectors] == [
        (1, 1, 1),
        (2, 1, 2),
        (3, 2, 1),
        (4, 2, 2),
    ]
    assert station.connector_at(2, 1) is station.connector(3)
    assert [one.number for one in station.connectors_of(station.evses[1])] == [3, 4]
    assert station.evses[0].spec.max_power_w == 2


@pytest.mark.parametrize("number", [0, -1, 3, 10**20])
def test_a_number_that_is_not_there_is_none(number):
    station = Station(AC_TWIN)
    assert station.connector(number) is None
    assert station.evse(number) is None
    assert station.connector_at(number, 1) is None


def test_a_connector_is_in_service_only_if_its_evse_and_the_station_are():
    station = Station(DC_COMBO)
    connector = station.connectors[0]
    for part in (station, station.evses[0], connector):
        station.set_operative(part, operative=False)
        assert station.connector_condition(connector) is Condition.UNAVAILABLE
        station.set_operative(part, operative=True)
        assert station.connector_condition(connector) is Condition.AVAILABLE


def test_a_setting_has_its_default_until_it_is_written():
    settings = Settings()
    assert settings.text(INTERVAL) == "10"
    assert settings.number(INTERVAL) == 10
    assert settings.write(INTERVAL, "20") is Written.DONE
    assert settings.number(INTERVAL) == 20
    assert Settings().number(INTERVAL) == 10


@pytest.mark.parametrize(
    ("variable", "text", "outcome"),
    [
        (INTERVAL, "0", Written.OUT_OF_RANGE),
        (INTERVAL, "101", Written.OUT_OF_RANGE),
        (INTERVAL, "-5", Written.OUT_OF_RANGE),
        (INTERVAL, "", Written.BAD_VALUE),
        (INTERVAL, "5.0", Written.BAD_VALUE),
        (INTERVAL, " 5", Written.BAD_VALUE),
        (INTERVAL, "5\n", Written.BAD_VALUE),
        (INTERVAL, "1_0", Written.BAD_VALUE),
        (INTERVAL, "\u0665", Written.BAD_VALUE),
        (INTERVAL, "9" * 5000, Written.BAD_VALUE),
        (SWITCH, "yes", Written.BAD_VALUE),
        (SWITCH, "TRUE", Written.AFTER_REBOOT),
        (LABEL, "anything", Written.DONE),
        (FIXED, "8", Written.READ_ONLY),
        (MESSAGE_TIMEOUT, "1", Written.READ_ONLY),
    ],
)
def test_a_write_is_checked_and_a_refused_one_changes_nothing(variable, text, outcome):
    settings = Settings()
    assert settings.write(variable, text) is outcome
    changed = settings.text(variable) != variable.default
    assert changed is (outcome in {Written.DONE, Written.AFTER_REBOOT})


def test_a_number_is_kept_in_its_plain_form():
    settings = Settings()
    settings.write(INTERVAL, "007")
    assert settings.text(INTERVAL) == "7"


def test_the_charger_itself_may_change_what_the_csms_may_not():
    settings = Settings()
    settings.store(FIXED, "9")
    assert settings.number(FIXED) == 9
    settings.store(FIXED, "7")
    assert settings.number(FIXED) == 7


@given(st.text())
def test_no_text_makes_a_later_read_fail(text):
    settings = Settings()
    settings.write(HEARTBEAT_INTERVAL, text)
    assert 1 <= settings.number(HEARTBEAT_INTERVAL) <= 86_400


def test_a_clock_shows_what_it_was_set_to_and_runs_on():
    clock = Clock()
    assert clock.at(100.0) == 100.0
    assert clock.age(100.0) == float("inf")
    assert clock.set(100.0, 5000.0)
    assert clock.at(160.0) == 5060.0
    assert clock.age(160.0) == 60.0


@pytest.mark.parametrize("absurd", [-1.0, 253_402_300_799.0, float("inf"), float("nan")])
def test_a_clock_does_not_follow_an_absurd_time(absurd):
    clock = Clock()
    assert not clock.set(100.0, absurd)
    assert clock.at(100.0) == 100.0


def test_the_same_seed_gives_the_same_dice():
    assert [Dice(7).draw() for _ in range(3)] == [Dice(7).draw() for _ in range(3)]
    assert Dice(7).draw() != Dice(8).draw()


def test_dice_follow_the_published_generator():
    """The first values of SplitMix64 for seed 1234567."""
    dice = Dice(1234567)
    assert [dice.draw() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(st.integers(), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_a_number_between_two_others_is_between_them(seed, low, width):
    assert low <= Dice(seed).between(low, low + width) <= low + width


def test_ids_are_uuids_of_version_4_and_differ():
    dice = Dice(1)
    ids = [dice.uuid() for _ in range(2000)]
    assert len(set(ids)) == 2000
    assert all(uuid.UUID(one).version == 4 for one in ids)
    assert {len(one) for one in ids} == {36}


def test_waits_double_and_then_stay():
    dice, back_off = Dice(3), BackOff()
    waits = [back_off.next(dice, minimum=10, spread=0, repeats=3) for _ in range(6)]
    assert waits == [10, 20, 40, 80, 80, 80]
    back_off.reset()
    assert back_off.next(dice, minimum=10, spread=0, repeats=3) == 10


@given(st.integers(), st.integers(1, 60), st.integers(0, 60), st.integers(0, 8))
def test_each_wait_lies_in_the_range_that_the_variables_name(seed, minimum, spread, repeats):
    dice, back_off = Dice(seed), BackOff()
    low, high = float(minimum), float(minimum + spread)
    for _ in range(repeats + 1):
        assert low <= back_off.next(dice, minimum=minimum, spread=spread, repeats=repeats) <= high
        low, high = 2 * low, 2 * high + spread


def test_chargers_that_lost_their_csms_together_do_not_come_back_together():
    waits = []
    for seed in range(200):
        dice, back_off = Dice(seed), BackOff()
        for _ in range(8):
            last = back_off.next(dice, minimum=1, spread=1, repeats=7)
        waits.append(last)
    assert max(waits) - min(waits) > 60
    assert min(waits) >= 128
    assert max(waits) <= 383
