"""The lab's own chargers at the lab's own CSMS: real web and simulator processes."""

import pytest

from chargers.csms.calls import CallFailed, boot_policy_clear, boot_policy_set, station_call, station_status
from chargers.csms.stations import Registration
from chargers.models import Charger
from ocpplab.accounts.models import Organization
from ocpplab.common.errors import NotFound
from tests.support.chargers import make_charger
from tests.support.processes import Process, Processes
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

VERSIONS = {"OLD": "OCPP1.6", "NEW": "OCPP2.0.1"}


def dial(processes: Processes, web: Process) -> None:
    organization = Organization.objects.create(name="Test Org")
    ws_url = f"{web.url.replace('http', 'ws', 1)}/csms"
    for identity, version in VERSIONS.items():
        make_charger(organization, identity=identity, ocpp_version=version, ws_url=ws_url)
    processes.simulator()


def status(identity: str) -> dict:
    try:
        return station_status(identity=identity)
    except NotFound:
        return {"boots": 0, "connectors": {}, "connected": False, "heartbeats": 0, "connections": 0}


def settled(identity: str, *, boots: int) -> dict:
    """Wait until the charger has booted so many times and reported every connector; return what is known of it."""
    wanted = {"OLD": {"0", "1"}, "NEW": {"1.1"}}[identity]
    return eventually(
        lambda: (
            (known := status(identity))["boots"] == boots
            and known["connected"]
            and set(known["connectors"]) == wanted
            and Charger.objects.get(identity=identity).connection_state == "online"
            and known
        ),
        timeout=40,
        what=f"{identity} is settled after boot {boots}: {status(identity)}",
    )


def test_chargers_of_both_versions_boot_obey_calls_and_commit_no_breach(processes):
    web = processes.web(CSMS_HEARTBEAT_INTERVAL="1")
    dial(processes, web)
    for identity, version in VERSIONS.items():
        known = settled(identity, boots=1)
        assert (known["version"], known["registration"]) == (version, "Accepted")
        assert "Acme" in known["boot"].values()
        eventually(lambda identity=identity: status(identity)["heartbeats"] >= 2)
        before = status(identity)["heartbeats"]
        answer = station_call(
            identity=identity, action="TriggerMessage", payload={"requestedMessage": "Heartbeat"}, timeout=10
        )
        assert answer == {"status": "Accepted"}
        eventually(lambda identity=identity, before=before: status(identity)["heartbeats"] > before)
        with pytest.raises(CallFailed) as refused:
            station_call(identity=identity, action="MakeCoffee", checked=False, timeout=10)
        assert refused.value.error_code == "NotImplemented"
    station_call(identity="OLD", action="Reset", payload={"type": "Soft"}, timeout=10)
    station_call(identity="NEW", action="Reset", payload={"type": "Immediate"}, timeout=10)
    for identity in VERSIONS:
        known = settled(identity, boots=2)
        assert (known["breaches"], known["last_breach"], known["late_answers"]) == (0, "", 0)
    assert station_status(identity="NEW")["boot"]["reason"] == "RemoteReset"


def test_a_pending_charger_is_accepted_when_the_policy_is_gone(processes):
    web = processes.web()
    boot_policy_set(status=Registration.PENDING, interval=1)
    dial(processes, web)
    for identity in VERSIONS:
        eventually(lambda identity=identity: Charger.objects.get(identity=identity).connection_state == "pending")
        eventually(lambda identity=identity: status(identity)["boots"] >= 2)
    boot_policy_clear()
    for identity in VERSIONS:
        eventually(lambda identity=identity: Charger.objects.get(identity=identity).connection_state == "online")
        assert eventually(lambda identity=identity: status(identity)["connectors"])
        assert status(identity)["breaches"] == 0


def test_chargers_come_back_when_the_web_process_was_killed(processes):
    web = processes.web()
    dial(processes, web)
    for identity in VERSIONS:
        settled(identity, boots=1)
    web.kill()
    for identity in VERSIONS:
        eventually(lambda identity=identity: Charger.objects.get(identity=identity).connection_state != "online")
    web.start()
    for identity in VERSIONS:
        eventually(lambda identity=identity: status(identity)["connected"])
        eventually(lambda identity=identity: Charger.objects.get(identity=identity).connection_state == "online")
        assert status(identity)["breaches"] == 0
