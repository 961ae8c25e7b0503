"""Charging in the chaos: everybody begins, and in the end both books agree."""

from collections.abc import Sequence

from chargers.models import Charger, Transaction
from tests.support.chaos.auditor import charging_has_ended, everything_is_well
from tests.support.chaos.stack import Stack
from tests.support.waiting import eventually

CHARGERS = 40


def all_charge(stack: Stack, chargers: Sequence[Charger]) -> None:
    """Let all charge and wait until each has told a sample; an order may be lost with its host, so it is repeated."""
    running = Transaction.objects.filter(state="running")

    def charging() -> bool:
        idle = [one for one in chargers if one.id not in set(running.values_list("charger_id", flat=True))]
        if idle:
            stack.order(idle, "start_session", connector=1, id_tag="CARD")
        return not idle

    eventually(charging, timeout=60, every=2.0, what="all charge")
    sampled = running.filter(messages__action="MeterValues").distinct()
    eventually(lambda: sampled.count() == len(chargers), timeout=60, what="each has told a sample")


def everything_is_well_with_charging(stack: Stack, *, least: int, frozen: bool = False) -> None:
    """All is well after all have stopped charging, and at least so many transactions were lived."""
    charging_has_ended(stack)
    everything_is_well(stack, chargers=CHARGERS, frozen=frozen)
    lived = Transaction.objects.count()
    stack.say(f"{lived} transactions were lived")
    assert lived >= least
