"""How chargers are shared between live hosts: pure arithmetic."""

from collections.abc import Sequence


def fair_share(wanted: int, capacities: Sequence[int], mine: int) -> int:
    """How many of `wanted` chargers a host of capacity `mine` should hold.

    Everyone gets the same, rounded up; what a small host cannot take is spread over the bigger ones. `capacities` are
    those of all live hosts, this one included.
    """
    left = wanted
    ordered = sorted(capacities)
    for position, capacity in enumerate(ordered):
        level = -(-left // (len(ordered) - position))
        if level <= capacity:
            return min(mine, level)
        left -= capacity
    return mine


def surplus(held: int, share: int) -> int:
    """How many chargers a host should give up: none within 10 % or 10 of its share."""
    over = held - share
    return over if over > 10 and over > share / 10 else 0
