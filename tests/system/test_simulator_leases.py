"""Leases: who may take what, and who wins when two want it at once. Real connections side by side."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import uvloop
from django.utils import timezone

from chargers.models import Charger, ChargerMemory, SimulatorHost
from chargers.simulator.host import leases, machine
from chargers.simulator.host.database import Connection, Line
from chargers.simulator.host.leases import Fingerprint, LeaseLost
from chargers.simulator.host.specs import Lease
from tests.support.chargers import make_charger, make_chargers, make_host, snapshot

pytestmark = [pytest.mark.django_db(transaction=True)]
Work = Callable[[Connection], Any]


@pytest.fixture
def run() -> Iterator[Callable[..., Any]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.run


@pytest.fixture
def host() -> SimulatorHost:
    return make_host()


async def together(*works: Work) -> list[Any]:
    """Run each on a connection of its own, all at once; return results and exceptions."""
    lines = [Line(f"test {number}") for number in range(len(works))]
    try:
        return await asyncio.gather(
            *(line.run(work) for line, work in zip(lines, works, strict=True)), return_exceptions=True
        )
    finally:
        for line in lines:
            await line.close()


async def alone(work: Work) -> Any:
    (result,) = await together(work)
    if isinstance(result, BaseException):
        raise result
    return result


def test_a_claim_takes_the_oldest_wanted_ones_that_nobody_holds(organization, host, run):
    chargers = make_chargers(organization, 5)
    Charger.objects.filter(id=chargers[0].id).update(wanted=False)
    Charger.objects.filter(id=chargers[1].id).update(host=make_host("other"), lease_epoch=9)
    rows = run(alone(lambda connection: leases.claim(connection, host.id, 2)))
    assert {row.id for row in rows} == {chargers[2].id, chargers[3].id}
    assert {row.epoch for row in rows} == {1}
    assert set(Charger.objects.filter(host=host).values_list("id", flat=True)) == {row.id for row in rows}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"provisioning_status": "PENDING", "error_code": "x"}, ("READY", "")),
        ({"provisioning_status": "PROVISIONING", "error_code": "x"}, ("READY", "")),
        ({"provisioning_status": "FAILED", "error_code": "x"}, ("FAILED", "x")),
    ],
)
def test_a_claim_makes_ready_what_was_on_its_way_and_leaves_what_failed(organization, host, run, before, after):
    charger = make_charger(organization, **before)
    run(alone(lambda connection: leases.claim(connection, host.id, 10)))
    row = Charger.objects.get(id=charger.id)
    assert (row.provisioning_status, row.error_code) == after
    assert (row.provisioned_at is not None) == (after[0] == "READY")


def test_the_time_of_the_first_claim_is_kept(organization, host, run):
    long_ago = timezone.now() - timedelta(days=3)
    charger = make_charger(organization, provisioning_status="READY", provisioned_at=long_ago)
    run(alone(lambda connection: leases.claim(connection, host.id, 10)))
    assert Charger.objects.get(id=charger.id).provisioned_at == long_ago


@pytest.mark.parametrize("status", ["draining", "gone", None])
def test_a_host_that_is_not_live_takes_nothing(organization, host, run, status):
    make_charger(organization)
    if status:
        SimulatorHost.objects.update(status=status, gone_at=timezone.now() if status == "gone" else None)
    else:
        SimulatorHost.objects.all().delete()
    before = snapshot()
    with pytest.raises(LeaseLost):
        run(alone(lambda connection: leases.claim(connection, host.id, 10)))
    assert snapshot() == before


def test_hosts_that_claim_at_once_never_take_the_same(organization, run):
    make_chargers(organization, 300)
    hosts = [make_host(f"h{number}") for number in range(4)]

    def claims(host: SimulatorHost) -> Work:
        async def work(connection: Connection) -> list[int]:
            return [row.id for _ in range(5) for row in await leases.claim(connection, host.id, 20)]

        return work

    results = run(together(*(claims(host) for host in hosts)))
    taken = [charger_id for result in results for charger_id in result]
    assert len(taken) == len(set(taken)) == 300
    assert set(Charger.objects.values_list("lease_epoch", flat=True)) == {1}


def test_of_many_that_bury_a_silent_host_one_wins_and_its_chargers_are_free(organization, host, run):
    make_chargers(organization, 50, host=host, lease_epoch=3, connection_state="online")
    SimulatorHost.objects.update(beat_at=timezone.now() - timedelta(seconds=31))
    results = run(together(*[lambda connection: leases.bury_silent(connection, 30)] * 5))
    assert sorted(results) == [0, 0, 0, 0, 1]
    row = Charger.objects.first()
    assert row is not None
    assert (row.host, row.connection_state, row.lease_epoch) == (None, "offline", 3)
    assert row.connection_error == "its simulator host was silent for more than 30 s"
    assert Charger.objects.filter(host=None, connection_state="offline").count() == 50


def test_a_host_that_beats_in_the_last_moment_is_not_buried(organization, host, run):
    make_charger(organization, host=host, lease_epoch=1)
    SimulatorHost.objects.update(beat_at=timezone.now() - timedelta(seconds=31))

    async def scenario() -> Any:
        saved = asyncio.Event()

        async def beat(connection: Connection) -> bool:
            alive = await leases.beat(connection, host.id)
            saved.set()
            await asyncio.sleep(0.3)  # the undertaker waits for this row meanwhile
            return alive

        async def undertake(connection: Connection) -> int:
            await saved.wait()
            return await leases.bury_silent(connection, 30)

        return await together(beat, undertake)

    assert run(scenario()) == [True, 0]
    assert Charger.objects.get().host == host


def test_burying_waits_for_a_claim_in_flight_and_frees_what_it_took(organization, host, run):
    make_chargers(organization, 10)
    SimulatorHost.objects.update(beat_at=timezone.now() - timedelta(seconds=31))

    async def scenario() -> Any:
        taken = asyncio.Event()

        async def claim(connection: Connection) -> int:
            rows = await leases.claim(connection, host.id, 10)
            taken.set()
            await asyncio.sleep(0.3)
            return len(rows)

        async def undertake(connection: Connection) -> int:
            await taken.wait()
            return await leases.bury_silent(connection, 30)

        return await together(claim, undertake)

    assert run(scenario()) == [10, 1]
    assert Charger.objects.filter(host=None, wanted=True).count() == 10


def test_a_buried_host_hears_that_it_is_none(host, run):
    run(alone(lambda connection: leases.bury(connection, [host.id], "why")))
    assert run(alone(lambda connection: leases.beat(connection, host.id))) is False
    row = SimulatorHost.objects.get()
    assert (row.status, row.gone_at is None) == ("gone", False)


def test_only_the_own_lease_of_the_own_epoch_is_given_back(organization, host, run):
    mine, newer, other = make_chargers(organization, 3, host=host, lease_epoch=2)
    Charger.objects.filter(id=newer.id).update(lease_epoch=3)
    Charger.objects.filter(id=other.id).update(host=make_host("other"))
    held = {charger.id: 2 for charger in (mine, newer, other)}
    run(alone(lambda connection: leases.release(connection, host.id, held, "stopped")))
    assert list(Charger.objects.filter(host=None)) == [mine]


def test_what_a_moved_charger_left_is_told_once(organization, run):
    moved, other = make_chargers(organization, 2)
    now = timezone.now()
    ChargerMemory.objects.create(charger=moved, lease_epoch=1, state={"at": 1, "moving": {"timers": {}}}, at=now)
    ChargerMemory.objects.create(charger=other, lease_epoch=1, state={"at": 2}, at=now)

    def asked() -> dict[int, Any]:
        found = run(alone(lambda connection: leases.memories(connection, [moved.id, other.id])))
        return {charger_id: json.loads(text) for charger_id, text in found.items()}

    assert asked() == {moved.id: {"at": 1, "moving": {"timers": {}}}, other.id: {"at": 2}}
    assert asked() == {moved.id: {"at": 1}, other.id: {"at": 2}}


def test_the_fingerprint_moves_with_everything_that_a_host_must_notice(organization, host, run):
    chargers = make_chargers(organization, 4, host=host, lease_epoch=1, revision=2)

    def taken() -> Fingerprint:
        return run(alone(lambda connection: leases.fingerprint(connection, host.id)))  # type: ignore[no-any-return]

    assert taken() == Fingerprint(4, 8, 0, 0)
    Charger.objects.filter(id=chargers[0].id).update(revision=3)
    assert taken() == Fingerprint(4, 9, 0, 0)
    Charger.objects.filter(id=chargers[1].id).update(wanted=False)
    assert taken() == Fingerprint(4, 9, 1, 0)
    for level in ("none", "transactions"):
        Charger.objects.filter(id=chargers[0].id).update(message_log=level)
        weight = Lease(chargers[0].id, 1, 3, "", None, message_log=level).log_weight
        assert weight > 0
        assert taken() == Fingerprint(4, 9, 1, weight)
    Charger.objects.filter(id=chargers[0].id).update(message_log="all")
    chargers[2].delete()
    assert taken() == Fingerprint(3, 7, 1, 0)
    Charger.objects.filter(id=chargers[3].id).update(host=None)
    assert taken() == Fingerprint(2, 5, 1, 0)


def test_registering_forgets_hosts_that_are_long_gone_and_nobody_points_to(organization, run):
    past = timezone.now() - timedelta(days=8)
    make_host("old", status="gone", gone_at=past)
    make_host("recent", status="gone", gone_at=timezone.now())
    held = make_host("held", status="gone", gone_at=past)
    make_charger(organization, host=held)
    run(
        alone(
            lambda connection: leases.register(
                connection, host_id=uuid.uuid4(), name="new", machine="m", pid=1, capacity=5
            )
        )
    )
    assert set(SimulatorHost.objects.values_list("name", flat=True)) == {"recent", "held", "new"}


def test_a_process_is_known_to_have_ended_when_it_is_gone_a_zombie_or_us():
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    assert not machine.has_ended(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie now
    assert machine.has_ended(child.pid)
    child.communicate()
    assert machine.has_ended(child.pid)
    assert machine.has_ended(os.getpid())
    assert not machine.has_ended(1)


def test_the_machine_is_the_same_for_its_processes():
    code = "from chargers.simulator.host.machine import machine_id; print(machine_id())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == machine.machine_id()
    assert len(machine.machine_id()) <= 100
