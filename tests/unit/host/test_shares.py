"""How chargers are shared between hosts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.simulator.host.shares import fair_share, surplus


@pytest.mark.parametrize(
    ("wanted", "capacities", "mine", "share"),
    [
        (0, [100], 100, 0),
        (10, [100], 100, 10),
        (10, [100, 100], 100, 5),
        (11, [100, 100], 100, 6),
        (200, [100], 100, 100),
        (100, [10, 100, 100], 10, 10),
        (100, [10, 100, 100], 100, 45),
        (1000, [10, 20], 20, 20),
        (5, [], 100, 100),
    ],
)
def test_it_gives_everyone_the_same_and_what_the_small_cannot_take_to_the_big(wanted, capacities, mine, share):
    assert fair_share(wanted, capacities, mine) == share


@given(st.integers(0, 50_000), st.lists(st.integers(1, 15_000), min_size=1, max_size=12))
def test_shares_cover_what_is_wanted_and_never_exceed_a_capacity(wanted, capacities):
    shares = [fair_share(wanted, capacities, capacity) for capacity in capacities]
    assert all(share <= capacity for share, capacity in zip(shares, capacities, strict=True))
    assert sum(shares) >= min(wanted, sum(capacities))
    assert sum(shares) <= wanted + len(capacities)  # rounding up only


@pytest.mark.parametrize(
    ("held", "share", "over"),
    [(10, 10, 0), (20, 10, 0), (21, 10, 11), (1099, 1000, 0), (1101, 1000, 101), (5, 0, 0)],
)
def test_a_host_keeps_a_little_more_than_its_share(held, share, over):
    assert surplus(held, share) == over
