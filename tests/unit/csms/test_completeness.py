"""Every message that a station may send has an answer, and the answer passes the official schema."""

from typing import Any

import pytest

from chargers.csms.central import HANDLERS, Central
from chargers.csms.effects import Keep, Send
from chargers.csms.stations import BootPolicy, Registration, Rules
from chargers.protocol import (
    Call,
    CallResult,
    Version,
    actions,
    actions_from_charger,
    encode,
    parse,
    schema_names,
    validate_request,
    validate_response,
)

from .examples import REQUESTS

EVERY = [(version, action) for version in Version for action in sorted(actions_from_charger(version))]


def ask(central: Central, version: Version, action: str, payload: dict[str, Any]) -> CallResult:
    central.rules.numbers.add(1, 10)
    link = central.connect(0.0, "CP1", version)
    (effect,) = link.text(1_700_000_000.0, encode(Call("1", action, payload)))
    assert isinstance(effect, Send | Keep)
    answer = parse(version, effect.text)
    assert isinstance(answer, CallResult), answer
    assert validate_response(version, action, answer.payload) is None
    return answer


@pytest.mark.parametrize(("version", "action"), EVERY, ids=str)
def test_it_answers_every_message_of_a_station_with_a_valid_result(version, action):
    for payload in REQUESTS[version][action]:
        assert validate_request(version, action, payload) is None, "the example itself must be valid"
        ask(Central(), version, action, payload)


@pytest.mark.parametrize("version", Version)
def test_it_has_a_handler_for_each_message_of_a_station_and_for_no_other(version):
    assert HANDLERS[version].keys() == actions_from_charger(version)


@pytest.mark.parametrize("version", Version)
def test_it_knows_of_every_request_in_the_schema_folder_who_sends_it(version):
    suffix = "" if version is Version.V16 else "Request"
    requests = {name.removesuffix(suffix) for name in schema_names(version) if not name.endswith("Response")}
    assert requests == actions(version)


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("status", Registration)
@pytest.mark.parametrize("interval", [None, 0, 7])
def test_it_answers_a_boot_as_the_policy_says(version, status, interval):
    central = Central(rules=Rules(policies={"CP1": BootPolicy(status, interval)}, heartbeat_interval=33))
    answer = ask(central, version, "BootNotification", REQUESTS[version]["BootNotification"][0])
    usual = 33 if status is Registration.ACCEPTED else 10
    assert answer.payload == {
        "status": status,
        "interval": usual if interval is None else interval,
        "currentTime": "2023-11-14T22:13:20.000Z",
    }
