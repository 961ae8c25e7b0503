"""Chargers and the built-in CSMS keep books of their own; whatever is killed meanwhile, they agree in the end.

Real web and simulator processes. Samples come every second instead of every minute, so that a run of half a minute has
as many messages as one of half an hour. `make bench` does the same with a thousand chargers (bench/books.py).
"""

import concurrent.futures
import random
import time

import pytest

from chargers.csms.calls import CallFailed, station_call
from chargers.models import Charger, Command
from chargers.selectors.reconciliation import Reconciliation, transactions_reconcile
from chargers.services.commands import commands_fan_out
from ocpplab.accounts.models import Organization
from tests.support.chargers import charger_of, make_model
from tests.support.processes import Process, Processes
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.chaos, pytest.mark.timeout(300)]

CHARGERS = 60
SEED = 7
IMPATIENT = {"HOST_BEAT_INTERVAL": "1", "HOST_DEAD_AFTER": "5"}
QUICK = {
    "MeterValueSampleInterval": "1",
    "TransactionMessageRetryInterval": "1",
    "AllowOfflineTxForUnknownId": "true",
}


def fleet(web: Process) -> list[Charger]:
    organization, model = Organization.objects.create(name="Test Org"), make_model()
    address = f"{web.url.replace('http', 'ws', 1)}/csms"
    rows = [charger_of(organization, model=model, identity=f"B{n:03}", ws_url=address) for n in range(CHARGERS)]
    return Charger.objects.bulk_create(rows)


def online() -> int:
    return Charger.objects.filter(connection_state="online").count()


def configure(identity: str) -> None:
    def accepted(payload: dict[str, str]) -> bool:
        try:
            return (
                station_call(identity=identity, action="ChangeConfiguration", payload=payload)["status"] == "Accepted"
            )
        except CallFailed as failed:  # it moves to the other host
            if not failed.retryable:
                raise
            return False

    for key, value in QUICK.items():
        eventually(lambda payload={"key": key, "value": value}: accepted(payload), what=f"{identity} takes {key}")


def order(chargers: list[Charger], kind: str, **data: object) -> None:
    commands_fan_out(chargers=chargers, kind=kind, data=data)


def everyone_is_back(processes: Processes) -> None:
    for process in processes.started:
        if not process.alive:
            process.start()
    eventually(lambda: online() == CHARGERS, timeout=60, what=f"all are online again, not only {online()}")


def books_closed() -> Reconciliation:
    """Wait until nothing runs and all is told; return how the books compare then."""

    def probe() -> Reconciliation | None:
        found = transactions_reconcile()
        return found if not found.running and not found.untold and not found.complaints else None

    try:
        return eventually(probe, timeout=60, every=0.5)
    except AssertionError:
        return transactions_reconcile()


def test_no_watt_hour_is_lost_or_doubled_whatever_is_killed(processes):
    dice = random.Random(SEED)
    web = processes.web(CSMS_HEARTBEAT_INTERVAL="30")
    chargers = fleet(web)
    hosts = [processes.simulator(name=f"simulator-{n}", **IMPATIENT) for n in (1, 2)]
    eventually(lambda: online() == CHARGERS, timeout=60)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(configure, [one.identity for one in chargers]))
    for turn, victim in enumerate([None, hosts[0], web, hosts[1], web]):
        order(dice.sample(chargers, 45), "start_session", connector=1, id_tag=f"CARD-{turn}")
        time.sleep(dice.uniform(2, 4))
        if victim is not None:
            victim.kill()
        order(dice.sample(chargers, 20), "stop_session", connector=1)
        order(dice.sample(chargers, 5), "inject_fault", connector=1, fault_type="GroundFault")
        time.sleep(dice.uniform(2, 4))
        everyone_is_back(processes)
        order(chargers, "clear_fault", connector=1)
    assert {"start_session", "stop_session", "inject_fault", "clear_fault"} <= {
        kind for (kind,) in Command.objects.filter(status="done").values_list("kind").distinct()
    }
    order(chargers, "stop_session", connector=1)
    books = books_closed()
    print(books)
    assert (books.complaints, books.running, books.untold) == ([], 0, 0)
    assert books.transactions >= CHARGERS
    assert books.messages > 10 * CHARGERS
    assert books.energy_wh > 0
