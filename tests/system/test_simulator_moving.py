"""Chargers change hosts with their power on: hosts that come and go cost them a moment of network, nothing else."""

import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from chargers.models import Charger, ChargerMemory, Transaction
from chargers.services.commands import commands_fan_out
from chargers.services.runtime import chargers_reset
from ocpplab.accounts.models import Organization
from tests.support.chargers import make_chargers
from tests.support.charging import disagreements, online, order, running, stopped
from tests.support.host import held_by, states
from tests.support.processes import Process, Processes
from tests.support.reference_csms import ReferenceCsms
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system]
QUICK = {"HOST_BEAT_INTERVAL": "1", "HOST_DEAD_AFTER": "4"}


@pytest.fixture
def csms() -> Iterator[ReferenceCsms]:
    with ReferenceCsms() as server:
        yield server


@pytest.fixture
def chargers(organization: Organization, csms: ReferenceCsms) -> list[Charger]:
    return make_chargers(organization, 30, ws_url=csms.url)


def two_hosts(processes: Processes, chargers: list[Charger]) -> list[Process]:
    """Both hold a part of the chargers, all of which charge."""
    first = processes.simulator(name="host-0")
    online(len(chargers))
    charge(chargers)
    second = processes.simulator(name="host-1")
    eventually(lambda: held_by() == {"host-0": 25, "host-1": 5}, timeout=30)
    online(len(chargers))
    return [first, second]


def charge(chargers: list[Charger]) -> None:
    """Let all of them charge, and wait until the CSMS has accepted it."""
    configuration = {"configuration": {"MeterValueSampleInterval": "1"}}
    commands_fan_out(chargers=chargers, kind="set_configuration", data=configuration)
    commands_fan_out(chargers=chargers, kind="start_session", data={"connector": 1, "id_tag": "TAG"})
    count = len(chargers)
    eventually(lambda: Transaction.objects.filter(state="running").exclude(csms_id="").count() == count, timeout=40)


def boots(csms: ReferenceCsms, chargers: list[Charger]) -> Counter[int]:
    """How many chargers have booted how often."""
    return Counter(len(csms.station(one.identity).payloads("BootNotification")) for one in chargers)


def all_goes_on(csms: ReferenceCsms, chargers: list[Charger]) -> None:
    """Each one has one socket, has booted once, and tells of the transaction that it has told of before."""
    online(len(chargers))
    told = {one.id: len(csms.station(one.identity).payloads("MeterValues")) for one in chargers}
    for one in chargers:
        csms.station(one.identity).wait_for("MeterValues", told[one.id] + 2)
    assert boots(csms, chargers) == {1: len(chargers)}
    eventually(lambda: {len(csms.station(one.identity).live) for one in chargers} == {1})
    assert Counter(Transaction.objects.values_list("state", flat=True)) == {"running": len(chargers)}


def all_ends_well(csms: ReferenceCsms, chargers: list[Charger]) -> None:
    """One transaction of each, ended by people; both books know the same."""
    commands_fan_out(chargers=chargers, kind="stop_session", data={"connector": 1})
    eventually(lambda: not Transaction.objects.filter(state="running").exists())
    eventually(lambda: disagreements(csms, chargers) == [], timeout=30)
    assert set(Transaction.objects.values_list("reason", flat=True)) == {"Local"}
    assert Transaction.objects.count() == len(chargers)
    assert csms.complaints == []


def test_a_host_that_is_told_to_stop_hands_its_chargers_over_and_they_charge_on(
    processes: Processes, csms: ReferenceCsms, chargers: list[Charger]
) -> None:
    first = processes.simulator(name="first")
    online(30)
    charge(chargers)
    processes.simulator(name="second", HOST_CAPACITY="1000")
    assert first.stop() == 0
    assert held_by()["first"] == 0
    eventually(lambda: held_by() == {"second": 30}, timeout=10)
    all_goes_on(csms, chargers)
    all_ends_well(csms, chargers)


def test_a_rolling_restart_of_all_hosts_neither_loses_nor_doubles_a_transaction(
    processes: Processes, csms: ReferenceCsms, chargers: list[Charger]
) -> None:
    for host in two_hosts(processes, chargers):
        assert host.stop() == 0
        host.start()
    eventually(lambda: held_by() == {"host-0": 25, "host-1": 5}, timeout=30)
    all_goes_on(csms, chargers)
    all_ends_well(csms, chargers)


def test_a_new_host_gets_its_share_of_chargers_that_charge(
    processes: Processes, csms: ReferenceCsms, chargers: list[Charger]
) -> None:
    processes.simulator(name="first")
    online(30)
    charge(chargers)
    processes.simulator(name="second")
    eventually(lambda: held_by() == {"first": 25, "second": 5}, timeout=30)
    all_goes_on(csms, chargers)
    moved = sum(csms.station(one.identity).connections - 1 for one in chargers)
    assert moved == 5, "only who changed hosts was disconnected"
    all_ends_well(csms, chargers)


def test_hosts_that_stop_together_end_what_charges_as_a_single_one_does(
    processes: Processes, csms: ReferenceCsms, chargers: list[Charger]
) -> None:
    hosts = two_hosts(processes, chargers)
    for host in hosts:
        host.signal(signal.SIGTERM)
    # Not by a second signal, which means "leave at once".
    eventually(lambda: [host.returncode for host in hosts] == [0, 0], timeout=30)
    assert Counter(Transaction.objects.values_list("state", "reason")) == {("stopped", "PowerLoss"): 30}
    assert not ChargerMemory.objects.filter(state__has_key="moving").exists()


def test_what_other_hosts_have_no_room_for_is_powered_off(
    processes: Processes, csms: ReferenceCsms, chargers: list[Charger]
) -> None:
    first = processes.simulator(name="first")
    online(30)
    charge(chargers)
    processes.simulator("--capacity", "4", name="small")
    first.stop()
    eventually(lambda: held_by() == {"small": 4, None: 26})
    assert Counter(Transaction.objects.values_list("state", flat=True)) == {"running": 4, "stopped": 26}


def test_who_took_a_charger_over_and_is_killed_leaves_behind_a_loss_of_power(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    (charger,) = make_chargers(organization, 1, ws_url=csms.url)
    first = processes.simulator(name="first", **QUICK)
    online()
    order(charger, "start_session", connector=1, id_tag="TAG")
    transaction = running(charger)
    second = processes.simulator(name="second", **QUICK)
    first.stop()
    eventually(lambda: held_by() == {"second": 1})
    online()
    second.kill()
    second.start()
    assert stopped(transaction).reason == "PowerLoss"
    assert boots(csms, [charger]) == {2: 1}
    assert disagreements(csms, [charger]) == []


def test_a_charger_that_is_reset_between_two_hosts_boots_at_the_second(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    (charger,) = make_chargers(organization, 1, ws_url=csms.url)
    first = processes.simulator(name="first")
    online()
    order(charger, "start_session", connector=1, id_tag="TAG")
    transaction = running(charger)
    heir = processes.simulator(name="heir")
    heir.signal(signal.SIGSTOP)  # it counts as live but claims nothing
    first.stop()
    assert held_by() == {None: 1}
    assert ChargerMemory.objects.get().state["moving"]
    chargers_reset(ids=[charger.id])
    heir.signal(signal.SIGCONT)
    assert stopped(transaction).reason == "PowerLoss"
    assert boots(csms, [charger]) == {2: 1}


def test_a_host_that_starts_alone_takes_all_at_once_and_one_that_starts_beside_it_gets_half(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    make_chargers(organization, 400, ws_url=csms.url)
    hosts = [processes.simulator("--ramp", "40", name=name, wait=False) for name in ("one", "other")]
    for host in hosts:
        host.wait_ready()
    eventually(lambda: min(held_by()[name] for name in ("one", "other")) >= 160, timeout=10)
    online(400)
    stations = [csms.station(one.identity) for one in Charger.objects.all()]
    assert {station.connections for station in stations} == {1}, "who had a connection was not moved"
    assert states() == {"online": 400}
