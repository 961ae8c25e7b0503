"""Who is let in: look-ups in batches."""

import asyncio
import threading
from collections.abc import Collection

import pytest
from django.db import OperationalError

from chargers.csms.gate import Gate, GateClosed


class Lab:
    """A database of identities that answers when it is told to."""

    def __init__(self, *identities: str) -> None:
        self.identities = set(identities)
        self.questions: list[list[str]] = []
        self.open = threading.Event()
        self.open.set()
        self.fail: Exception | None = None

    def known(self, asked: Collection[str]) -> set[str]:
        self.questions.append(sorted(asked))
        assert self.open.wait(10)
        if self.fail is not None:
            raise self.fail
        return self.identities & set(asked)


async def test_it_tells_who_is_a_charger_of_the_lab():
    gate = Gate(Lab("A", "B").known)
    assert [await gate.knows(identity) for identity in ("A", "X", "B")] == [True, False, True]


async def test_those_who_come_while_a_query_runs_share_the_next_one():
    lab = Lab("A", "B", "C")
    lab.open.clear()
    gate = Gate(lab.known)
    waiting = [asyncio.create_task(gate.knows("A"))]
    while not lab.questions:
        await asyncio.sleep(0.01)
    waiting += [asyncio.create_task(gate.knows(identity)) for identity in ("B", "C", "X", "B")]
    await asyncio.sleep(0)
    lab.open.set()
    assert await asyncio.gather(*waiting) == [True, True, True, False, True]
    assert lab.questions == [["A"], ["B", "C", "X"]]


async def test_it_closes_while_the_database_is_away_and_opens_again():
    lab = Lab("A")
    lab.fail = OperationalError("away")
    gate = Gate(lab.known)
    with pytest.raises(GateClosed):
        await gate.knows("A")
    lab.fail = None
    assert await gate.knows("A")


async def test_one_who_hangs_up_while_waiting_does_not_disturb_the_others():
    lab = Lab("A", "B")
    lab.open.clear()
    gate = Gate(lab.known)
    first, second = asyncio.create_task(gate.knows("A")), asyncio.create_task(gate.knows("B"))
    await asyncio.sleep(0.05)
    first.cancel()
    lab.open.set()
    assert await second is True


async def test_a_bug_in_the_look_up_leaves_nobody_waiting():
    lab = Lab("A")
    lab.fail = ZeroDivisionError()
    gate = Gate(lab.known)
    waiting = [asyncio.create_task(gate.knows(identity)) for identity in "AB"]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [GateClosed, GateClosed]
