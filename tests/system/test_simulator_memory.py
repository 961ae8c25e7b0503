"""What chargers know outlasts their simulator process, however it ends: memory, ledger, and what the CSMS was told."""

import random
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from chargers.models import Charger, ChargerMemory, Command, Transaction
from chargers.services.commands import commands_fan_out
from chargers.services.runtime import chargers_reset, chargers_stop
from ocpplab.accounts.models import Organization
from tests.support.chargers import make_chargers
from tests.support.charging import disagreements, online, order, running, stopped
from tests.support.host import Cable, held_by, states
from tests.support.processes import Processes, database_url
from tests.support.reference_csms import ReferenceCsms
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system]
QUICK = {"HOST_BEAT_INTERVAL": "1", "HOST_DEAD_AFTER": "4"}


@pytest.fixture
def csms() -> Iterator[ReferenceCsms]:
    with ReferenceCsms() as server:
        yield server


@pytest.fixture
def charger(organization: Organization, csms: ReferenceCsms) -> Charger:
    return make_chargers(organization, 1, ws_url=csms.url)[0]


def test_a_charger_whose_host_is_killed_while_it_charges_ends_the_transaction_without_losing_energy(
    processes: Processes, csms: ReferenceCsms, charger: Charger
) -> None:
    simulator = processes.simulator()
    online()
    order(charger, "set_configuration", configuration={"MeterValueSampleInterval": "1"})
    order(charger, "start_session", connector=1, id_tag="TAG")
    transaction = running(charger)
    csms.station(charger.identity).wait_for("MeterValues", 3)
    simulator.kill()
    before = Transaction.objects.get(id=transaction.id).meter_wh
    assert ChargerMemory.objects.get(charger=charger).lease_epoch == 1
    simulator.start()
    row = stopped(transaction)
    (charge,) = csms.station(charger.identity).charges.values()
    assert str(charge.id) == row.csms_id
    assert charge.stop is not None
    assert charge.stop["reason"] == row.reason == "PowerLoss"
    assert charge.stop["meter_stop"] == row.meter_stop
    assert row.meter_stop is not None
    assert row.meter_start <= before <= row.meter_stop
    assert disagreements(csms, [charger]) == []
    assert order(charger, "state").data["configuration"]["MeterValueSampleInterval"] == "1"
    assert csms.complaints == []


def test_another_host_goes_on_from_what_a_killed_one_knew(
    processes: Processes, csms: ReferenceCsms, charger: Charger
) -> None:
    first = processes.simulator(name="first", **QUICK)
    online()
    order(charger, "start_session", connector=1, id_tag="TAG")
    transaction = running(charger)
    processes.simulator(name="second", **QUICK)
    first.kill()
    eventually(lambda: held_by() == {"second": 1}, timeout=30)
    assert stopped(transaction).reason == "PowerLoss"
    assert disagreements(csms, [charger]) == []


def test_what_was_queued_offline_outlasts_kill_9_and_keeps_its_times(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    with Cable(csms.url) as cable:
        (charger,) = make_chargers(organization, 1, ws_url=cable.url)
        simulator = processes.simulator()
        online()
        order(charger, "start_session", connector=1, id_tag="TAG")
        transaction = running(charger)
        cable.cut()
        eventually(lambda: states() == {"offline": 1} or states() == {"connecting": 1})
        order(charger, "stop_session", connector=1)
        row = eventually(Transaction.objects.filter(id=transaction.id, state="stopped").first)
        assert row.stopped_offline is True
        simulator.kill()
        time.sleep(1.5)
        simulator.start()
        cable.mend()
        stopped(transaction)
        (charge,) = csms.station(charger.identity).charges.values()
        assert charge.stop is not None
        assert row.stopped_at is not None
        assert charge.stop["timestamp"][:19] == row.stopped_at.isoformat()[:19]
        assert disagreements(csms, [charger]) == []


@pytest.mark.parametrize("how", ["the host stops", "the charger stops", "the charger is reset"])
def test_an_orderly_end_keeps_everything(processes: Processes, csms: ReferenceCsms, charger: Charger, how: str) -> None:
    simulator = processes.simulator()
    online()
    order(charger, "set_configuration", configuration={"ConnectionTimeOut": "77"})
    order(charger, "start_session", connector=1, id_tag="TAG")
    transaction = running(charger)
    if how == "the host stops":
        assert simulator.stop() == 0
        assert Transaction.objects.get(id=transaction.id).state == "stopped"
        simulator.start()
    elif how == "the charger stops":
        chargers_stop(ids=[charger.id])
        eventually(lambda: Charger.objects.get(id=charger.id).host_id is None)
        assert Transaction.objects.get(id=transaction.id).state == "stopped"
        Charger.objects.filter(id=charger.id).update(wanted=True)
    else:
        chargers_reset(ids=[charger.id])
    stopped(transaction)
    online()
    assert order(charger, "state").data["configuration"]["ConnectionTimeOut"] == "77"
    assert disagreements(csms, [charger]) == []


def test_a_memory_is_kept_through_a_time_without_the_database(
    processes: Processes, csms: ReferenceCsms, charger: Charger
) -> None:
    with Cable(database_url()) as cable:
        processes.simulator(DATABASE_URL=cable.url)
        online()
        cable.cut()
        csms.station(charger.identity).ask("RemoteStartTransaction", {"idTag": "TAG", "connectorId": 1})
        time.sleep(2.0)
        assert not Transaction.objects.exists()
        cable.mend()
        order(charger, "plug", connector=1)
        running(charger)


def test_kill_9_at_any_moment_leaves_both_books_in_agreement(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    dice = random.Random(7)
    chargers = make_chargers(organization, 20, ws_url=csms.url)
    simulator = processes.simulator()
    for _ in range(4):
        online(20)
        commands_fan_out(
            chargers=chargers,
            kind="start_session",
            data={"connector": 1, "id_tag": "TAG", "duration_seconds": dice.choice([1, 2, 30])},
        )
        time.sleep(dice.uniform(0.02, 2.0))
        simulator.kill()
        simulator.start()
    online(20)
    commands_fan_out(chargers=chargers, kind="stop_session", data={"connector": 1})
    eventually(lambda: not Transaction.objects.filter(state="running").exists())
    eventually(lambda: disagreements(csms, chargers) == [], timeout=30, what=str(disagreements(csms, chargers)))
    assert Transaction.objects.count() >= 20
    assert csms.complaints == []
    eventually(lambda: not Command.objects.filter(status__in=["queued", "running"]).exists())


def test_a_memory_that_makes_no_sense_costs_the_memory_and_not_the_charger(
    processes: Processes, csms: ReferenceCsms, charger: Charger
) -> None:
    wrong: list[Any] = [{"format": 1}, {"format": 1, "settings": 5}, [1], {"format": 99}]
    for state in wrong:
        ChargerMemory.objects.update_or_create(
            charger=charger, defaults={"state": state, "lease_epoch": 0, "at": "2026-05-04T08:00:00Z"}
        )
        simulator = processes.simulator(name=f"simulator-{uuid.uuid4().hex[:4]}")
        online()
        commands_fan_out(chargers=[charger], kind="plug", data={})
        eventually(lambda: not Command.objects.filter(status__in=["queued", "running"]).exists())
        assert simulator.stop() == 0
        assert ChargerMemory.objects.get(charger=charger).state["set_aside"] == [state]
