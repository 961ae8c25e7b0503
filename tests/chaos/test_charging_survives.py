"""Whatever is killed while cars charge: ledger and CSMS agree on every transaction, nobody is connected twice."""

import pytest

from chargers.models import Charger
from tests.chaos.charging import CHARGERS, all_charge, everything_is_well_with_charging
from tests.support.chaos.auditor import everything_is_well
from tests.support.chaos.stack import SIMULATORS, Stack, possible

pytestmark = [pytest.mark.chaos, pytest.mark.system, pytest.mark.timeout(300)]

ROUNDS = 5
#: what sessions notice no more of than of an empty broker; it is struck in the rounds
MILD = {"kill valkey", "stop valkey", "flush valkey"}


def some_charge(stack: Stack, chargers: list[Charger]) -> None:
    """Let a random half begin to charge and a random part end."""
    stack.order(stack.dice.sample(chargers, len(chargers) // 2), "start_session", connector=1, id_tag="CARD")
    stack.order(stack.dice.sample(chargers, len(chargers) // 4), "stop_session", connector=1)


@pytest.mark.parametrize("blow", [blow for blow in possible("simulator-1") if blow not in MILD])
def test_charging_survives(blow, make_stack):
    stack = make_stack(parts=SIMULATORS)
    chargers = stack.fleet(CHARGERS)
    all_charge(stack, chargers)
    stack.pause(0, 1)
    stack.strike(blow)
    stack.pause(0, 3)
    stack.revive()
    stack.pause(0, 1)
    everything_is_well_with_charging(stack, least=CHARGERS)


def test_charging_survives_one_blow_after_the_other(make_stack):
    stack = make_stack(parts=SIMULATORS)
    chargers = stack.fleet(CHARGERS)
    blows = possible(*SIMULATORS)
    for _ in range(ROUNDS):
        some_charge(stack, chargers)
        stack.pause(0, 2)
        stack.strike(stack.dice.choice(blows))
        stack.pause(0, 2)
        stack.revive()
        stack.pause(0, 2)
    all_charge(stack, chargers)
    everything_is_well_with_charging(stack, least=CHARGERS)


def test_a_database_that_has_forgotten_where_chargers_stand_is_told_again(make_stack):
    """As one that was restored from a copy, or whose replica had not got everything."""
    stack = make_stack(parts=("simulator-1",))
    chargers = stack.fleet(CHARGERS)
    some = stack.dice.sample([one.id for one in chargers], CHARGERS // 2)
    Charger.objects.filter(id__in=some).update(connection_state="connecting", connection_error="")
    everything_is_well(stack, chargers=CHARGERS)
    assert stack.csms.view().opened == CHARGERS, "nobody had to dial anew"
