"""The judge of the chaos itself: it must notice what it is there to notice."""

import socket
from collections.abc import Iterator

import pytest
from django.db.models import F
from websockets.sync.client import ClientConnection, connect

from chargers.models import Charger, Transaction, TransactionMessage
from tests.chaos.charging import all_charge
from tests.support.chaos.auditor import charging_has_ended, complaints, everything_is_well, past_complaints
from tests.support.chaos.csms import Csms
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.system]

HEARTBEAT = '[2,"1","Heartbeat",{}]'
START = '[2,"%s","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":%d,"timestamp":"2026-01-01T00:00:00Z"}]'


def dial(csms: Csms) -> ClientConnection:
    return connect(f"{csms.url}/A1", subprotocols=["ocpp1.6"], proxy=None, close_timeout=0.1, ping_interval=None)


@pytest.fixture
def first(csms: Csms) -> Iterator[ClientConnection]:
    with dial(csms) as connection:
        yield connection


def test_who_connects_twice_is_noticed_and_so_is_what_the_older_connection_says(csms, first):
    assert past_complaints(csms.view()) == []
    with dial(csms) as second:
        second.send(HEARTBEAT)
        second.recv(timeout=10)
        assert csms.view().sockets == {"A1": 2}
        (overlap,) = past_complaints(csms.view())
        assert overlap.startswith("connected twice")
        assert past_complaints(csms.view(), frozen=True) == []
        first.send(HEARTBEAT)
        first.recv(timeout=10)
        (voice,) = past_complaints(csms.view(), frozen=True)
        assert voice.startswith("it said this")


def test_who_has_hung_up_may_connect_again_at_once(csms):
    for _ in range(20):
        with dial(csms) as connection:
            connection.socket.shutdown(socket.SHUT_RDWR)  # no closing handshake: as a process that is killed
    assert past_complaints(csms.view()) == []
    assert csms.view().opened == 20


def test_a_message_that_comes_again_is_one_and_another_is_another(csms, first):
    for number, meter in enumerate((5, 5, 6)):
        first.send(START % (number, meter))
        first.recv(timeout=10)
    assert [one["start"]["meterStart"] for one in csms.books()["A1"]] == [5, 6]


def test_books_that_differ_are_noticed(make_stack):
    stack = make_stack(parts=("simulator-1",))
    chargers = stack.fleet(3)
    all_charge(stack, chargers)
    charging_has_ended(stack)
    everything_is_well(stack, chargers=3)

    def found(*words: str) -> bool:
        (one, *_) = complaints(stack, stack.csms.view(), chargers=3)
        return all(word in one for word in words)

    Transaction.objects.filter(charger=chargers[0]).update(meter_stop=F("meter_stop") + 1)
    assert found("F000", "meter_stop")
    Transaction.objects.filter(charger=chargers[0]).update(meter_stop=F("meter_stop") - 1)
    message = TransactionMessage.objects.filter(transaction__charger=chargers[1], sequence=2)
    message.update(accepted_at=None)
    assert found("F001", "dropped")
    Transaction.objects.filter(charger=chargers[2]).delete()
    message.update(accepted_at=F("at"))
    assert found("F002", "never lived")


def test_a_fleet_that_is_not_whole_is_noticed(make_stack):
    stack = make_stack(parts=("simulator-1",))
    stack.fleet(2)
    assert complaints(stack, stack.csms.view(), chargers=2) == []
    assert complaints(stack, stack.csms.view(), chargers=3) == ["there are 2 chargers, not 3"]
    stack.kill("simulator-1")
    eventually(lambda: stack.csms.view().sockets == {}, what="all are gone")
    wrong = complaints(stack, stack.csms.view(), chargers=2)
    assert [line for line in wrong if "F001" in line] == ["F001 has 0 connections"]
    Charger.objects.filter(identity="F001").update(connection_state="offline")
    assert any("F001 is ('offline'" in line for line in complaints(stack, stack.csms.view(), chargers=2))
