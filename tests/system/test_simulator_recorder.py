"""The recorder against a real PostgreSQL, which goes away, comes back, and refuses rows."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import uvloop
from django.db import connection, transaction

from chargers.models import Charger, Message, SimulatorHost
from chargers.simulator.effects import ConnectionState, Direction
from chargers.simulator.host import recorder as recording
from chargers.simulator.host.database import TROUBLE
from chargers.simulator.host.recorder import Recorder
from ocpplab.accounts.models import Organization
from ocpplab.common.database import parameters
from tests.support.chargers import make_charger, make_host
from tests.support.host import Cable
from tests.support.processes import database_url
from tests.support.races import Elsewhere
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True)]
AT = 1_700_000_000.25


@pytest.fixture
def run() -> Iterator[Callable[..., Any]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.run


@pytest.fixture
def host() -> SimulatorHost:
    return make_host()


@pytest.fixture
def charger(organization: Organization, host: SimulatorHost) -> Charger:
    return make_charger(organization, host=host, lease_epoch=5)


async def recorded(*steps: Callable[[Recorder], None], host_id: uuid.UUID | None = None) -> Recorder:
    """Do the steps on a fresh recorder and flush it."""
    recorder = Recorder()
    recorder.host_id = host_id
    for step in steps:
        step(recorder)
    await recorder.flush()
    await recorder.close()
    return recorder


def say(charger_id: int, message: str, action: str = "Heartbeat") -> Callable[[Recorder], None]:
    return lambda recorder: recorder.message(charger_id, AT, Direction.TO_CSMS, action, message)


def stand(charger_id: int, state: ConnectionState, detail: str = "", epoch: int = 5) -> Callable[[Recorder], None]:
    return lambda recorder: recorder.state(charger_id, epoch, state, detail, AT)


def test_it_locks_chargers_in_one_order_so_that_a_request_for_several_meets_no_deadlock(organization, host, run):
    first, second = (make_charger(organization, host=host, lease_epoch=5) for _ in range(2))
    Charger.objects.filter(pk=first.pk).update(name="its row lies behind the other's now")
    steps = [stand(charger.id, ConnectionState.ONLINE) for charger in (second, first)]
    with transaction.atomic():
        Charger.objects.select_for_update().get(pk=first.pk)
        flush = Elsewhere(lambda: run(recorded(*steps, host_id=host.id)))
        eventually(_somebody_waits, what="the recorder waits for the first charger")
        Charger.objects.select_for_update(nowait=True).get(pk=second.pk)
    flush.result()
    assert set(Charger.objects.values_list("connection_state", flat=True)) == {"online"}


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_it_writes_messages_in_their_order(charger, run):
    run(recorded(*(say(charger.id, str(number)) for number in range(5000))))
    rows = Message.objects.filter(charger=charger).order_by("id")
    assert [row.message for row in rows] == [str(number) for number in range(5000)]
    assert (rows[0].at, rows[0].direction, rows[0].action) == (
        datetime.fromtimestamp(AT, UTC),
        "cp_to_csms",
        "Heartbeat",
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\x00", "\ufffd"),
        ('{"a":"\\u0000"}', '{"a":"\\u0000"}'),
        ("half \ud800 pair", "half ? pair"),
        ("tab\tnew\nline\\N \\. é 😀", "tab\tnew\nline\\N \\. é 😀"),
        ("", ""),
    ],
)
def test_it_writes_whatever_a_frame_may_hold(charger, run, text, kept):
    run(recorded(say(charger.id, text, action=text), say(charger.id, "next")))
    rows = list(Message.objects.order_by("id"))
    assert [(row.action, row.message) for row in rows] == [(kept, kept), ("Heartbeat", "next")]


def test_it_cuts_what_is_too_long(charger, run):
    run(
        recorded(
            say(charger.id, "x" * 1_000_000, action="A" * 1000),
            stand(charger.id, ConnectionState.OFFLINE, "y" * 1000),
            host_id=charger.host_id,
        )
    )
    row = Message.objects.get()
    assert row.message.endswith("… [900000 more characters]")
    assert row.action == "A" * 50
    assert Charger.objects.get().connection_error == "y" * 500


def test_a_row_that_the_database_refuses_costs_only_itself(charger, run, caplog):
    steps = [say(charger.id, str(number)) for number in range(50)]
    steps.insert(20, say(2**70, "no such bigint"))
    run(recorded(*steps))
    assert Message.objects.count() == 50
    assert "message_refused" in caplog.text


def test_it_writes_the_last_state_of_each_charger_under_its_own_lease(charger, run):
    run(
        recorded(
            stand(charger.id, ConnectionState.CONNECTING),
            stand(charger.id, ConnectionState.ONLINE),
            host_id=charger.host_id,
        )
    )
    row = Charger.objects.get()
    assert (row.connection_state, row.connection_error) == ("online", "")
    assert row.connection_changed_at == datetime.fromtimestamp(AT, UTC)


@pytest.mark.parametrize("fault", ["epoch", "host", "no host"])
def test_it_writes_no_state_under_a_lease_that_is_not_its_own(charger, run, fault):
    epoch = 4 if fault == "epoch" else 5
    host_id = {"host": uuid.uuid4(), "no host": None}.get(fault, charger.host_id)
    run(recorded(stand(charger.id, ConnectionState.ONLINE, epoch=epoch), host_id=host_id))
    assert Charger.objects.get().connection_state == "offline"


def test_it_writes_the_messages_of_a_charger_that_was_deleted_meanwhile(charger, run):
    Charger.objects.all().delete()
    run(recorded(say(charger.id, "last words"), stand(charger.id, ConnectionState.OFFLINE), host_id=charger.host_id))
    assert Message.objects.get().message == "last words"


def test_nothing_is_lost_while_the_database_is_away_and_sessions_never_wait(charger, run, monkeypatch, settings):
    with Cable(database_url()) as cable:
        monkeypatch.setitem(settings.DATABASES["default"], "PORT", cable.url.rpartition(":")[2].partition("/")[0])
        assert parameters()["port"] != ""

        async def scenario() -> None:
            recorder = Recorder()
            recorder.host_id = charger.host_id
            task = asyncio.ensure_future(recorder.run())
            for number in range(400):
                if number == 100:
                    cable.cut()
                if number == 300:
                    cable.mend()
                began = time.monotonic()
                recorder.message(charger.id, AT, Direction.TO_CSMS, "Heartbeat", str(number))
                recorder.state(charger.id, 5, ConnectionState.ONLINE, str(number), AT)
                assert time.monotonic() - began < 0.05
                await asyncio.sleep(0.005)
            async with asyncio.timeout(20):
                while recorder._rows or recorder._news or recorder._states:
                    await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.wait([task])
            await recorder.flush()
            await recorder.close()

        run(scenario())
    assert list(Message.objects.order_by("id").values_list("message", flat=True)) == [str(n) for n in range(400)]
    assert Charger.objects.get().connection_error == "399"


def test_what_does_not_fit_is_counted_and_told(charger, run, monkeypatch, settings, caplog):
    monkeypatch.setattr(recording, "MAX_ROWS", 10)
    port = settings.DATABASES["default"]["PORT"]

    async def scenario() -> None:
        recorder = Recorder()
        monkeypatch.setitem(settings.DATABASES["default"], "PORT", "1")
        for number in range(25):
            recorder.message(charger.id, AT, Direction.TO_CSMS, "Heartbeat", str(number))
        with pytest.raises(TROUBLE):
            await recorder.flush()
        monkeypatch.setitem(settings.DATABASES["default"], "PORT", port)
        await recorder.flush()
        await recorder.close()
        assert recorder._taken_in == recorder._written

    run(scenario())
    assert Message.objects.count() == 10
    assert "messages_dropped" in caplog.text
    assert "'count': 15" in caplog.text or "count=15" in caplog.text


def test_no_secret_of_a_batch_reaches_the_database(run, charger):
    plain = '[3, "1", {"currentTime":"2024-01-01T00:00:00Z"}]'
    frames = [
        plain,
        '[2,"2","ChangeConfiguration",{"key":"AuthorizationKey","value":"s3cret"}]',
        '[2,"3","GetDiagnostics",{"location":"ftp://user:s3cret@h/"',
        '[2,"4","ChangeConfiguration",{"key":"AuthorizationKey","value":"' + "s3cret" * 20_000 + '"}]',
        '[2,"5","GetDiagnostics",{"location":"ftp://user:' + "s3cret" * 20_000 + '@h/"}]',
        '[2,"6","ChangeConfiguration",{"value":"s3cret","x":"' + "x" * 120_000 + '","key":"AuthorizationKey"}]',
        '[3,"7",{"l":"http://u:s3cret@h/","x":' + "[" * 300 + "]" * 300 + "}]",
        '[3,"8",{"l":"http://u:s3cret@h/","x":' + "[" * 1_000 + "]" * 1_000 + "}]",
    ]
    recorder = run(recorded(*(say(charger.pk, frame) for frame in frames)))
    assert recorder.written == len(frames)
    kept = list(Message.objects.order_by("pk").values_list("message", flat=True))
    assert kept[0] == plain
    assert not any("s3cret" in message for message in kept)
    assert ["(hidden)" in message for message in kept[:6]] == [False, True, True, True, True, True]
    assert kept[5].endswith("more characters]")
