"""What the message log keeps of a charger, as its level says."""

import contextlib
from collections.abc import Iterator

import pytest

from chargers.models import Charger, Message
from chargers.services.commands import command_send
from chargers.services.configuration import charger_update
from ocpplab.accounts.models import Organization
from tests.support.chargers import make_charger
from tests.support.host import states
from tests.support.processes import Processes
from tests.support.reference_csms import ReferenceCsms
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system]


@pytest.fixture
def csms() -> Iterator[ReferenceCsms]:
    with ReferenceCsms() as server:
        yield server


def charge(charger: Charger) -> None:
    """Begin and end a transaction."""
    assert command_send(charger=charger, kind="start_session", data={"connector": 1, "id_tag": "TAG"}, wait=5).ok
    assert command_send(charger=charger, kind="stop_session", data={"connector": 1}, wait=5).ok


def kept(charger: Charger) -> set[str]:
    return set(Message.objects.filter(charger=charger).values_list("action", flat=True))


def test_the_log_keeps_what_the_level_of_each_charger_says(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    everything, some, nothing = (
        make_charger(organization, ws_url=csms.url, message_log=level) for level in ("all", "transactions", "none")
    )
    processes.simulator()
    eventually(lambda: states() == {"online": 3})
    for charger in (nothing, some, everything):
        charge(charger)
    eventually(lambda: {"BootNotification", "Authorize", "StopTransaction"} <= kept(everything))
    eventually(lambda: kept(some) == {"StartTransaction", "StopTransaction"})
    frames = Message.objects.filter(charger=some, action="StartTransaction")
    assert list(frames.order_by("id").values_list("direction", flat=True)) == ["cp_to_csms", "csms_to_cp"]
    assert kept(nothing) == set()


def test_a_new_level_works_without_a_new_session(
    processes: Processes, csms: ReferenceCsms, organization: Organization
) -> None:
    quiet = make_charger(organization, ws_url=csms.url, message_log="none")
    loud = make_charger(organization, ws_url=csms.url)
    processes.simulator()
    eventually(lambda: states() == {"online": 2})
    charger_update(charger=quiet, values={"message_log": "transactions"})
    charger_update(charger=loud, values={"message_log": "none"})

    def only_what_it_should() -> bool:
        Message.objects.all().delete()
        for charger in (quiet, loud):
            charge(charger)
        with contextlib.suppress(AssertionError):  # the change may come between the two, and nothing is kept of either
            eventually(lambda: "StopTransaction" in kept(quiet) | kept(loud), timeout=2)
        return (kept(quiet), kept(loud)) == ({"StartTransaction", "StopTransaction"}, set())

    eventually(only_what_it_should, timeout=30)
    for charger in (quiet, loud):
        assert csms.station(charger.identity).connections == 1
