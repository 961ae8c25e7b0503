"""The emergency switch with real processes: everything is off in seconds, stays off, and comes back as it was."""

import signal
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.management import call_command

from chargers.models import Charger, SimulatorHost
from chargers.services.stopping import lab_resume, lab_stop
from chargers.simulator.host.fleet import MOVED
from ocpplab.accounts.models import Organization
from tests.support.bad_csms import BadCsms
from tests.support.chargers import make_charger, make_chargers
from tests.support.host import Cable, held_by, states
from tests.support.processes import Processes, database_url
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system]


@pytest.fixture
def csms() -> Iterator[BadCsms]:
    with BadCsms() as server:
        yield server


def sockets(csms: BadCsms, chargers: list[Charger]) -> int:
    return sum(csms.live(charger.identity) for charger in chargers)


def all_off(csms: BadCsms, chargers: list[Charger]) -> bool:
    return (
        sockets(csms, chargers) == 0 and held_by() == {None: len(chargers)} and states() == {"offline": len(chargers)}
    )


def test_two_hosts_let_go_within_seconds_and_bring_back_exactly_what_is_wanted(
    organization: Organization, processes: Processes, csms: BadCsms
) -> None:
    chargers = make_chargers(organization, 60, ws_url=csms.url("good"))
    for name in ("first", "second"):
        processes.simulator(name=name)
    eventually(lambda: states() == {"online": 60})
    call_command("stop_lab", reason="smoke", within=20.0)
    assert all_off(csms, chargers)
    said = set(Charger.objects.values_list("connection_error", flat=True))
    assert said - {MOVED} == {"the lab is stopped: smoke"}, "one that was on its way between the two was off before"
    assert set(Charger.objects.values_list("wanted", flat=True)) == {True}
    # What is wanted may change meanwhile.
    unwanted, new = chargers[0], make_charger(organization, ws_url=csms.url("good"))
    Charger.objects.filter(id=unwanted.id).update(wanted=False)
    call_command("resume_lab")
    eventually(lambda: states() == {"online": 60, "offline": 1})
    assert (csms.live(unwanted.identity), csms.live(new.identity)) == (0, 1)
    assert max(csms.most.values()) == 1, "nobody was connected twice"


def test_a_host_that_starts_or_was_killed_while_the_lab_is_stopped_takes_nothing(
    organization: Organization, processes: Processes, csms: BadCsms
) -> None:
    chargers = make_chargers(organization, 20, ws_url=csms.url("good"))
    first = processes.simulator(name="first")
    eventually(lambda: states() == {"online": 20})
    first.signal(signal.SIGSTOP)
    lab_stop(by="test")
    first.kill()  # it held all chargers when the lab was stopped, and never heard of it
    opened = sum(csms.opened.values())
    first.start()
    processes.simulator(name="second")
    eventually(lambda: all_off(csms, chargers), what="the next life of the host freed them")
    beats = SimulatorHost.objects.filter(status="live").order_by("name").values_list("beat_at", flat=True)
    before = list(beats)
    eventually(lambda: all(new > old for new, old in zip(beats.all(), before, strict=True)), what="they live")
    assert sum(csms.opened.values()) == opened, "nobody dialled"
    lab_resume(by="test")
    eventually(lambda: states() == {"online": 20})


def test_a_host_in_the_middle_of_powering_on_thousands_hears_of_it(
    organization: Organization, processes: Processes, csms: BadCsms
) -> None:
    chargers = make_chargers(organization, 3000, ws_url=csms.url("good"))
    processes.simulator(HOST_RAMP_PER_SECOND="50")
    eventually(lambda: held_by()[None] < 3000, every=0.005, what="it claims")
    lab_stop(by="test")
    eventually(lambda: all_off(csms, chargers))
    opened = sum(csms.opened.values())
    assert opened < 1500, "it went on dialling"
    assert Charger.objects.filter(lease_epoch__gt=0).exists()
    beat = SimulatorHost.objects.get().beat_at
    eventually(lambda: SimulatorHost.objects.get().beat_at > beat)
    assert (sum(csms.opened.values()), held_by()) == (opened, {None: 3000})


def test_it_needs_no_broker(organization: Organization, processes: Processes, csms: BadCsms) -> None:
    chargers = make_chargers(organization, 10, ws_url=csms.url("good"))
    with Cable(settings.REDIS_URL) as cable:
        processes.simulator(REDIS_URL=cable.url)
        eventually(lambda: states() == {"online": 10})
        cable.cut()
        lab_stop(by="test")
        eventually(lambda: all_off(csms, chargers), timeout=10)
        lab_resume(by="test")
        eventually(lambda: states() == {"online": 10})


def test_while_the_database_is_away_what_was_seen_last_holds(
    organization: Organization, processes: Processes, csms: BadCsms
) -> None:
    chargers = make_chargers(organization, 5, ws_url=csms.url("good"))
    with Cable(database_url()) as cable:
        processes.simulator(DATABASE_URL=cable.url, HOST_BEAT_INTERVAL="1")
        eventually(lambda: states() == {"online": 5})
        lab_stop(by="test")
        eventually(lambda: all_off(csms, chargers))
        opened = sum(csms.opened.values())
        cable.cut()
        host = SimulatorHost.objects.get()
        cable.mend()
        eventually(lambda: SimulatorHost.objects.get(pk=host.pk).beat_at > host.beat_at)
        assert sum(csms.opened.values()) == opened
        lab_resume(by="test")
        eventually(lambda: states() == {"online": 5})


@pytest.mark.parametrize(("behaviour", "state"), [("silent", "connecting"), ("never_closes", "online")])
def test_a_csms_that_does_not_answer_a_handshake_or_a_farewell_holds_nobody_up(
    organization: Organization, processes: Processes, csms: BadCsms, behaviour: str, state: str
) -> None:
    chargers = make_chargers(organization, 5, ws_url=csms.url(behaviour))
    processes.simulator()
    eventually(lambda: states() == {state: 5})
    eventually(lambda: sockets(csms, chargers) == 5)
    lab_stop(by="test")
    eventually(lambda: all_off(csms, chargers), timeout=10)
