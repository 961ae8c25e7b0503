"""The keeper against a real database: under the lease only, once only, and whatever a CSMS put into it."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import uvloop

from chargers.models import Charger, ChargerMemory, Command, SimulatorHost, Transaction, TransactionMessage
from chargers.simulator.effects import (
    LedgerEvent,
    MessageAccepted,
    MessageDropped,
    TransactionSampled,
    TransactionStarted,
    TransactionStopped,
)
from chargers.simulator.host import keeper as keeping
from chargers.simulator.host import leases
from chargers.simulator.host.database import Line
from chargers.simulator.host.keeper import Keeper
from chargers.simulator.host.text import writable_json
from ocpplab.common.database import parameters
from tests.support.chargers import make_charger, make_chargers, make_host
from tests.support.host import Cable
from tests.support.processes import database_url

pytestmark = [pytest.mark.django_db(transaction=True)]
KEY = str(uuid.UUID(int=7))
AT = datetime(2026, 5, 4, 8, 0, tzinfo=UTC).timestamp()


@pytest.fixture
def run() -> Iterator[Callable[..., Any]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.run


@pytest.fixture
def host() -> SimulatorHost:
    return make_host()


@pytest.fixture
def charger(organization, host) -> Charger:
    return make_charger(organization, host=host, lease_epoch=3)


def started(key: str = KEY, **changes: Any) -> TransactionStarted:
    values = {"key": key, "connector": 1, "id_tag": "TAG", "at": AT, "meter_start": 100, "offline": False}
    return TransactionStarted(**values | changes)


def keep(host: SimulatorHost, *news: tuple[int, int, Any, list[LedgerEvent]]) -> Callable[[], Any]:
    """Keep news (charger id, epoch, memory or None, events) and flush after each."""

    async def scenario() -> None:
        keeper = Keeper()
        keeper.host_id = host.id
        try:
            for charger_id, epoch, memory, events in news:
                text = "" if memory is None else writable_json(memory)
                keeper.keep(charger_id, epoch, at=AT, news=events, memory=text, then=None)
                await keeper.flush()
        finally:
            await keeper.close()

    return scenario


def test_memory_and_ledger_are_written_and_the_newest_memory_stays(charger, host, run):
    stop = TransactionStopped(KEY, AT + 60, 900, "Local", offline=True)
    events = [started(), TransactionSampled(KEY, AT + 5, 150), TransactionSampled(KEY, AT + 9, 400)]
    run(keep(host, (charger.id, 3, {"a": 1}, events), (charger.id, 3, {"a": 2}, [stop]))())
    memory = ChargerMemory.objects.get()
    assert (memory.charger_id, memory.lease_epoch, memory.state) == (charger.id, 3, {"a": 2})
    row = Transaction.objects.get()
    assert (row.charger_id, row.connector, row.id_tag, row.state) == (charger.id, 1, "TAG", "stopped")
    assert (row.meter_start, row.meter_wh, row.meter_stop, row.reason) == (100, 900, 900, "Local")
    assert (row.started_offline, row.stopped_offline) == (False, True)
    assert (row.stopped_at - row.started_at).total_seconds() == 60  # type: ignore[operator]


def test_the_same_news_again_change_nothing_and_a_register_never_falls(charger, host, run):
    sample = TransactionSampled(KEY, AT + 9, 400)
    accepted = MessageAccepted(KEY, "StartTransaction", 1, AT, AT + 1, "55")
    first = [started(), sample, accepted, MessageDropped(KEY, "MeterValues", 2, AT + 5, "thinned")]
    again = [started(meter_start=1), TransactionSampled(KEY, AT + 10, 300), accepted]
    run(keep(host, (charger.id, 3, None, first), (charger.id, 3, None, again), (charger.id, 3, None, first))())
    row = Transaction.objects.get()
    assert (row.meter_start, row.meter_wh, row.csms_id) == (100, 400, "55")
    messages = [(one.action, one.dropped, one.accepted_at is None) for one in TransactionMessage.objects.all()]
    assert messages == [("StartTransaction", "", False), ("MeterValues", "thinned", True)]


def test_what_was_accepted_after_all_is_not_dropped_and_stays_accepted(charger, host, run):
    accepted = MessageAccepted(KEY, "MeterValues", 2, AT, AT + 1, None)
    dropped = MessageDropped(KEY, "MeterValues", 2, AT, "attempts")
    for order in ([dropped, accepted], [accepted, dropped]):
        key = str(uuid.uuid4())
        events = [type(event)(key, *(getattr(event, name) for name in event.__slots__[1:])) for event in order]
        news = [(charger.id, 3, None, [started(key)])] + [(charger.id, 3, None, [event]) for event in events]
        run(keep(host, *news)())
        message = TransactionMessage.objects.get(transaction_id=key)
        assert (message.dropped, message.accepted_at is not None) == ("", True)


def test_a_start_that_is_accepted_again_with_another_number_has_the_new_one(charger, host, run):
    numbers = [MessageAccepted(KEY, "StartTransaction", 1, AT, AT + 1, number) for number in ("5", "6", None)]
    run(keep(host, (charger.id, 3, None, [started()]), *((charger.id, 3, None, [one]) for one in numbers))())
    assert Transaction.objects.get().csms_id == "6"


@pytest.mark.parametrize("loss", ["epoch", "host", "released", "deleted", "buried"])
def test_nothing_is_written_under_a_lease_that_is_over(charger, host, run, loss):
    command = Command.objects.create(charger=charger, kind="x", status="running", host_id=host.id, lease_epoch=3)
    match loss:
        case "epoch":
            Charger.objects.update(lease_epoch=4)
        case "host":
            Charger.objects.update(host=make_host("other"))
        case "released":
            Charger.objects.update(host=None)
        case "deleted":
            Charger.objects.all().delete()
        case "buried":
            SimulatorHost.objects.update(status="gone", gone_at=datetime.now(UTC))
    run(keep(host, (charger.id, 3, {"a": 1}, [started()]))())
    assert (ChargerMemory.objects.count(), Transaction.objects.count()) == (0, 0)
    command.refresh_from_db()
    assert command.status == "running"


def test_who_buries_a_host_waits_until_its_news_are_written(charger, host, run):
    async def scenario() -> list[str]:
        order: list[str] = []
        writer, digger = Line("writer"), Line("digger")

        async def write(connection: Any) -> None:
            await connection.execute("SELECT FROM chargers_simulatorhost WHERE id = %s FOR SHARE", [host.id])
            digging = asyncio.ensure_future(digger.run(lambda connection: leases.bury(connection, [host.id], "test")))
            digging.add_done_callback(lambda _: order.append("buried"))
            await asyncio.sleep(0.3)
            order.append("written")

        await writer.run(write)
        await asyncio.sleep(0.3)
        await writer.close()
        await digger.close()
        return order

    assert run(scenario()) == ["written", "buried"]


@pytest.mark.parametrize(
    "poison",
    [
        started("no uuid"),
        started(at=1e30),
        started(at=float("nan")),
        started(connector=2**40),
        started(meter_start=2**70),
        started(reservation_id=2**70),
    ],
    ids=repr,
)
def test_what_the_database_refuses_of_one_charger_costs_no_other_anything(organization, host, run, poison):
    chargers = make_chargers(organization, 5, host=host, lease_epoch=3)

    async def scenario() -> None:
        keeper = Keeper()
        keeper.host_id = host.id
        for number, charger in enumerate(chargers):
            event = poison if number == 2 else started(str(uuid.uuid4()))
            keeper.keep(charger.id, 3, at=AT, news=[event], memory='{"n": 1}', then=None)
        await keeper.flush()
        await keeper.close()

    run(scenario())
    assert Transaction.objects.count() == 4
    assert ChargerMemory.objects.exclude(charger=chargers[2]).count() == 4


def test_texts_that_no_database_holds_are_cleaned(charger, host, run):
    bad = {"list": ["\x00", "\ud800", {"k\x00": "é 🔌"}], "n": 1.5}
    run(keep(host, (charger.id, 3, bad, [started(id_tag="A\x00B\udc00")]))())
    assert ChargerMemory.objects.get().state == {"list": ["\ufffd", "?", {"k\ufffd": "é 🔌"}], "n": 1.5}
    assert Transaction.objects.get().id_tag == "A\ufffdB?"


def test_an_outcome_is_written_once_and_not_over_a_lost_one(charger, host, run):
    columns = {"charger": charger, "kind": "x", "host_id": host.id, "lease_epoch": 3}
    running = Command.objects.create(status="running", **columns)
    lost = Command.objects.create(status="lost", outcome={"code": "host_lost"}, settled_at=datetime.now(UTC), **columns)

    async def scenario() -> None:
        keeper = Keeper()
        keeper.host_id = host.id
        for ok, code in ((True, "accepted"), (False, "late")):
            for command in (running, lost):
                keeper.outcome(charger.id, 3, command.id, ok=ok, code=code, data={"big": "x" * 2_000_000 * (not ok)})
            await keeper.flush()
        await keeper.close()

    run(scenario())
    running.refresh_from_db()
    lost.refresh_from_db()
    assert (running.status, running.outcome) == ("done", {"code": "accepted", "data": {"big": ""}})
    assert (lost.status, lost.outcome) == ("lost", {"code": "host_lost"})


def test_who_waits_is_told_when_it_is_on_the_disk_or_when_there_is_no_lease(charger, host, run):
    async def scenario() -> None:
        keeper = Keeper()
        keeper.host_id = host.id
        task = asyncio.ensure_future(keeper.run())
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0.3)
        for number in range(10):
            done = asyncio.Event()
            tell = lambda done=done: loop.call_soon_threadsafe(done.set)  # noqa: E731
            keeper.keep(charger.id, 3, at=AT, news=[], memory=f'{{"n": {number}}}', then=tell)
            await asyncio.wait_for(done.wait(), 5)
            with await asyncio.to_thread(psycopg.connect, **parameters()) as connection:
                row = connection.execute("SELECT state FROM chargers_chargermemory").fetchone()
            assert row == ({"n": number},)
        task.cancel()
        await asyncio.wait([task])
        keeper.host_id = None
        told = []
        keeper.keep(charger.id, 3, at=AT, news=[], memory="{}", then=lambda: told.append(1))
        assert told == [1]
        await keeper.close()

    run(scenario())


def test_who_waits_is_not_told_while_the_database_is_away(charger, host, run, monkeypatch, settings):
    with Cable(database_url()) as cable:
        monkeypatch.setitem(settings.DATABASES["default"], "PORT", cable.url.rpartition(":")[2].partition("/")[0])

        async def scenario() -> None:
            keeper = Keeper()
            keeper.host_id = host.id
            task = asyncio.ensure_future(keeper.run())
            cable.cut()
            told = asyncio.Event()
            loop = asyncio.get_running_loop()
            tell = lambda: loop.call_soon_threadsafe(told.set)  # noqa: E731
            keeper.keep(charger.id, 3, at=AT, news=[], memory='{"n": 1}', then=tell)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(told.wait(), 3)
            cable.mend()
            await asyncio.wait_for(told.wait(), 20)
            task.cancel()
            await asyncio.wait([task])
            await keeper.close()

        run(scenario())
    assert ChargerMemory.objects.get().state == {"n": 1}


def test_who_waits_under_a_lease_that_is_over_is_never_told(charger, host, run):
    SimulatorHost.objects.update(status="gone", gone_at=datetime.now(UTC))

    async def scenario() -> None:
        keeper, told = Keeper(), []
        keeper.host_id = host.id
        keeper.keep(charger.id, 3, at=AT, news=[], memory='{"n": 1}', then=lambda: told.append(1))
        await keeper.flush()
        assert told == []
        await keeper.close()

    run(scenario())
    assert not ChargerMemory.objects.exists()


def test_a_batch_that_a_slow_database_cannot_take_in_time_is_halved(organization, host, run, monkeypatch):
    """Here a database takes 0.2 s for each charger, and a transaction may last 1 s."""
    chargers = make_chargers(organization, 16, host=host, lease_epoch=3)
    write_all, sizes = keeping._write_all, []

    async def slowly(connection: Any, bundles: dict[Any, Any]) -> None:
        sizes.append(len(bundles))
        await asyncio.sleep(0.2 * len(bundles))
        await write_all(connection, bundles)

    monkeypatch.setattr(keeping, "_write_all", slowly)
    monkeypatch.setattr(keeping, "TIMEOUT", 1.0)
    monkeypatch.setattr(keeping, "BATCH", 16)

    async def scenario() -> None:
        keeper = Keeper()
        keeper.host_id = host.id
        for one in chargers:
            keeper.keep(one.id, 3, at=AT, news=[], memory='{"n": 1}', then=None)
        for _ in range(20):
            try:
                await keeper.flush()
            except TimeoutError:
                continue
            break
        await keeper.close()

    run(scenario())
    assert sizes[:3] == [16, 8, 4]
    assert ChargerMemory.objects.count() == 16


def test_a_thousand_chargers_in_one_breath_are_written_by_one_flush(organization, host, run):
    chargers = make_chargers(organization, 1000, host=host, lease_epoch=3)

    async def scenario() -> None:
        keeper = Keeper()
        keeper.host_id = host.id
        await keeper.flush()
        for charger in chargers:
            key = str(uuid.uuid4())
            events = [started(key), TransactionSampled(key, AT, 120), MessageAccepted(key, "a", 1, AT, AT, "1")]
            keeper.keep(charger.id, 3, at=AT, news=events, memory='{"n": "' + "x" * 2000 + '"}', then=None)
        await keeper.flush()
        await keeper.close()

    run(scenario())
    assert Transaction.objects.count() == ChargerMemory.objects.count() == 1000
