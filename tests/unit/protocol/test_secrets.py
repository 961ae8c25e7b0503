"""Passwords are not shown."""

import pytest

from chargers.protocol import hidden

KEY = "a password of 20 ch"


@pytest.mark.parametrize(
    "payload",
    [
        {"key": "authorizationKEY", "value": KEY},
        {"configuration": {"AuthorizationKey": KEY, "HeartbeatInterval": "60"}},
        {"setVariableData": [{"variable": {"name": "BasicAuthPassword"}, "attributeValue": KEY}]},
        [{"key": "AuthorizationKey", "value": KEY}],
    ],
)
def test_a_password_is_hidden_wherever_it_is(payload):
    assert KEY not in str(hidden(payload))
    assert KEY in str(payload)
    assert "(hidden)" in str(hidden(payload))


@pytest.mark.parametrize(
    "payload", [{"key": "HeartbeatInterval", "value": "60"}, {"a": [1, {"b": None}]}, [], "x", None]
)
def test_anything_else_is_left_as_it_is(payload):
    assert hidden(payload) is payload
