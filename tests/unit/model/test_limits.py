"""Charging profiles: stacking, precedence, times, replacing, clearing, the composite schedule (OCPP 1.6 §3.13)."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chargers.simulator.model.limits import Limit, Limits, Running, Supply
from chargers.simulator.model.profiles import NEVER, Bounds, Kind, Period, Problem, Profile, Purpose, Schedule, Unit

MIDNIGHT = 1_790_035_200.0  #: 2026-09-22T00:00:00Z
DAY = 86_400.0
AC = Supply(22_080, 3, 1)
ONE = (AC,)
TWO = (AC, Supply(22_080, 3, 2))
DC = (Supply(150_000, 0, 1),)


def profile(
    number: int = 1,
    *periods: tuple[Any, ...],
    purpose: Purpose = Purpose.DEFAULT,
    level: int = 0,
    kind: Kind = Kind.ABSOLUTE,
    unit: Unit = Unit.WATTS,
    start: float | None = MIDNIGHT,
    duration: int | None = None,
    least: float = 0.0,
    **rest: Any,
) -> Profile:
    rows = tuple(Period(*period) for period in (periods or ((0, 11_040.0),)))
    return Profile(number, purpose, level, kind, Schedule(unit, rows, start, duration, least), **rest)


def limits(*placed: tuple[int, Profile], supplies: Any = ONE, running: Any = None, at: float = MIDNIGHT) -> Limits:
    store = Limits(supplies, Bounds())
    for connector, one in placed:
        assert store.install(at, connector, one, running) is None
    return store


def watts(store: Limits, now: float, connector: int = 1, running: Any = None) -> float | None:
    limit = store.limit_at(now, connector, running)
    return None if limit is None else limit.watts


def test_without_profiles_there_is_no_limit_and_nothing_will_change() -> None:
    store = limits()
    assert store.limit_at(MIDNIGHT, 1) is None
    assert store.next_change(MIDNIGHT, 1) == NEVER


def test_the_published_example_of_a_daily_profile_works() -> None:
    """OCPP 1.6 §3.13.7: 11 kW, but 6 kW from 08:00 to 20:00, every day since 2013."""
    example = profile(
        100, (0, 11_000.0, 3), (28_800, 6_000.0, 3), (72_000, 11_000.0, 3),
        kind=Kind.DAILY, start=1_356_998_400.0, duration=86_400,
    )  # fmt: skip
    store = limits((0, example))
    seen = {hour: watts(store, MIDNIGHT + hour * 3_600) for hour in (0, 7.999, 8, 19.999, 20, 23.999, 24, 32)}
    assert seen == {
        0: 11_000,
        7.999: 11_000,
        8: 6_000,
        19.999: 6_000,
        20: 11_000,
        23.999: 11_000,
        24: 11_000,
        32: 6_000,
    }
    assert store.next_change(MIDNIGHT + 9 * 3_600, 1) == MIDNIGHT + 20 * 3_600


def test_a_daily_schedule_runs_over_midnight() -> None:
    night = profile(
        1, (0, 7_000.0), (4 * 3_600, 3_000.0), kind=Kind.DAILY, start=MIDNIGHT + 22 * 3_600, duration=28_800
    )
    store = limits((1, night))
    clock = MIDNIGHT + 10 * DAY
    assert [watts(store, clock + hour * 3_600) for hour in (21.99, 22, 25.99, 26, 29.99, 30, 45.99, 46)] == [
        None, 7_000, 7_000, 3_000, 3_000, None, None, 7_000,
    ]  # fmt: skip


def test_a_recurring_schedule_says_nothing_before_its_start() -> None:
    store = limits((1, profile(kind=Kind.DAILY, start=MIDNIGHT + DAY)))
    assert watts(store, MIDNIGHT + DAY - 1) is None
    assert store.next_change(MIDNIGHT, 1) == MIDNIGHT + DAY
    assert watts(store, MIDNIGHT + DAY) == 11_040


def test_a_weekly_schedule_comes_back_after_seven_days() -> None:
    store = limits((1, profile(1, (0, 5_000.0), kind=Kind.WEEKLY, duration=3_600)))
    assert watts(store, MIDNIGHT + 21 * DAY + 3_599) == 5_000
    assert watts(store, MIDNIGHT + 21 * DAY + 3_600) is None
    assert store.next_change(MIDNIGHT + 21 * DAY + 3_600, 1) == MIDNIGHT + 28 * DAY


def test_a_cycle_cuts_a_longer_duration_and_periods_beyond_it() -> None:
    store = limits((1, profile(1, (0, 1.0), (90_000, 2.0), kind=Kind.DAILY, duration=100_000)))
    assert {watts(store, MIDNIGHT + hour * 3_600) for hour in range(72)} == {1.0}


def test_the_last_period_stays_without_a_duration_and_ends_with_one() -> None:
    assert watts(limits((1, profile(1, (0, 1.0), (60, 2.0)))), MIDNIGHT + 1_000 * DAY) == 2
    ending = limits((1, profile(1, (0, 1.0), (60, 2.0), duration=90)))
    assert [watts(ending, MIDNIGHT + second) for second in (-1, 0, 60, 89.9, 90)] == [None, 1, 2, 2, None]


def test_before_a_first_period_that_begins_late_there_is_no_limit() -> None:
    store = limits((1, profile(1, (60, 2.0))))
    assert watts(store, MIDNIGHT + 59) is None
    assert store.next_change(MIDNIGHT, 1) == MIDNIGHT + 60


def test_validity_may_begin_and_end_in_the_middle_of_a_schedule() -> None:
    one = profile(1, (0, 1.0), (100, 2.0), (200, 3.0), valid_from=MIDNIGHT + 150, valid_to=MIDNIGHT + 250)
    store = limits((1, one))
    assert [watts(store, MIDNIGHT + second) for second in (0, 149, 150, 199, 200, 249, 250)] == [
        None, None, 2, 2, 3, 3, None,
    ]  # fmt: skip
    changes, now = [], MIDNIGHT
    while (now := store.next_change(now, 1)) < NEVER:
        changes.append(now - MIDNIGHT)
    assert changes == [150, 200, 250]


def test_the_highest_level_counts_and_a_gap_in_it_falls_through_to_lower_ones() -> None:
    store = limits(
        (1, profile(1, (0, 1.0), level=0)),
        (1, profile(2, (0, 5.0), level=1, start=MIDNIGHT + 100, duration=100)),
        (1, profile(3, (0, 9.0), level=2, start=MIDNIGHT + 150, duration=10, valid_to=MIDNIGHT + 155)),
    )
    assert [watts(store, MIDNIGHT + second) for second in (0, 99, 100, 149, 150, 154, 155, 199, 200)] == [
        1, 1, 5, 5, 9, 9, 5, 5, 1,
    ]  # fmt: skip


def test_a_higher_level_counts_even_when_it_allows_more() -> None:
    assert watts(limits((1, profile(1, (0, 1.0))), (1, profile(2, (0, 9.0), level=1))), MIDNIGHT) == 9


def test_the_order_of_installing_does_not_matter() -> None:
    low, high = (1, profile(1, (0, 1.0))), (1, profile(2, (0, 9.0), level=1))
    assert watts(limits(low, high), MIDNIGHT) == watts(limits(high, low), MIDNIGHT) == 9


def test_a_default_profile_of_the_station_counts_at_each_connector_and_an_own_one_replaces_it_there_only() -> None:
    store = limits((0, profile(1, (0, 1.0))), (2, profile(2, (0, 2.0))), supplies=TWO)
    assert (watts(store, MIDNIGHT, 1), watts(store, MIDNIGHT, 2)) == (1, 2)
    assert len(store.installed) == 2
    other_order = limits((2, profile(2, (0, 2.0))), (0, profile(1, (0, 1.0))), supplies=TWO)
    assert (watts(other_order, MIDNIGHT, 1), watts(other_order, MIDNIGHT, 2)) == (1, 2)


def test_a_default_profile_of_the_station_is_no_limit_of_the_station_as_a_whole() -> None:
    assert limits((0, profile()), supplies=TWO).limit_at(MIDNIGHT, 0) is None


def test_a_transactions_profile_goes_before_the_default_one_while_it_says_something() -> None:
    running = {1: Running(MIDNIGHT, 77)}
    own = profile(2, (0, 20_000.0), purpose=Purpose.TRANSACTION, duration=100, transaction=77)
    store = limits((1, profile(1, (0, 1.0), level=5)), (1, own), running=running)
    assert watts(store, MIDNIGHT, 1, running) == 20_000
    assert watts(store, MIDNIGHT + 100, 1, running) == 1
    assert watts(store, MIDNIGHT, 1) == 1, "without the transaction it does not count"
    assert watts(store, MIDNIGHT, 1, {1: Running(MIDNIGHT, 78)}) == 1, "nor for another one"


def test_it_goes_when_its_transaction_ends() -> None:
    running = {1: Running(MIDNIGHT, 77), 2: Running(MIDNIGHT, 78)}
    store = limits(
        (1, profile(1, purpose=Purpose.TRANSACTION)),
        (2, profile(2, purpose=Purpose.TRANSACTION)),
        (1, profile(3)),
        supplies=TWO,
        running=running,
    )
    assert store.transaction_ended(1) == 1
    assert [one.profile.id for one in store.installed] == [2, 3]


def test_the_stations_maximum_caps_everything() -> None:
    running = {1: Running(MIDNIGHT)}
    store = limits(
        (0, profile(1, (0, 9_000.0), purpose=Purpose.STATION_MAX)),
        (1, profile(2, (0, 20_000.0), purpose=Purpose.TRANSACTION)),
        running=running,
    )
    assert watts(store, MIDNIGHT, 1, running) == 9_000
    assert watts(store, MIDNIGHT, 0, running) == 9_000
    own = store.own_limit_at(MIDNIGHT, 1, running)
    assert own is not None
    assert own.watts == 20_000


def test_the_stations_maximum_does_not_raise_a_lower_limit() -> None:
    store = limits((0, profile(1, (0, 9_000.0), purpose=Purpose.STATION_MAX)), (1, profile(2, (0, 5_000.0))))
    assert watts(store, MIDNIGHT) == 5_000


def test_a_relative_schedule_begins_with_the_transaction() -> None:
    relative = profile(1, (0, 1.0), (600, 2.0), kind=Kind.RELATIVE, start=None, duration=900)
    store = limits((1, relative))
    running = {1: Running(MIDNIGHT + 50)}
    assert [watts(store, MIDNIGHT + 50 + second, 1, running) for second in (0, 599, 600, 899, 900)] == [
        1,
        1,
        2,
        2,
        None,
    ]
    assert store.next_change(MIDNIGHT + 60, 1, running) == MIDNIGHT + 650
    assert watts(store, MIDNIGHT + 10 * DAY) == 1, "without a transaction it stands at its beginning"
    assert store.next_change(MIDNIGHT + 10 * DAY, 1) == NEVER


def test_an_absolute_schedule_without_a_start_counts_from_the_start_of_charging() -> None:
    """OCPP 1.6 §7.13: "If absent the schedule will be relative to start of charging"."""
    store = limits((1, profile(1, (0, 1.0), (600, 2.0), start=None)))
    assert watts(store, MIDNIGHT + 600, 1, {1: Running(MIDNIGHT)}) == 2
    assert watts(store, MIDNIGHT + 600, 1, {1: Running(MIDNIGHT + 1)}) == 1


def test_a_maximum_of_the_station_without_a_start_counts_from_its_installation() -> None:
    store = limits((0, profile(1, (0, 1.0), (600, 2.0), start=None, purpose=Purpose.STATION_MAX)), at=MIDNIGHT)
    assert [watts(store, MIDNIGHT + second, 0) for second in (0, 599, 600)] == [1, 1, 2]
    assert store.next_change(MIDNIGHT, 0) == MIDNIGHT + 600
    assert store.next_change(MIDNIGHT, 1) == MIDNIGHT + 600


def test_amperes_count_per_phase() -> None:
    def amps(*period: Any, supplies: Any = ONE) -> Limit | None:
        return limits((1, profile(1, period, unit=Unit.AMPS)), supplies=supplies).limit_at(MIDNIGHT, 1)

    assert amps(0, 16.0) == Limit(11_040, 3)
    assert amps(0, 16.0, 1) == Limit(3_680, 1)
    assert amps(0, 16.0, 3, supplies=(Supply(7_360, 1, 1),)) == Limit(3_680, 1)
    assert amps(0, 100.0, supplies=DC) == Limit(69_000, 0), "amperes of a DC charger are those of its grid connection"


def test_watts_are_the_sum_of_the_phases() -> None:
    assert limits((1, profile(1, (0, 6_900.0, 1)))).limit_at(MIDNIGHT, 1) == Limit(6_900, 1)
    assert limits((1, profile(1, (0, 6_900.0, 3))), supplies=DC).limit_at(MIDNIGHT, 1) == Limit(6_900, 0)


def test_amperes_of_the_station_cap_each_phase_of_a_connector() -> None:
    store = limits(
        (0, profile(1, (0, 16.0), purpose=Purpose.STATION_MAX, unit=Unit.AMPS)), (1, profile(2, (0, 7_360.0, 1)))
    )
    assert store.limit_at(MIDNIGHT, 1) == Limit(3_680, 1), "32 A on one phase would be above 16 A"
    assert store.limit_at(MIDNIGHT, 0) == Limit(11_040, 3)


def test_a_station_held_to_one_phase_has_one_for_each_connector() -> None:
    one_phase = profile(1, (0, 16.0, 1), purpose=Purpose.STATION_MAX, unit=Unit.AMPS)
    store = limits((0, one_phase), (1, profile(2, (0, 20.0), unit=Unit.AMPS)))
    assert store.limit_at(MIDNIGHT, 0) == Limit(3_680, 1)
    assert store.limit_at(MIDNIGHT, 1) == Limit(3_680, 1)
    assert store.own_limit_at(MIDNIGHT, 1) == Limit(13_800, 3)


def test_the_least_rate_comes_with_the_limit() -> None:
    store = limits((1, profile(1, (0, 16.0), unit=Unit.AMPS, least=8.0)))
    assert store.limit_at(MIDNIGHT, 1) == Limit(11_040, 3, 5_520)


def test_the_same_id_is_replaced_wherever_it_is() -> None:
    store = limits((1, profile(1, (0, 1.0))), (0, profile(1, (0, 2.0), purpose=Purpose.STATION_MAX)))
    assert [(one.connector, one.profile.purpose) for one in store.installed] == [(0, Purpose.STATION_MAX)]


def test_the_same_purpose_and_level_is_replaced_in_its_place() -> None:
    store = limits((1, profile(1, (0, 1.0), level=3)), (1, profile(2, (0, 2.0), level=3)), supplies=TWO)
    assert [one.profile.id for one in store.installed] == [2]


def test_a_replacement_that_is_valid_later_leaves_no_limit_until_then() -> None:
    """OCPP 1.6 §3.13.2: it SHALL revert to default behaviour until validFrom is reached."""
    store = limits((1, profile(1, (0, 1.0))), (1, profile(2, (0, 2.0), valid_from=MIDNIGHT + 60)))
    assert watts(store, MIDNIGHT + 59) is None
    assert watts(store, MIDNIGHT + 60) == 2


@pytest.mark.parametrize(
    ("connector", "wrong", "problem"),
    [
        (2, profile(), Problem.UNKNOWN_CONNECTOR),
        (-1, profile(), Problem.UNKNOWN_CONNECTOR),
        (1, profile(purpose=Purpose.STATION_MAX), Problem.WRONG_PLACE),
        (0, profile(purpose=Purpose.TRANSACTION), Problem.WRONG_PLACE),
        (1, profile(purpose=Purpose.TRANSACTION, transaction=2), Problem.NO_TRANSACTION),
        (0, profile(purpose=Purpose.STATION_MAX, kind=Kind.RELATIVE, start=None), Problem.BAD_KIND),
        (1, profile(level=11), Problem.LEVEL_TOO_HIGH),
        (1, profile(level=-1), Problem.LEVEL_TOO_HIGH),
        (1, profile(1, (0, -1.0)), Problem.BAD_PERIODS),
        (1, profile(1, (0, float("nan"))), Problem.BAD_PERIODS),
        (1, profile(1, (0, float("inf"))), Problem.BAD_PERIODS),
        (1, profile(1, (0, 1.0, 4)), Problem.BAD_PERIODS),
        (1, profile(1, (0, 1.0), (0, 2.0)), Problem.BAD_PERIODS),
        (1, profile(1, (9, 1.0), (5, 2.0)), Problem.BAD_PERIODS),
        (1, profile(1, (-5, 1.0)), Problem.BAD_PERIODS),
        (1, profile(1, (0, 1.0), duration=-1), Problem.BAD_PERIODS),
        (1, profile(1, *((second, 1.0) for second in range(49))), Problem.BAD_PERIODS),
        (1, Profile(1, Purpose.DEFAULT, 0, Kind.ABSOLUTE, Schedule(Unit.WATTS, ())), Problem.BAD_PERIODS),
    ],
)
def test_it_refuses_what_cannot_be_and_changes_nothing(connector: int, wrong: Profile, problem: Problem) -> None:
    store = limits((1, profile(1, (0, 7.0))))
    before = store.installed
    assert store.install(MIDNIGHT, connector, wrong, {1: Running(MIDNIGHT, 1)}) is problem
    assert store.installed == before


def test_a_transactions_profile_needs_a_transaction() -> None:
    assert Limits(ONE, Bounds()).install(MIDNIGHT, 1, profile(purpose=Purpose.TRANSACTION)) is Problem.NO_TRANSACTION


def test_an_imagined_transaction_is_none() -> None:
    imagined = {1: Running(MIDNIGHT, imagined=True)}
    one = profile(purpose=Purpose.TRANSACTION)
    assert Limits(ONE, Bounds()).install(MIDNIGHT, 1, one, imagined) is Problem.NO_TRANSACTION


def test_a_transaction_whose_id_is_not_known_yet_takes_a_profile_with_any_id() -> None:
    store = limits((1, profile(purpose=Purpose.TRANSACTION, transaction=5)), running={1: Running(MIDNIGHT)})
    assert len(store.installed) == 1


def test_a_unit_that_the_station_does_not_take_is_refused() -> None:
    store = Limits(ONE, Bounds(units=frozenset({Unit.AMPS})))
    assert store.install(MIDNIGHT, 1, profile()) is Problem.BAD_UNIT


def test_it_keeps_no_more_than_it_may_but_replacing_is_always_possible() -> None:
    store = Limits(ONE, Bounds(max_installed=2))
    assert store.install(MIDNIGHT, 1, profile(1, level=0)) is None
    assert store.install(MIDNIGHT, 1, profile(2, level=1)) is None
    assert store.install(MIDNIGHT, 1, profile(3, level=2)) is Problem.TOO_MANY_PROFILES
    assert store.install(MIDNIGHT, 1, profile(3, level=1)) is None
    assert [one.profile.id for one in store.installed] == [3, 1]


def test_profiles_that_are_over_make_room() -> None:
    store = Limits(ONE, Bounds(max_installed=2))
    assert store.install(MIDNIGHT, 1, profile(1, level=0, duration=10)) is None
    assert store.install(MIDNIGHT, 1, profile(2, level=1, valid_to=MIDNIGHT + 20)) is None
    assert store.install(MIDNIGHT + 10, 1, profile(3, level=2)) is None
    assert store.install(MIDNIGHT + 20, 1, profile(4, level=3)) is None
    assert [one.profile.id for one in store.installed] == [4, 3]


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({}, []),
        ({"profile_id": 2}, [3, 4, 1]),
        ({"profile_id": 9}, [3, 2, 4, 1]),
        ({"connector": 0}, [3, 2]),
        ({"connector": 1}, [4, 1]),
        ({"purpose": Purpose.DEFAULT}, [4]),
        ({"level": 0}, [3, 2]),
        ({"connector": 0, "purpose": Purpose.STATION_MAX}, [3, 2, 1]),
        ({"connector": 1, "level": 0}, [3, 2, 4, 1]),
        ({"profile_id": 2, "connector": 0}, [3, 2, 4, 1]),
    ],
)
def test_it_clears_what_matches_all_that_is_given(wanted: dict[str, Any], left: list[int]) -> None:
    store = limits(
        (0, profile(4, purpose=Purpose.STATION_MAX)),
        (0, profile(1)),
        (1, profile(2, level=1)),
        (1, profile(3, level=2)),
    )
    assert store.clear(**wanted) == 4 - len(left)
    assert [one.profile.id for one in store.installed] == left


def test_the_composite_schedule_merges_all_that_counts() -> None:
    store = limits(
        (0, profile(1, (0, 10_000.0), (300, 4_000.0), purpose=Purpose.STATION_MAX)),
        (1, profile(2, (0, 6_000.0), (100, 8_000.0), duration=200)),
    )
    composite = store.composite(int(MIDNIGHT) - 50, 600, Unit.WATTS, 1)
    assert composite.duration == 600
    assert composite.periods == (
        Period(0, 22_080.0, 3), Period(50, 6_000.0, 3), Period(150, 8_000.0, 3), Period(250, 10_000.0, 3),
        Period(350, 4_000.0, 3),
    )  # fmt: skip


def test_the_composite_schedule_comes_in_amperes_rounded_down_to_a_tenth() -> None:
    store = limits((1, profile(1, (0, 10_000.0))))
    assert store.composite(int(MIDNIGHT), 60, Unit.AMPS, 1).periods == (Period(0, 14.4, 3),)
    assert limits((1, profile(1, (0, 6.9), unit=Unit.AMPS))).composite(int(MIDNIGHT), 60, Unit.AMPS, 1).periods == (
        Period(0, 6.9, 3),
    )


def test_the_composite_schedule_of_the_station_is_what_its_evses_may_draw_together() -> None:
    supplies = (AC, Supply(22_080, 3, 2), Supply(11_040, 3, 2))
    store = limits((1, profile(1, (0, 5_000.0))), supplies=supplies)
    assert store.composite(int(MIDNIGHT), 60, Unit.WATTS, 0).periods == (Period(0, 27_080.0, 3),)
    assert store.composite(int(MIDNIGHT), 60, Unit.WATTS, 0, station_w=22_080).periods[0].limit == 22_080
    assert store.install(MIDNIGHT, 0, profile(2, (0, 9_000.0), purpose=Purpose.STATION_MAX)) is None
    assert store.composite(int(MIDNIGHT), 60, Unit.WATTS, 0).periods == (Period(0, 9_000.0, 3),)


def test_the_composite_schedule_names_whole_seconds_only() -> None:
    store = limits((1, profile(1, (0, 1_000.0), (1, 2_000.0), start=MIDNIGHT + 10.25, duration=2)))
    assert store.composite(int(MIDNIGHT), 60, Unit.WATTS, 1).periods == (
        Period(0, 22_080.0, 3), Period(11, 1_000.0, 3), Period(12, 2_000.0, 3), Period(13, 22_080.0, 3),
    )  # fmt: skip


def test_the_composite_schedule_of_nothing_is_empty() -> None:
    assert limits().composite(int(MIDNIGHT), 0, Unit.WATTS, 1).periods == ()
    assert limits().composite(int(MIDNIGHT), -5, Unit.WATTS, 1).duration == 0


def test_a_composite_schedule_of_a_century_is_cut_short_and_says_where() -> None:
    store = limits((1, profile(1, (0, 1.0), (43_200, 2.0), kind=Kind.DAILY)))
    composite = store.composite(int(MIDNIGHT), 2**31, Unit.WATTS, 1)
    assert len(composite.periods) == 1_000
    assert composite.duration == 500 * DAY


def test_an_idle_connector_is_planned_as_if_charging_began_at_once() -> None:
    store = limits((1, profile(1, (0, 1.0), (60, 2.0), kind=Kind.RELATIVE, start=None)))
    composite = store.composite(int(MIDNIGHT), 120, Unit.WATTS, 1)
    assert composite.periods == (Period(0, 1.0, 3), Period(60, 2.0, 3))


seconds = st.integers(-400, 400)
schedules = st.builds(
    lambda unit, periods, start, duration: Schedule(
        unit, tuple(sorted(periods)), None if start is None else MIDNIGHT + start / 4, duration
    ),
    st.sampled_from(Unit),
    st.lists(
        st.builds(Period, st.integers(0, 300), st.integers(0, 40).map(float), st.sampled_from([None, 1, 3])),
        min_size=1,
        max_size=4,
        unique_by=lambda period: period.start,
    ),
    st.one_of(st.none(), seconds, st.integers(-4 * 14 * 86_400, -4 * 7 * 86_400)),
    st.one_of(st.none(), st.integers(0, 300)),
)
validity = st.one_of(st.none(), seconds.map(lambda second: MIDNIGHT + second / 4))
profiles = st.builds(
    Profile,
    st.integers(1, 8),
    st.sampled_from(Purpose),
    st.integers(0, 3),
    st.sampled_from(Kind),
    schedules,
    validity,
    validity,
    st.sampled_from([None, None, 1, 2]),
)
runnings = st.dictionaries(
    st.sampled_from([1, 2]),
    st.builds(
        Running, seconds.map(lambda second: MIDNIGHT + second / 4), st.sampled_from([None, 1, 2]), st.just(False)
    ),
)
SUPPLIES = (Supply(22_080, 3, 1), Supply(50_000, 0, 2))


def said(one: Profile, now: float, since: float | None) -> Period | None:
    """What a profile says, in the plainest way: the oracle."""
    if (one.valid_from is not None and now < one.valid_from) or (one.valid_to is not None and now >= one.valid_to):
        return None
    anchor = one.schedule.start if one.kind is not Kind.RELATIVE else None
    anchor = since if anchor is None else anchor
    passed = 0.0 if anchor is None else now - anchor
    cycle = {Kind.DAILY: DAY, Kind.WEEKLY: 7 * DAY}.get(one.kind)
    if cycle is not None and passed >= 0:
        passed %= cycle
    if passed < 0 or (one.schedule.duration is not None and passed >= one.schedule.duration):
        return None
    return next((period for period in reversed(one.schedule.periods) if period.start <= passed), None)


def expected(store: Limits, now: float, connector: int, running: Mapping[int, Running]) -> float | None:
    """The limit in watts by the rules as they are written."""
    mine = running.get(connector)
    supply = SUPPLIES[connector - 1]

    def best(purpose: Purpose) -> tuple[Schedule, Period] | None:
        found = []
        for one in store.installed:
            if one.profile.purpose is not purpose or one.connector not in {0, connector}:
                continue
            if purpose is Purpose.TRANSACTION and (
                mine is None
                or (
                    one.profile.transaction is not None
                    and mine.transaction is not None
                    and one.profile.transaction != mine.transaction
                )
            ):
                continue
            since = one.at if purpose is Purpose.STATION_MAX else (None if mine is None else mine.since)
            period = said(one.profile, now, since)
            if period is not None:
                found.append((one.profile.level, one.connector, one.profile.schedule, period))
        return max(found, key=lambda it: it[:2])[2:] if found else None

    own, station = best(Purpose.TRANSACTION) or best(Purpose.DEFAULT), best(Purpose.STATION_MAX)
    candidates = []
    phases = min([supply.phases, *(found[1].phases or 3 for found in (own, station) if found)])
    for found in (own, station):
        if found:
            schedule, period = found
            wires = phases or period.phases or 3
            candidates.append(period.limit * (1 if schedule.unit is Unit.WATTS else 230 * wires))
    return min(candidates, default=None)


def build(placed: list[tuple[int, Profile]], running: Mapping[int, Running]) -> Limits:
    store = Limits(SUPPLIES, Bounds())
    for connector, one in placed:
        store.install(MIDNIGHT - 7, connector, one, running)
    return store


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), profiles), max_size=8), runnings, st.integers(-500, 2_500))
def test_the_limit_is_what_the_rules_say(placed: Any, running: Any, quarter: int) -> None:
    store = build(placed, running)
    now = MIDNIGHT + quarter / 4
    for connector in (1, 2):
        limit = store.limit_at(now, connector, running)
        plain = expected(store, now, connector, running)
        assert (limit is None) == (plain is None)
        if limit is not None:
            assert limit.watts == pytest.approx(plain)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), profiles), max_size=8), runnings, st.integers(-100, 600))
def test_nothing_changes_before_the_next_change(placed: Any, running: Any, start: int) -> None:
    store = build(placed, running)
    now = MIDNIGHT + start / 4
    for connector in (0, 1, 2):
        change = store.next_change(now, connector, running)
        assert change > now
        before = store.limit_at(now, connector, running)
        for quarter in range(1, 400):
            if now + quarter / 4 < change:
                assert store.limit_at(now + quarter / 4, connector, running) == before


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), profiles), max_size=8),
    runnings,
    st.integers(-100, 100),
    st.sampled_from(Unit),
)
def test_the_composite_schedule_says_at_every_second_what_the_limit_is_then(
    placed: Any, running: Any, start: int, unit: Unit
) -> None:
    store = build(placed, running)
    begin = int(MIDNIGHT) + start
    for connector in (1, 2):
        composite = store.composite(begin, 300, unit, connector, running)
        assert composite.periods[0].start == 0
        assert [period.start for period in composite.periods] == sorted({period.start for period in composite.periods})
        for one, other in zip(composite.periods, composite.periods[1:], strict=False):
            assert one[1:] != other[1:], "it is merged"
        planned = {**{place: Running(begin, imagined=True) for place in (1, 2)}, **running}
        supply = SUPPLIES[connector - 1]
        for second in range(300):
            period = max(one for one in composite.periods if one.start <= second)
            limit = store.limit_at(begin + second, connector, planned)
            phases = supply.phases if limit is None else limit.phases
            hardware = supply.watts * (phases / supply.phases if supply.phases else 1)
            total = hardware if limit is None else min(limit.watts, hardware)
            assert period.phases == (phases or 3)
            shown = total if unit is Unit.WATTS else total / 230 / (phases or 3)
            assert shown - 0.1 <= period.limit <= shown + 1e-6


class AnyOrder(RuleBasedStateMachine):
    """Whatever is installed, cleared and ended in whatever order, the invariants of §3.13 hold."""

    @initialize()
    def begin(self) -> None:
        self.bounds = Bounds(max_level=2, max_installed=5)
        self.store = Limits(SUPPLIES, self.bounds)
        self.now = MIDNIGHT
        self.running: dict[int, Running] = {}

    @rule(connector=st.integers(-1, 3), one=profiles)
    def install(self, connector: int, one: Profile) -> None:
        before = self.store.installed
        problem = self.store.install(self.now, connector, one, self.running)
        if problem is None:
            assert [it.connector for it in self.store.installed if it.profile is one] == [connector]
            assert {it.profile.id for it in self.store.installed} <= {it.profile.id for it in before} | {one.id}
        else:
            assert self.store.installed == before

    @rule(
        profile_id=st.one_of(st.none(), st.integers(1, 8)),
        connector=st.one_of(st.none(), st.integers(0, 2)),
        purpose=st.one_of(st.none(), st.sampled_from(Purpose)),
        level=st.one_of(st.none(), st.integers(0, 3)),
    )
    def clear(self, **wanted: Any) -> None:
        before = len(self.store.installed)
        assert self.store.clear(**wanted) == before - len(self.store.installed)
        assert self.store.clear(**wanted) == 0

    @rule(connector=st.sampled_from([1, 2]), number=st.sampled_from([None, 1, 2]))
    def start(self, connector: int, number: int | None) -> None:
        if connector not in self.running:
            self.running[connector] = Running(self.now, number)

    @precondition(lambda self: self.running)
    @rule()
    def end(self) -> None:
        connector, _ = self.running.popitem()
        self.store.transaction_ended(connector)

    @rule(passed=st.floats(0, 400))
    def wait(self, passed: float) -> None:
        self.now += passed

    @invariant()
    def the_rules_hold(self) -> None:
        installed = self.store.installed
        assert len(installed) <= self.bounds.max_installed
        assert len({one.profile.id for one in installed}) == len(installed)
        places = {(one.connector, one.profile.purpose, one.profile.level) for one in installed}
        assert len(places) == len(installed)
        for one in installed:
            assert one.profile.level <= self.bounds.max_level
            if one.profile.purpose is Purpose.STATION_MAX:
                assert one.connector == 0
            if one.profile.purpose is Purpose.TRANSACTION:
                assert one.connector in self.running
        for connector in (0, 1, 2):
            assert self.store.next_change(self.now, connector, self.running) > self.now
            limit = self.store.limit_at(self.now, connector, self.running)
            assert limit is None or 0 <= limit.watts < NEVER


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(deadline=None, max_examples=60)
