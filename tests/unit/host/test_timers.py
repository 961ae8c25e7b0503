"""One alarm clock for all."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from chargers.simulator.host.timers import NEVER, TURN, Timers


class Item:
    def __init__(self, rung: list["Item"]) -> None:
        self.due = self.queued = NEVER
        self.rung = rung

    def ring(self, now: float) -> None:
        assert now >= 0
        self.rung.append(self)


class Clockwork:
    """A loop whose time is moved by hand, in whole milliseconds as uvloop's."""

    def __init__(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.milliseconds / 1000

    def call_at(self, when: float, call: Callable[[], None]) -> "Clockwork":
        self.calls = [(when, call)]
        return self

    def cancel(self) -> None:
        self.calls = []

    def pass_to(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds
        while self.calls and self.calls[0][0] <= self.time():
            self.calls.pop()[1]()


@pytest.mark.parametrize("hours", [0, 0.5, 4.6, 9.5, 11, 20, 40, 24 * 15])
def test_however_long_the_machine_is_up_each_alarm_rings_once_soon_and_never_early(hours):
    loop = Clockwork(round(hours * 3_600_000))
    timers = Timers(cast("asyncio.AbstractEventLoop", loop))
    begin = loop.milliseconds
    rung: dict[int, int] = {}

    class Once(Item):
        def ring(self, now: float) -> None:
            assert self.number not in rung
            rung[self.number] = loop.milliseconds

        def __init__(self, number: int) -> None:
            super().__init__([])
            self.number = number

    items = [Once(number) for number in range(1000)]
    for item in items:
        timers.set(item, timers.time() + item.number / 2000)
    for item in items:
        timers.set(item, (begin + item.number) / 1000)  # later than before: it keeps its slot until that comes up
    for passed in range(1100):
        loop.pass_to(begin + passed)
    assert all(number <= rung[number] - begin <= number + 10 for number in range(1000))


def test_it_rings_in_order_whatever_the_order_of_setting(run):
    async def scenario():
        timers, rung = Timers(asyncio.get_running_loop()), []
        items = [Item(rung) for _ in range(20)]
        now = timers.time()
        for number in (*range(0, 20, 2), *range(1, 20, 2)):
            timers.set(items[number], now + 0.01 * number)
        await asyncio.sleep(0.3)
        assert rung == items

    run(scenario())


def test_an_alarm_that_moves_rings_once_at_the_last_time_set(run):
    async def scenario():
        timers, rung = Timers(asyncio.get_running_loop()), []
        later, earlier, never = Item(rung), Item(rung), Item(rung)
        now = timers.time()
        timers.set(later, now + 0.02)
        timers.set(later, now + 0.15)
        timers.set(earlier, now + 5)
        timers.set(earlier, now + 0.05)
        timers.set(never, now + 0.03)
        timers.set(never, NEVER)
        await asyncio.sleep(0.1)
        assert rung == [earlier]
        await asyncio.sleep(0.1)
        assert rung == [earlier, later]

    run(scenario())


def test_moving_to_later_again_and_again_does_not_grow_it(run):
    async def scenario():
        timers = Timers(asyncio.get_running_loop())
        items = [Item([]) for _ in range(10)]
        for number in range(1000):
            for item in items:
                timers.set(item, timers.time() + 10 + number)
        assert len(timers) == 10

    run(scenario())


def test_an_item_may_set_its_alarm_while_it_rings(run):
    async def scenario():
        timers = Timers(asyncio.get_running_loop())

        class Again(Item):
            def ring(self, now: float) -> None:
                super().ring(now)
                timers.set(self, now + 0.01)

        item = Again([])
        timers.set(item, timers.time())
        await asyncio.sleep(0.2)
        assert 5 < len(item.rung) <= 21

    run(scenario())


def test_a_failing_item_does_not_stop_the_others(run, caplog):
    async def scenario():
        timers, rung = Timers(asyncio.get_running_loop()), []

        class Bad(Item):
            def ring(self, now: float) -> None:
                raise RuntimeError("a bug")

        now = timers.time()
        good = [Item(rung) for _ in range(3)]
        for number, item in enumerate([good[0], Bad([]), good[1], good[2]]):
            timers.set(item, now + 0.01 + 0.001 * number)
        await asyncio.sleep(0.1)
        assert rung == good
        assert "alarm_failed" in caplog.text

    run(scenario())


def test_a_crowd_that_is_due_at_once_lets_the_loop_breathe(run):
    async def scenario():
        loop = asyncio.get_running_loop()
        timers, rung = Timers(loop), []
        turns = []
        for item in [Item(rung) for _ in range(3 * TURN)]:
            timers.set(item, timers.time())
        while len(rung) < 3 * TURN:
            await asyncio.sleep(0)
            turns.append(len(rung))
        assert {TURN, 2 * TURN} <= set(turns)

    run(scenario())


def test_it_asks_before_it_rings(run):
    async def scenario():
        timers, rung = Timers(asyncio.get_running_loop()), []
        timers.before = lambda now: rung.append("asked")
        timers.set(Item(rung), timers.time())
        await asyncio.sleep(0.05)
        assert rung[0] == "asked"
        assert isinstance(rung[1], Item)

    run(scenario())
