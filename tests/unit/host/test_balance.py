"""How many chargers a host takes and gives up, and when."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.simulator.host.balance import BATCH, LOOK_AROUND, PATIENCE, STEP_EVERY, TRUCE, Balance
from chargers.simulator.host.leases import Survey

ME = UUID(int=1)
NOW = 1000.0


def fleet(*held: int, capacity: int = 15_000, unclaimed: int = 0) -> Survey:
    """Live hosts that hold so many each, this one first."""
    hosts = {UUID(int=number): (capacity, count) for number, count in enumerate(held, 1)}
    return Survey(sum(held) + unclaimed, unclaimed, hosts)


@pytest.fixture
def balance() -> Balance:
    return Balance(capacity=15_000, ramp=500)


def test_a_host_alone_has_room_for_all_that_it_can_hold(balance):
    assert balance.room(fleet(0, unclaimed=10_000), 0) == 10_000
    assert Balance(capacity=70, ramp=500).room(fleet(0, unclaimed=10_000, capacity=70), 0) == 70


def test_two_hosts_have_room_for_half_each(balance):
    assert balance.room(fleet(500, 0, unclaimed=9_500), 500) == 4_500


def test_leftovers_are_taken_a_batch_at_a_time_and_not_before_the_others_had_their_time(balance):
    waiting = fleet(100, 0, unclaimed=1000)
    assert balance.leftovers(NOW, waiting, 100) == 0
    assert balance.leftovers(NOW + PATIENCE - 0.1, waiting, 100) == 0
    assert balance.leftovers(NOW + PATIENCE, waiting, 100) == BATCH
    balance.nothing_waits()
    assert balance.leftovers(NOW + 60, waiting, 100) == 0


def test_chargers_without_a_connection_go_at_once_and_the_others_a_tenth_a_second(balance):
    started = fleet(10_000, 0)
    assert balance.to_move(NOW, started, ME, held=10_000, idle=9_900) == 5_000
    balance = Balance(capacity=15_000, ramp=500)
    assert balance.to_move(NOW, fleet(2_000, 0), ME, held=2_000, idle=0) == 200
    assert balance.to_move(NOW + 0.1, fleet(1_800, 200), ME, held=1_800, idle=0) == 0
    assert balance.to_move(NOW + STEP_EVERY, fleet(1_800, 200), ME, held=1_800, idle=0) == 180


def test_nothing_moves_to_hosts_that_have_their_share(balance):
    assert balance.to_move(NOW, fleet(1_000, 1_000), ME, held=1_000, idle=1_000) == 0
    assert balance.to_move(NOW, fleet(1_040, 1_000), ME, held=1_040, idle=1_040) == 0
    assert balance.to_move(NOW, fleet(2_000), ME, held=2_000, idle=2_000) == 0


def test_after_another_host_did_not_claim_nothing_moves_until_hosts_come_or_go(balance):
    waiting = fleet(100, 0, unclaimed=1000)
    balance.leftovers(NOW, waiting, 100)
    assert balance.leftovers(NOW + PATIENCE, waiting, 100) == BATCH
    later = NOW + PATIENCE + 60
    assert balance.to_move(later, fleet(1_100, 0), ME, held=1_100, idle=500) == 0
    assert balance.to_move(later, fleet(1_100, 0, 0), ME, held=1_100, idle=0) == 110
    assert later < NOW + TRUCE


def test_a_host_that_leaves_looks_around_first(balance):
    assert balance.to_leave(NOW, fleet(100, 100), ME, 100) == 0, "not told to leave"
    balance.leave(NOW, 5.0)
    assert balance.to_leave(NOW, fleet(100, 100), ME, 100) == 0
    assert balance.to_leave(NOW + LOOK_AROUND + 0.1, fleet(1000, 100), ME, 1000) == 51


@pytest.mark.parametrize("others", [fleet(100), fleet(100, 50, capacity=50), fleet(100, 40, capacity=50, unclaimed=10)])
def test_without_room_elsewhere_it_hands_over_nothing(balance, others):
    balance.leave(NOW, 5.0)
    assert balance.to_leave(NOW + 1, others, ME, 100) is None


@given(
    held=st.integers(1, 15_000),
    within=st.floats(0.0, 60.0),
    looks=st.floats(0.05, 2.0),
    others=st.integers(1, 5),
    capacity=st.integers(1, 15_000),
)
def test_it_hands_over_all_that_fits_in_time(held, within, looks, others, capacity):
    balance, left, now, places = Balance(capacity=15_000, ramp=500), held, NOW, others * capacity
    balance.leave(now, within)
    while now <= NOW + max(within, LOOK_AROUND) + looks:
        now += looks
        given_away = held - left
        hosts = {uuid4(): (capacity, 0) for _ in range(others)}
        count = balance.to_leave(now, Survey(held, given_away, hosts), ME, left)
        if count is None:
            break
        assert 0 <= count <= min(left, places - given_away)
        left -= count
    assert left == max(0, held - places)
