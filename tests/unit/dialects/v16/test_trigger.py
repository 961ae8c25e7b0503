"""RemoteTrigger of 1.6: TriggerMessage (§5.17) for every message and every connector."""

import pytest

from chargers.protocol import Call, CallResult, Version
from tests.support.frames import Driver

CONNECTORLESS = (
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
)
EVERY = (*CONNECTORLESS, "MeterValues", "StatusNotification")


@pytest.fixture
def driver():
    return Driver(Version.V16).boot().clear()


def trigger(driver, message, connector=None):
    request = {"requestedMessage": message} | ({} if connector is None else {"connectorId": connector})
    return driver.ask("TriggerMessage", request).payload["status"]


def sent(driver, message):
    return [call.payload for call in driver.calls(message)]


def charging(driver, connector=1):
    driver.intent("start_session", connector=connector, id_tag="ALICE")
    driver.advance(30)
    return driver.clear()


@pytest.mark.parametrize("message", EVERY)
def test_every_message_is_sent_after_the_answer(driver, message):
    """§5.17: "SHALL first send the TriggerMessage response, before sending the requested message"."""
    assert trigger(driver, message) == "Accepted"
    answer, *calls = driver.sent
    assert isinstance(answer, CallResult)
    assert calls
    assert all(isinstance(call, Call) and call.action == message for call in calls)


@pytest.mark.parametrize("message", CONNECTORLESS)
@pytest.mark.parametrize("connector", [0, 1, 99, -1])
def test_a_connector_that_is_not_relevant_is_ignored(driver, message, connector):
    assert trigger(driver, message, connector) == "Accepted"
    assert driver.actions() == [message]


@pytest.mark.parametrize("message", ["MeterValues", "StatusNotification"])
@pytest.mark.parametrize("connector", [3, -1])
def test_a_connector_that_does_not_exist_is_rejected(driver, message, connector):
    assert trigger(driver, message, connector) == "Rejected"
    assert driver.actions() == []


@pytest.mark.parametrize("connector", [0, 1, 2])
def test_the_status_of_one_connector(driver, connector):
    trigger(driver, "StatusNotification", connector)
    assert [one["connectorId"] for one in sent(driver, "StatusNotification")] == [connector]


def test_the_status_of_all(driver):
    charging(driver, 2)
    trigger(driver, "StatusNotification")
    told = [(one["connectorId"], one["status"]) for one in sent(driver, "StatusNotification")]
    assert told == [(0, "Available"), (1, "Available"), (2, "Charging")]


def test_a_reserved_connector_says_so_again(driver):
    request = {"connectorId": 2, "idTag": "A", "reservationId": 1, "expiryDate": "2100-01-01T00:00:00Z"}
    driver.ask("ReserveNow", request)
    driver.clear()
    trigger(driver, "StatusNotification", 2)
    assert sent(driver, "StatusNotification")[0]["status"] == "Reserved"


@pytest.mark.parametrize(("connector", "told"), [(None, [1, 2]), (0, [1, 2]), (1, [1]), (2, [2])])
def test_meter_values_of_one_connector_or_of_all(driver, connector, told):
    trigger(driver, "MeterValues", connector)
    assert [one["connectorId"] for one in sent(driver, "MeterValues")] == told


def test_triggered_meter_values_are_the_most_recent_ones_of_the_key(driver):
    """§5.17: "the most recent measurements for all measurands configured in MeterValuesSampledData"."""
    wanted = ["Energy.Active.Import.Register", "SoC", "Power.Offered"]
    driver.ask("ChangeConfiguration", {"key": "MeterValuesSampledData", "value": ",".join(wanted)})
    charging(driver)
    trigger(driver, "MeterValues", 1)
    (message,) = sent(driver, "MeterValues")
    values = message["meterValue"][0]["sampledValue"]
    assert [one["measurand"] for one in values] == wanted
    assert {one["context"] for one in values} == {"Trigger"}
    state = driver.intent("state").data["connectors"][0]
    assert float(values[0]["value"]) == state["meter_wh"] > 0
    assert message["transactionId"] == state["transaction"]["transaction_id"]


def test_meter_values_without_a_transaction_name_none(driver):
    charging(driver, 1)
    trigger(driver, "MeterValues", 2)
    assert ["transactionId" in one for one in sent(driver, "MeterValues")] == [False]


def test_meter_values_are_rejected_when_none_are_configured(driver):
    driver.ask("ChangeConfiguration", {"key": "MeterValuesSampledData", "value": ""})
    assert trigger(driver, "MeterValues") == "Rejected"
    assert driver.actions() == []


@pytest.mark.parametrize("message", EVERY)
def test_a_pending_charger_sends_what_it_is_asked_for(message):
    """§4.2: "the Central System MAY request additional information" while it is pending."""
    pending = {"status": "Pending", "interval": 300, "currentTime": "2024-01-01T00:00:00Z"}
    driver = Driver(Version.V16, script={"BootNotification": pending}).boot().clear()
    assert trigger(driver, message) == "Accepted"
    assert message in driver.actions()


@pytest.mark.parametrize("message", EVERY)
def test_before_the_first_answer_to_its_boot_a_charger_sends_nothing_else(message):
    driver = Driver(Version.V16, automatic=False).boot().clear()
    assert trigger(driver, message) == "Rejected"
    driver.reply()
    driver.automatic = True
    assert "MeterValues" not in driver.actions()


def test_a_message_that_nobody_knows_breaks_the_schema(driver):
    answer = driver.ask("TriggerMessage", {"requestedMessage": "StartTransaction"})
    assert answer.code == "PropertyConstraintViolation"


def test_a_triggered_boot_changes_nothing(driver):
    charging(driver)
    assert trigger(driver, "BootNotification") == "Accepted"
    assert driver.actions() == ["BootNotification"]
    assert driver.intent("state").data["connectors"][0]["status"] == "Charging"
