"""The ramp."""

import asyncio

from chargers.simulator.host.gate import Gate


def test_the_first_one_goes_at_once_and_the_rest_by_the_rate(run):
    async def scenario():
        loop = asyncio.get_running_loop()
        gate, went = Gate(loop, 100), []
        began = loop.time()
        for number in range(31):
            gate.enter(lambda number=number: went.append((number, loop.time() - began)))
        await asyncio.sleep(0.01)
        assert len(went) == 1
        while len(gate):
            await asyncio.sleep(0.01)
        assert [number for number, _ in went] == list(range(31))
        assert 0.25 < went[-1][1] < 0.6

    run(scenario())


def test_an_idle_gate_saves_up_no_burst(run):
    async def scenario():
        gate, went = Gate(asyncio.get_running_loop(), 50), []
        await asyncio.sleep(0.5)
        for _ in range(20):
            gate.enter(lambda: went.append(1))
        await asyncio.sleep(0.01)
        assert len(went) <= 2

    run(scenario())


def test_a_slow_rate_still_lets_through(run):
    async def scenario():
        gate, went = Gate(asyncio.get_running_loop(), 5), []
        for _ in range(3):
            gate.enter(lambda: went.append(1))
        await asyncio.sleep(0.5)
        assert 2 <= len(went) <= 3
        await asyncio.sleep(0.3)
        assert len(went) == 3

    run(scenario())
