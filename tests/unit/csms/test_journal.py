"""Transactions on their way into the database: many in one write, answered after it."""

import asyncio
import threading

import pytest
from django.db import OperationalError

from chargers.csms.journal import MAX_ENTRIES, Journal, NotKept
from chargers.csms.transactions import Entry, Transaction
from chargers.protocol import Version


def entry(station: str, number: str = "1", messages: int = 1) -> Entry:
    return Entry(station, Version.V16, Transaction(number, messages=messages).as_columns())


class Table:
    def __init__(self) -> None:
        self.writes: list[list[Entry]] = []
        self.open = threading.Event()
        self.open.set()
        self.fail: Exception | None = None

    def write(self, entries) -> None:
        assert self.open.wait(10)
        if self.fail is not None:
            raise self.fail
        self.writes.append(list(entries))


async def test_those_who_come_together_are_written_together():
    table = Table()
    journal = Journal(table.write)
    await asyncio.gather(*(journal.keep(entry(f"S{n}")) for n in range(100)))
    assert len(table.writes) == 1
    assert {one.station for one in table.writes[0]} == {f"S{n}" for n in range(100)}


async def test_nobody_is_answered_before_the_write_is_done():
    table = Table()
    table.open.clear()
    journal = Journal(table.write)
    waiting = asyncio.create_task(journal.keep(entry("A")))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    table.open.set()
    await asyncio.wait_for(waiting, 5)


async def test_one_write_has_each_transaction_once_as_it_was_last():
    table = Table()
    journal = Journal(table.write)
    await asyncio.gather(*(journal.keep(entry("A", messages=n)) for n in (1, 2, 3)), journal.keep(entry("A", "2")))
    assert [(one.columns["id"], one.columns["messages"]) for one in table.writes[0]] == [("1", 3), ("2", 1)]


async def test_a_write_is_bounded_and_the_rest_follows():
    table = Table()
    journal = Journal(table.write)
    await asyncio.gather(*(journal.keep(entry(f"S{n}")) for n in range(MAX_ENTRIES + 5)))
    assert [len(one) for one in table.writes] == [MAX_ENTRIES, 5]


async def test_while_the_database_is_away_nothing_is_promised_and_later_all_is_well():
    table = Table()
    table.fail = OperationalError("away")
    journal = Journal(table.write)
    answers = await asyncio.gather(*(journal.keep(entry(s)) for s in "AB"), return_exceptions=True)
    assert [type(one) for one in answers] == [NotKept, NotKept]
    table.fail = None
    await journal.keep(entry("A"))
    assert len(table.writes) == 1


async def test_a_bug_in_the_write_leaves_nobody_waiting():
    table = Table()
    table.fail = ZeroDivisionError()
    with pytest.raises(NotKept):
        await asyncio.wait_for(Journal(table.write).keep(entry("A")), 5)


async def test_one_who_hangs_up_while_waiting_does_not_disturb_the_others():
    table = Table()
    journal = Journal(table.write)
    first, second = asyncio.create_task(journal.keep(entry("A"))), asyncio.create_task(journal.keep(entry("B")))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert {one.station for one in table.writes[0]} == {"A", "B"}, "what was heard is kept, whoever waits for it"
