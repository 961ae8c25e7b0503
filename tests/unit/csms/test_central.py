"""The built-in CSMS without I/O, frame by frame."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargers.csms.central import MAX_WAITING, Central, Link
from chargers.csms.effects import Close, Effect, Keep, Order, Outcome, Send, Settled
from chargers.csms.stations import (
    EVERY_STATION,
    MAX_CONNECTORS,
    MAX_TRANSACTIONS,
    BootPolicy,
    Registration,
    Rules,
)
from chargers.protocol import Version, error_codes

from .examples import AT, REQUESTS

START = 1_700_000_000.0
HEARTBEAT = '[2,"h","Heartbeat",{}]'
V16, V201 = Version.V16, Version.V201


def a_link(version: Version = V16, central: Central | None = None, key: str = "CP1") -> Link:
    central = central or Central()
    central.rules.numbers.add(100, 1000)
    return central.connect(START, key, version)


def say(link: Link, text: str, now: float = START) -> list[Any] | None:
    """Give a frame and return the one answered, if any."""
    effects = link.text(now, text)
    sent = [json.loads(effect.text) for effect in effects if isinstance(effect, Send | Keep)]
    assert len(sent) <= 1
    return sent[0] if sent else None


def call(link: Link, action: str, payload: dict[str, Any], now: float = START) -> list[Any]:
    answer = say(link, json.dumps([2, "id", action, payload]), now)
    assert answer is not None
    return answer


def boot(link: Link) -> list[Any]:
    return call(link, "BootNotification", REQUESTS[link.station.version]["BootNotification"][0])


def sent_id(effects: list[Effect]) -> str:
    (send,) = [effect for effect in effects if isinstance(effect, Send)]
    return str(json.loads(send.text)[1])


RESET = Order("tag", "Reset", {"type": "Soft"}, timeout=30)


# --- what a station says ----------------------------------------------------------------------------------------------


def test_it_keeps_what_a_station_told_about_itself():
    link = a_link()
    boot(link)
    call(link, "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": AT})
    call(link, "Heartbeat", {}, START + 9)
    known = link.station.as_dict()
    assert known["boots"] == 1
    assert known["registration"] == "Accepted"
    assert known["boot"] == {"chargePointVendor": "v", "chargePointModel": "m", "firmwareVersion": "1"}
    assert known["connectors"] == {"1": {"status": "Charging", "error": "NoError", "at": AT}}
    assert (known["heartbeats"], known["messages"], known["last_seen"]) == (1, 3, START + 9)
    assert (known["connected"], known["breaches"]) == (True, 0)


def test_it_knows_evse_and_connector_of_a_201_station():
    link = a_link(V201)
    call(link, "StatusNotification", REQUESTS[V201]["StatusNotification"][0])
    assert link.station.connectors == {"1.1": {"status": "Available", "at": AT}}


def test_it_counts_a_schema_breach_and_refuses_it_in_the_words_of_the_version():
    for version, code in ((V16, "OccurenceConstraintViolation"), (V201, "OccurrenceConstraintViolation")):
        link = a_link(version)
        answer = call(link, "StatusNotification", {})
        assert answer[:3] == [4, "id", code]
        assert link.station.breaches == 1
        assert link.station.last_breach.startswith("StatusNotification: ")
        assert link.station.connectors == {}


def test_it_answers_an_unknown_action_with_not_implemented():
    link = a_link()
    assert call(link, "MakeCoffee", {})[:3] == [4, "id", "NotImplemented"]
    assert "MakeCoffee" in link.station.last_breach


def test_it_does_not_support_a_message_that_only_a_csms_sends():
    assert call(a_link(), "Reset", {"type": "Soft"})[:3] == [4, "id", "NotSupported"]


def test_an_action_of_another_version_does_not_exist():
    assert call(a_link(V16), "TransactionEvent", {})[2] == "NotImplemented"
    assert call(a_link(V201), "StartTransaction", {})[2] == "NotImplemented"


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", "null", "[2]", '[2,5,"Heartbeat",{}]', "[9,1]", '"x"', "[[[["])
def test_it_ignores_a_16_frame_without_an_id_and_answers_a_201_one(text):
    link = a_link(V16)
    assert say(link, text) is None
    assert link.station.breaches == 1
    answer = say(a_link(V201), text)
    assert answer is not None
    assert answer[:2] == [4, "-1"]


def test_a_binary_frame_ends_the_connection():
    link = a_link()
    assert link.binary(START) == [Close(1003, "OCPP-J uses text frames")]
    assert link.station.last_breach == "a binary frame"


def test_breaches_of_all_stations_add_up():
    central = Central()
    for key in "ab":
        say(a_link(central=central, key=key), "junk")
    link = a_link(central=central, key="c")
    call(link, "StartTransaction", REQUESTS[V16]["StartTransaction"][0])
    call(link, "StopTransaction", {"transactionId": 100, "meterStop": 1, "timestamp": AT})  # below meterStart
    assert central.breaches == 3
    assert sum(station.breaches for station in central.stations.values()) == 3


# --- boot policy ------------------------------------------------------------------------------------------------------


def with_policy(status: Registration, version: Version, key: str = "CP1") -> Link:
    link = a_link(version, Central(rules=Rules(policies={key: BootPolicy(status)})))
    boot(link)
    return link


def test_a_policy_for_every_station_gives_way_to_that_of_one():
    policies = {EVERY_STATION: BootPolicy(Registration.REJECTED), "B": BootPolicy(Registration.PENDING, 3)}
    central = Central(rules=Rules(policies=policies))
    assert boot(a_link(central=central, key="A"))[2]["status"] == "Rejected"
    answer = boot(a_link(central=central, key="B"))[2]
    assert (answer["status"], answer["interval"]) == ("Pending", 3)


@pytest.mark.parametrize("status", [Registration.PENDING, Registration.REJECTED])
def test_b02_fr_09_b03_fr_07_a_201_station_that_is_not_accepted_gets_security_error(status):
    link = with_policy(status, V201)
    assert say(link, HEARTBEAT)[:3] == [4, "h", "SecurityError"]
    assert link.station.last_breach == "Heartbeat before the BootNotification was accepted"


def test_a_16_station_that_is_not_accepted_is_answered_but_counted():
    link = with_policy(Registration.PENDING, V16)
    assert say(link, HEARTBEAT)[0] == 3
    assert link.station.breaches == 1


def test_a_pending_station_may_send_what_was_triggered_and_reports():
    link = with_policy(Registration.PENDING, V201)
    message_id = sent_id(link.call(START, Order("t", "TriggerMessage", {"requestedMessage": "Heartbeat"})))
    link.text(START, json.dumps([3, message_id, {"status": "Accepted"}]))
    assert say(link, HEARTBEAT)[0] == 3
    assert call(link, "NotifyReport", REQUESTS[V201]["NotifyReport"][0])[0] == 3
    assert call(link, "StatusNotification", REQUESTS[V201]["StatusNotification"][0])[0] == 4


def test_a_station_accepted_by_an_earlier_run_need_not_boot_again():
    link = a_link(V201)
    assert say(link, HEARTBEAT)[0] == 3
    assert link.station.breaches == 0


def test_it_accepts_at_the_next_boot_after_the_policy_is_gone():
    central = Central(rules=Rules(policies={"CP1": BootPolicy(Registration.REJECTED)}))
    link = a_link(V201, central)
    assert boot(link)[2]["status"] == "Rejected"
    central.rules.policies = {}
    assert boot(link)[2]["status"] == "Accepted"
    assert say(link, HEARTBEAT)[0] == 3


# --- transactions -----------------------------------------------------------------------------------------------------


def test_it_numbers_16_transactions_from_its_stock_without_gaps_or_repeats():
    central = Central()
    central.rules.numbers.add(1, 3)
    central.rules.numbers.add(10_001, 2)
    link = central.connect(START, "CP1", V16)
    start = {"connectorId": 1, "idTag": "T", "timestamp": AT}
    ids = [call(link, "StartTransaction", {**start, "meterStart": n})[2]["transactionId"] for n in range(5)]
    assert ids == [1, 2, 3, 10_001, 10_002]
    refused = call(link, "StartTransaction", {**start, "meterStart": 6})
    assert refused[:3] == [4, "id", "InternalError"]
    assert link.station.breaches == 0, "an empty stock is not the station's fault"


def test_a_repeated_start_gets_the_same_number():
    link = a_link()
    start = REQUESTS[V16]["StartTransaction"][0]
    first, again = (call(link, "StartTransaction", start)[2] for _ in range(2))
    other = call(link, "StartTransaction", {**start, "meterStart": 11})[2]
    assert first == again == {"transactionId": 100, "idTagInfo": {"status": "Accepted"}}
    assert other["transactionId"] == 101


def test_it_closes_a_transaction_and_sees_a_register_that_fell():
    link = a_link()
    call(link, "StartTransaction", REQUESTS[V16]["StartTransaction"][0])
    stop = {"transactionId": 100, "meterStop": 9, "timestamp": AT, "reason": "Remote"}
    assert call(link, "StopTransaction", stop) == [3, "id", {}]
    (known,) = link.station.as_dict()["transactions"]
    assert (known["meter_start"], known["meter_stop"], known["reason"]) == (10, 9, "Remote")
    assert link.station.breaches == 1


def test_a_stop_of_an_unknown_transaction_is_accepted():
    link = a_link()
    assert call(link, "StopTransaction", {"transactionId": 7, "meterStop": 9, "timestamp": AT}) == [3, "id", {}]
    assert link.station.breaches == 0


def test_it_follows_a_201_transaction_to_its_end():
    link = a_link(V201)
    started, ended = REQUESTS[V201]["TransactionEvent"]
    assert call(link, "TransactionEvent", started)[2] == {"idTokenInfo": {"status": "Accepted"}}
    assert call(link, "TransactionEvent", ended)[2] == {}
    (known,) = link.station.as_dict()["transactions"]
    assert (known["id"], known["connector"], known["id_token"], known["reason"]) == ("T1", "1.1", "TAG", "Remote")
    assert call(link, "TransactionEvent", ended)[0] == 3, "sent again because our answer was lost"
    assert link.station.breaches == 0
    call(link, "TransactionEvent", {**ended, "seqNo": 2})
    assert link.station.last_breach == "transaction T1: it has already ended"


def test_what_it_remembers_of_one_station_is_bounded():
    link = a_link()
    link.station.connectors.clear()
    for number in range(MAX_CONNECTORS + 50):
        call(link, "StatusNotification", {"connectorId": number, "errorCode": "NoError", "status": "Available"})
    assert len(link.station.connectors) == MAX_CONNECTORS
    start = {"connectorId": 1, "idTag": "T", "timestamp": AT}
    for number in range(MAX_TRANSACTIONS + 50):
        call(link, "StartTransaction", {**start, "meterStart": number})
        if number % 2:
            call(link, "StopTransaction", {"transactionId": 100 + number, "meterStop": 9999, "timestamp": AT})
    assert len(link.station.transactions) == MAX_TRANSACTIONS
    assert str(100 + MAX_TRANSACTIONS + 49) in link.station.transactions


def test_custom_data_of_a_boot_is_not_kept():
    link = a_link(V201)
    call(
        link,
        "BootNotification",
        {
            "reason": "PowerUp",
            "chargingStation": {"model": "m", "vendorName": "v"},
            "customData": {"vendorId": "v", "huge": "x" * 10_000},
        },
    )
    assert link.station.boot == {"reason": "PowerUp", "model": "m", "vendorName": "v"}


# --- what the CSMS asks -----------------------------------------------------------------------------------------------


def test_it_sends_a_call_and_hands_over_the_result():
    link = a_link()
    effects = link.call(START, RESET)
    message_id = sent_id(effects)
    assert json.loads(effects[0].text) == [2, message_id, "Reset", {"type": "Soft"}]
    answered = link.text(START, json.dumps([3, message_id, {"status": "Accepted"}]))
    assert answered == [Settled("tag", Outcome("ok", payload={"status": "Accepted"}))]
    assert link.next_wake() is None


def test_one_call_at_a_time_is_under_way_and_the_rest_queue_in_order():
    link = a_link()
    first = link.call(START, Order("1", "ClearCache", {}))
    assert link.call(START, Order("2", "ClearCache", {})) == []
    assert link.call(START, Order("3", "ClearCache", {})) == []
    order = []
    effects = first
    while effects:
        effects = link.text(START, json.dumps([3, sent_id(effects), {"status": "Accepted"}]))
        order += [effect.tag for effect in effects if isinstance(effect, Settled)]
        effects = [effect for effect in effects if isinstance(effect, Send)]
    assert order == ["1", "2", "3"]


def test_calls_of_the_station_are_answered_while_ours_is_under_way():
    link = a_link()
    link.call(START, RESET)
    assert say(link, HEARTBEAT)[0] == 3


def test_a_callerror_is_a_refusal_with_all_that_it_said():
    link = a_link()
    message_id = sent_id(link.call(START, RESET))
    answered = link.text(START, json.dumps([4, message_id, "NotSupported", "no", {"why": 1}]))
    assert answered == [Settled("tag", Outcome("refused", "NotSupported", "no", {"why": 1}))]


def test_a_result_that_breaks_the_schema_is_a_bad_answer_and_a_breach():
    link = a_link()
    message_id = sent_id(link.call(START, RESET))
    (settled,) = link.text(START, json.dumps([3, message_id, {"status": "Maybe"}]))
    assert settled.outcome.code == "bad_answer"
    assert settled.outcome.payload == {"status": "Maybe"}
    assert link.station.last_breach.startswith("answer to Reset: ")


@pytest.mark.parametrize("frame", [[3], [3, "ID", 5], [3, "ID"], [4, "ID", None]])
def test_a_broken_answer_never_leaves_a_call_without_an_outcome(frame):
    link = a_link()
    message_id = sent_id(link.call(START, RESET))
    effects = link.text(START, json.dumps(frame).replace("ID", message_id))
    effects += link.wake(START + 31)
    assert [effect.tag for effect in effects if isinstance(effect, Settled)] == ["tag"]


def test_an_unanswered_call_times_out_and_the_next_one_goes():
    link = a_link()
    old_id = sent_id(link.call(START, RESET))
    link.call(START, Order("next", "ClearCache", {}, timeout=60))
    assert link.next_wake() == START + 30
    assert link.wake(START + 29) == []
    timeout, following = link.wake(START + 30)
    assert (timeout.tag, timeout.outcome.code) == ("tag", "timeout")
    assert sent_id([following]) != old_id
    assert link.text(START + 31, json.dumps([3, old_id, {"status": "Accepted"}])) == []
    assert (link.station.late_answers, link.station.breaches) == (1, 0)


def test_an_order_may_run_out_while_it_waits_behind_another():
    link = a_link()
    link.call(START, RESET)
    link.call(START, Order("short", "ClearCache", {}, timeout=5))
    assert link.next_wake() == START + 5
    (settled,) = link.wake(START + 5)
    assert (settled.tag, settled.outcome.code) == ("short", "timeout")
    assert link.next_wake() == START + 30


def test_an_answer_to_no_call_is_a_breach():
    link = a_link()
    assert link.text(START, '[3,"nobody",{}]') == []
    assert link.text(START, '[4,"nobody","GenericError","",{}]') == []
    assert link.station.breaches == 2


@pytest.mark.parametrize(
    ("action", "payload"),
    [("Reset", {"type": "Gentle"}), ("Reset", {}), ("MakeCoffee", {}), ("Heartbeat", {}), ("GetBaseReport", {})],
)
def test_an_order_that_the_schema_forbids_is_not_sent(action, payload):
    link = a_link()
    (settled,) = link.call(START, Order("tag", action, payload))
    assert settled.outcome.code == "invalid"
    assert link.next_wake() is None


def test_an_unchecked_order_is_sent_as_it_is():
    link = a_link(V201)
    effects = link.call(START, Order("tag", "ExtendedTriggerMessage", {"x": 1}, checked=False))
    answered = link.text(START, json.dumps([3, sent_id(effects), {"y": 2}]))
    assert answered == [Settled("tag", Outcome("ok", payload={"y": 2}))]


def test_too_many_orders_are_refused_at_once():
    link = a_link()
    effects = [effect for n in range(MAX_WAITING + 2) for effect in link.call(START, Order(str(n), "ClearCache", {}))]
    assert [(one.tag, one.outcome.code) for one in effects if isinstance(one, Settled)] == [
        (str(MAX_WAITING + 1), "busy")
    ]


def test_the_end_of_a_connection_settles_every_order_once():
    link = a_link()
    link.call(START, RESET)
    link.call(START, Order("waiting", "ClearCache", {}))
    assert [(one.tag, one.outcome.code) for one in link.closed()] == [
        ("tag", "not_connected"),
        ("waiting", "not_connected"),
    ]
    assert link.closed() == []
    assert link.station.links == 0
    (late,) = link.call(START, Order("late", "ClearCache", {}))
    assert late.outcome.code == "not_connected"


def test_a_station_stays_connected_when_only_its_older_connection_ends():
    central = Central()
    old, new = a_link(central=central), a_link(central=central)
    old.closed()
    assert new.station.as_dict()["connected"] is True
    assert new.station.connections == 2


def test_message_ids_fit_and_differ():
    central = Central(prefix="0123456789abcdef0123")
    ids = {central.next_call_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert max(map(len, ids)) <= 36


def test_it_forgets_unconnected_stations_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr("chargers.csms.central.MAX_STATIONS", 3)
    central = Central()
    links = {key: a_link(central=central, key=key) for key in "abcd"}
    assert set(central.stations) == set("abcd"), "a connected one is never forgotten"
    links["b"].closed()
    a_link(central=central, key="e")
    assert set(central.stations) == set("acde")


# --- whatever comes ---------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=12,
)


@st.composite
def frames(draw: st.DrawFn) -> str:
    """A frame that looks more or less like one."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.text(max_size=60))
    version = draw(st.sampled_from(list(Version)))
    action = draw(st.sampled_from(sorted(REQUESTS[version])))
    payload: Any = dict(draw(st.sampled_from(REQUESTS[version][action])))
    for name in draw(st.lists(st.sampled_from([*payload, "surprise"]), max_size=2)):
        payload[name] = draw(json_values)
    kind = draw(st.sampled_from([2, 2, 2, 2, 3, 4, 5, "2", None]))
    message_id = draw(st.sampled_from(["a", "csms-1", "csms-2", "", "x" * 40, 7]))
    frame = [kind, message_id, action, payload] if kind != 3 else [kind, message_id, payload]
    return json.dumps(frame[: draw(st.integers(0, 4))] if draw(st.integers(0, 4)) == 0 else frame)


@settings(max_examples=150, deadline=None)
@given(version=st.sampled_from(list(Version)), texts=st.lists(frames(), max_size=12), orders=st.integers(0, 3))
def test_whatever_a_station_sends_it_answers_in_form_and_settles_each_order_once(version, texts, orders):
    link = a_link(version)
    effects: list[Effect] = []
    for number in range(orders):
        effects += link.call(START, Order(str(number), "ClearCache", {}))
    for text in texts:
        effects += link.text(START, text)
    effects += link.wake(START + 1000)
    effects += link.closed()
    settled = [effect.tag for effect in effects if isinstance(effect, Settled)]
    assert sorted(settled) == [str(number) for number in range(orders)]
    for effect in effects:
        if isinstance(effect, Send | Keep):
            frame = json.loads(effect.text)
            assert frame[0] in {2, 3, 4}
            if frame[0] == 4:
                assert frame[2] in error_codes(version)
    json.dumps(link.station.as_dict())
