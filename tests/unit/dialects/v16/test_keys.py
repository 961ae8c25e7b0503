"""§9: every standard key is there with its access and type; the behaviour behind each is tested where it belongs."""

import pytest

from chargers.simulator.dialects.v16 import KEYS
from chargers.simulator.dialects.v16.keys import Fact

from .conftest import configure

READ_WRITE = {
    "AllowOfflineTxForUnknownId": "false",
    "AuthorizationCacheEnabled": "true",
    "AuthorizeRemoteTxRequests": "false",
    "BlinkRepeat": "3",
    "ClockAlignedDataInterval": "0",
    "ConnectionTimeOut": "60",
    "ConnectorPhaseRotation": "",
    "HeartbeatInterval": "300",
    "LightIntensity": "100",
    "LocalAuthListEnabled": "true",
    "LocalAuthorizeOffline": "true",
    "LocalPreAuthorize": "false",
    "MaxEnergyOnInvalidId": "0",
    "MeterValueSampleInterval": "60",
    "MeterValuesAlignedData": "Energy.Active.Import.Register,Power.Active.Import",
    "MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import,SoC",
    "MinimumStatusDuration": "0",
    "ResetRetries": "1",
    "StopTransactionOnEVSideDisconnect": "true",
    "StopTransactionOnInvalidId": "true",
    "StopTxnAlignedData": "",
    "StopTxnSampledData": "",
    "TransactionMessageAttempts": "3",
    "TransactionMessageRetryInterval": "60",
    "UnlockConnectorOnEVSideDisconnect": "true",
    "WebSocketPingInterval": "60",
}
READ_ONLY = {
    "ConnectorPhaseRotationMaxLength",
    "GetConfigurationMaxKeys",
    "LocalAuthListMaxLength",
    "MeterValuesAlignedDataMaxLength",
    "MeterValuesSampledDataMaxLength",
    "NumberOfConnectors",
    "SendLocalListMaxLength",
    "StopTxnAlignedDataMaxLength",
    "StopTxnSampledDataMaxLength",
    "SupportedFeatureProfiles",
    "SupportedFeatureProfilesMaxLength",
}
BOOLEANS = sorted(key for key, value in READ_WRITE.items() if value in {"true", "false"})
NUMBERS = sorted(key for key, value in READ_WRITE.items() if value.isdigit())


def change(driver, key, value):
    return driver.ask("ChangeConfiguration", {"key": key, "value": value}).payload["status"]


def told(driver):
    return {one["key"]: one for one in driver.ask("GetConfiguration", {}).payload["configurationKey"]}


def test_every_standard_key_of_core_and_local_list_is_told_with_its_access_and_default(driver):
    rows = told(driver)
    assert {key: rows[key]["value"] for key in READ_WRITE} == READ_WRITE
    assert not any(rows[key]["readonly"] for key in READ_WRITE)
    assert all(rows[key]["readonly"] and rows[key]["value"] for key in READ_ONLY)


def test_all_keys_fit_into_one_answer(driver):
    assert len(KEYS) <= int(told(driver)["GetConfigurationMaxKeys"]["value"])
    assert len(told(driver)) <= len(KEYS)


@pytest.mark.parametrize("key", [one.name for one in KEYS if isinstance(one, Fact)])
def test_facts_cannot_be_changed(driver, key):
    before = told(driver)
    assert change(driver, key, "1") == "Rejected"
    assert told(driver) == before


@pytest.mark.parametrize("key", BOOLEANS)
def test_a_boolean_takes_true_and_false_only(driver, key):
    assert [change(driver, key, one) for one in ("TRUE", "false", "1", "", "yes")] == [
        "Accepted",
        "Accepted",
        "Rejected",
        "Rejected",
        "Rejected",
    ]
    assert told(driver)[key]["value"] == "false"


@pytest.mark.parametrize("key", NUMBERS)
def test_a_number_is_a_whole_one_within_its_range(driver, key):
    before = told(driver)
    bad = ("-1", "1.5", "x", "", "1e3", "9" * 15, "9" * 40, "\N{ARABIC-INDIC DIGIT ONE}")
    assert {change(driver, key, one) for one in bad} == {"Rejected"}
    assert told(driver) == before
    assert change(driver, key, "10") == "Accepted"


def test_a_status_must_last_before_it_is_told(driver):
    """§9.1.18 MinimumStatusDuration."""
    configure(driver, MinimumStatusDuration=10)
    driver.intent("plug")
    driver.advance(9)
    assert driver.statuses(1) == []
    driver.advance(2)
    assert driver.statuses(1) == ["Preparing"]


def test_a_status_that_comes_and_goes_is_not_told(driver):
    configure(driver, MinimumStatusDuration=10)
    driver.intent("plug")
    driver.advance(5)
    driver.intent("unplug")
    driver.advance(60)
    assert driver.statuses(1) == []


def test_lights_show_what_their_keys_say(driver):
    configure(driver, LightIntensity=40, BlinkRepeat=7)
    assert driver.intent("state").data["lights"] == {"intensity_percent": 40, "blinks": 7}


def test_the_lab_changes_keys_by_the_same_rules(driver):
    settled = driver.intent(
        "set_configuration",
        configuration={"MeterValueSampleInterval": 15, "NumberOfConnectors": "9", "Nonsense": "1"},
    )
    assert (settled.ok, settled.code) == (False, "rejected")
    assert settled.data == {
        "MeterValueSampleInterval": "Accepted",
        "NumberOfConnectors": "Rejected",
        "Nonsense": "NotSupported",
    }
    assert driver.intent("set_configuration", configuration={"HeartbeatInterval": "60"}).ok
