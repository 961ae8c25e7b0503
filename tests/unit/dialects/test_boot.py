"""Registration: 1.6 §4.2, 2.0.1 B01, B02, B03. What holds for both versions is tested with both."""

import pytest

from chargers.protocol import CallError, Version
from chargers.simulator.effects import Close, Connect, ConnectionState, SetPing, State
from tests.support.frames import AC_TWIN, DC_COMBO, START, Driver

BOTH = pytest.mark.parametrize("version", list(Version))
BOOT = "BootNotification"


def answer(status, interval=60):
    return {BOOT: {"status": status, "interval": interval, "currentTime": "2024-01-01T00:00:00Z"}}


@BOTH
def test_it_dials_boots_and_reports_every_connector(version):
    driver = Driver(version).boot()
    statuses = {Version.V16: 3, Version.V201: 2}[version]
    assert driver.actions() == [BOOT] + ["StatusNotification"] * statuses
    assert [one.state for one in driver.of(State)] == [ConnectionState.CONNECTING, ConnectionState.ONLINE]


def test_1_6_says_what_it_is_and_reports_connector_0_first():
    driver = Driver(Version.V16).boot()
    assert driver.calls(BOOT)[0].payload == {
        "chargePointVendor": "Schneider Electric",
        "chargePointModel": "EVlink Pro AC 22kW",
        "chargePointSerialNumber": "SN-0001",
        "firmwareVersion": "3.4.0",
    }
    payloads = [call.payload for call in driver.calls("StatusNotification")]
    assert [one["connectorId"] for one in payloads] == [0, 1, 2]
    assert {(one["status"], one["errorCode"]) for one in payloads} == {("Available", "NoError")}


def test_2_0_1_says_why_it_boots_and_reports_connectors_by_evse():
    """B01.FR.08: the reason of the first boot is PowerUp."""
    driver = Driver(Version.V201, model=DC_COMBO).boot()
    assert driver.calls(BOOT)[0].payload == {
        "reason": "PowerUp",
        "chargingStation": {"vendorName": "ABB", "model": "Terra 54", "serialNumber": "SN-0001"},
    }
    payloads = [call.payload for call in driver.calls("StatusNotification")]
    assert [(one["evseId"], one["connectorId"]) for one in payloads] == [(1, 1), (1, 2)]


@BOTH
def test_nothing_else_is_sent_before_the_boot_is_answered(version):
    driver = Driver(version, automatic=False).boot()
    driver.advance(25)
    assert driver.actions() == [BOOT]


@BOTH
def test_the_clock_follows_the_csms(version):
    driver = Driver(version, script=answer("Accepted")).boot()
    assert driver.calls("StatusNotification")[-1].payload["timestamp"].startswith("2024-01-01T00:00:0")


@BOTH
@pytest.mark.parametrize(
    ("status", "state"), [("Pending", ConnectionState.PENDING), ("Rejected", ConnectionState.REJECTED)]
)
def test_it_waits_for_the_named_interval_and_boots_again(version, status, state):
    """1.6 §4.2; 2.0.1 B02.FR.08, B03.FR.06."""
    driver = Driver(version, script=answer(status, 90)).boot()
    assert driver.state is state
    driver.advance(89.9)
    assert driver.actions() == [BOOT]
    driver.script = {}
    driver.advance(0.2)
    assert driver.state is ConnectionState.ONLINE
    assert driver.actions()[:3] == [BOOT, BOOT, "StatusNotification"]


@BOTH
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
@pytest.mark.parametrize("interval", [0, -5])
def test_without_an_interval_it_takes_its_own_and_does_not_flood(version, status, interval):
    """1.6 §4.2: an interval of 0 means the charger chooses, "in a way that avoids flooding"."""
    driver = Driver(version, script=answer(status, interval)).boot()
    driver.advance(600)
    assert 10 <= len(driver.calls(BOOT)) <= 21


@BOTH
def test_an_absurd_interval_is_a_long_but_sane_one(version):
    driver = Driver(version, script=answer("Pending", 1e300)).boot()
    due = driver.session.next_wake()
    assert due is not None
    assert due <= START + 31 * 86_400


@BOTH
def test_a_rejected_charger_says_nothing_at_all(version):
    """1.6 §4.2 "SHALL NOT send any OCPP message"; 2.0.1 B03.FR.02-03."""
    driver = Driver(version, script=answer("Rejected", 300)).boot().clear()
    assert driver.ask("DataTransfer", {"vendorId": "x"}) is None
    driver.say("garbage").say("[9]").say('[2,"x"]').binary()
    driver.advance(299)
    assert driver.sent == []
    assert driver.session.oddities()["call_while_rejected"] == 1


@BOTH
def test_a_pending_charger_answers_but_sends_nothing_of_its_own(version):
    """1.6 §4.2; 2.0.1 B02.FR.01-02."""
    driver = Driver(version, script=answer("Pending", 300)).boot().clear()
    assert driver.ask("DataTransfer", {"vendorId": "x"}).payload == {"status": "UnknownVendorId"}
    driver.advance(299)
    assert driver.calls() == []


@BOTH
def test_a_pending_charger_sends_what_is_triggered(version):
    driver = Driver(version, script=answer("Pending", 300)).boot().clear()
    assert driver.ask("TriggerMessage", {"requestedMessage": "Heartbeat"}).payload["status"] == "Accepted"
    assert driver.actions() == ["Heartbeat"]


@BOTH
def test_a_change_while_pending_is_told_once_accepted(version):
    script = answer("Pending", 300)
    driver = Driver(version, script=script).boot().clear()
    everything = {
        Version.V16: {"connectorId": 0, "type": "Inoperative"},
        Version.V201: {"operationalStatus": "Inoperative"},
    }
    driver.ask("ChangeAvailability", everything[version])
    assert driver.calls() == []
    driver.script = {}
    driver.advance(301)
    statuses = [
        call.payload.get("status", call.payload.get("connectorStatus")) for call in driver.calls("StatusNotification")
    ]
    assert set(statuses) == {"Unavailable"}
    assert len(statuses) == {Version.V16: 3, Version.V201: 2}[version]


@BOTH
@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"status": "Accepted"},
        {"status": "Maybe", "interval": 5, "currentTime": "2024-01-01T00:00:00Z"},
        {"status": "Accepted", "interval": "5", "currentTime": "2024-01-01T00:00:00Z"},
        CallError("", "InternalError", "no\nidea\x00"),
        CallError("", "", ""),
    ],
)
def test_a_boot_that_is_answered_with_nonsense_is_tried_again(version, nonsense):
    driver = Driver(version, script={BOOT: nonsense}).boot()
    assert driver.state is ConnectionState.CONNECTING
    assert driver.detail.startswith("BootNotification failed")
    assert driver.detail.isprintable()
    driver.script = {}
    driver.advance(61)
    assert driver.state is ConnectionState.ONLINE


@BOTH
def test_a_boot_that_is_never_answered_is_tried_again_on_the_same_connection(version):
    driver = Driver(version, script={BOOT: None}).boot()
    driver.advance(30)
    assert driver.session.oddities() == {"no_answer": 1}
    driver.script = {}
    driver.advance(61)
    assert driver.actions()[:2] == [BOOT, BOOT]
    assert driver.state is ConnectionState.ONLINE
    assert len(driver.of(Connect)) == 1


@BOTH
@pytest.mark.parametrize("time", ["soon", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", ""])
def test_a_time_that_makes_no_sense_is_ignored(version, time):
    driver = Driver(version, script={BOOT: {"status": "Accepted", "interval": 60, "currentTime": time}}).boot()
    driver.advance(1)
    assert driver.state is ConnectionState.ONLINE
    assert driver.session.oddities()["unusable_time"] == 1


@BOTH
def test_the_registration_outlasts_a_lost_connection(version):
    """Both versions want BootNotification when the charger boots, not when it connects again."""
    driver = Driver(version).boot().advance(10).drop().clear()
    driver.advance(3).connect()
    assert driver.actions() == ["Heartbeat"]
    assert driver.state is ConnectionState.ONLINE


@BOTH
def test_a_boot_whose_answer_got_lost_with_the_connection_is_sent_again(version):
    driver = Driver(version, script={BOOT: None}).boot().drop()
    driver.script = {}
    driver.advance(3).connect()
    assert driver.actions()[:2] == [BOOT, BOOT]
    assert driver.state is ConnectionState.ONLINE


@BOTH
def test_a_pending_charger_that_lost_its_connection_keeps_to_the_interval(version):
    driver = Driver(version, script=answer("Pending", 100)).boot().drop()
    driver.advance(3).connect()
    assert driver.state is ConnectionState.PENDING
    driver.advance(90)
    assert driver.actions() == [BOOT]
    driver.advance(10)
    assert driver.actions() == [BOOT, BOOT]


@BOTH
def test_a_rejected_charger_does_not_even_connect_before_the_interval_is_over(version):
    driver = Driver(version, script=answer("Rejected", 100)).boot().drop().clear()
    driver.advance(99.9)
    assert driver.of(Connect) == []
    driver.advance(0.2).connect()
    assert driver.actions() == [BOOT]


@BOTH
def test_pings_start_with_the_connection(version):
    driver = Driver(version).boot()
    assert driver.of(SetPing) == [SetPing(60)]


@BOTH
@pytest.mark.parametrize("subprotocol", [None, "ocpp1.5", "OCPP1.6", "x" * 500])
def test_a_csms_that_selects_another_subprotocol_is_left_and_tried_again(version, subprotocol):
    driver = Driver(version).start().connect(subprotocol)
    assert driver.of(Close) == [Close(1002, "subprotocol")]
    driver.drop("closed")
    assert driver.state is ConnectionState.OFFLINE
    assert "subprotocol" in driver.detail or "selected" in driver.detail
    assert version.subprotocol in driver.detail
    driver.advance(3).connect()
    assert driver.state is ConnectionState.ONLINE


def test_words_that_are_too_long_for_the_version_are_cut():
    from dataclasses import replace

    model = replace(AC_TWIN, vendor="V" * 90, model="M" * 90, firmware="F" * 90)
    for version in Version:
        assert Driver(version, model=model).boot().state is ConnectionState.ONLINE


@BOTH
def test_a_boot_is_sent_once_however_often_it_is_triggered(version):
    driver = Driver(version, script=answer("Pending", 900)).boot().clear()
    driver.automatic = False
    for _ in range(3):
        driver.ask("TriggerMessage", {"requestedMessage": BOOT})
    driver.script = {}
    driver.automatic = True
    driver.reply()
    assert driver.actions().count(BOOT) == 1


def test_a_report_that_was_asked_for_too_early_waits_for_the_registration():
    """B01: before an answer to BootNotification nothing else is sent."""
    driver = Driver(Version.V201, script={BOOT: CallError("", "InternalError", "")}).boot().clear()
    request = {"requestId": 1, "reportBase": "SummaryInventory"}
    assert driver.ask("GetBaseReport", request).payload == {"status": "Accepted"}
    assert driver.calls() == []
    driver.script = {}
    driver.advance(61)
    assert driver.actions() == [BOOT, "NotifyReport", "StatusNotification", "StatusNotification"]


@pytest.fixture
def asked_to_boot():
    """A 1.6 charger, accepted, whose triggered BootNotification is not answered yet; two statuses wait behind it."""
    driver = Driver(Version.V16).boot().clear()
    driver.automatic = False
    driver.ask("TriggerMessage", {"requestedMessage": BOOT})
    driver.ask("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1})
    driver.ask("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"})
    driver.automatic = True
    return driver


def test_told_to_wait_it_sends_what_it_was_asked_for_and_keeps_the_rest(asked_to_boot):
    """1.6 §4.2."""
    asked_to_boot.asked_while_pending = 1
    asked_to_boot.reply(answer("Pending")[BOOT])
    assert [call.payload.get("connectorId") for call in asked_to_boot.calls()] == [None, 1]
    asked_to_boot.advance(61)
    assert asked_to_boot.calls("StatusNotification")[1].payload["connectorId"] == 2


def test_rejected_it_drops_what_was_waiting(asked_to_boot):
    asked_to_boot.reply(answer("Rejected")[BOOT]).clear().advance(61)
    assert [call.payload.get("connectorId") for call in asked_to_boot.calls()] == [None, 0, 1, 2]
