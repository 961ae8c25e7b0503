"""The automatic driver: who comes when, and what becomes of it."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargers.simulator.model.behaviour import Behaviour, Tag
from chargers.simulator.model.driver import (
    NEVER,
    Action,
    Authorize,
    Driver,
    Outcome,
    Plug,
    StopCharging,
    Unplug,
)
from chargers.simulator.model.specs import ConnectorSpec

NOW = 1_790_000_000.0
HOUR = 3_600.0
TWO = {1: ConnectorSpec("Type2", 22_080, 3), 2: ConnectorSpec("CCS2", 150_000, 0)}
GOOD = (Tag("A", 3.0), Tag("B", 1.0), Tag("NEVER", 0.0))


class Station:
    """The simplest charger there is: it accepts good tags and charges until told to stop."""

    def __init__(self, behaviour: Behaviour, *, seed: int = 1, refuses: tuple[str, ...] = ("UNKNOWN",)) -> None:
        self.driver = Driver(behaviour, TWO, now=NOW, seed=seed)
        self.refuses = refuses
        self.now = NOW
        self.plugged: set[int] = set()
        self.shown: dict[int, str] = {}
        self.charging: set[int] = set()
        self.history: list[tuple[float, Action]] = []

    def run(self, until: float, *, most: int = 100_000) -> list[tuple[float, Action]]:
        while self.driver.due_at() <= until and len(self.history) < most:
            self.now = max(self.now, self.driver.due_at())
            self.act()
        self.now = until
        return self.history

    def act(self) -> int:
        done = 0
        while (action := self.driver.due(self.now, TWO.keys() - self.plugged)) is not None:
            self.history.append((self.now, action))
            self.obey(action)
            done += 1
            assert done < 10
        return done

    def obey(self, action: Action) -> None:
        place = action.connector
        if isinstance(action, Plug):
            assert place not in self.plugged
            self.plugged.add(place)
        elif isinstance(action, Authorize):
            assert place not in self.charging
            if action.tag in self.refuses:
                self.driver.tell(self.now, place, Outcome.REFUSED)
            else:
                self.shown[place] = action.tag
        elif isinstance(action, StopCharging):
            assert place in self.charging
            assert action.tag == self.shown[place]
            self.charging.remove(place)
            self.shown.pop(place)
            self.driver.tell(self.now, place, Outcome.ENDED)
        else:
            assert place in self.plugged
            self.plugged.remove(place)
            self.charging.discard(place)
            self.shown.pop(place, None)
        if place in self.shown and place in self.plugged and place not in self.charging:
            self.charging.add(place)
            self.driver.tell(self.now, place, Outcome.STARTED)


def kinds(history: list[tuple[float, Action]]) -> Counter[type]:
    return Counter(type(action) for _, action in history)


def test_a_whole_day_of_visits_is_complete_and_in_order() -> None:
    history = Station(Behaviour(2.0, GOOD, mean_minutes=20)).run(NOW + 24 * HOUR)
    counts = kinds(history)
    assert counts[Plug] > 20
    assert counts[Authorize] >= counts[Plug] - 2
    assert abs(counts[Plug] - counts[Unplug]) <= 2
    assert abs(counts[StopCharging] - counts[Unplug]) <= 2
    times = [at for at, _ in history]
    assert times == sorted(times)


def test_the_same_seed_lives_the_same_life_and_another_one_another() -> None:
    def life(seed: int) -> list[Any]:
        history = Station(Behaviour(3.0, GOOD, wrong_tag=0.3, early_unplug=0.2), seed=seed).run(NOW + 12 * HOUR)
        return [
            (at, type(action), action.connector, getattr(action, "tag", None))
            + ((action.vehicle.spec.name, action.vehicle.soc) if isinstance(action, Plug) else ())
            for at, action in history
        ]

    assert life(1) == life(1)
    assert life(1) != life(2)


def test_arrivals_come_at_about_the_rate_when_there_is_room() -> None:
    station = Station(Behaviour(1.0, GOOD, mean_minutes=2, mean_idle_minutes=0))
    arrivals = kinds(station.run(NOW + 1_000 * HOUR))[Plug]
    assert 850 < arrivals < 1_050


def test_stays_have_about_the_mean_length() -> None:
    station = Station(Behaviour(0.2, GOOD, mean_minutes=30))
    begun: dict[int, float] = {}
    stays = []
    for at, action in station.run(NOW + 2_000 * HOUR):
        if isinstance(action, StopCharging):
            stays.append(at - begun[action.connector])
        else:
            begun[action.connector] = at
    assert 27 * 60 < sum(stays) / len(stays) < 33 * 60
    assert min(stays) >= 60


def test_tags_are_used_by_their_weights() -> None:
    tags = Counter(
        action.tag
        for _, action in Station(Behaviour(4.0, GOOD, mean_minutes=5)).run(NOW + 500 * HOUR)
        if isinstance(action, Authorize)
    )
    assert tags.keys() == {"A", "B"}
    assert 0.70 < tags["A"] / tags.total() < 0.80


def test_a_wrong_tag_is_refused_and_some_find_the_right_one() -> None:
    station = Station(Behaviour(4.0, GOOD, mean_minutes=5, wrong_tag=0.5))
    tags = [action.tag for _, action in station.run(NOW + 300 * HOUR) if isinstance(action, Authorize)]
    wrong, right = tags.count("UNKNOWN"), len(tags) - tags.count("UNKNOWN")
    assert 0.55 < right / wrong < 1.9
    assert right > kinds(station.history)[Plug] * 0.5, "half of those that hold a wrong one try again"


def test_one_who_is_always_refused_leaves_and_never_stops_what_never_began() -> None:
    history = Station(Behaviour(4.0, (Tag("BAD"),)), refuses=("BAD",)).run(NOW + 100 * HOUR)
    counts = kinds(history)
    assert counts[StopCharging] == 0
    assert counts[Authorize] > 50
    assert abs(counts[Plug] - counts[Unplug]) <= 2


def test_early_leavers_unplug_without_stopping() -> None:
    counts = kinds(Station(Behaviour(4.0, GOOD, early_unplug=1.0)).run(NOW + 100 * HOUR))
    assert counts[StopCharging] == 0
    assert counts[Unplug] > 50


@pytest.mark.parametrize(("tag_first", "first"), [(0.0, Plug), (1.0, Authorize)])
def test_the_tag_comes_before_or_after_the_plug(tag_first: float, first: type) -> None:
    history = Station(Behaviour(4.0, GOOD, tag_first=tag_first)).run(NOW + 50 * HOUR)
    fresh = {1, 2}
    for _, action in history:
        if action.connector in fresh:
            assert type(action) is first
        fresh = fresh | {action.connector} if isinstance(action, Unplug) else fresh - {action.connector}


def test_without_arrivals_nothing_ever_happens() -> None:
    driver = Driver(Behaviour(0.0, GOOD), TWO, now=NOW, seed=1)
    assert driver.due_at() == NEVER
    assert driver.due(NOW + 10 * HOUR, {1, 2}) is None


def test_who_finds_no_free_connector_drives_on() -> None:
    driver = Driver(Behaviour(10.0, GOOD), TWO, now=NOW, seed=1)
    for hour in range(1, 50):
        assert driver.due(NOW + hour * HOUR, set()) is None
    assert not driver.visiting


def test_one_who_showed_the_tag_leaves_when_the_connector_is_taken_meanwhile() -> None:
    driver = Driver(Behaviour(10.0, GOOD, tag_first=1.0), {1: TWO[1]}, now=NOW, seed=1)
    assert isinstance(driver.due(driver.due_at(), {1}), Authorize)
    driver.close()
    assert driver.due(driver.due_at(), set()) is None
    assert not driver.visiting


def test_one_who_waits_in_vain_gives_up_and_unplugs() -> None:
    driver = Driver(Behaviour(1.0, GOOD, tag_first=0.0), {1: TWO[1]}, now=NOW, seed=1)
    assert isinstance(driver.due(driver.due_at(), {1}), Plug)
    driver.close()
    assert isinstance(driver.due(driver.due_at(), set()), Authorize)
    waited = driver.due_at()
    assert driver.due(waited, set()) == Unplug(1)
    assert driver.due_at() == NEVER


def test_a_start_from_afar_spares_the_tag() -> None:
    driver = Driver(Behaviour(1.0, GOOD, tag_first=0.0), {1: TWO[1]}, now=NOW, seed=1)
    when = driver.due_at()
    driver.due(when, {1})
    driver.close()
    driver.tell(when, 1, Outcome.STARTED)
    assert isinstance(driver.due(driver.due_at(), set()), StopCharging)


def test_an_end_from_afar_sends_the_driver_away_without_stopping_again() -> None:
    driver = Driver(Behaviour(1.0, GOOD), {1: TWO[1]}, now=NOW, seed=1)
    driver.close()
    driver.take_over(NOW, 1, "A")
    driver.tell(NOW + 5, 1, Outcome.ENDED)
    assert driver.due(driver.due_at(), set()) == Unplug(1)


def test_a_taken_over_charge_is_stopped_with_its_tag() -> None:
    driver = Driver(Behaviour(0.0, GOOD), TWO, now=NOW, seed=1)
    driver.take_over(NOW, 2, "OLD")
    assert driver.due(driver.due_at(), set()) == StopCharging(2, "OLD")
    assert driver.due(driver.due_at(), set()) == Unplug(2)


@given(st.integers(0, 999), st.floats(0.1, 5.0))
@settings(max_examples=25, deadline=None)
def test_a_driver_that_moves_to_another_host_lives_the_life_that_it_would_have_lived(seed: int, hours: float) -> None:
    behaviour = Behaviour(6.0, GOOD, wrong_tag=0.3, early_unplug=0.2)
    stays, moves = (Station(behaviour, seed=seed) for _ in range(2))
    moves.run(NOW + hours * HOUR)
    moves.driver = Driver.load(json.loads(json.dumps(moves.driver.dump())), TWO)
    there, here = stays.run(NOW + 12 * HOUR), moves.run(NOW + 12 * HOUR)
    assert [(at, type(action), action.connector) for at, action in here] == [
        (at, type(action), action.connector) for at, action in there
    ]


def test_a_closed_driver_stays_closed_when_it_moves() -> None:
    driver = Driver(Behaviour(6.0, GOOD), TWO, now=NOW, seed=1)
    driver.close()
    assert Driver.load(json.loads(json.dumps(driver.dump())), TWO).due_at() == NEVER


def test_a_car_that_somebody_else_took_away_ends_the_visit() -> None:
    driver = Driver(Behaviour(0.0, GOOD), TWO, now=NOW, seed=1)
    driver.take_over(NOW, 2, "OLD")
    driver.tell(NOW, 2, Outcome.GONE)
    assert driver.due_at() == NEVER
    for outcome in Outcome:
        driver.tell(NOW, 2, outcome)


def test_after_close_nobody_comes_but_those_who_are_there_finish() -> None:
    station = Station(Behaviour(10.0, GOOD))
    station.run(NOW + 5 * HOUR)
    station.driver.close()
    station.run(NOW + 50 * HOUR)
    assert station.driver.due_at() == NEVER
    assert not station.plugged
    assert not station.charging


def test_a_pause_of_a_week_is_followed_by_no_burst() -> None:
    station = Station(Behaviour(20.0, GOOD, mean_minutes=10))
    station.run(NOW + 5 * HOUR)
    station.now = NOW + 7 * 24 * HOUR
    assert station.act() <= 3, "one step at each connector, and one arrival"
    begin = len(station.history)
    station.run(station.now + 60)
    assert len(station.history) - begin <= 6


def test_an_absurd_rate_does_not_spin() -> None:
    driver = Driver(Behaviour(1e12, GOOD), TWO, now=NOW, seed=1)
    now, asked = NOW, 0
    while now < NOW + 100:
        now = driver.due_at()
        driver.due(now, set())
        asked += 1
    assert asked <= 102


@settings(deadline=None)
@given(
    st.builds(
        Behaviour,
        st.floats(0, 100),
        st.just(GOOD),
        st.floats(0.01, 500),
        st.one_of(st.none(), st.floats(1, 90_000)),
        st.floats(0, 1),
        st.just(("UNKNOWN", "BLOCKED")),
        st.floats(0, 1),
        st.floats(0, 1),
        st.floats(0, 100),
    ),
    st.integers(0, 2**64 - 1),
    st.lists(st.floats(0, 40_000), max_size=40),
)
def test_however_it_is_asked_it_does_only_what_makes_sense(
    behaviour: Behaviour, seed: int, pauses: list[float]
) -> None:
    station = Station(behaviour, seed=seed)
    for pause in pauses:
        station.now += pause
        assert station.act() <= 3
        assert station.driver.due_at() > station.now
        assert set(station.driver.visiting) >= station.plugged


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"arrivals_per_hour": -1}, "arrivals_per_hour"),
        ({"mean_minutes": 0}, "mean_minutes"),
        ({"mean_idle_minutes": -1}, "mean_idle_minutes"),
        ({"mean_wish_wh": 0}, "mean_wish_wh"),
        ({"tags": ()}, "tags"),
        ({"tags": (Tag("A", 0.0),)}, "tags"),
        ({"tags": (Tag("A", 2.0), Tag("B", -1.0))}, "tags"),
        ({"wrong_tag": 1.1}, "probabilities"),
        ({"early_unplug": -0.1}, "probabilities"),
        ({"wrong_tag": 0.5, "wrong_tags": ()}, "wrong_tags"),
        ({"arrivals_per_hour": float("nan")}, "finite"),
        ({"mean_minutes": float("inf")}, "finite"),
    ],
)
def test_a_behaviour_that_makes_no_sense_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Behaviour(**{"arrivals_per_hour": 1.0, "tags": GOOD, **wrong})
