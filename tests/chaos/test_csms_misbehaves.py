"""A CSMS that drops everybody, falls silent, is slow, or closes by half while cars charge; then it is good again."""

import time

import pytest

from tests.chaos.charging import CHARGERS, all_charge, everything_is_well_with_charging
from tests.support.chaos.stack import Stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.system, pytest.mark.timeout(300)]

SLOW = 20.0  #: seconds


@pytest.fixture
def stack(make_stack) -> Stack:
    """A simulator whose fleet charges."""
    stack: Stack = make_stack(parts=("simulator-1",))
    all_charge(stack, stack.fleet(CHARGERS))
    return stack


def test_all_connections_dropped_at_once_again_and_again(stack):
    for _ in range(5):
        stack.say(f"{stack.csms.drop()} connections were dropped")
        stack.pause(0, 3)
    everything_is_well_with_charging(stack, least=CHARGERS)


def test_a_csms_that_closes_its_half_of_all_connections(stack):
    before = stack.csms.view().opened
    assert stack.csms.half_close() == CHARGERS
    eventually(lambda: stack.csms.view().opened >= before + CHARGERS, what="all have dialled anew")
    everything_is_well_with_charging(stack, least=CHARGERS)


def test_a_csms_that_takes_everything_and_answers_nothing(stack):
    """Messages that came and were not answered come again, and count once."""
    stack.csms.behave(mute=True)
    stack.pause(2, 6)
    stack.csms.drop()  # who dials now gets no answer to BootNotification either
    stack.pause(2, 6)
    stack.csms.behave()
    stack.csms.drop()
    everything_is_well_with_charging(stack, least=CHARGERS)


def test_a_csms_that_answers_no_opening_handshake(stack):
    stack.csms.behave(deaf=True)
    stack.csms.drop()
    before = stack.csms.view().opened
    eventually(lambda: stack.csms.view().opened >= before + CHARGERS, timeout=60, what="all have dialled")
    assert stack.csms.view().messages > 0
    stack.csms.behave()
    everything_is_well_with_charging(stack, least=CHARGERS)


def test_a_csms_that_answers_after_20_seconds(stack):
    stack.csms.behave(delay=SLOW)
    began = stack.csms.view().messages
    time.sleep(SLOW + 5)  # answers that were delayed arrive, and more messages are answered late
    assert stack.csms.view().messages > began
    stack.csms.behave()
    everything_is_well_with_charging(stack, least=CHARGERS)
