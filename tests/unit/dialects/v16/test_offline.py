"""§3.7 what happens to transaction messages while there is no CSMS, and over a restart."""

import pytest

from chargers.protocol import parse_time
from chargers.simulator.effects import MessageAccepted, MessageDropped, Remember, TransactionStopped
from tests.support.frames import Driver

from .conftest import CAR, configure, start, values

REGISTER = ("Energy.Active.Import.Register", "")
OURS = {"StartTransaction", "MeterValues", "StopTransaction"}


def told(driver):
    return [one for one in driver.calls() if one.action in OURS]


def back(driver, memory, seed=2):
    """The same charger in a new process."""
    later = Driver(seed=seed, memory=memory, now=driver.now)
    later.numbers = driver.numbers
    return later


def test_two_hours_offline_are_replayed_in_order_with_their_own_times(driver):
    driver.drop()
    start(driver)
    driver.advance(7200)
    began = driver.now - 7200
    driver.intent("stop_transaction")
    driver.clear().connect().advance(1)
    actions = [one.action for one in told(driver)]
    assert actions == ["StartTransaction", *["MeterValues"] * 120, "StopTransaction"]
    stamps = [
        parse_time(one.payload.get("timestamp") or one.payload["meterValue"][0]["timestamp"]) for one in told(driver)
    ]
    assert stamps == sorted(stamps)
    assert stamps[0] == began
    assert stamps[-1] == began + 7200
    assert all(one.payload["transactionId"] == 1 for one in told(driver)[1:])


def test_a_long_replay_lets_other_messages_through(driver):
    driver.drop()
    start(driver)
    driver.advance(3600)
    driver.clear().connect()
    assert "Heartbeat" in driver.actions()[:8]


def test_messages_wait_for_the_connection_in_mid_transaction(charging):
    charging.advance(120).drop()
    charging.advance(3600)
    charging.clear().connect().advance(1)
    registers = [int(values(one)[REGISTER]) for one in charging.calls("MeterValues")]
    assert len(registers) == 60
    assert registers == sorted(registers)


def test_a_start_whose_answer_was_lost_is_sent_again_unchanged(driver):
    driver.script["StartTransaction"] = None
    start(driver)
    driver.drop()
    del driver.script["StartTransaction"]
    driver.advance(5).connect()
    first, second = driver.calls("StartTransaction")
    assert first.payload == second.payload
    assert first.id != second.id


def test_a_queue_that_grows_too_long_gives_up_meter_values_only(driver):
    driver.drop()
    start(driver)
    driver.advance(86_400 * 3)
    driver.intent("stop_transaction")
    dropped = driver.ledger(MessageDropped)
    assert {(one.action, one.why) for one in dropped} == {("MeterValues", "thinned")}
    driver.clear().connect().advance(1)
    actions = [one.action for one in told(driver)]
    assert actions[0] == "StartTransaction"
    assert actions[-1] == "StopTransaction"
    assert 100 < len(actions) < 250
    stamps = [parse_time(one.payload["meterValue"][0]["timestamp"]) for one in driver.calls("MeterValues")]
    assert stamps == sorted(stamps)


def test_the_ledger_says_what_the_csms_took_in(charging):
    charging.advance(120)
    charging.intent("stop_transaction")
    accepted = charging.ledger(MessageAccepted)
    assert [one.action for one in accepted] == ["MeterValues", "MeterValues", "StopTransaction"]
    assert [one.sequence for one in accepted] == [2, 3, 4]
    assert [one.transaction_id for one in accepted] == [None, None, "1"]


def test_the_moments_that_matter_are_to_be_remembered_at_once(driver):
    driver.intent("plug", vehicle=CAR)
    driver.clear().intent("start_transaction", id_tag="T")
    assert driver.of(Remember) == [Remember(urgent=True)] * 2  # the start, and its answer
    driver.clear().intent("stop_transaction")
    assert Remember(urgent=True) in driver.of(Remember)
    driver.clear()
    configure(driver, HeartbeatInterval=100)
    assert Remember(urgent=True) in driver.of(Remember)


def test_progress_is_to_be_remembered_once_a_minute_at_most(charging):
    configure(charging, MeterValueSampleInterval=5)
    charging.clear().advance(600)
    assert 8 <= len(charging.of(Remember)) <= 11
    assert not any(one.urgent for one in charging.of(Remember))


def test_an_idle_charger_has_nothing_to_remember(driver):
    driver.advance(86_400)
    assert driver.of(Remember) == []


def test_a_charger_that_was_killed_in_mid_transaction_ends_it_with_power_loss(charging):
    charging.advance(125)
    memory = charging.memory()
    charging.now += 30
    later = back(charging, memory).boot()
    (stop,) = later.calls("StopTransaction")
    assert (stop.payload["reason"], stop.payload["transactionId"]) == ("PowerLoss", 1)
    assert stop.payload["meterStop"] > 22_000 * 125 / 3600
    assert later.statuses(1) == ["Finishing"]


@pytest.mark.parametrize("unremembered", [0, 30, 59])
def test_no_sample_is_above_the_stop_after_a_crash(driver, unremembered):
    configure(driver, MeterValueSampleInterval=5)
    start(driver)
    driver.advance(300)
    memory = driver.memory()
    driver.advance(unremembered)
    last = int(values(driver.calls("MeterValues")[-1])[REGISTER])
    driver.now += 1000
    later = back(driver, memory).boot()
    stop = later.calls("StopTransaction")[0].payload
    assert stop["meterStop"] >= last
    assert parse_time(stop["timestamp"]) >= parse_time(
        driver.calls("MeterValues")[-1].payload["meterValue"][0]["timestamp"]
    )
    assert later.ledger(TransactionStopped)[0].meter_stop == stop["meterStop"]


def test_the_register_outlasts_the_process(charging):
    charging.advance(600)
    charging.intent("stop_session")
    later = back(charging, charging.memory()).boot()
    assert later.intent("state").data["connectors"][0]["meter_wh"] == 3666


def test_a_queue_outlasts_the_process_with_everything_in_it(driver):
    driver.drop()
    start(driver)
    driver.advance(600)
    driver.intent("stop_session")
    later = back(driver, driver.memory()).boot().advance(1)
    assert [one.action for one in told(later)] == ["StartTransaction", *["MeterValues"] * 10, "StopTransaction"]
    assert all(one.payload["transactionId"] == 1 for one in told(later)[1:])


def test_configuration_list_cache_availability_and_faults_outlast_the_process(driver):
    configure(driver, MeterValueSampleInterval=17)
    driver.intent("send_local_list", list_version=3, entries=[{"id_tag": "A"}])
    driver.intent("authorize", id_tag="C")
    driver.intent("inject_fault", connector=1, fault_type="GroundFault")
    driver.ask("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"})
    later = back(driver, driver.memory()).boot()
    state = later.intent("state").data
    assert state["configuration"]["MeterValueSampleInterval"] == "17"
    assert (state["local_list_version"], state["cached_tags"]) == (3, 1)
    assert [one["status"] for one in state["connectors"]] == ["Faulted", "Unavailable"]


def test_a_memory_of_another_format_is_refused_and_not_silently_replaced(driver):
    with pytest.raises(ValueError, match="format 99"):
        back(driver, {"format": 99})


def test_nothing_of_a_transaction_is_lost_when_the_charger_is_switched_off_and_moved(charging):
    charging.advance(90).stop()
    later = back(charging, charging.memory()).boot()
    assert later.calls("StopTransaction")[0].payload["reason"] == "PowerLoss"
    assert len(later.calls("StopTransaction")) == 1


def test_the_ledger_has_the_end_of_a_broken_transaction_at_the_time_that_the_csms_was_told(charging):
    charging.advance(90)
    memory = charging.memory()
    charging.now += 3600
    later = back(charging, memory).boot()
    (ended,) = later.calls("StopTransaction")
    (accepted,) = [one for one in later.ledger(MessageAccepted) if one.action == "StopTransaction"]
    (stopped,) = later.ledger(TransactionStopped)
    assert accepted.at == pytest.approx(parse_time(ended.payload["timestamp"]), abs=0.001)
    assert stopped.at == accepted.at < accepted.accepted_at
