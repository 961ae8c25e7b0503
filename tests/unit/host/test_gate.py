"""The ramp, by a clock that stands still until it is told to go on."""

from heapq import heappop, heappush
from itertools import count

import pytest

from chargers.simulator.host.gate import Gate


class Clockwork:
    """As much of an event loop as a gate needs."""

    def __init__(self):
        self.now, self._calls, self._serial = 100.0, [], count()

    def time(self):
        return self.now

    def call_soon(self, call):
        return self.call_later(0, call)

    def call_later(self, delay, call):
        heappush(self._calls, (self.now + delay, next(self._serial), call))
        return call

    def run(self, seconds):
        """Let time pass and do what is due meanwhile."""
        end = self.now + seconds
        while self._calls and self._calls[0][0] <= end:
            when, _, call = heappop(self._calls)
            self.now = max(self.now, when)
            call()
        self.now = end

    def sleep(self, seconds):
        """Let time pass without doing anything: the process was busy."""
        self.now += seconds


@pytest.fixture
def loop():
    return Clockwork()


def crowd(gate, loop, number):
    """Let so many come to the gate; returns when each went through, in seconds from now."""
    went, began = [], loop.now
    for _ in range(number):
        gate.enter(lambda: went.append(loop.now - began))
    return went


def test_the_first_one_goes_at_once_and_the_rest_by_the_rate(loop):
    gate = Gate(loop, 100)
    went = crowd(gate, loop, 31)
    loop.run(0.001)
    assert len(went) == 1
    loop.run(10)
    assert len(went) == 31
    assert len(gate) == 0
    assert went == sorted(went)
    assert went[-1] == pytest.approx(0.3, abs=0.03)


def test_they_go_in_the_order_in_which_they_came(loop):
    gate, went = Gate(loop, 1000), []
    for number in range(50):
        gate.enter(lambda number=number: went.append(number))
    loop.run(10)
    assert went == list(range(50))


def test_an_idle_gate_saves_up_no_burst(loop):
    gate = Gate(loop, 50)
    loop.run(0.5)
    went = crowd(gate, loop, 20)
    loop.run(0.001)
    assert len(went) <= 2


def test_a_process_that_was_busy_does_not_make_up_for_it_with_a_burst(loop):
    gate = Gate(loop, 1000)
    went = crowd(gate, loop, 500)
    loop.run(0.1)
    before = len(went)
    loop.sleep(5)
    loop.run(0.001)
    assert len(went) - before <= 80
    loop.run(10)
    assert len(went) == 500


@pytest.mark.parametrize(("rate", "seconds"), [(5, 1.8), (3000, 0.0031)])
def test_a_slow_rate_and_a_fast_one_both_let_through(loop, rate, seconds):
    went = crowd(Gate(loop, rate), loop, 10)
    loop.run(60)
    assert len(went) == 10
    assert went[-1] == pytest.approx(seconds, rel=0.12, abs=0.03)
