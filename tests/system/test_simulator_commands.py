"""Commands on their way from a service to real simulator processes and back."""

import asyncio
import signal
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from chargers.errors import ChargerNotRunning
from chargers.models import Charger, Command, SimulatorHost
from chargers.services.commands import Outcome, command_send, commands_fan_out, commands_lose_orphans
from chargers.simulator.host import orders
from chargers.simulator.host.database import Line
from ocpplab.accounts.models import Organization
from tests.support.bad_csms import BadCsms
from tests.support.chargers import make_charger, make_chargers, make_host
from tests.support.host import Cable, states
from tests.support.processes import Processes
from tests.support.reference_csms import ReferenceCsms
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system]
QUICK = {"HOST_BEAT_INTERVAL": "1", "HOST_DEAD_AFTER": "4"}


@pytest.fixture
def csms() -> Iterator[ReferenceCsms]:
    with ReferenceCsms() as server:
        yield server


def online(count: int) -> None:
    eventually(lambda: states() == {"online": count}, timeout=60)


def send(charger: Charger, kind: str, *, wait: float | None = 5.0, **data: Any) -> Outcome:
    return command_send(charger=charger, kind=kind, data=data, wait=wait)


def test_an_order_is_carried_out_and_its_outcome_comes_back(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    (charger,) = make_chargers(organization, 1, ws_url=csms.url)
    processes.simulator()
    online(1)
    plugged = send(charger, "plug", connector=1)
    assert (plugged.status, plugged.code, plugged.ok) == ("done", "accepted", True)
    csms.station(charger.identity).wait_for("StatusNotification", 3)
    refused = send(charger, "plug", connector=9)
    assert (refused.status, refused.code, refused.ok) == ("failed", "unknown_connector", False)
    assert send(charger, "no_such_order").code == "unknown_intent"
    assert send(charger, "state").data["connectors"][0]["status"] == "Preparing"
    row = Command.objects.get(id=plugged.command_id)
    assert (row.kind, row.payload) == ("plug", {"connector": 1})
    assert row.taken_at is not None
    assert row.settled_at is not None


def test_many_who_wait_at_the_same_time_each_get_their_own_outcome(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    chargers = make_chargers(organization, 8, ws_url=csms.url)
    processes.simulator()
    online(8)

    def one(number: int) -> tuple[str, str]:
        try:
            outcome = send(chargers[number % 8], "set_configuration", configuration={"MeterValueSampleInterval": "7"})
            return outcome.code, Command.objects.get(id=outcome.command_id).charger.identity
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(one, range(48)))
    assert results == [("accepted", chargers[number % 8].identity) for number in range(48)]


@pytest.mark.parametrize("state", ["stopped", "unclaimed", "host is gone", "host is silent", "host drains", "deleted"])
@pytest.mark.django_db(transaction=True)
def test_a_charger_that_nobody_holds_is_refused_and_nothing_is_written(organization: Organization, state: str) -> None:
    charger = make_charger(organization, wanted=state != "stopped")
    if state.startswith("host"):
        columns: dict[str, Any] = {
            "host is gone": {"status": "gone", "gone_at": datetime.now(UTC)},
            "host is silent": {"beat_at": datetime(2026, 1, 1, tzinfo=UTC)},
            "host drains": {"status": "draining"},
        }[state]
        Charger.objects.update(host=make_host(**columns))
    if state == "deleted":
        Charger.objects.all().delete()
    with pytest.raises(ChargerNotRunning) as refusal:
        send(charger, "plug", wait=None)
    expected = ("charger_stopped", False) if state == "stopped" else ("charger_not_hosted", True)
    assert (refusal.value.code, refusal.value.retryable) == expected
    result = commands_fan_out(chargers=[charger], kind="plug", data={})
    assert ([failed.code for failed in result.failed], result.queued) == ([expected[0]], [])
    assert not Command.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_order_inside_a_transaction_is_a_mistake_that_shows(organization: Organization) -> None:
    charger = make_charger(organization, host=make_host())
    with transaction.atomic(), pytest.raises(RuntimeError):
        send(charger, "plug", wait=1.0)


def test_a_fan_out_to_1000_chargers_reaches_each_of_them_once(processes: Processes, organization: Organization) -> None:
    with BadCsms() as csms:
        processes.simulator(name="one")
        processes.simulator(name="two")
        chargers = make_chargers(organization, 1000, ws_url=csms.url("good"))
        stopped = make_charger(organization, ws_url=csms.url("good"), wanted=False)
        eventually(lambda: states()["online"] == 1000, timeout=80)
        for done in (1000, 0):  # once plugged, it cannot be plugged again
            result = commands_fan_out(chargers=[*chargers, stopped], kind="plug", data={"connector": 1})
            assert len(result.queued) == 1000
            assert [failed.charger for failed in result.failed] == [stopped]
            ids = [one.command_id for one in result.queued]
            mine = Command.objects.filter(id__in=ids)
            eventually(lambda: not mine.filter(status__in=["queued", "running"]).exists(), timeout=30, every=0.1)  # noqa: B023
            assert mine.filter(status="done").count() == done


def test_orders_of_one_charger_are_carried_out_in_the_order_in_which_they_were_given(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    (charger,) = make_chargers(organization, 1, ws_url=csms.url)
    processes.simulator()
    online(1)
    for _ in range(10):
        send(charger, "plug", wait=None, connector=1)
        send(charger, "unplug", wait=None, connector=1)
    eventually(lambda: Command.objects.filter(status="done").count() == 20)


def test_without_the_broker_an_order_takes_a_second_more(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    (charger,) = make_chargers(organization, 1, ws_url=csms.url)
    with Cable(settings.REDIS_URL) as cable:
        cable.cut()
        processes.simulator(REDIS_URL=cable.url)
        online(1)
        assert send(charger, "plug", connector=1).ok


def test_an_order_whose_host_dies_is_lost_and_nobody_carries_it_out_again(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    (charger,) = make_chargers(organization, 1, ws_url=csms.url)
    first = processes.simulator(name="first", **QUICK)
    online(1)
    first.signal(signal.SIGSTOP)
    never_taken = send(charger, "plug", wait=0.2, connector=1)
    assert (never_taken.status, never_taken.code) == ("queued", "")
    taken = send(charger, "plug", wait=None, connector=1)
    Command.objects.filter(id=taken.command_id).update(status="running", taken_at=datetime.now(UTC))
    first.kill()
    processes.simulator(name="second", **QUICK)
    online(1)
    eventually(lambda: Command.objects.filter(status="lost").count() == 2)
    outcomes = {row.id: row.outcome for row in Command.objects.all()}
    assert outcomes[never_taken.command_id] == {"code": "host_lost", "data": {"ran": False}}
    assert outcomes[taken.command_id] == {"code": "host_lost", "data": {"ran": None}}
    assert send(charger, "state").data["connectors"][0]["status"] == "Available"


def test_a_host_that_slept_carries_out_what_waited_if_it_is_still_in_time(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    (charger,) = make_chargers(organization, 1, ws_url=csms.url)
    simulator = processes.simulator()
    online(1)
    simulator.signal(signal.SIGSTOP)
    outcome = send(charger, "plug", wait=0.2, connector=1)
    simulator.signal(signal.SIGCONT)
    eventually(lambda: Command.objects.get(id=outcome.command_id).status == "done")


@pytest.mark.django_db(transaction=True)
def test_two_who_take_at_once_never_take_the_same(organization: Organization) -> None:
    host = make_host()
    chargers = make_chargers(organization, 300, host=host, lease_epoch=1)
    commands_fan_out(chargers=chargers, kind="plug", data={})

    async def race() -> list[list[orders.Taken]]:
        lines = [Line(str(number)) for number in range(4)]
        try:
            now = datetime.now(UTC)
            return await asyncio.gather(
                *(line.run(lambda connection: orders.take(connection, host.id, now)) for line in lines)
            )
        finally:
            for line in lines:
                await line.close()

    took = [one.id for part in asyncio.run(race()) for one in part]
    assert len(took) == len(set(took)) == 300


@pytest.mark.django_db(transaction=True)
def test_only_orders_under_a_lease_that_holds_are_taken_and_the_others_are_lost(organization: Organization) -> None:
    host, other = make_host(), make_host("other")
    chargers = make_chargers(organization, 4, host=host, lease_epoch=1)
    commands_fan_out(chargers=chargers, kind="plug", data={})
    Charger.objects.filter(id=chargers[0].id).update(lease_epoch=2)
    Charger.objects.filter(id=chargers[1].id).update(host=other)
    Charger.objects.filter(id=chargers[2].id).update(host=None)

    async def take(host: SimulatorHost) -> list[int]:
        line = Line("test")
        try:
            now = datetime.now(UTC)
            return [one.charger_id for one in await line.run(lambda connection: orders.take(connection, host.id, now))]
        finally:
            await line.close()

    assert asyncio.run(take(host)) == [chargers[3].id]
    assert asyncio.run(take(other)) == []
    assert commands_lose_orphans() == 3
    assert commands_lose_orphans() == 0
    assert Command.objects.get(charger=chargers[3]).status == "running"
    assert uuid.UUID(str(Command.objects.filter(status="lost").first().host_id)) == host.id  # type: ignore[union-attr]
