"""Heartbeat: 1.6 §4.6, 2.0.1 G02."""

import pytest

from chargers.protocol import CallError, Version
from tests.support.frames import START, Driver

BOTH = pytest.mark.parametrize("version", list(Version))
HOUR = 3600


def accepted(interval):
    return {"BootNotification": {"status": "Accepted", "interval": interval, "currentTime": "2023-11-14T22:13:20Z"}}


@BOTH
@pytest.mark.parametrize("interval", [1, 30, 300])
def test_it_beats_by_the_interval_that_the_csms_gave(version, interval):
    driver = Driver(version, script=accepted(interval)).boot().advance(interval * 10 + 0.5)
    assert len(driver.calls("Heartbeat")) == 10


@BOTH
def test_an_interval_of_zero_leaves_the_charger_s_own(version):
    driver = Driver(version, script=accepted(0)).boot().advance(601)
    assert len(driver.calls("Heartbeat")) == 2


@BOTH
def test_an_absurd_interval_still_beats_once_a_day(version):
    driver = Driver(version, script=accepted(10**15)).boot().advance(25 * HOUR)
    assert len(driver.calls("Heartbeat")) == 1


@BOTH
def test_any_other_message_stands_for_a_heartbeat(version):
    """1.6 §4.6 allows it, 2.0.1 G02.FR.05 recommends it."""
    driver = Driver(version, script=accepted(60)).boot()
    for _ in range(20):
        driver.advance(50)
        driver.ask("DataTransfer", {"vendorId": "x"})
    assert driver.calls("Heartbeat") == []
    driver.advance(61)
    assert len(driver.calls("Heartbeat")) == 1


@BOTH
def test_a_busy_charger_beats_once_a_day_for_the_time(version):
    driver = Driver(version, script=accepted(HOUR)).boot()
    for _ in range(26 * 2):
        driver.advance(HOUR / 2)
        driver.ask("DataTransfer", {"vendorId": "x"})
    assert len(driver.calls("Heartbeat")) == 1


@BOTH
def test_its_answer_sets_the_clock(version):
    driver = Driver(version).boot()
    driver.script["Heartbeat"] = {"currentTime": "2030-01-01T00:00:00Z"}
    driver.advance(300)
    driver.ask("TriggerMessage", {"requestedMessage": "StatusNotification", **connector(version)})
    assert driver.calls("StatusNotification")[-1].payload["timestamp"].startswith("2030-01-01T00:00:0")


def connector(version):
    return {Version.V16: {"connectorId": 1}, Version.V201: {"evse": {"id": 1, "connectorId": 1}}}[version]


@BOTH
@pytest.mark.parametrize("answer", [None, {}, {"currentTime": 5}, CallError("", "GenericError", "")])
def test_a_heartbeat_that_fails_is_followed_by_the_next(version, answer):
    driver = Driver(version, script=accepted(60)).boot()
    driver.script["Heartbeat"] = answer
    for _ in range(10):
        driver.advance(60)
    assert 9 <= len(driver.calls("Heartbeat")) <= 11


@BOTH
def test_it_does_not_beat_without_a_connection_and_beats_again_after_it(version):
    driver = Driver(version, script=accepted(60)).boot().drop()
    driver.advance(30 * 60)
    assert driver.calls("Heartbeat") == []
    driver.connect().advance(61)
    assert len(driver.calls("Heartbeat")) == 2


@BOTH
def test_it_sleeps_until_the_next_beat(version):
    driver = Driver(version, script=accepted(60)).boot()
    assert driver.session.next_wake() == START + 60


@BOTH
def test_beats_that_are_never_answered_do_not_pile_up(version):
    driver = Driver(version, script=accepted(1)).boot()
    driver.script["Heartbeat"] = None
    driver.advance(4000)
    assert "queue_full" not in driver.session.oddities()
    driver.script = {}
    driver.advance(31).clear().advance(0.5)
    assert len(driver.calls("Heartbeat")) <= 1
