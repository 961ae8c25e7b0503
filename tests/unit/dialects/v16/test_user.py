"""Orders of the lab: what they do, what they refuse, and that a refusal changes nothing."""

import pytest

from chargers.protocol import CallError, without_secrets
from chargers.simulator.effects import Intent, Received, Send, Settled
from tests.support.frames import Driver

from .conftest import CAR, configure, start

FAULTS = {
    "GroundFault": "GroundFailure",
    "OverCurrent": "OverCurrentFailure",
    "OverVoltage": "OverVoltage",
    "UnderVoltage": "UnderVoltage",
    "OverTemperature": "HighTemperature",
    "InternalError": "InternalError",
    "ConnectorLockFailure": "ConnectorLockFailure",
    "EVCommunicationError": "EVCommunicationError",
    "PowerMeterFailure": "PowerMeterFailure",
    "WeakSignal": "WeakSignal",
}
AT_CONNECTOR = (
    "plug", "unplug", "present", "start_transaction", "start_session", "stop_session", "unlock",
    "ev_requests_energy", "ev_stops_energy", "power_update", "inject_fault", "clear_fault",
)  # fmt: skip


def state(driver):
    data = driver.intent("state").data
    return {key: value for key, value in data.items() if key != "time"}


@pytest.mark.parametrize("kind", AT_CONNECTOR)
@pytest.mark.parametrize("connector", [0, 3, -1, "1"])
def test_an_unknown_connector_is_refused(driver, kind, connector):
    before = state(driver)
    settled = driver.intent(kind, connector=connector, id_tag="T", fault_type="OverCurrent")
    assert (settled.ok, settled.code) == (False, "unknown_connector")
    assert state(driver) == before


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("unplug", "not_plugged"),
        ("start_transaction", "not_plugged"),
        ("stop_transaction", "no_transaction"),
        ("stop_session", "no_transaction"),
        ("ev_requests_energy", "not_plugged"),
        ("ev_stops_energy", "not_plugged"),
        ("power_update", "not_plugged"),
        ("clear_fault", "no_fault"),
        ("explode", "unknown_intent"),
    ],
)
def test_what_is_impossible_at_an_idle_connector_is_refused(driver, kind, code):
    before = state(driver)
    settled = driver.intent(kind, id_tag="T")
    assert (settled.ok, settled.code) == (False, code)
    assert state(driver) == before
    assert driver.calls() == []


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("plug", "connector_occupied"),
        ("start_transaction", "connector_occupied"),
        ("start_session", "connector_occupied"),
    ],
)
def test_what_is_impossible_while_charging_is_refused(charging, kind, code):
    before = state(charging)
    assert charging.intent(kind, id_tag="T2").code == code
    assert state(charging) == before


def test_a_charger_without_power_does_nothing(driver):
    driver.stop()
    assert driver.intent("plug").code == "powered_off"


def test_an_unavailable_connector_starts_nothing(driver):
    driver.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    driver.intent("plug")
    assert driver.intent("start_transaction", id_tag="T").code == "unavailable"
    assert driver.statuses(1) == ["Unavailable"]


@pytest.mark.parametrize("vehicle", ["Batmobile", {"name": "Batmobile"}, {"soc": 2}, {"soc": "full"}])
def test_an_unknown_vehicle_is_refused(driver, vehicle):
    assert driver.intent("plug", vehicle=vehicle).code == "unknown_vehicle"


def test_a_transaction_is_stopped_by_either_of_its_ids(driver):
    first = start(driver)
    start(driver, "T2", 2)
    assert driver.intent("stop_transaction").code == "ambiguous_transaction"
    assert driver.intent("stop_transaction", transaction_id="99").code == "no_transaction"
    assert driver.intent("stop_transaction", transaction_id="2").data["connector"] == 2
    assert driver.intent("stop_transaction", transaction_id=first).data["connector"] == 1


@pytest.mark.parametrize(("fault", "code"), FAULTS.items())
def test_each_fault_has_its_error_code(driver, fault, code):
    settled = driver.intent("inject_fault", fault_type=fault)
    assert settled.data == {"connector": 1, "fault_type": fault, "status": "Faulted"}
    (told,) = driver.calls("StatusNotification")
    assert (told.payload["status"], told.payload["errorCode"]) == ("Faulted", code)
    assert told.payload["vendorErrorCode"] == fault
    assert driver.intent("start_session", id_tag="T").code == "faulted"
    assert driver.intent("clear_fault").data == {"connector": 1, "fault_type": None, "status": "Available"}
    assert driver.calls("StatusNotification")[-1].payload["errorCode"] == "NoError"


def test_a_fault_ends_a_transaction(charging):
    charging.advance(60)
    charging.intent("inject_fault", fault_type="OverTemperature")
    assert charging.calls("StopTransaction")[0].payload["reason"] == "Other"
    assert charging.statuses(1) == ["Faulted"]
    charging.intent("clear_fault")
    assert charging.statuses(1) == ["Faulted", "Finishing"]


def test_a_second_fault_takes_the_place_of_the_first(driver):
    driver.intent("inject_fault", fault_type="OverTemperature")
    driver.intent("inject_fault", fault_type="WeakSignal")
    assert driver.intent("state").data["connectors"][0]["fault_type"] == "WeakSignal"
    assert [one.payload["errorCode"] for one in driver.calls("StatusNotification")] == ["HighTemperature", "WeakSignal"]


def test_an_unknown_fault_is_refused(driver):
    assert driver.intent("inject_fault", fault_type="Gremlins").code == "unknown_fault"


def test_a_session_whose_tag_is_refused_leaves_no_car_behind(driver):
    driver.script["Authorize"] = {"idTagInfo": {"status": "Blocked"}}
    settled = driver.intent("start_session", id_tag="T")
    assert (settled.code, settled.data["status"]) == ("id_tag_refused", "Blocked")
    assert driver.statuses(1) == ["Preparing", "Available"]


def test_a_session_is_settled_once_when_the_connection_breaks(driver):
    driver.script["Authorize"] = None
    assert driver.order("start_session", id_tag="T") is None
    driver.drop()
    assert [one.ok for one in driver.of(Settled)] == [False]


def test_a_session_is_stopped_and_the_car_leaves(driver):
    driver.intent("start_session", id_tag="T")
    driver.advance(600)
    settled = driver.intent("stop_session")
    assert settled.data["energy_wh"] > 100
    assert driver.statuses(1) == ["Preparing", "Charging", "Finishing", "Available"]


def test_a_session_runs_offline_with_a_tag_that_is_let_in(driver):
    configure(driver, AllowOfflineTxForUnknownId="true")
    driver.drop()
    assert driver.intent("start_session", id_tag="T", duration_seconds=300).ok
    driver.advance(400).connect()
    assert [one.payload["idTag"] for one in driver.calls("StartTransaction")] == ["T"]
    assert len(driver.calls("StopTransaction")) == 1


def test_the_state_tells_everything(charging):
    charging.advance(300)
    data = charging.intent("state").data
    first = data["connectors"][0]
    assert first["status"] == "Charging"
    assert first["transaction"]["transaction_id"] == 1
    assert first["transaction"]["energy_wh"] == first["meter_wh"] > 0
    assert (first["power_w"], first["limit_w"]) == (22_000.0, 22_000.0)
    assert data["queue_length"] == 0
    assert data["registration"] == "accepted"


def test_any_message_can_be_sent_by_hand_and_changes_nothing(charging):
    before = state(charging)
    settled = charging.intent(
        "proxy",
        action="StartTransaction",
        payload={"connectorId": 2, "idTag": "X", "meterStart": 5, "timestamp": "2024-01-01T00:00:00Z"},
    )
    assert settled.data["answer"]["idTagInfo"] == {"status": "Accepted"}
    assert charging.intent("proxy", action="Heartbeat", payload={}).ok
    assert charging.intent("proxy", action="FirmwareStatusNotification", payload={"status": "Idle"}).ok
    assert state(charging) == before


def test_a_message_by_hand_must_be_one_and_needs_a_connection(driver):
    assert driver.intent("proxy", action="Reset", payload={"type": "Hard"}).code == "unknown_action"
    assert driver.intent("proxy", action="Authorize", payload={"idTag": 5}).code == "bad_payload"
    driver.script["Heartbeat"] = CallError("", "InternalError", "", {})
    assert driver.intent("proxy", action="Heartbeat").code == "refused"
    driver.drop()
    assert driver.intent("proxy", action="Heartbeat").code == "not_connected"


@pytest.mark.parametrize(
    "data", ["http://user:s3cret@h/", '{"AuthorizationKey":"s3cret"}', "ö http://user:s3cret@h/ and more"]
)
def test_what_a_proxied_message_and_its_answer_tell_is_not_logged(driver, data):
    driver.automatic = False
    driver.order("proxy", action="DataTransfer", payload={"vendorId": "x", "data": data})
    call = driver.outstanding
    assert call is not None, "it was sent"
    assert call.payload["data"] == data, "the CSMS gets it as it is"
    driver.reply({"status": "Accepted", "data": data})
    logged = [without_secrets(one.text) for one in driver.effects if isinstance(one, Send | Received)]
    assert sum("(hidden)" in one for one in logged) == 2
    assert not any("s3cret" in one for one in logged)


def test_every_order_is_settled_exactly_once_whatever_happens(driver):
    driver.script["Authorize"] = None
    ids = []
    kinds = ["authorize", "start_session", "present", "plug", "state", "unlock", "proxy", "behaviour"]
    for number, kind in enumerate(kinds * 30):
        ids.append(f"order-{number}")
        data = {"id_tag": "T", "action": "Heartbeat", "payload": {}, "connector": number % 2 + 1}
        driver._take(driver.session.intent(driver.now, Intent(ids[-1], kind, data)))
    driver.advance(10)
    driver.stop()
    settled = [one.intent_id for one in driver.of(Settled)]
    assert sorted(settled) == sorted(ids)


@pytest.fixture
def alone():
    driver = Driver().boot()
    assert driver.intent("behaviour", arrivals_per_hour=2, tags=["A", "B"], seed=5, mean_minutes=30).ok
    return driver.clear()


def test_a_fleet_lives_on_its_own(alone):
    alone.advance(86_400)
    starts, stops = alone.calls("StartTransaction"), alone.calls("StopTransaction")
    assert 15 < len(starts) < 80
    assert 0 <= len(starts) - len(stops) <= 2
    assert {one.payload["idTag"] for one in starts} == {"A", "B"}
    assert set(alone.statuses(1)) >= {"Preparing", "Charging", "Finishing", "Available"}


def test_the_same_seed_lives_the_same_life(alone):
    other = Driver().boot()
    other.intent("behaviour", arrivals_per_hour=2, tags=["A", "B"], seed=5, mean_minutes=30)
    other.clear().advance(20_000)
    alone.advance(20_000)
    assert [one.payload for one in other.calls("StartTransaction")] == [
        one.payload for one in alone.calls("StartTransaction")
    ]


def test_a_life_that_is_switched_off_ends_when_the_last_driver_left(alone):
    alone.advance(20_000)
    alone.intent("behaviour", off=True)
    alone.advance(86_400)
    alone.clear().advance(86_400)
    assert alone.calls("StartTransaction") == []
    assert alone.intent("state").data["behaviour"] is None


def test_a_life_goes_on_after_a_restart_of_the_process(alone):
    alone.advance(20_000)
    later = Driver(seed=9, memory=alone.memory(), now=alone.now).boot().clear()
    later.numbers = alone.numbers
    later.advance(86_400)
    assert len(later.calls("StartTransaction")) > 15


def test_drivers_with_wrong_tags_are_refused_and_leave(driver):
    driver.script["Authorize"] = {"idTagInfo": {"status": "Invalid"}}
    driver.intent("behaviour", arrivals_per_hour=6, tags=["A"], seed=3)
    driver.advance(86_400)
    assert driver.calls("StartTransaction") == []
    assert driver.statuses(1).count("Available") > 5


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"arrivals_per_hour": 1},
        {"arrivals_per_hour": -1, "tags": ["A"]},
        {"arrivals_per_hour": 1e9, "tags": ["A"]},
        {"tags": ["A"], "speed": 3},
        {"tags": 3},
    ],
)
def test_an_impossible_life_is_refused(driver, options):
    assert driver.intent("behaviour", **options).code == "bad_behaviour"
    assert driver.intent("state").data["behaviour"] is None


def test_a_car_that_is_described_is_the_one_that_comes(driver):
    driver.intent("plug", vehicle=CAR)
    first = driver.intent("state").data["connectors"][0]
    assert (first["vehicle"], first["soc"]) == ("Renault Zoe R135", 10.0)


NONSENSE = [None, "x", -1, 1e300, True, [], {}, [1], {"a": 1}, "X" * 300]
FIELDS = [
    "connector", "vehicle", "id_tag", "transaction_id", "duration_seconds", "target_energy_kwh", "power_w",
    "fault_type", "configuration", "list_version", "entries", "action", "payload", "tags", "wrong_tags", "seed",
    "arrivals_per_hour", "mean_minutes",
]  # fmt: skip


@pytest.mark.parametrize("kind", [*AT_CONNECTOR, "authorize", "stop_transaction", "set_configuration", "clear_cache",
                                  "send_local_list", "clear_local_list", "proxy", "behaviour", "state"])  # fmt: skip
def test_nonsense_in_an_order_is_refused_and_harms_nothing(driver, kind):
    sound = {"id_tag": "T", "arrivals_per_hour": 1, "tags": ["T"], "list_version": 5, "action": "Heartbeat"}
    for field in FIELDS:
        for value in NONSENSE:
            data = sound | {field: value} if kind != "behaviour" else {
                "arrivals_per_hour": 1, "tags": ["T"], field: value,
            }  # fmt: skip
            assert driver.intent(kind, **data).code
            driver.intent("stop_session")
            driver.intent("behaviour", off=True)
    driver.advance(600)
    assert driver.intent("state").ok
    driver.memory()


def test_a_transaction_without_an_id_of_the_csms_is_not_found_by_nonsense(driver):
    driver.script["StartTransaction"] = None
    driver.intent("plug", vehicle=CAR)
    driver.intent("start_session", id_tag="T")
    assert driver.intent("stop_transaction", transaction_id="None").code == "no_transaction"
    assert driver.intent("stop_transaction").ok


def test_a_soft_reset_that_waits_for_the_csms_lets_no_transaction_begin(driver):
    driver.script["StopTransaction"] = None
    start(driver)
    driver.ask("Reset", {"type": "Soft"})
    driver.intent("plug", connector=2)
    assert driver.ask("RemoteStartTransaction", {"connectorId": 2, "idTag": "R"}).payload == {"status": "Rejected"}
    assert driver.intent("start_transaction", connector=2, id_tag="R").code == "unavailable"
    assert len(driver.calls("StartTransaction")) == 1


def test_another_tag_that_belongs_to_no_group_ends_nobody_s_transaction(driver):
    start(driver, "T1")
    assert driver.intent("present", connector=1, id_tag="T2").code == "connector_occupied"
    assert driver.calls("StopTransaction") == []


def test_the_emergency_button_ends_every_transaction_with_its_own_reason(driver):
    for connector in (1, 2):
        start(driver, connector=connector)
    settled = driver.intent("emergency_stop")
    assert settled.ok
    assert len(settled.data["transactions"]) == 2
    reasons = [call.payload["reason"] for call in driver.calls("StopTransaction")]
    assert reasons == ["EmergencyStop", "EmergencyStop"]
    assert driver.intent("emergency_stop").data["transactions"] == []
