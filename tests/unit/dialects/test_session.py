"""The connection's life: dialling, losing, waiting, resets, power. The same for both versions."""

import itertools

import pytest

from chargers.protocol import Version
from chargers.simulator.effects import Close, Connect, ConnectionState, Received, Send, State
from tests.support.frames import Driver

BOTH = pytest.mark.parametrize("version", list(Version))


@BOTH
def test_it_dials_when_it_is_powered_on_and_only_then(version):
    driver = Driver(version)
    assert driver.session.next_wake() is None
    driver.start().start()
    assert len(driver.of(Connect)) == 1
    assert driver.session.next_wake() is None


@BOTH
def test_a_dial_that_fails_is_repeated_with_growing_waits(version):
    driver = Driver(version).start()
    waits = []
    for _ in range(10):
        driver.drop("connection refused")
        due = driver.session.next_wake()
        assert due is not None
        waits.append(due - driver.now)
        driver.advance(waits[-1])
    assert len(driver.of(Connect)) == 11
    assert 1 <= waits[0] <= 2
    assert all(later > earlier for earlier, later in itertools.pairwise(waits[:8]))
    assert 128 <= waits[7] == waits[8] == waits[9] <= 383


@BOTH
def test_the_state_says_why_it_is_offline_and_when_it_tries_again(version):
    driver = Driver(version).start().drop("connection refused")
    assert driver.state is ConnectionState.OFFLINE
    assert driver.detail.startswith("connection refused; next try in ")


@BOTH
def test_a_long_or_dirty_reason_does_not_spoil_the_state(version):
    driver = Driver(version).start().drop("x\x00\n" * 1000)
    assert len(driver.detail) <= 300
    assert driver.detail.isprintable()


@BOTH
def test_a_csms_that_takes_connections_and_drops_them_is_not_hammered(version):
    driver = Driver(version).start()
    for _ in range(6):
        driver.script = {"BootNotification": None}
        driver.connect().drop()
        due = driver.session.next_wake()
        assert due is not None
        driver.advance(due - driver.now)
    due = due - driver.now if (due := driver.session.next_wake()) else 0
    assert driver.drop().session.next_wake() > driver.now + 60


@BOTH
def test_an_accepted_boot_makes_the_next_wait_short_again(version):
    driver = Driver(version).start()
    for _ in range(6):
        driver.drop()
        driver.advance(400)
    driver.connect().drop()
    due = driver.session.next_wake()
    assert due is not None
    assert due - driver.now <= 2


@BOTH
def test_back_off_grows_also_when_an_accepted_charger_is_dropped_again_and_again(version):
    driver = Driver(version).boot()
    driver.script = {"Heartbeat": None}
    waits = []
    for _ in range(5):
        driver.drop()
        due = driver.session.next_wake()
        assert due is not None
        waits.append(due - driver.now)
        driver.advance(waits[-1]).connect()
    assert waits[-1] > 16


@BOTH
def test_power_off_closes_and_dials_no_more(version):
    driver = Driver(version).boot().stop()
    assert driver.of(Close) == [Close(1000, "power off")]
    driver.drop()
    driver.advance(10_000)
    assert driver.session.next_wake() is None
    assert len(driver.of(Connect)) == 1
    assert driver.of(State)[-1] == State(ConnectionState.OFFLINE)


@BOTH
def test_power_off_while_waiting_has_nothing_to_close(version):
    driver = Driver(version).start().drop().stop()
    assert driver.of(Close) == []
    assert driver.session.next_wake() is None


@BOTH
def test_a_dial_that_succeeds_after_power_off_is_hung_up(version):
    driver = Driver(version).start().stop()
    driver.session.connected(driver.now, version.subprotocol)
    effects = driver.session.connected(driver.now, version.subprotocol)
    assert [type(one) for one in effects] == [Close]


@BOTH
def test_powered_on_again_it_boots_again(version):
    driver = Driver(version).boot().stop()
    driver.registration = "none"
    driver.drop()
    driver.clear().start().connect()
    assert driver.actions()[0] == "BootNotification"


@BOTH
def test_nothing_surprises_a_charger_that_is_off(version):
    driver = Driver(version)
    driver.say("[2]").binary().drop().stop().advance(100)
    assert driver.of(Send) == []
    assert driver.of(Connect) == []
    assert driver.intent("reset").code == "powered_off"


@BOTH
def test_an_unknown_intent_is_settled_as_such(version):
    settled = Driver(version).boot().intent("levitate")
    assert (settled.ok, settled.code, settled.intent_id) == (False, "unknown_intent", "intent-1")


@BOTH
def test_a_reset_at_the_station_reboots_it(version):
    driver = Driver(version).boot().clear()
    assert driver.intent("reset").ok
    assert driver.of(Close) == [Close(1000, "reboot")]
    driver.drop().advance(5)
    driver.connect()
    assert driver.actions()[0] == "BootNotification"
    if version is Version.V201:
        assert driver.calls()[0].payload["reason"] == "LocalReset"


@BOTH
def test_a_reset_while_it_waits_to_dial_makes_the_next_connection_a_boot(version):
    driver = Driver(version).boot().drop()
    assert driver.intent("reset").ok
    driver.registration = "none"
    driver.clear().advance(5).connect()
    assert driver.actions()[0] == "BootNotification"


@BOTH
def test_a_reset_while_it_dials_lets_the_dial_go_on(version):
    driver = Driver(version).start()
    assert driver.intent("reset").ok
    driver.connect()
    assert driver.actions()[0] == "BootNotification"
    assert len(driver.of(Connect)) == 1


@BOTH
def test_what_arrives_after_the_close_is_logged_and_not_answered(version):
    driver = Driver(version).boot()
    driver.intent("reset")
    driver.clear()
    driver.say('[2,"late","DataTransfer",{"vendorId":"x"}]')
    assert driver.sent == []
    assert [one.text for one in driver.of(Received)] == ['[2,"late","DataTransfer",{"vendorId":"x"}]']


@BOTH
def test_every_frame_is_logged_with_the_action_it_belongs_to(version):
    driver = Driver(version).boot()
    driver.ask("DataTransfer", {"vendorId": "x"})
    logged = [(type(one), one.action) for one in driver.effects if isinstance(one, Send | Received)]
    assert logged[:2] == [(Send, "BootNotification"), (Received, "BootNotification")]
    assert logged[-2:] == [(Received, "DataTransfer"), (Send, "DataTransfer")]


@BOTH
def test_the_same_seed_gives_the_same_life(version):
    def life(seed):
        driver = Driver(version, seed=seed).boot().drop().advance(5).connect().advance(700)
        return driver.effects

    assert life(5) == life(5)
    assert life(5) != life(6)


@BOTH
def test_a_change_while_away_is_told_after_the_next_connection(version):
    change = {
        Version.V16: {"connectorId": 2, "type": "Inoperative"},
        Version.V201: {"operationalStatus": "Inoperative", "evse": {"id": 2, "connectorId": 1}},
    }[version]
    driver = Driver(version, script={"StatusNotification": lambda _: None if changed else {}})
    changed = False
    driver.boot().clear()
    changed = True
    driver.ask("ChangeAvailability", change)
    assert driver.actions() == ["StatusNotification"]
    changed = False
    driver.drop().clear().advance(3).connect()
    assert driver.actions() == ["StatusNotification", "Heartbeat"]
    status = driver.calls()[0].payload
    assert (status.get("status"), status.get("connectorStatus")) in {("Unavailable", None), (None, "Unavailable")}


def test_after_more_than_the_offline_threshold_2_0_1_reports_everything():
    """B04.FR.01-02: the time away counts from the loss, however many dials failed since."""
    driver = Driver(Version.V201).boot().drop()
    driver.advance(3)
    driver.clear().connect().drop()
    assert driver.actions() == ["Heartbeat"]
    lost = driver.now
    while driver.now < lost + 600:
        due = driver.session.next_wake()
        assert due is not None
        driver.advance(due - driver.now)
        driver.drop()
    driver.advance(400).clear().connect()
    assert driver.actions() == ["StatusNotification", "StatusNotification", "Heartbeat"]


@BOTH
def test_a_status_that_a_reboot_told_anyway_is_not_told_again(version):
    driver = Driver(version, script={"StatusNotification": None}).boot().drop()
    driver.script = {}
    driver.intent("reset")
    driver.registration = "none"
    driver.advance(6).connect().drop()
    driver.clear().advance(3).connect()
    assert driver.actions() == ["Heartbeat"]


@BOTH
def test_powered_on_again_it_has_forgotten_its_troubles(version):
    driver = Driver(version).start()
    for _ in range(6):
        driver.drop()
        driver.advance(400)
    driver.connect("nonsense").stop()
    driver.drop("closed")
    driver.clear().start().drop("connection refused")
    due = driver.session.next_wake()
    assert due is not None
    assert due - driver.now <= 2
    assert driver.detail.startswith("connection refused")


@BOTH
def test_back_off_grows_also_when_a_csms_answers_pending_and_drops_the_connection(version):
    pending = {"status": "Pending", "interval": 1, "currentTime": "2024-01-01T00:00:00Z"}
    driver = Driver(version, script={"BootNotification": pending}).start()
    waits = []
    for _ in range(6):
        driver.connect().drop()
        due = max(driver.session._ctx.timers.values())
        waits.append(due - driver.now)
        driver.advance(waits[-1])
    assert waits[-1] > 16


@BOTH
def test_a_version_that_is_not_spoken_is_refused_at_once(version):
    from dataclasses import replace

    from chargers.simulator.session import Session
    from tests.support.frames import spec

    with pytest.raises(ValueError, match=r"OCPP9\.9"):
        Session(replace(spec(version), ocpp_version="OCPP9.9"), now=0.0, seed=1)
