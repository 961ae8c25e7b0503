"""The comparison of two books finds each way in which they can disagree (tests/support/books.py)."""

from dataclasses import replace

import pytest

from chargers.simulator.effects import MessageAccepted, TransactionSampled, TransactionStarted, TransactionStopped
from tests.support.books import Seen, compare, lived

AT = 1_700_000_000.123
EVENTS = [
    TransactionStarted("k", 1, "TAG", AT, 100, offline=False),
    MessageAccepted("k", "StartTransaction", 1, AT, AT, "7"),
    TransactionSampled("k", AT + 60, 200),
    MessageAccepted("k", "MeterValues", 2, AT + 60, AT + 60, "7"),
    TransactionStopped("k", AT + 90, 300, "Local", offline=False),
    MessageAccepted("k", "StopTransaction", 3, AT + 90, AT + 90, "7"),
]
THERE = Seen("7", 1, "TAG", AT, 100, AT + 90, 300, "Local", samples=1, last_wh=200)


def test_books_that_agree_agree_even_when_events_come_again():
    assert compare(lived(EVENTS), [THERE]) == []
    assert compare(lived(EVENTS + EVENTS), [THERE]) == []


@pytest.mark.parametrize(
    "there",
    [
        [],
        [THERE, THERE],
        [THERE, replace(THERE, id="8", started_at=AT + 1)],
        [replace(THERE, id="8")],
        [replace(THERE, connector=2)],
        [replace(THERE, tag="OTHER")],
        [replace(THERE, started_at=AT + 0.002)],
        [replace(THERE, meter_start=101)],
        [replace(THERE, stopped_at=AT + 91)],
        [replace(THERE, stopped_at=None, meter_stop=None, reason=None)],
        [replace(THERE, meter_stop=301)],
        [replace(THERE, reason="Remote")],
        [replace(THERE, samples=0)],
        [replace(THERE, disorders=1)],
    ],
    ids=repr,
)
def test_each_disagreement_of_the_csms_is_found(there):
    assert compare(lived(EVENTS), there) != []


@pytest.mark.parametrize("without", [1, 5])
def test_a_message_that_was_never_accepted_is_found(without):
    events = [event for number, event in enumerate(EVENTS) if number != without]
    assert compare(lived(events), [THERE]) != []


def test_messages_that_were_accepted_out_of_order_are_found():
    assert compare(lived([*EVENTS[:3], EVENTS[4], EVENTS[5], EVENTS[3]]), [THERE]) != []


def test_a_transaction_that_only_the_charger_stopped_is_found():
    assert compare(lived(EVENTS[:5]), [replace(THERE, stopped_at=None, meter_stop=None, reason=None)]) != []
