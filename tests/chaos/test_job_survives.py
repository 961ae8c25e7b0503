"""Whatever is killed in the middle of a job, with all processes for real: the job ends by itself, nothing is twice."""

import time

import pytest

from chargers.models import Charger
from tests.support.chaos.auditor import everything_is_well
from tests.support.chaos.stack import EVERYTHING, Stack, possible
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.system, pytest.mark.timeout(300)]

CHARGERS = 60
MANY = 500
BLOWS_AT_MANY = 5
#: one call in a message, so that a job has a middle
SLOWLY = {"JOB_MAX_MESSAGES": "0"}


def in_the_middle(stack: Stack, chargers: int) -> None:
    """Wait for a random number of chargers, and see that the job is not over."""
    some = stack.dice.randrange(1, chargers * 3 // 4)
    eventually(lambda: Charger.objects.count() >= some, every=0.005, timeout=120, what=f"{some} chargers exist")
    stack.jobs[-1].refresh_from_db()
    assert stack.jobs[-1].finished_at is None


@pytest.mark.parametrize("blow", possible("web", "worker", "beat", "simulator-1"))
def test_a_job_survives(blow, make_stack):
    stack = make_stack(**SLOWLY)
    stack.ask(stack.location(), CHARGERS)
    in_the_middle(stack, CHARGERS)
    stack.strike(blow)
    stack.pause(0, 2)  # long enough for everybody to notice, or not
    stack.revive()
    everything_is_well(stack, chargers=CHARGERS)


@pytest.mark.timeout(600)
def test_a_job_of_hundreds_survives_one_blow_after_the_other(make_stack):
    stack = make_stack()
    stack.ask(stack.location(), MANY)
    in_the_middle(stack, MANY)
    for blow in stack.dice.sample(possible(*EVERYTHING), BLOWS_AT_MANY):
        stack.strike(blow)
        stack.pause(0, 1.5)
        stack.revive()
        stack.pause(0, 3)
    everything_is_well(stack, chargers=MANY)


def test_a_job_survives_the_death_of_everything_at_once(make_stack):
    stack = make_stack(**SLOWLY)
    stack.ask(stack.location(), CHARGERS)
    in_the_middle(stack, CHARGERS)
    blows = [blow for blow in possible(*EVERYTHING) if blow.startswith("kill")]
    for blow in stack.dice.sample(blows, len(blows)):
        stack.strike(blow)
    stack.revive()
    everything_is_well(stack, chargers=CHARGERS)


def test_a_job_accepted_while_the_broker_is_away_runs_when_it_is_back(make_stack):
    if "kill valkey" not in possible():
        pytest.skip("the broker is not ours to kill")
    stack = make_stack()
    stack.strike("kill valkey")
    began = time.monotonic()
    stack.ask(stack.location(), CHARGERS)
    assert time.monotonic() - began < 10  # it does not hang
    stack.revive()
    everything_is_well(stack, chargers=CHARGERS)
