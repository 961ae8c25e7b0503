"""Offers, and sharing what a station has."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargers.simulator.model.power import Offer, allot, share, to_amps, to_watts


def test_an_offer_below_six_amperes_cannot_be_used_on_ac() -> None:
    assert Offer(4_140, 3).usable
    assert not Offer(4_139, 3).usable
    assert Offer(1_380, 1).usable
    assert not Offer(1_380, 3).usable
    assert not Offer(0, 1).usable


def test_on_dc_any_power_above_nothing_is_an_offer_unless_it_has_a_minimum() -> None:
    assert Offer(500, 0).usable
    assert not Offer(0, 0).usable
    assert not Offer(500, 0, minimum_w=501).usable
    assert Offer(500, 0, minimum_w=500).usable


def test_six_amperes_that_come_from_a_division_still_count() -> None:
    for phases in (1, 2, 3):
        assert Offer(to_watts(6.0, phases), phases).usable
        assert Offer(to_watts(to_amps(to_watts(6.0, phases), phases), phases), phases).usable


@pytest.mark.parametrize(
    ("total", "wants", "least", "expected"),
    [
        (30, [32, 32], [6, 6], [15, 15]),
        (31, [32, 32], [6, 6], [16, 15]),
        (30, [10, 32], [6, 6], [10, 20]),
        (100, [10, 32], [6, 6], [10, 32]),
        (11, [32, 32], [6, 6], [11, 0]),
        (5, [32, 32], [6, 6], [0, 0]),
        (0, [32, 32], [0, 0], [0, 0]),
        (-5, [32], [0], [0]),
        (30, [32, 5, 32], [6, 6, 6], [15, 0, 15]),
        (17, [32, 32, 32], [6, 6, 6], [9, 8, 0]),
        (1, [5, 5, 5], [0, 0, 0], [1, 0, 0]),
        (10, [], [], []),
    ],
)
def test_it_shares_equally_and_the_last_ones_wait_when_it_is_too_little(
    total: int, wants: list[int], least: list[int], expected: list[int]
) -> None:
    assert share(total, wants, least) == expected


@settings(deadline=None)
@given(
    st.integers(-10, 100_000),
    st.lists(st.tuples(st.integers(0, 50_000), st.integers(0, 10_000)), max_size=8),
)
def test_shares_keep_every_bound_and_leave_nothing_that_somebody_could_use(
    total: int, places: list[tuple[int, int]]
) -> None:
    wants = [want for want, _ in places]
    least = [low for _, low in places]
    shares = share(total, wants, least)
    assert sum(shares) <= max(total, 0)
    for given_, want, low in zip(shares, wants, least, strict=True):
        assert 0 <= given_ <= want
        assert given_ == 0 or given_ >= low
    taking = [place for place, given_ in enumerate(shares) if given_]
    if any(shares[place] < wants[place] for place in taking):
        assert sum(shares) == total, "while one of those that charge wants more, nothing is left"
        cut = [shares[place] for place in taking if shares[place] < wants[place]]
        assert max(cut) - min(cut) <= 1, "those that get less than they want get the same"
        assert all(shares[place] <= min(cut) + 1 for place in taking if shares[place] == wants[place])


def test_a_station_of_two_22_kw_sockets_on_32_amperes_gives_each_half() -> None:
    full = Offer(22_080, 3)
    assert allot({1: full, 2: full}, cap_w=22_080, phases=3) == {1: Offer(11_040, 3), 2: Offer(11_040, 3)}


def test_one_alone_gets_it_all_unchanged() -> None:
    assert allot({1: Offer(22_079.9, 3)}, cap_w=22_080, phases=3) == {1: Offer(22_079.9, 3)}
    assert allot({1: Offer(22_080, 3)}, cap_w=float("inf"), phases=3) == {1: Offer(22_080, 3)}
    assert allot({}, cap_w=100, phases=3) == {}


def test_a_single_phase_car_burdens_the_phase_and_not_only_the_sum() -> None:
    allotted = allot({1: Offer(7_360, 1), 2: Offer(22_080, 3)}, cap_w=to_watts(32, 3), phases=3)
    assert allotted == {1: Offer(3_680, 1), 2: Offer(11_040, 3)}


def test_a_dc_station_is_shared_in_watts() -> None:
    assert allot({1: Offer(50_000, 0), 2: Offer(150_000, 0)}, cap_w=180_000, phases=3) == {
        1: Offer(50_000, 0),
        2: Offer(130_000, 0),
    }


def test_on_a_mixed_station_ac_still_needs_six_amperes() -> None:
    allotted = allot({1: Offer(50_000, 0), 2: Offer(22_080, 3)}, cap_w=8_000, phases=3)
    assert allotted == {1: Offer(8_000, 0), 2: Offer(0, 3)}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 50_000), st.sampled_from([0, 1, 3]), st.sampled_from([0.0, 3_000.0])),
        min_size=1,
        max_size=6,
    ),
    st.floats(0, 100_000),
)
def test_no_phase_and_no_sum_is_ever_above_the_cap(demands: list[Any], cap_w: float) -> None:
    offers = {place: Offer(*demand) for place, demand in enumerate(demands, 1)}
    allotted = allot(offers, cap_w=cap_w, phases=3)
    assert allotted.keys() == offers.keys()
    assert sum(offer.watts for offer in allotted.values()) <= cap_w + 1e-3
    if all(offer.phases for offer in offers.values()):
        assert sum(offer.amps for offer in allotted.values()) <= to_amps(cap_w, 3) + 1e-6
    for place, offer in allotted.items():
        assert 0 <= offer.watts <= offers[place].watts + 1e-9
        assert offer.watts == 0 or offer.usable or not offers[place].usable
