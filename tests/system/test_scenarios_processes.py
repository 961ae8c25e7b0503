"""Real simulator processes at both CSMSs: the same scenarios, through commands, the network, and rows.

What takes hours is in test_scenarios_clockwork.py, on a clock of its own. Here time is real, and shortened by the keys:
a sample every second, ten seconds offline.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from chargers.choices import CommandStatus
from chargers.csms.calls import CallFailed, station_call
from chargers.csms.models import SeenTransaction
from chargers.models import Charger, Transaction
from chargers.services.commands import command_send
from chargers.services.stopping import lab_resume, lab_stop
from ocpplab.accounts.models import Organization
from tests.support.books import Seen, compare, kept_by_built_in, kept_by_reference
from tests.support.chargers import make_charger, make_model
from tests.support.processes import Process, Processes
from tests.support.reference_csms import ReferenceCsms
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

IDENTITY = "SCENE 1/a"
TAG = "04A1B2C3"
CAR = {"name": "Renault Zoe R135", "soc": 0.2}
IMPATIENT = {"HOST_BEAT_INTERVAL": "1", "HOST_DEAD_AFTER": "5"}


class Csms(Protocol):
    """What a scenario asks of a CSMS."""

    url: str

    def ask(self, action: str, payload: dict[str, Any]) -> dict[str, Any]: ...
    def cut(self) -> None:
        """End the charger's connection as a broken network does."""

    def transactions(self) -> list[Seen]: ...
    def complaints(self) -> list[str]: ...


class BuiltIn:
    def __init__(self, processes: Processes) -> None:
        self.web = processes.web()
        self.url = f"{self.web.url.replace('http', 'ws', 1)}/csms"

    def ask(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        def answer() -> dict[str, Any] | None:
            try:
                return station_call(identity=IDENTITY, action=action, payload=payload, timeout=10)
            except CallFailed as failed:
                if failed.code != "not_connected":
                    raise
                return None

        return eventually(lambda: (found := answer()) is not None and [found])[0]

    def cut(self) -> None:
        self.web.kill()
        self.web.start()

    def transactions(self) -> list[Seen]:
        return [kept_by_built_in(row) for row in SeenTransaction.objects.order_by("id").values()]

    def complaints(self) -> list[str]:
        return [row.last_disorder for row in SeenTransaction.objects.exclude(disorders=0)]


class Reference:
    def __init__(self, csms: ReferenceCsms) -> None:
        self.csms, self.url, self.station = csms, csms.url, csms.station(IDENTITY)

    def ask(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        eventually(lambda: self.station.live)
        return self.station.ask(action, payload)

    def cut(self) -> None:
        self.station.drop()

    def transactions(self) -> list[Seen]:
        return [kept_by_reference(one) for one in self.station.charges.values()]

    def complaints(self) -> list[str]:
        return [str(one) for one in self.csms.complaints]


@pytest.fixture(params=["built-in", "reference"])
def csms(request: pytest.FixtureRequest, processes: Processes) -> Iterator[Csms]:
    if request.param == "built-in":
        yield BuiltIn(processes)
        return
    with ReferenceCsms() as server:
        yield Reference(server)


@pytest.fixture
def host(csms: Csms, processes: Processes) -> Process:
    organization = Organization.objects.create(name="Scenes")
    make_charger(organization, model=make_model(), identity=IDENTITY, ws_url=csms.url)
    process = processes.simulator(**IMPATIENT)
    online()
    for key, value in {"MeterValueSampleInterval": "1", "TransactionMessageRetryInterval": "1"}.items():
        assert csms.ask("ChangeConfiguration", {"key": key, "value": value}) == {"status": "Accepted"}
    return process


def charger() -> Charger:
    return Charger.objects.get(identity=IDENTITY)


def online() -> None:
    eventually(lambda: charger().connection_state == "online", timeout=40, what="it is online")


def order(kind: str, **data: Any) -> dict[str, Any]:
    outcome = command_send(charger=charger(), kind=kind, data=data, wait=5)
    assert outcome.status is CommandStatus.DONE, outcome
    return outcome.data


def lived() -> list[Seen]:
    """The charger's book, from the rows of its ledger."""
    return [
        Seen(
            row.csms_id or None,
            row.connector,
            row.id_tag,
            row.started_at.timestamp(),
            row.meter_start,
            row.stopped_at.timestamp() if row.stopped_at else None,
            row.meter_stop,
            row.reason or None,
            messages=[(one.sequence, one.action) for one in row.messages.all() if one.accepted_at],
        )
        for row in Transaction.objects.order_by("started_at").prefetch_related("messages")
    ]


def samples(csms: Csms, count: int) -> None:
    eventually(
        lambda: (seen := csms.transactions()) and seen[-1].samples >= count,
        what=f"{count} samples: {csms.transactions()}",
    )


def ended(csms: Csms, count: int = 1) -> list[Seen]:
    """Wait until so many transactions have ended in both books and the books agree."""
    eventually(
        lambda: (
            sum(one.stopped_at is not None for one in csms.transactions()) == count
            and len(books := lived()) == count
            and not compare(books, csms.transactions())
        ),
        timeout=40,
        what=f"the books agree: {compare(lived(), csms.transactions())}",
    )
    assert csms.complaints() == []
    return csms.transactions()


def test_a_whole_session(csms, host):
    order("plug", connector=1, vehicle=CAR)
    order("present", connector=1, id_tag=TAG)
    samples(csms, 3)
    order("stop_transaction")
    order("unplug", connector=1)
    (seen,) = ended(csms)
    assert (seen.tag, seen.reason) == (TAG, "Local")
    assert seen.meter_stop > seen.meter_start


def test_a_session_as_a_whole_journey_ends_by_itself(csms, host):
    order("start_session", connector=1, id_tag=TAG, duration_seconds=4)
    (seen,) = ended(csms)
    assert seen.stopped_at - seen.started_at == pytest.approx(4, abs=1)


def test_remote_start_and_stop(csms, host):
    order("plug", connector=1, vehicle=CAR)
    assert csms.ask("RemoteStartTransaction", {"idTag": TAG, "connectorId": 1}) == {"status": "Accepted"}
    samples(csms, 2)
    number = int(csms.transactions()[0].id)
    assert csms.ask("RemoteStopTransaction", {"transactionId": number}) == {"status": "Accepted"}
    assert ended(csms)[0].reason == "Remote"


def test_a_hard_reset_in_mid_transaction(csms, host):
    order("start_session", connector=1, id_tag=TAG)
    samples(csms, 2)
    assert csms.ask("Reset", {"type": "Hard"}) == {"status": "Accepted"}
    assert ended(csms)[0].reason == "HardReset"
    online()


def test_a_network_that_breaks_in_mid_transaction(csms, host):
    order("start_session", connector=1, id_tag=TAG)
    samples(csms, 2)
    csms.cut()
    online()
    before = csms.transactions()[0].samples
    samples(csms, before + 3)
    order("stop_session", connector=1)
    (seen,) = ended(csms)
    assert seen.samples == pytest.approx(seen.stopped_at - seen.started_at, abs=2), "none is missing in between"


def test_a_killed_host_ends_the_transaction_with_power_loss_and_no_watt_hour_less(csms, host):
    order("start_session", connector=1, id_tag=TAG)
    samples(csms, 3)
    host.kill()
    told = csms.transactions()[0].last_wh
    host.start()
    (seen,) = ended(csms)
    assert seen.reason == "PowerLoss"
    assert seen.meter_stop >= told
    order("unplug", connector=1)
    order("start_session", connector=1, id_tag=TAG)
    samples(csms, 1)
    order("stop_session", connector=1)
    first, second = ended(csms, 2)
    assert second.meter_start >= first.meter_stop


def test_a_host_that_is_stopped_in_mid_transaction_lets_another_finish_it(csms, host, processes):
    order("start_session", connector=1, id_tag=TAG)
    samples(csms, 2)
    assert host.stop() == 0
    processes.simulator(name="simulator-2", **IMPATIENT)
    (seen,) = ended(csms)
    assert seen.reason in {"PowerLoss", "Other", "Local"}


def test_a_stop_of_the_whole_lab_is_a_power_failure_of_which_the_csms_hears_when_it_goes_on(csms, host):
    order("start_session", connector=1, id_tag=TAG)
    samples(csms, 2)
    lab_stop(by="test", reason="smoke")
    eventually(lambda: charger().host is None)
    row = Transaction.objects.get()
    assert (row.state, row.reason) == ("stopped", "PowerLoss")
    assert charger().connection_error == "the lab is stopped: smoke"
    lab_resume(by="test")
    (seen,) = ended(csms)
    assert seen.reason == "PowerLoss"
    assert seen.meter_stop == row.meter_stop


def test_half_the_limit_is_half_the_power(csms, host):
    """With a car of three phases: one of a single phase would get less than the 6 A that it needs, and pause."""
    order("plug", connector=1, vehicle=CAR)
    order("start_session", connector=1, id_tag=TAG)
    samples(csms, 1)
    before = order("state")["connectors"][0]["power_w"]
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": before / 2}]}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    }
    answer = csms.ask("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
    assert answer == {"status": "Accepted"}
    after = order("state")["connectors"][0]["power_w"]
    assert after == pytest.approx(before / 2, rel=0.02)
    order("stop_session", connector=1)
    ended(csms)
