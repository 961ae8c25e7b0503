"""A simulator that is paused beyond its lease: others take over, and it must not speak for its chargers again."""

import contextlib
import signal

import psycopg
import pytest

from chargers.models import Charger
from chargers.simulator.host.database import parameters
from tests.chaos.charging import CHARGERS, all_charge, everything_is_well_with_charging
from tests.support.chaos.auditor import everything_is_well
from tests.support.chaos.stack import SIMULATORS, Stack
from tests.support.host import held_by
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.system, pytest.mark.timeout(300)]


def freeze_beyond_the_lease(stack: Stack, frozen: str, *, within: float) -> None:
    """Pause one simulator until all its chargers are online elsewhere, then let it go on."""
    (other,) = set(SIMULATORS) - {frozen}
    before = set(Charger.objects.filter(host__name=frozen).values_list("identity", flat=True))
    assert before
    stack[frozen].signal(signal.SIGSTOP)
    stack.say(f"{frozen} is frozen, with {len(before)} chargers")

    def taken_over() -> bool:
        online = Charger.objects.filter(connection_state="online").count()
        return held_by() == {other: CHARGERS} and online == CHARGERS

    eventually(taken_over, timeout=within, what=f"{other} holds all chargers, and all are online")
    stack.say(f"{other} has taken over")
    # Nobody can close the connections of a process that is frozen: the CSMS sees them beside the new ones.
    sockets = stack.csms.view().sockets
    assert {identity for identity, count in sockets.items() if count == 2} == before
    stack.pause(0, 2)
    stack[frozen].signal(signal.SIGCONT)
    stack.say(f"{frozen} goes on")
    eventually(lambda: set(stack.csms.view().sockets.values()) == {1}, what="the old connections are closed")


def test_a_host_frozen_beyond_its_lease_lets_go_at_once_when_it_goes_on(make_stack):
    stack = make_stack(parts=SIMULATORS)
    all_charge(stack, stack.fleet(CHARGERS))
    freeze_beyond_the_lease(stack, stack.dice.choice(SIMULATORS), within=60)
    everything_is_well_with_charging(stack, least=CHARGERS, frozen=True)


def test_a_host_frozen_in_the_middle_of_a_transaction_holds_up_nobody(make_stack):
    """Its locks stay as long as PostgreSQL lets an idle transaction live; nobody may lose a lease over that."""
    stack = make_stack(parts=SIMULATORS)
    stack.fleet(CHARGERS)
    with contextlib.closing(psycopg.connect(**parameters())) as keeper:
        frozen = stack.dice.choice(SIMULATORS)
        keeper.execute("SELECT FROM chargers_simulatorhost WHERE name = %s FOR SHARE", [frozen])
        freeze_beyond_the_lease(stack, frozen, within=60)
    everything_is_well(stack, chargers=CHARGERS, frozen=True)
    assert stack.csms.view().opened <= 2 * CHARGERS, "who was not frozen lost nobody"


@pytest.mark.slow
def test_the_same_with_the_timings_of_a_real_installation(make_stack):
    stack = make_stack(parts=SIMULATORS, HOST_BEAT_INTERVAL="5", HOST_DEAD_AFTER="30")
    all_charge(stack, stack.fleet(CHARGERS))
    freeze_beyond_the_lease(stack, stack.dice.choice(SIMULATORS), within=45)
    everything_is_well_with_charging(stack, least=CHARGERS, frozen=True)


def test_a_host_frozen_for_less_than_its_lease_loses_nothing(make_stack):
    stack = make_stack(parts=SIMULATORS, HOST_DEAD_AFTER="30")
    all_charge(stack, stack.fleet(CHARGERS))
    before = held_by()
    for _ in range(3):
        name = stack.dice.choice(SIMULATORS)
        stack[name].signal(signal.SIGSTOP)
        stack.say(f"{name} is frozen")
        stack.pause(1, 4)
        stack[name].signal(signal.SIGCONT)
        stack.pause(0, 2)
    assert held_by() == before
    everything_is_well_with_charging(stack, least=CHARGERS)
    assert stack.csms.view().opened == CHARGERS, "nobody had to dial anew"
