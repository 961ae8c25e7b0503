"""A charger that moves to another simulator host with its power on: to its CSMS the network was away for a moment."""

import pytest

from chargers.protocol import Version
from chargers.simulator.dialects.moving import MOVING, VALID_FOR
from chargers.simulator.effects import Close, TransactionStarted, TransactionStopped
from tests.support.frames import Driver

from .conftest import CAR, configure, start, values
from .files import downloads, told, update, uploads

REGISTER = ("Energy.Active.Import.Register", "")


def test_it_does_not_boot_again_and_its_transaction_goes_on(charging):
    charging.advance(65).clear().move().connect().advance(180)
    assert "BootNotification" not in charging.actions()
    assert [one.payload["transactionId"] for one in charging.calls("MeterValues")] == [1, 1, 1]
    assert charging.calls("StopTransaction") == []
    assert charging.intent("stop_transaction").ok
    (stop,) = charging.calls("StopTransaction")
    assert (stop.payload["transactionId"], stop.payload["reason"]) == (1, "Local")
    assert (charging.ledger(TransactionStarted), len(charging.ledger(TransactionStopped))) == ([], 1)


@pytest.mark.parametrize("away", [0.1, 30.0, VALID_FOR])
def test_the_meter_runs_on_while_nobody_holds_the_charger(away):
    stays, moves = (Driver(Version.V16).boot() for _ in range(2))
    for driver in (stays, moves):
        configure(driver, MeterValueSampleInterval=7)
        start(driver)
        driver.advance(100)
    stays.advance(away)
    moves.move(away).connect()
    for driver in (stays, moves):
        driver.clear().advance(300)
    there, here = (
        {one.payload["meterValue"][0]["timestamp"]: values(one)[REGISTER] for one in driver.calls("MeterValues")}
        for driver in (stays, moves)
    )
    assert len(there) > 40
    assert there.items() <= here.items(), "beside them there is the one that was due while it moved"
    assert len(here) <= len(there) + 1
    stops = [driver.intent("stop_transaction").data["energy_wh"] for driver in (moves, stays)]
    assert stops[0] == stops[1]


def test_the_connection_is_closed_as_by_one_who_goes_away(charging):
    charging.move()
    assert charging.of(Close) == [Close(1001, "going away")]


def test_a_move_that_nobody_took_in_time_was_a_loss_of_power(charging):
    charging.advance(60).clear().move(VALID_FOR + 1)
    charging.registration = "none"
    charging.connect()
    assert charging.actions()[0] == "BootNotification"
    (stop,) = charging.calls("StopTransaction")
    assert stop.payload["reason"] == "PowerLoss"


def test_who_takes_only_the_memory_of_a_move_finds_a_charger_without_power(charging):
    charging.session.hand_over(charging.now)
    memory = charging.memory()
    del memory[MOVING]
    later = Driver(seed=2, memory=memory, now=charging.now + 1)
    later.numbers = charging.numbers
    later.boot()
    assert later.calls("StopTransaction")[0].payload["reason"] == "PowerLoss"


def test_only_a_status_that_changed_is_told_again(driver):
    driver.intent("plug", connector=1, vehicle=CAR)
    driver.clear().move().connect()
    assert driver.actions() == ["Heartbeat"]
    driver.clear().move()
    driver.intent("unplug", connector=1)
    driver.connect()
    assert driver.statuses(1) == ["Available"]
    assert driver.statuses(2) == []


def test_a_tag_that_was_shown_still_counts_and_no_longer_than_it_would_have(driver):
    configure(driver, ConnectionTimeOut=60)
    assert driver.intent("present", connector=1, id_tag="T1").ok
    driver.advance(30).move().connect().advance(20)
    driver.intent("plug", connector=1, vehicle=CAR)
    assert len(driver.calls("StartTransaction")) == 1
    assert driver.intent("present", connector=2, id_tag="T2").ok
    driver.advance(30).move().connect().advance(31)
    driver.intent("plug", connector=2, vehicle=CAR)
    assert len(driver.calls("StartTransaction")) == 1


def test_a_session_of_the_lab_ends_when_it_should(driver):
    driver.intent("start_session", connector=1, id_tag="T1", duration_seconds=100)
    driver.advance(40).move().connect().advance(58)
    assert driver.calls("StopTransaction") == []
    driver.advance(2)
    (stop,) = driver.calls("StopTransaction")
    assert stop.payload["reason"] == "Local"


def test_what_was_queued_while_offline_is_sent_once_and_in_order(charging):
    charging.drop()
    charging.advance(600)
    charging.clear().move().settle_connection().advance(1)
    stamps = [one.payload["meterValue"][0]["timestamp"] for one in charging.calls("MeterValues")]
    assert stamps == sorted(set(stamps))
    assert len(stamps) >= 10


def test_a_charger_that_waits_for_its_next_try_waits_on(charging):
    charging.drop().move(0.1)
    assert not charging.dialling
    charging.advance(3)
    assert charging.dialling


def test_an_unanswered_start_is_sent_again_unchanged(driver):
    driver.script["StartTransaction"] = None
    start(driver)
    del driver.script["StartTransaction"]
    driver.move().connect()
    first, second = driver.calls("StartTransaction")
    assert first.payload == second.payload
    assert first.id != second.id


def test_a_charger_may_move_again_and_again(charging):
    for _ in range(5):
        charging.advance(61).move(0.5).connect()
    assert len(charging.calls("MeterValues")) == 5
    charging.intent("stop_transaction")
    assert [one.action for one in charging.calls() if one.action.endswith("Transaction")] == ["StopTransaction"]


def test_the_people_of_an_automatic_fleet_stay(driver):
    behaviour = {"arrivals_per_hour": 20, "tags": ["A"], "mean_minutes": 10, "seed": 3}
    assert driver.intent("behaviour", **behaviour).ok
    driver.advance(3600)
    before = driver.intent("state").data["connectors"]
    driver.clear().move(0.0).connect()
    assert [one["status"] for one in driver.intent("state").data["connectors"]] == [one["status"] for one in before]
    driver.advance(7200)
    assert len(driver.calls("StopTransaction")) >= 5
    assert {one.payload["reason"] for one in driver.calls("StopTransaction")} <= {"Local", "EVDisconnected"}


def test_a_file_on_its_way_is_fetched_anew(driver):
    update(driver)
    assert told(driver, "FirmwareStatusNotification") == ["Downloading"]
    driver.clear().move().connect()
    assert downloads(driver) == []
    driver.advance(11)
    assert len(downloads(driver)) == 1
    assert told(driver, "FirmwareStatusNotification") == []


def test_a_log_on_its_way_is_brought_anew(driver):
    driver.ask("GetDiagnostics", {"location": "http://files/up/"})
    driver.clear().move().connect().advance(11)
    assert len(uploads(driver)) == 1


def test_a_charger_that_is_rebooting_boots_at_its_new_host(charging):
    charging.ask("Reset", {"type": "Hard"})
    charging.clear().move()
    charging.registration = "none"
    charging.settle_connection()
    assert charging.actions()[0] == "BootNotification"


def test_a_soft_reset_that_waits_for_the_csms_is_carried_out(charging):
    charging.script["StopTransaction"] = None
    charging.ask("Reset", {"type": "Soft"})
    del charging.script["StopTransaction"]
    charging.clear().move().connect().settle_connection()
    assert charging.actions().index("StopTransaction") < charging.actions().index("BootNotification")


def test_a_charger_without_a_csms_charges_on(driver):
    driver.intent("send_local_list", list_version=1, entries=[{"id_tag": "T1"}])
    lonely = Driver(seed=2, memory=driver.memory(), now=driver.now).start().drop()
    start(lonely)
    lonely.advance(100).move().advance(100)
    assert lonely.ledger(TransactionStopped) == []
    assert lonely.intent("state").data["connectors"][0]["status"] == "Charging"


def test_a_charger_that_nobody_would_miss_leaves_nothing_behind():
    driver = Driver(Version.V16).start()
    driver.session.hand_over(driver.now)
    assert MOVING not in driver.memory()


def test_a_charger_of_2_0_1_goes_on_with_the_settings_that_its_csms_made():
    driver = Driver(Version.V201).boot()
    interval = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    answer = driver.ask("SetVariables", {"setVariableData": [interval | {"attributeValue": "77"}]})
    assert answer.payload["setVariableResult"][0]["attributeStatus"] == "Accepted"
    driver.clear().move().connect().advance(1)
    assert "BootNotification" not in driver.actions()
    driver.clear().advance(77 * 3 + 1)
    assert driver.actions() == ["Heartbeat"] * 3
