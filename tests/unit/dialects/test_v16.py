"""What the CSMS asks of a 1.6 charger. Sections are those of the OCPP 1.6 specification (edition 2)."""

import pytest

from chargers.protocol import CallError, Version
from chargers.simulator.effects import Close, Connect, ConnectionState, SetPing
from tests.support.frames import DC_COMBO, Driver


@pytest.fixture
def driver():
    return Driver(Version.V16).boot().clear()


def statuses(driver):
    return {call.payload["connectorId"]: call.payload["status"] for call in driver.calls("StatusNotification")}


def configuration(driver, *keys):
    return driver.ask("GetConfiguration", {"key": list(keys)} if keys else {}).payload


@pytest.mark.parametrize(("kind", "seconds"), [("Soft", 5), ("Hard", 15)])
def test_reset_is_answered_then_the_charger_goes_away_and_boots(driver, kind, seconds):
    """§5.14."""
    assert driver.ask("Reset", {"type": kind}).payload == {"status": "Accepted"}
    assert driver.of(Close) == [Close(1000, "reboot")]
    assert driver.state is ConnectionState.OFFLINE
    assert driver.detail == f"rebooting: Reset ({kind}) by the CSMS"
    driver.drop("closed").advance(seconds - 0.1)
    assert driver.of(Connect) == []
    driver.advance(0.2).connect()
    assert driver.actions() == ["BootNotification", *["StatusNotification"] * 3]
    assert driver.state is ConnectionState.ONLINE


def test_a_reset_gives_up_what_was_waiting_to_be_sent():
    driver = Driver(Version.V16, automatic=False).boot()
    driver.reply()
    driver.ask("Reset", {"type": "Soft"})
    driver.automatic = True
    driver.drop().clear().advance(6).connect()
    assert driver.actions() == ["BootNotification", *["StatusNotification"] * 3]


def test_a_connector_can_be_taken_out_of_service_and_back(driver):
    """§5.2."""
    assert driver.ask("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"}).payload == {"status": "Accepted"}
    assert statuses(driver) == {2: "Unavailable"}
    driver.clear().ask("ChangeAvailability", {"connectorId": 2, "type": "Operative"})
    assert statuses(driver) == {2: "Available"}


def test_connector_0_stands_for_the_charge_point_and_all_connectors(driver):
    """§5.2: "if connectorId is 0, the change applies to the Charge Point and all of its connectors"."""
    driver.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    driver.clear().ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"})
    assert statuses(driver) == {0: "Unavailable", 2: "Unavailable"}
    driver.clear().ask("ChangeAvailability", {"connectorId": 0, "type": "Operative"})
    assert statuses(driver) == {0: "Available", 1: "Available", 2: "Available"}


def test_asking_for_what_is_already_so_is_accepted_and_tells_nothing(driver):
    assert driver.ask("ChangeAvailability", {"connectorId": 0, "type": "Operative"}).payload == {"status": "Accepted"}
    assert driver.calls() == []


@pytest.mark.parametrize("number", [-1, 3, 10**15])
def test_an_unknown_connector_cannot_change_its_availability(driver, number):
    answer = driver.ask("ChangeAvailability", {"connectorId": number, "type": "Inoperative"})
    assert answer.payload == {"status": "Rejected"}
    assert driver.calls() == []


def test_availability_outlasts_a_reboot(driver):
    """§5.2: "persistent across reboot/power loss"."""
    driver.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    driver.ask("Reset", {"type": "Hard"})
    driver.drop().clear().advance(16).connect()
    assert statuses(driver) == {0: "Available", 1: "Unavailable", 2: "Available"}


def test_connectors_of_one_evse_have_numbers_of_their_own():
    driver = Driver(Version.V16, model=DC_COMBO).boot()
    assert statuses(driver) == {0: "Available", 1: "Available", 2: "Available"}
    assert configuration(driver, "NumberOfConnectors")["configurationKey"][0]["value"] == "2"


@pytest.mark.parametrize(
    ("request_", "sent"),
    [
        ({"requestedMessage": "BootNotification"}, ["BootNotification"]),
        ({"requestedMessage": "Heartbeat"}, ["Heartbeat"]),
        ({"requestedMessage": "StatusNotification"}, ["StatusNotification"] * 3),
        ({"requestedMessage": "StatusNotification", "connectorId": 1}, ["StatusNotification"]),
        ({"requestedMessage": "StatusNotification", "connectorId": 0}, ["StatusNotification"]),
    ],
)
def test_what_can_be_triggered_is_sent_after_the_answer(driver, request_, sent):
    """§5.17."""
    assert driver.ask("TriggerMessage", request_).payload == {"status": "Accepted"}
    assert driver.actions() == sent
    assert driver.state is None or driver.state is ConnectionState.ONLINE


@pytest.mark.parametrize("number", [-1, 3])
def test_the_status_of_an_unknown_connector_cannot_be_triggered(driver, number):
    request = {"requestedMessage": "StatusNotification", "connectorId": number}
    assert driver.ask("TriggerMessage", request).payload == {"status": "Rejected"}


def test_nothing_can_be_triggered_before_the_boot_is_answered():
    driver = Driver(Version.V16, automatic=False).boot()
    assert driver.ask("TriggerMessage", {"requestedMessage": "Heartbeat"}).payload == {"status": "Rejected"}


def test_a_triggered_boot_that_is_rejected_silences_the_charger(driver):
    driver.script["BootNotification"] = {"status": "Rejected", "interval": 60, "currentTime": "2024-01-01T00:00:00Z"}
    driver.ask("TriggerMessage", {"requestedMessage": "BootNotification"})
    assert driver.state is ConnectionState.REJECTED
    driver.clear().advance(59)
    assert driver.sent == []


def test_an_empty_list_of_keys_means_all(driver):
    assert driver.ask("GetConfiguration", {"key": []}).payload == configuration(driver)


def test_unknown_keys_are_named_and_letter_case_does_not_count(driver):
    answer = configuration(driver, "heartbeatINTERVAL", "Nonsense")
    assert [one["key"] for one in answer["configurationKey"]] == ["HeartbeatInterval"]
    assert answer["unknownKey"] == ["Nonsense"]


def test_more_keys_than_it_says_it_takes_are_refused(driver):
    answer = driver.ask("GetConfiguration", {"key": ["HeartbeatInterval"] * 101})
    assert isinstance(answer, CallError)
    assert answer.code == "OccurenceConstraintViolation"
    assert len(configuration(driver, *["HeartbeatInterval"] * 100)["configurationKey"]) == 100


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("HeartbeatInterval", "60", "Accepted"),
        ("heartbeatinterval", "60", "Accepted"),
        ("HeartbeatInterval", "0", "Rejected"),
        ("HeartbeatInterval", "-1", "Rejected"),
        ("HeartbeatInterval", "soon", "Rejected"),
        ("HeartbeatInterval", "", "Rejected"),
        ("HeartbeatInterval", "86401", "Rejected"),
        ("WebSocketPingInterval", "0", "Accepted"),
        ("WebSocketPingInterval", "-1", "Rejected"),
        ("NumberOfConnectors", "5", "Rejected"),
        ("SupportedFeatureProfiles", "Core", "Rejected"),
        ("GetConfigurationMaxKeys", "1", "Rejected"),
        ("NoSuchKey", "60", "NotSupported"),
        ("", "1", "NotSupported"),
    ],
)
def test_a_change_is_checked(driver, key, value, status):
    """§5.3."""
    before = configuration(driver)
    assert driver.ask("ChangeConfiguration", {"key": key, "value": value}).payload == {"status": status}
    assert (configuration(driver) == before) is (status != "Accepted")


def test_a_new_heartbeat_interval_counts_at_once(driver):
    driver.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "10"})
    driver.advance(100.5)
    assert len(driver.calls("Heartbeat")) == 10


def test_the_interval_of_the_boot_shows_in_the_configuration():
    """§4.2: the charger adjusts its heartbeat interval to the one in the answer."""
    boot = {"status": "Accepted", "interval": 77, "currentTime": "2024-01-01T00:00:00Z"}
    driver = Driver(Version.V16, script={"BootNotification": boot}).boot()
    assert configuration(driver, "HeartbeatInterval")["configurationKey"][0]["value"] == "77"


def test_a_new_ping_interval_counts_at_once_and_after_the_next_connection(driver):
    driver.ask("ChangeConfiguration", {"key": "WebSocketPingInterval", "value": "7"})
    driver.drop().advance(3).connect()
    assert driver.of(SetPing) == [SetPing(7), SetPing(7)]


def test_data_of_any_vendor_is_unknown(driver):
    """§5.6."""
    answer = driver.ask("DataTransfer", {"vendorId": "acme", "messageId": "m", "data": "d"})
    assert answer.payload == {"status": "UnknownVendorId"}
