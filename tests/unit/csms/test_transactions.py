"""What the built-in CSMS keeps of transactions, and what it finds odd in them."""

import json
from typing import Any

import pytest

from chargers.csms.central import Central, Link
from chargers.csms.effects import Keep, Send
from chargers.csms.transactions import COLUMNS, Transaction
from chargers.protocol import Version

from .examples import REQUESTS
from .test_central import START, a_link, call

V16, V201 = Version.V16, Version.V201


def at(minute: int) -> str:
    return f"2024-01-31T12:{minute:02}:00.000Z"


def begin(link: Link, *, meter: int = 100, minute: int = 0, connector: int = 1) -> int:
    payload = {"connectorId": connector, "idTag": "TAG", "meterStart": meter, "timestamp": at(minute)}
    number: int = call(link, "StartTransaction", payload)[2]["transactionId"]
    return number


def values(number: int, *told: tuple[int, Any], **more: Any) -> dict[str, Any]:
    meter_value = [{"timestamp": at(minute), "sampledValue": [{"value": str(wh), **more}]} for minute, wh in told]
    return {"connectorId": 1, "transactionId": number, "meterValue": meter_value}


def finish(link: Link, number: int, meter: int, minute: int, **more: Any) -> None:
    payload = {"transactionId": number, "meterStop": meter, "timestamp": at(minute), **more}
    assert call(link, "StopTransaction", payload)[0] == 3


def known(link: Link, number: int) -> Transaction:
    return link.station.transactions[str(number)]


def test_a_transaction_is_followed_from_start_to_stop():
    link = a_link()
    number = begin(link)
    for minute in (1, 2, 3):
        call(link, "MeterValues", values(number, (minute, 100 + minute)))
    finish(link, number, 104, 4, reason="Remote", transactionData=values(number, (0, 100), (4, 104))["meterValue"])
    one = known(link, number)
    assert (one.meter_start, one.samples, one.last_wh, one.meter_stop) == (100, 3, 103, 104)
    assert (one.messages, one.reason, one.disorders, link.station.breaches) == (5, "Remote", 0, 0)


@pytest.mark.parametrize("action", ["StartTransaction", "MeterValues", "StopTransaction"])
def test_a_message_that_is_sent_again_counts_once(action):
    link = a_link()
    number = begin(link)
    call(link, "MeterValues", values(number, (1, 101)))
    if action == "StartTransaction":
        assert begin(link) == number
    elif action == "MeterValues":
        call(link, "MeterValues", values(number, (1, 101)))
    else:
        finish(link, number, 102, 2)
        finish(link, number, 102, 2)
    one = known(link, number)
    assert (one.samples, one.disorders, link.station.breaches) == (1, 0, 0)
    assert one.messages == (3 if action == "StopTransaction" else 2)


def test_a_start_repeated_after_its_meter_values_does_not_hide_their_repeat():
    link = a_link()
    number = begin(link)
    call(link, "MeterValues", values(number, (1, 101)))
    begin(link)
    call(link, "MeterValues", values(number, (1, 101)))
    assert known(link, number).samples == 1


def test_triggered_values_may_overtake_and_do_not_hide_a_repeat():
    link = a_link()
    number = begin(link)
    call(link, "MeterValues", values(number, (1, 101)))
    call(link, "MeterValues", values(number, (9, 109), context="Trigger"))
    call(link, "MeterValues", values(number, (1, 101)))
    call(link, "MeterValues", values(number, (2, 102)))
    one = known(link, number)
    assert (one.samples, one.disorders) == (2, 0)


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ([(1, 110), (2, 105)], "the register fell from 110 to 105 Wh"),
        ([(2, 110), (1, 111)], "came after one of"),
        ([(1, 99)], "the register fell from 100 to 99 Wh"),
    ],
)
def test_values_that_cannot_be_are_breaches(told, complaint):
    link = a_link()
    number = begin(link)
    for one in told:
        call(link, "MeterValues", values(number, one))
    assert complaint in link.station.last_breach
    assert (link.station.breaches, known(link, number).disorders) == (1, 1)


def test_an_end_that_cannot_be_is_a_breach():
    for meter, minute, more, complaint in (
        (104, 4, {}, "meterStop 104 is below 105"),
        (106, 0, {}, "before"),
        (106, 4, {"transactionData": values(0, (1, 107))["meterValue"]}, "outside of 100 to 106"),
    ):
        link = a_link()
        number = begin(link)
        call(link, "MeterValues", values(number, (1, 105)))
        finish(link, number, meter, minute, **more)
        assert complaint in link.station.last_breach


def test_messages_after_the_end_are_breaches():
    link = a_link()
    number = begin(link)
    finish(link, number, 110, 1)
    call(link, "MeterValues", values(number, (2, 111)))
    assert "after its end" in link.station.last_breach
    finish(link, number, 111, 3)
    assert "second time" in link.station.last_breach


def test_only_the_register_counts_in_any_unit_that_it_may_have():
    link = a_link()
    number = begin(link)
    call(link, "MeterValues", values(number, (1, 5), measurand="Power.Active.Import", unit="kW"))
    call(link, "MeterValues", values(number, (2, 5), phase="L1"))
    call(link, "MeterValues", values(number, (3, "0.101"), unit="kWh"))
    for odd in ("nan", "inf", "abc", "-1e999"):
        call(link, "MeterValues", values(number, (4, odd)))
    one = known(link, number)
    assert (one.samples, one.last_wh) == (1, 101)


def test_values_and_ends_of_transactions_that_it_never_saw_are_remembered():
    link = a_link()
    call(link, "MeterValues", values(77, (1, 5)))
    finish(link, 78, 9, 1)
    assert [(one.id, one.started_at, one.meter_start) for one in link.station.transactions.values()] == [
        ("77", None, None),
        ("78", None, None),
    ]


def test_a_201_transaction_has_its_registers_and_its_order():
    link = a_link(V201)

    def event(kind: str, number: int, wh: float | None, **info: Any) -> None:
        payload: dict[str, Any] = {
            "eventType": kind,
            "timestamp": at(number),
            "triggerReason": "MeterValuePeriodic",
            "seqNo": number,
            "transactionInfo": {"transactionId": "T", **info},
        }
        if wh is not None:
            value = {"value": wh, "unitOfMeasure": {"unit": "kWh"}}
            payload["meterValue"] = [{"timestamp": at(number), "sampledValue": [value]}]
        assert call(link, "TransactionEvent", payload)[0] == 3

    event("Started", 0, 1.0)
    event("Updated", 1, 1.5)
    event("Updated", 1, 1.5)
    event("Ended", 2, 2.0, stoppedReason="EVDisconnected")
    one = link.station.transactions["T"]
    assert (one.meter_start, one.samples, one.last_wh, one.meter_stop) == (1000, 1, 1500, 2000)
    assert (one.messages, one.disorders, one.reason) == (3, 0, "EVDisconnected")
    link = a_link(V201)
    event("Started", 5, None)
    event("Updated", 4, None)
    assert "seqNo 4 came after 5" in link.station.last_breach


# --- keeping ----------------------------------------------------------------------------------------------------------


def effect_of(link: Link, action: str, payload: dict[str, Any]) -> Send | Keep:
    (effect,) = link.text(START, json.dumps([2, "id", action, payload]))
    assert isinstance(effect, Send | Keep)
    return effect


def test_what_is_told_of_a_transaction_is_answered_when_it_is_kept():
    link = a_link()
    effect = effect_of(link, "StartTransaction", REQUESTS[V16]["StartTransaction"][0])
    assert isinstance(effect, Keep)
    assert (effect.entry.station, effect.entry.version, effect.entry.columns["id"]) == ("CP1", V16, "100")
    assert set(effect.entry.columns) == set(COLUMNS)
    assert json.loads(effect.text)[:2] == [3, "id"]
    assert json.loads(effect.otherwise)[:3] == [4, "id", "InternalError"]
    assert isinstance(effect_of(link, "MeterValues", values(100, (1, 11))), Keep)
    assert isinstance(effect_of(link, "Heartbeat", {}), Send)
    without = {key: value for key, value in values(1, (1, 11)).items() if key != "transactionId"}
    assert isinstance(effect_of(link, "MeterValues", without), Send)


def test_a_start_repeated_at_a_new_process_gets_the_number_that_was_kept():
    link = a_link()
    number = begin(link)
    call(link, "MeterValues", values(number, (1, 101)))
    kept = list(link.station.transactions.values())
    fresh = Central()
    again = fresh.connect(START, "CP1", V16, kept)
    assert begin(again) == number
    call(again, "MeterValues", values(number, (1, 101)))
    assert known(again, number).samples == 1


def test_what_another_process_heard_since_counts_for_more_than_what_is_remembered():
    central = Central()
    link = a_link(central=central)
    number = begin(link)
    known(link, number)
    newer = Transaction(**{**known(link, number).as_dict(), "messages": 9, "last_wh": 500.0})
    central.connect(START, "CP1", V16, [newer])
    assert known(link, number).last_wh == 500
    older = Transaction(**{**newer.as_dict(), "messages": 2, "last_wh": 1.0})
    central.connect(START, "CP1", V16, [older])
    assert known(link, number).last_wh == 500


def test_texts_of_a_hostile_station_fit_into_their_columns():
    link = a_link(V201)
    payload = {**REQUESTS[V201]["TransactionEvent"][0], "transactionInfo": {"transactionId": "T\x00"}}
    effect = effect_of(link, "TransactionEvent", payload)
    assert isinstance(effect, Keep)
    assert effect.entry.columns["id"] == "T\ufffd"
    one = Transaction("x", started_at="2024" * 1000)
    one.disorder("y" * 10_000)
    columns = one.as_columns()
    assert (len(columns["started_at"]), len(columns["last_disorder"])) == (64, 500)
