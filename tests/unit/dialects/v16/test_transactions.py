"""§4.8 StartTransaction, §4.10 StopTransaction, §5.11 RemoteStart, §5.12 RemoteStop, §5.18 UnlockConnector."""

import pytest

from chargers.protocol import CallError, Version
from chargers.simulator.effects import TransactionStarted, TransactionStopped
from tests.support.frames import DC_COMBO, Driver

from .conftest import CAR, configure, start

INVALID = {"transactionId": 9, "idTagInfo": {"status": "Invalid"}}


def reason(driver):
    return driver.calls("StopTransaction")[-1].payload["reason"]


def energy(driver):
    return driver.calls("StopTransaction")[-1].payload["meterStop"]


def test_a_whole_transaction_goes_through_every_status_and_agrees_with_the_ledger(driver):
    key = start(driver)
    driver.advance(3600)
    driver.intent("stop_transaction")
    driver.intent("unplug")
    assert driver.statuses(1) == ["Preparing", "Charging", "Finishing", "Available"]
    (begun,), (ended,) = driver.calls("StartTransaction"), driver.calls("StopTransaction")
    assert begun.payload["meterStart"] == 0
    assert ended.payload["transactionId"] == 1
    assert ended.payload["reason"] == "Local"
    assert ended.payload["meterStop"] > 10_000
    (opened,), (closed,) = driver.ledger(TransactionStarted), driver.ledger(TransactionStopped)
    assert opened.key == closed.key == key
    assert (opened.meter_start, closed.meter_stop) == (0, ended.payload["meterStop"])


def test_the_register_goes_on_from_one_transaction_to_the_next(charging):
    charging.advance(600)
    charging.intent("stop_session")
    start(charging, "T2")
    assert charging.calls("StartTransaction")[-1].payload["meterStart"] == energy(charging) > 0


def test_a_full_car_suspends_the_transaction_and_does_not_end_it(driver):
    start(driver, vehicle={**CAR, "soc": 0.99})
    driver.advance(3600 * 3)
    assert driver.statuses(1)[-1] == "SuspendedEV"
    assert driver.calls("StopTransaction") == []


def test_a_car_can_pause_and_go_on(charging):
    charging.intent("ev_stops_energy")
    charging.intent("ev_requests_energy")
    assert charging.statuses(1) == ["SuspendedEV", "Charging"]


def test_a_remote_start_charges_when_the_car_is_there(driver):
    driver.intent("plug")
    assert driver.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "R"}).payload == {"status": "Accepted"}
    assert driver.actions() == ["StatusNotification", "StartTransaction", "StatusNotification"]
    assert driver.statuses(1) == ["Preparing", "Charging"]


def test_a_remote_start_waits_for_the_car_and_gives_up_after_the_connection_timeout(driver):
    """§9.1.9 ConnectionTimeOut."""
    configure(driver, ConnectionTimeOut=90)
    driver.ask("RemoteStartTransaction", {"connectorId": 2, "idTag": "R"})
    assert driver.statuses(2) == ["Preparing"]
    driver.advance(89)
    assert driver.statuses(2) == ["Preparing"]
    driver.advance(2)
    assert driver.statuses(2) == ["Preparing", "Available"]
    driver.intent("plug", connector=2)
    assert driver.calls("StartTransaction") == []


def test_a_connection_timeout_of_zero_never_ends(driver):
    configure(driver, ConnectionTimeOut=0)
    driver.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "R"})
    driver.advance(86_400)
    driver.intent("plug")
    assert len(driver.calls("StartTransaction")) == 1


def test_a_remote_start_without_a_connector_takes_the_one_with_a_car(driver):
    driver.intent("plug", connector=2)
    driver.ask("RemoteStartTransaction", {"idTag": "R"})
    assert driver.calls("StartTransaction")[0].payload["connectorId"] == 2


@pytest.mark.parametrize("connector", [-1, 0, 3])
def test_a_remote_start_at_no_connector_is_rejected(driver, connector):
    assert (
        driver.ask("RemoteStartTransaction", {"connectorId": connector, "idTag": "R"}).payload["status"] == "Rejected"
    )


def test_a_remote_start_at_a_busy_faulted_or_unavailable_connector_is_rejected(charging):
    request = {"connectorId": 1, "idTag": "R"}
    assert charging.ask("RemoteStartTransaction", request).payload == {"status": "Rejected"}
    charging.intent("inject_fault", connector=2, fault_type="OverCurrent")
    assert charging.ask("RemoteStartTransaction", {"idTag": "R"}).payload == {"status": "Rejected"}
    charging.intent("clear_fault", connector=2)
    charging.ask("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"})
    assert charging.ask("RemoteStartTransaction", {"connectorId": 2, "idTag": "R"}).payload == {"status": "Rejected"}


def test_a_remote_start_asks_for_the_tag_when_the_key_says_so(driver):
    """§9.1.3 AuthorizeRemoteTxRequests."""
    driver.intent("plug")
    configure(driver, AuthorizeRemoteTxRequests="true")
    driver.script["Authorize"] = {"idTagInfo": {"status": "Blocked"}}
    assert driver.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "R"}).payload == {"status": "Accepted"}
    assert driver.actions()[-1] == "Authorize"
    del driver.script["Authorize"]
    driver.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "R"})
    assert driver.actions()[-3:] == ["Authorize", "StartTransaction", "StatusNotification"]


def test_a_remote_start_with_the_wrong_kind_of_profile_is_rejected(driver):
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]},
    }
    request = {"connectorId": 1, "idTag": "R", "chargingProfile": profile}
    assert driver.ask("RemoteStartTransaction", request).payload == {"status": "Rejected"}


def test_a_remote_stop_ends_the_transaction_of_that_number_only(charging):
    assert charging.ask("RemoteStopTransaction", {"transactionId": 2}).payload == {"status": "Rejected"}
    assert charging.ask("RemoteStopTransaction", {"transactionId": 1}).payload == {"status": "Accepted"}
    assert reason(charging) == "Remote"
    assert charging.statuses(1) == ["Finishing"]
    assert charging.ask("RemoteStopTransaction", {"transactionId": 1}).payload == {"status": "Rejected"}


def test_a_tag_that_the_csms_refuses_at_the_start_ends_the_transaction(driver):
    """§4.8 StopTransactionOnInvalidId."""
    driver.script["StartTransaction"] = INVALID
    start(driver)
    assert reason(driver) == "DeAuthorized"
    assert energy(driver) == 0


def test_a_refused_tag_gets_no_more_energy_when_its_transaction_goes_on(driver):
    configure(driver, StopTransactionOnInvalidId="false")
    driver.script["StartTransaction"] = INVALID
    start(driver)
    driver.advance(600)
    assert driver.statuses(1)[-1] == "SuspendedEVSE"
    driver.intent("stop_transaction")
    assert energy(driver) == 0


@pytest.mark.parametrize(("stops", "status"), [("true", "Finishing"), ("false", "SuspendedEVSE")])
def test_a_refused_tag_gets_the_energy_that_the_key_allows(driver, stops, status):
    """§9.1.15 MaxEnergyOnInvalidId."""
    configure(driver, StopTransactionOnInvalidId=stops, MaxEnergyOnInvalidId=500)
    driver.script["StartTransaction"] = INVALID
    start(driver)
    driver.advance(3600)
    assert driver.statuses(1)[-1] == status
    driver.intent("stop_transaction")
    assert 500 <= energy(driver) <= 501


def test_a_car_that_drives_off_ends_its_transaction(charging):
    charging.advance(60)
    charging.intent("unplug")
    assert reason(charging) == "EVDisconnected"
    assert charging.statuses(1) == ["Finishing", "Available"]


def test_a_transaction_outlasts_the_car_when_the_key_says_so(charging):
    """§9.1.26 StopTransactionOnEVSideDisconnect."""
    configure(charging, StopTransactionOnEVSideDisconnect="false")
    charging.intent("unplug")
    assert charging.statuses(1) == ["SuspendedEV"]
    charging.intent("plug", vehicle=CAR)
    assert charging.statuses(1) == ["SuspendedEV", "Charging"]
    assert charging.calls("StopTransaction") == []


def test_a_cable_stays_locked_when_the_key_says_so(charging):
    """§9.1.33 UnlockConnectorOnEVSideDisconnect."""
    configure(charging, UnlockConnectorOnEVSideDisconnect="false")
    charging.intent("unplug")
    assert charging.statuses(1) == ["Finishing"]
    assert charging.ask("UnlockConnector", {"connectorId": 1}).payload == {"status": "Unlocked"}
    assert charging.statuses(1) == ["Finishing", "Available"]


def test_unlocking_ends_the_transaction_first(charging):
    assert charging.ask("UnlockConnector", {"connectorId": 1}).payload == {"status": "Unlocked"}
    assert reason(charging) == "UnlockCommand"


def test_a_broken_lock_and_an_unknown_connector_cannot_be_unlocked(driver):
    driver.intent("inject_fault", fault_type="ConnectorLockFailure")
    assert driver.ask("UnlockConnector", {"connectorId": 1}).payload == {"status": "UnlockFailed"}
    for number in (-1, 0, 3):
        assert driver.ask("UnlockConnector", {"connectorId": number}).payload == {"status": "NotSupported"}


def test_a_busy_connector_goes_out_of_service_after_its_transaction(charging):
    """§5.2 Scheduled."""
    request = {"connectorId": 1, "type": "Inoperative"}
    assert charging.ask("ChangeAvailability", request).payload == {"status": "Scheduled"}
    assert charging.statuses(1) == []
    charging.intent("stop_transaction")
    assert charging.statuses(1) == ["Unavailable"]


def test_a_scheduled_change_can_be_taken_back(charging):
    charging.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    answer = charging.ask("ChangeAvailability", {"connectorId": 1, "type": "Operative"})
    assert answer.payload == {"status": "Accepted"}
    charging.intent("stop_session")
    assert charging.statuses(1) == ["Finishing", "Available"]


def test_the_station_goes_out_of_service_with_its_last_transaction(charging):
    answer = charging.ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"})
    assert answer.payload == {"status": "Scheduled"}
    assert (charging.statuses(0), charging.statuses(2)) == ([], ["Unavailable"])
    charging.intent("stop_transaction")
    assert (charging.statuses(0), charging.statuses(1)) == (["Unavailable"], ["Unavailable"])


def test_only_one_connector_of_an_evse_charges(driver):
    driver = Driver(Version.V16, model=DC_COMBO).boot().clear()
    start(driver, vehicle=None)
    assert driver.statuses(2) == ["Unavailable"]
    assert driver.intent("start_transaction", connector=2, id_tag="T2").code == "connector_occupied"
    driver.intent("stop_session")
    assert driver.statuses(2) == ["Unavailable", "Available"]


def test_a_start_that_the_csms_cannot_process_is_tried_again_and_then_given_up(driver):
    """§3.7, §9.1.30 TransactionMessageAttempts, §9.1.31 TransactionMessageRetryInterval: 10 s, then 20 s."""
    configure(driver, TransactionMessageAttempts=3, TransactionMessageRetryInterval=10, MeterValueSampleInterval=0)
    driver.script["StartTransaction"] = CallError("", "InternalError", "no", {})
    start(driver)
    for wait, count in ((9.9, 1), (0.2, 2), (19.8, 2), (0.2, 3), (600, 3)):
        driver.advance(wait)
        assert len(driver.calls("StartTransaction")) == count
    driver.intent("stop_transaction")
    assert driver.calls("StopTransaction")[0].payload["transactionId"] == -1


def test_a_message_without_any_answer_is_never_given_up(driver):
    configure(driver, TransactionMessageAttempts=1, TransactionMessageRetryInterval=10)
    driver.script["StartTransaction"] = None
    start(driver)
    driver.advance(3600)
    assert len(driver.calls("StartTransaction")) > 10
    del driver.script["StartTransaction"]
    driver.advance(60)
    assert driver.calls("MeterValues")[0].payload["transactionId"] == 1


def test_a_hard_reset_ends_transactions_and_tells_so_after_the_boot(charging):
    """§5.14."""
    charging.advance(60)
    charging.clear().ask("Reset", {"type": "Hard"})
    assert charging.calls("StopTransaction") == []
    charging.drop().advance(16).connect()
    assert reason(charging) == "HardReset"
    assert charging.actions()[0] == "BootNotification"
    assert charging.statuses(1) == ["Finishing"]


def test_a_soft_reset_tells_of_its_transactions_before_the_boot(charging):
    charging.clear().ask("Reset", {"type": "Soft"})
    assert charging.actions() == ["StopTransaction"]
    assert reason(charging) == "SoftReset"
    assert not charging.open
    charging.drop().advance(6).connect()
    assert charging.actions().count("StopTransaction") == 1


@pytest.mark.parametrize(("retries", "seconds"), [(0, 15), (2, 45)])
def test_a_soft_reset_waits_for_the_csms_as_often_as_the_key_says(charging, retries, seconds):
    """§9.1.22 ResetRetries."""
    configure(charging, ResetRetries=retries, MeterValueSampleInterval=0)
    charging.script["StopTransaction"] = None
    charging.ask("Reset", {"type": "Soft"})
    charging.advance(seconds - 1)
    assert charging.open
    charging.advance(2)
    assert not charging.open
    del charging.script["StopTransaction"]
    charging.drop().clear().advance(6).connect().advance(60)
    assert reason(charging) == "SoftReset"


def test_a_restart_at_the_station_ends_transactions_with_reboot(charging):
    charging.intent("reset")
    charging.drop().advance(10).connect()
    assert reason(charging) == "Reboot"


def test_power_off_ends_transactions_with_power_loss_and_says_so_with_the_power_back(charging):
    charging.advance(300).stop()
    (ended,) = charging.ledger(TransactionStopped)
    assert (ended.reason, ended.offline) == ("PowerLoss", True)
    charging.advance(3600).start().connect()
    assert reason(charging) == "PowerLoss"
    assert energy(charging) == ended.meter_stop > 0


def test_a_transaction_ends_at_its_energy_or_its_time(driver):
    driver.intent("start_session", id_tag="T", target_energy_kwh=1.5)
    driver.advance(3600 * 2)
    assert energy(driver) == 1500
    assert driver.statuses(1) == ["Preparing", "Charging", "Finishing", "Available"]
    driver.intent("start_session", connector=2, id_tag="T", duration_seconds=600)
    driver.advance(599)
    assert len(driver.calls("StopTransaction")) == 1
    driver.advance(2)
    assert len(driver.calls("StopTransaction")) == 2
