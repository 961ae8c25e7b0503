"""What a CSMS team tries first, at two CSMSs that share no code: the built-in one and one on the `ocpp` package.

The clock is the test's own, so two hours are two hours by every timestamp and take no time (tests/support/pair.py).
Each scenario ends with the comparison of both books: the charger's ledger and the CSMS's transactions.
"""

from collections.abc import Iterator

import pytest

from chargers.protocol import format_time, parse_time
from tests.support.pair import Pair, paired

pytestmark = pytest.mark.system

CAR = {"name": "Renault Zoe R135", "soc": 0.2}
TAG = "04A1B2C3"


@pytest.fixture(params=["built-in", "reference"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with paired(request.param) as one:
        yield one.power_on()
        one.check()


def configure(pair: Pair, **keys: object) -> None:
    for key, value in keys.items():
        answer = pair.ask("ChangeConfiguration", {"key": key, "value": str(value)})
        assert answer == {"status": "Accepted"}, (key, answer)


def start(pair: Pair, tag: str = TAG, connector: int = 1) -> int:
    """Plug a car in and start remotely; return the number of the transaction."""
    assert pair.order("plug", connector=connector, vehicle=CAR).ok
    before = len(pair.payloads("StartTransaction"))
    assert pair.ask("RemoteStartTransaction", {"connectorId": connector, "idTag": tag}) == {"status": "Accepted"}
    pair.run(5)
    assert len(pair.payloads("StartTransaction")) == before + 1
    return int(pair.connector(connector)["transaction"]["transaction_id"])


def energy(pair: Pair) -> float:
    """What the CSMS has on the bill of the last transaction."""
    last = pair.backend.transactions()[-1]
    assert last.meter_stop is not None
    assert last.meter_start is not None
    return last.meter_stop - last.meter_start


# --- whole session ----------------------------------------------------------------------------------------------------


def test_a_whole_session_by_card(pair):
    configure(pair, MeterValueSampleInterval=60)
    assert pair.order("plug", connector=1, vehicle=CAR).ok
    assert pair.order("present", connector=1, id_tag=TAG).ok
    pair.run(3600)
    assert pair.order("stop_transaction").ok
    assert pair.order("unplug", connector=1).ok
    assert pair.statuses() == ["Available", "Preparing", "Charging", "Finishing", "Available"]
    (seen,) = pair.backend.transactions()
    assert (seen.tag, seen.reason, seen.samples) == (TAG, "Local", 60)
    assert 15_000 < energy(pair) < 23_000
    actions = [one for one in pair.actions() if one not in {"StatusNotification", "Heartbeat"}]
    assert actions == ["BootNotification", "Authorize", "StartTransaction", *["MeterValues"] * 60, "StopTransaction"]


def test_a_card_that_is_refused_starts_nothing(pair):
    pair.backend.tag("STOLEN", "Blocked")
    pair.order("plug", connector=1, vehicle=CAR)
    settled = pair.order("present", connector=1, id_tag="STOLEN")
    assert (settled.ok, settled.code) == (False, "id_tag_refused")
    pair.run(600)
    assert pair.backend.transactions() == []
    assert pair.connector()["power_w"] == 0


def test_a_car_that_drives_off_ends_its_transaction(pair):
    start(pair)
    pair.run(600)
    assert pair.order("unplug", connector=1).ok
    assert pair.backend.transactions()[-1].reason == "EVDisconnected"


def test_both_connectors_charge_at_once_and_apart(pair):
    one, two = start(pair, "CARD-1", 1), start(pair, "CARD-2", 2)
    pair.run(1800)
    assert pair.ask("RemoteStopTransaction", {"transactionId": one}) == {"status": "Accepted"}
    pair.run(1800)
    assert pair.ask("RemoteStopTransaction", {"transactionId": two}) == {"status": "Accepted"}
    pair.run(5)
    first, second = pair.backend.transactions()
    assert (first.connector, second.connector) == (1, 2)
    assert second.meter_stop - second.meter_start > 1.5 * (first.meter_stop - first.meter_start)


# --- remote start and stop --------------------------------------------------------------------------------------------


def test_remote_start_and_stop(pair):
    number = start(pair)
    pair.run(600)
    assert pair.ask("RemoteStopTransaction", {"transactionId": number + 77}) == {"status": "Rejected"}
    assert pair.ask("RemoteStopTransaction", {"transactionId": number}) == {"status": "Accepted"}
    pair.run(5)
    (seen,) = pair.backend.transactions()
    assert (seen.id, seen.reason) == (str(number), "Remote")
    assert pair.ask("RemoteStopTransaction", {"transactionId": number}) == {"status": "Rejected"}


def test_a_remote_start_without_a_car_gives_up_after_the_connection_timeout(pair):
    configure(pair, ConnectionTimeOut=90)
    assert pair.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": TAG}) == {"status": "Accepted"}
    pair.run(60)
    assert pair.statuses()[-1] == "Preparing"
    pair.run(60)
    assert pair.statuses()[-1] == "Available"
    assert pair.backend.transactions() == []


def test_a_remote_start_asks_first_when_the_key_says_so(pair):
    configure(pair, AuthorizeRemoteTxRequests="true")
    pair.backend.tag("STOLEN", "Blocked")
    pair.order("plug", connector=1, vehicle=CAR)
    assert pair.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "STOLEN"}) == {"status": "Accepted"}
    pair.run(30)
    assert pair.payloads("Authorize") == [{"idTag": "STOLEN"}]
    assert pair.backend.transactions() == []


def test_a_start_that_the_csms_does_not_like_is_ended(pair):
    pair.backend.tag("STOLEN", "Blocked")
    configure(pair, StopTransactionOnInvalidId="true", MaxEnergyOnInvalidId=0)
    pair.order("plug", connector=1, vehicle=CAR)
    pair.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "STOLEN"})
    pair.run(30)
    (seen,) = pair.backend.transactions()
    assert (seen.reason, energy(pair)) == ("DeAuthorized", 0)


# --- offline ----------------------------------------------------------------------------------------------------------


def test_two_hours_offline_are_replayed_in_order_with_their_own_times(pair):
    configure(pair, MeterValueSampleInterval=300)
    start(pair)
    pair.run(600)
    came = len(pair.sent)
    pair.lose_network()
    gone = pair.now
    pair.run(3600)
    assert pair.order("stop_transaction").ok
    assert pair.order("unplug", connector=1).ok
    pair.run(3600)
    assert len(pair.sent) == came
    pair.find_network().run(30)
    late = [one for one in pair.sent[came:] if one.action in {"MeterValues", "StopTransaction"}]
    assert [one.action for one in late] == ["MeterValues"] * 12 + ["StopTransaction"]
    assert parse_time(late[-1].payload["timestamp"]) == pytest.approx(gone + 3600, abs=1)
    (seen,) = pair.backend.transactions()
    assert seen.samples == 14
    assert seen.stopped_at == pytest.approx(gone + 3600, abs=1)


def test_a_transaction_that_began_and_ended_offline_is_told_whole(pair):
    configure(pair, AllowOfflineTxForUnknownId="true", MeterValueSampleInterval=900)
    pair.lose_network().run(600)
    began = pair.now
    assert pair.order("plug", connector=1, vehicle=CAR).ok
    assert pair.order("present", connector=1, id_tag=TAG).ok
    pair.run(7200)
    assert pair.order("stop_transaction").ok
    pair.run(60)
    pair.find_network().run(30)
    told = [one for one in pair.actions() if one in {"StartTransaction", "MeterValues", "StopTransaction"}]
    assert told == ["StartTransaction", *["MeterValues"] * 8, "StopTransaction"]
    (seen,) = pair.backend.transactions()
    assert seen.started_at == pytest.approx(began, abs=1)
    assert seen.stopped_at == pytest.approx(began + 7200, abs=1)
    number = pair.payloads("MeterValues")[-1]["transactionId"]
    assert str(number) == seen.id, "the number given late goes into what follows"


def test_an_unknown_card_starts_nothing_offline(pair):
    configure(pair, AllowOfflineTxForUnknownId="false")
    pair.lose_network().run(60)
    pair.order("plug", connector=1, vehicle=CAR)
    assert not pair.order("present", connector=1, id_tag=TAG).ok
    pair.find_network().run(30)
    assert pair.backend.transactions() == []


def test_a_killed_charger_loses_no_watt_hour_of_what_it_told(pair):
    configure(pair, MeterValueSampleInterval=60)
    start(pair)
    pair.run(1800)
    pair.crash().run(60)
    (seen,) = pair.backend.transactions()
    assert seen.reason == "PowerLoss"
    assert seen.meter_stop >= seen.last_wh
    pair.order("unplug", connector=1)
    start(pair)
    pair.run(600)
    pair.order("stop_transaction")
    first, second = pair.backend.transactions()
    assert second.meter_start >= first.meter_stop, "the register never falls"


def test_many_short_breaks_lose_nothing_and_double_nothing(pair):
    configure(pair, MeterValueSampleInterval=30)
    start(pair)
    for _ in range(8):
        pair.run(95)
        pair.lose_network().run(130)
        pair.find_network()
    pair.run(30)
    pair.order("stop_transaction")
    (seen,) = pair.backend.transactions()
    assert seen.samples == pytest.approx((seen.stopped_at - seen.started_at) // 30, abs=1)


# --- reservation ------------------------------------------------------------------------------------------------------


def reserve(pair: Pair, number: int = 9, *, tag: str = TAG, connector: int = 1, seconds: float = 3600) -> str:
    payload = {
        "reservationId": number,
        "connectorId": connector,
        "idTag": tag,
        "expiryDate": format_time(pair.now + seconds),
    }
    return str(pair.ask("ReserveNow", payload)["status"])


def test_a_reserved_connector_waits_for_its_card(pair):
    assert reserve(pair) == "Accepted"
    assert pair.statuses()[-1] == "Reserved"
    pair.order("plug", connector=1, vehicle=CAR)
    assert not pair.order("present", connector=1, id_tag="SOMEONE").ok
    assert pair.order("present", connector=1, id_tag=TAG).ok
    pair.run(60)
    assert pair.payloads("StartTransaction")[-1]["reservationId"] == 9
    assert pair.ask("CancelReservation", {"reservationId": 9}) == {"status": "Rejected"}, "it is used up"
    pair.order("stop_transaction")


def test_a_reservation_ends_by_itself_or_by_order(pair):
    assert reserve(pair, seconds=600) == "Accepted"
    pair.run(601)
    assert pair.statuses()[-1] == "Available"
    assert reserve(pair, 10) == "Accepted"
    assert pair.ask("CancelReservation", {"reservationId": 10}) == {"status": "Accepted"}
    assert pair.ask("CancelReservation", {"reservationId": 10}) == {"status": "Rejected"}
    assert pair.statuses()[-1] == "Available"


def test_what_is_in_use_cannot_be_reserved(pair):
    start(pair)
    assert reserve(pair) == "Occupied"
    assert reserve(pair, connector=2) == "Accepted"
    pair.order("stop_transaction")


# --- smart charging ---------------------------------------------------------------------------------------------------


def limit(pair: Pair, watts: float, *, number: int | None = None, purpose: str = "TxProfile") -> str:
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": watts}]}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    }
    if number is not None:
        profile["transactionId"] = number
    return str(pair.ask("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})["status"])


def test_half_the_limit_is_half_the_energy(pair):
    def hour() -> float:
        number = start(pair)
        watts = pair.connector()["power_w"]
        if halves:
            assert limit(pair, watts_before / 2, number=number) == "Accepted"
        pair.run(3600)
        pair.ask("RemoteStopTransaction", {"transactionId": number})
        pair.run(5)
        pair.order("unplug", connector=1)
        bills.append(energy(pair))
        return float(watts)

    bills: list[float] = []
    halves = False
    watts_before = hour()
    halves = True
    hour()
    assert bills[1] == pytest.approx(bills[0] / 2, rel=0.02)


def test_a_limit_of_zero_suspends_and_its_end_goes_on(pair):
    number = start(pair)
    assert limit(pair, 0, number=number) == "Accepted"
    pair.run(5)
    assert pair.statuses()[-1] == "SuspendedEVSE"
    before = pair.connector()["meter_wh"]
    pair.run(1800)
    assert pair.connector()["meter_wh"] == before
    assert pair.ask("ClearChargingProfile", {"id": 1}) == {"status": "Accepted"}
    pair.run(5)
    assert pair.statuses()[-1] == "Charging"
    pair.ask("RemoteStopTransaction", {"transactionId": number})


def test_the_composite_schedule_is_what_holds(pair):
    assert limit(pair, 5000, purpose="TxDefaultProfile") == "Accepted"
    number = start(pair)
    pair.run(30)
    assert pair.connector()["power_w"] == pytest.approx(5000, rel=0.01)
    answer = pair.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 3600, "chargingRateUnit": "W"})
    assert answer["status"] == "Accepted"
    assert answer["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == pytest.approx(5000)
    pair.ask("RemoteStopTransaction", {"transactionId": number})


def test_a_transaction_profile_needs_its_transaction(pair):
    assert limit(pair, 5000, number=4711) == "Rejected"
    number = start(pair)
    assert limit(pair, 5000, number=number + 1) == "Rejected"
    pair.ask("RemoteStopTransaction", {"transactionId": number})


# --- firmware, reset --------------------------------------------------------------------------------------------------


def test_a_firmware_update_is_told_step_by_step_and_the_charger_comes_back_with_it(pair):
    when = format_time(pair.now + 60)
    assert pair.ask("UpdateFirmware", {"location": "http://files.test/fw-9.9.bin", "retrieveDate": when}) == {}
    pair.run(1800)
    steps = [one["status"] for one in pair.payloads("FirmwareStatusNotification")]
    assert steps == ["Downloading", "Downloaded", "Installing", "Installed"]
    before, after = pair.payloads("BootNotification")
    assert before["firmwareVersion"] != after["firmwareVersion"]


@pytest.mark.parametrize(("kind", "reason"), [("Hard", "HardReset"), ("Soft", "SoftReset")])
def test_a_reset_in_mid_transaction_ends_it_with_its_reason_and_boots(pair, kind, reason):
    start(pair)
    pair.run(600)
    assert pair.ask("Reset", {"type": kind}) == {"status": "Accepted"}
    pair.run(300)
    (seen,) = pair.backend.transactions()
    assert seen.reason == reason
    assert len(pair.payloads("BootNotification")) == 2
    assert pair.state() == "online"
    assert pair.connector()["transaction"] is None


def test_diagnostics_are_brought(pair):
    answer = pair.ask("GetDiagnostics", {"location": "http://files.test/in"})
    assert answer["fileName"]
    pair.run(600)
    assert [one["status"] for one in pair.payloads("DiagnosticsStatusNotification")] == ["Uploading", "Uploaded"]


# --- local list -------------------------------------------------------------------------------------------------------


def send_list(pair: Pair, version: int, kind: str, *entries: dict[str, object]) -> str:
    payload = {"listVersion": version, "updateType": kind, "localAuthorizationList": list(entries)}
    return str(pair.ask("SendLocalList", payload)["status"])


def test_the_local_list_decides_offline(pair):
    info = {"status": "Accepted"}
    assert pair.ask("GetLocalListVersion") == {"listVersion": 0}
    assert send_list(pair, 3, "Full", {"idTag": "MEMBER", "idTagInfo": info}, {"idTag": "LEFT", "idTagInfo": info}) == (
        "Accepted"
    )
    assert send_list(pair, 4, "Differential", {"idTag": "LEFT"}, {"idTag": "NEW", "idTagInfo": info}) == "Accepted"
    assert send_list(pair, 4, "Differential", {"idTag": "X", "idTagInfo": info}) == "VersionMismatch"
    assert pair.ask("GetLocalListVersion") == {"listVersion": 4}
    pair.lose_network().run(60)
    pair.order("plug", connector=1, vehicle=CAR)
    assert not pair.order("present", connector=1, id_tag="LEFT").ok
    assert pair.order("present", connector=1, id_tag="NEW").ok
    pair.run(600)
    pair.order("stop_transaction")
    pair.find_network().run(30)
    assert [one.tag for one in pair.backend.transactions()] == ["NEW"]


def test_the_local_list_spares_the_question_when_the_key_says_so(pair):
    configure(pair, LocalPreAuthorize="true")
    send_list(pair, 1, "Full", {"idTag": "MEMBER", "idTagInfo": {"status": "Accepted"}})
    pair.order("plug", connector=1, vehicle=CAR)
    assert pair.order("present", connector=1, id_tag="MEMBER").ok
    pair.run(30)
    assert pair.payloads("Authorize") == []
    pair.order("stop_transaction")


# --- triggers ---------------------------------------------------------------------------------------------------------


STATION = ["BootNotification", "DiagnosticsStatusNotification", "FirmwareStatusNotification", "Heartbeat"]
PLACED = ["MeterValues", "StatusNotification"]


@pytest.mark.parametrize(
    ("message", "connector"),
    [*((one, None) for one in STATION + PLACED), *((one, number) for one in PLACED for number in (1, 2))],
)
def test_every_trigger_is_obeyed(pair, message, connector):
    payload = {"requestedMessage": message} | ({} if connector is None else {"connectorId": connector})
    before = len(pair.payloads(message))
    assert pair.ask("TriggerMessage", payload) == {"status": "Accepted"}
    pair.run(10)
    came = pair.payloads(message)[before:]
    assert came
    if connector is not None:
        assert {one["connectorId"] for one in came} == {connector}


def test_a_trigger_for_a_connector_that_is_not_there_is_refused(pair):
    assert pair.ask("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 9}) == {"status": "Rejected"}


def test_pending_answers_and_waits(pair):
    pair.backend.boots_as("Pending", 60)
    assert pair.ask("Reset", {"type": "Soft"}) == {"status": "Accepted"}
    pair.run(120)
    assert pair.state() == "pending"
    came = len(pair.sent)
    configure(pair, MeterValueSampleInterval=77)
    assert set(pair.actions()[came:]) <= {"BootNotification"}
    pair.backend.boots_as("Accepted", 300)
    pair.run(120)
    assert pair.state() == "online"
    keys = pair.ask("GetConfiguration", {"key": ["MeterValueSampleInterval"]})["configurationKey"]
    assert keys[0]["value"] == "77"
