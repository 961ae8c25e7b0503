"""§4.7 MeterValues and the keys of what is measured."""

import pytest

from chargers.protocol import Version, parse_time
from chargers.simulator.effects import TransactionSampled
from tests.support.frames import DC_COMBO, Driver

from .conftest import CAR, configure, contexts, start, values

ALL = (
    "Energy.Active.Import.Register,Energy.Active.Import.Interval,Power.Active.Import,Power.Offered,Current.Import,"
    "Current.Offered,Voltage,Frequency,Temperature,SoC"
)
REGISTER = ("Energy.Active.Import.Register", "")


def test_samples_come_at_the_interval_of_the_key_and_end_with_the_transaction(charging):
    configure(charging, MeterValueSampleInterval=30)
    charging.advance(300)
    assert len(charging.calls("MeterValues")) == 10
    charging.intent("stop_transaction")
    charging.clear().advance(300)
    assert charging.calls("MeterValues") == []


def test_an_interval_of_zero_samples_nothing(charging):
    configure(charging, MeterValueSampleInterval=0)
    charging.advance(3600)
    assert charging.calls("MeterValues") == []


def test_samples_agree_with_start_stop_and_ledger(charging):
    charging.advance(1000)
    charging.intent("stop_transaction")
    registers = [int(values(one)[REGISTER]) for one in charging.calls("MeterValues")]
    stop = charging.calls("StopTransaction")[0].payload["meterStop"]
    assert registers == sorted(registers)
    assert 0 < registers[0] < registers[-1] <= stop
    assert [one.meter_wh for one in charging.ledger(TransactionSampled)] == registers


def test_every_measurand_is_said_with_its_phases(charging):
    configure(charging, MeterValuesSampledData=ALL)
    charging.advance(60)
    said = values(charging.calls("MeterValues")[0])
    assert {measurand for measurand, _ in said} == set(ALL.split(","))
    assert {phase for measurand, phase in said if measurand == "Voltage"} == {"L1-N", "L2-N", "L3-N"}
    assert {phase for measurand, phase in said if measurand == "Current.Import"} == {"L1", "L2", "L3"}
    power = sum(
        float(said["Voltage", f"L{phase}-N"]) * float(said["Current.Import", f"L{phase}"]) for phase in (1, 2, 3)
    )
    assert power == pytest.approx(float(said["Power.Active.Import", ""]), rel=0.001)
    assert 49 < float(said["Frequency", ""]) < 51


def test_the_interval_measurand_counts_from_sample_to_sample(charging):
    configure(charging, MeterValuesSampledData="Energy.Active.Import.Register,Energy.Active.Import.Interval")
    charging.advance(600)
    said = [values(one) for one in charging.calls("MeterValues")]
    parts = [int(one["Energy.Active.Import.Interval", ""]) for one in said]
    assert sum(parts) == int(said[-1][REGISTER])
    assert all(parts)


def test_dc_has_one_voltage_and_a_state_of_charge():
    driver = Driver(Version.V16, model=DC_COMBO).boot().clear()
    configure(driver, MeterValuesSampledData=ALL)
    start(driver, vehicle={"name": "Porsche Taycan 4S", "soc": 0.2, "target_soc": 0.8})
    driver.advance(60)
    said = values(driver.calls("MeterValues")[0])
    assert {phase for _, phase in said} == {""}
    assert 20 < float(said["SoC", ""]) < 25
    assert 600 < float(said["Voltage", ""]) < 850


def test_a_rotated_connector_says_which_phase_of_the_grid_it_loads(driver):
    """§9.1.10 ConnectorPhaseRotation."""
    configure(driver, MeterValuesSampledData="Current.Import", ConnectorPhaseRotation="0.RST,1.STR")
    start(driver, vehicle={"name": "Volkswagen Golf GTE", "soc": 0.1, "target_soc": 1.0})
    driver.advance(60)
    said = values(driver.calls("MeterValues")[0])
    assert [phase for (_, phase), amps in said.items() if float(amps) > 0] == ["L2"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("MeterValuesSampledData", "Nonsense"),
        ("MeterValuesSampledData", "Voltage,Voltage"),
        ("MeterValuesAlignedData", "Power.Factor"),
        ("StopTxnSampledData", ","),
        ("ConnectorPhaseRotation", "1.XYZ"),
        ("ConnectorPhaseRotation", "a.RST"),
    ],
)
def test_what_cannot_be_measured_is_rejected(driver, key, value):
    assert driver.ask("ChangeConfiguration", {"key": key, "value": value}).payload == {"status": "Rejected"}


def test_no_measurands_mean_no_message(charging):
    configure(charging, MeterValuesSampledData="")
    charging.advance(600)
    assert charging.calls("MeterValues") == []


def test_clock_aligned_values_come_at_the_full_interval_for_every_connector(charging):
    """§9.1.7 ClockAlignedDataInterval."""
    configure(charging, ClockAlignedDataInterval=900, MeterValueSampleInterval=0)
    charging.advance(3600)
    calls = charging.calls("MeterValues")
    assert [one.payload["connectorId"] for one in calls] == [2, 1] * 4 or [
        one.payload["connectorId"] for one in calls
    ] == [1, 2] * 4
    assert {parse_time(one.payload["meterValue"][0]["timestamp"]) % 900 for one in calls} == {0.0}
    assert set().union(*map(contexts, calls)) == {"Sample.Clock"}
    assert ["transactionId" in one.payload for one in calls if one.payload["connectorId"] == 1] == [True] * 4
    assert not any("transactionId" in one.payload for one in calls if one.payload["connectorId"] == 2)


def test_an_interval_that_does_not_divide_the_day_begins_anew_at_midnight(driver):
    configure(driver, ClockAlignedDataInterval=50_000)
    driver.advance(86_400 * 2)
    times = {parse_time(one.payload["meterValue"][0]["timestamp"]) % 86_400 for one in driver.calls("MeterValues")}
    assert times == {0.0, 50_000.0}


def test_a_trigger_brings_meter_values_of_one_connector_or_of_all(charging):
    assert charging.ask("TriggerMessage", {"requestedMessage": "MeterValues"}).payload == {"status": "Accepted"}
    assert {one.payload["connectorId"] for one in charging.calls("MeterValues")} == {1, 2}
    assert set().union(*map(contexts, charging.calls("MeterValues"))) == {"Trigger"}
    charging.clear().ask("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 2})
    assert [one.payload["connectorId"] for one in charging.calls("MeterValues")] == [2]
    answer = charging.ask("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 3})
    assert answer.payload == {"status": "Rejected"}


def test_the_last_message_carries_the_data_that_the_keys_name(driver):
    """§9.1.27, §9.1.29 StopTxnSampledData and StopTxnAlignedData."""
    configure(
        driver,
        StopTxnSampledData="Energy.Active.Import.Register",
        StopTxnAlignedData="Power.Active.Import",
        ClockAlignedDataInterval=900,
    )
    start(driver)
    driver.advance(1000)
    driver.intent("stop_transaction")
    stop = driver.calls("StopTransaction")[0].payload
    said = [one for value in stop["transactionData"] for one in value["sampledValue"]]
    assert said[0] == {
        "value": "0", "unit": "Wh", "context": "Transaction.Begin", "measurand": "Energy.Active.Import.Register",
    }  # fmt: skip
    assert said[-1]["context"] == "Transaction.End"
    assert int(said[-1]["value"]) == stop["meterStop"]
    assert {one["context"] for one in said} == {
        "Transaction.Begin", "Sample.Periodic", "Sample.Clock", "Transaction.End",
    }  # fmt: skip


def test_the_data_of_a_very_long_transaction_is_bounded(driver):
    configure(driver, StopTxnSampledData="Energy.Active.Import.Register", MeterValueSampleInterval=10)
    start(driver)
    driver.advance(86_400)
    driver.intent("stop_transaction")
    data = driver.calls("StopTransaction")[0].payload["transactionData"]
    assert 100 <= len(data) <= 201
    assert data[0]["sampledValue"][0]["context"] == "Transaction.Begin"


def test_a_car_that_asks_for_a_power_gets_it_within_what_is_offered(charging):
    charging.intent("power_update", power_w=5000)
    charging.advance(60)
    assert values(charging.calls("MeterValues")[-1])["Power.Active.Import", ""] == "5000.0"
    charging.intent("power_update", power_w=90_000)
    charging.advance(60)
    assert values(charging.calls("MeterValues")[-1])["Power.Active.Import", ""] == "22000.0"


def test_two_cars_share_what_the_station_has():
    from dataclasses import replace

    from tests.support.frames import AC_TWIN

    driver = Driver(Version.V16, model=replace(AC_TWIN, max_power_w=22_000)).boot()
    for connector in (1, 2):
        start(driver, f"T{connector}", connector, CAR)
    driver.clear().advance(60)
    powers = [float(values(one)["Power.Active.Import", ""]) for one in driver.calls("MeterValues")]
    assert len(powers) == 2
    assert sum(powers) <= 22_000
    assert min(powers) > 10_000


def test_an_interval_counts_from_the_sample_of_its_own_kind_and_the_first_one_from_the_start(driver):
    interval = "Energy.Active.Import.Interval"
    configure(driver, MeterValuesSampledData=interval, MeterValuesAlignedData=interval, MeterValueSampleInterval=100)
    start(driver)
    driver.advance(1000)
    driver.intent("stop_session")  # the register stands above zero when the next one begins
    driver.advance(-driver.now % 900 + 30)  # between two clock-aligned moments
    configure(driver, ClockAlignedDataInterval=900)
    start(driver)
    driver.clear().advance(900)
    told: dict[str, list[int]] = {"Sample.Periodic": [], "Sample.Clock": []}
    for call in driver.calls("MeterValues"):
        for one in call.payload["meterValue"][0]["sampledValue"]:
            if call.payload["connectorId"] == 1:
                told[one["context"]].append(int(one["value"]))
    assert len(told["Sample.Periodic"]) == 9
    assert len(told["Sample.Clock"]) == 1
    # 870 s at the same power as the periodic ones of 100 s each
    assert told["Sample.Clock"][0] == pytest.approx(8.7 * told["Sample.Periodic"][0], rel=0.01)
    assert told["Sample.Periodic"][0] == pytest.approx(told["Sample.Periodic"][1], abs=1)
