"""Passwords are not shown."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.protocol import (
    Call,
    CallError,
    CallResult,
    Version,
    encode,
    hidden,
    may_tell_secret,
    parse,
    without_secrets,
)

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


_NAMES = st.sampled_from(
    ["AuthorizationKey", "basicAuthPassword", " AUTHORIZATIONKEY ", "ba\u017ficAuthPa\u017fsword", "HeartbeatInterval"]
)
_TEXTS = st.one_of(_NAMES, st.text(max_size=8), st.sampled_from(["ws://user:pass@h/", "AuthorizationKey=s3cret"]))
_PAYLOADS = st.recursive(
    _TEXTS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(_NAMES, inner, max_size=3),
        st.fixed_dictionaries({"key": _NAMES, "value": _TEXTS}),
        st.fixed_dictionaries({"variable": st.fixed_dictionaries({"name": _NAMES}), "attributeValue": _TEXTS}),
    ),
    max_leaves=6,
)


@given(_PAYLOADS, st.booleans())
def test_the_quick_look_misses_nothing_that_is_hidden(payload, escaped):
    text = json.dumps(payload) if escaped else orjson.dumps(payload).decode()
    if hidden(payload) is not payload:
        assert may_tell_secret(text)


def test_the_quick_look_sees_through_escapes():
    assert may_tell_secret('[2,"1","ChangeConfiguration",{"key":"\\u0041uthorizationKey","value":"secret"}]')
    assert not may_tell_secret('[2,"1","ChangeConfiguration",{"key":"HeartbeatInterval","value":"60"}]')


@pytest.mark.parametrize(
    "message",
    [
        Call("1", "DataTransfer", {"vendorId": "v", "data": "http://user:s3cret@h/"}),
        CallResult("1", {"status": "Accepted", "data": '{"AuthorizationKey":"s3cret"}'}),
        CallError("1", "InternalError", "ftp://user:s3cret@h/ is away", {"BasicAuthPassword": "s3cret"}),
    ],
)
def test_no_kind_of_frame_tells_a_secret(message):
    text = without_secrets(encode(message))
    assert "s3cret" not in text
    assert type(parse(Version.V16, text)) is type(message)


def test_a_frame_without_secrets_is_shown_as_it_came():
    text = '[3, "1", {"status":"Accepted","data":"a@b ö"}]'
    assert without_secrets(text) is text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            '[2,"1","GetDiagnostics",{"location":"ftp://user:s3cret@h/"',
            '[2,"1","GetDiagnostics",{"location":"ftp://(hidden)@h/"',
        ),
        (
            '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"s3',
            "[left out: it may tell a password and is no message]",
        ),
        ('[2,"1","X",{"x":"http:\\/\\/user:s3cret@h\\/"', '[2,"1","X",{"x":"http://(hidden)@h\\/"'),
        (
            '{"key":"\\u0041uthorizationKey","value":"s3cret"',
            "[left out: it may tell a password and is no message]",
        ),
        ("connection to ws://user:s3cret@h/ refused", "connection to ws://(hidden)@h/ refused"),
    ],
)
def test_what_is_no_message_tells_no_secret_either(text, shown):
    assert without_secrets(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        '[4,"1","X",{"key":"AuthorizationKey","value":"s3cret"}]',
        '[4,"1","X","",[{"key":"AuthorizationKey","value":"s3cret"}]]',
        '[4,"1","http://user:s3cret@h/"]',
        '[2,"http://user:s3cret@h/","X",{}]',
        '[2,"an id of more than thirty-six characters","X",{"x":"http:\\/\\/user:s3cret@h\\/"}]',
        '[3,"1",{"data":"{\\"x\\":\\"http:\\\\/\\\\/user:s3cret@h\\\\/\\"}"}]',
        '[2,"1","X",{"key":"\\u0041uthorizationKey","value":"s3cret"},"and more"]',
        '{"BasicAuthPassword":"s3cret"}',
        '[2,"1","ChangeConfiguration",["AuthorizationKey","s3cret"]]',
        '[2,"1","ChangeConfiguration","AuthorizationKey","s3cret"]',
        '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey"},{"value":"s3cret"}]',
        '{"action":"ChangeConfiguration","item":"AuthorizationKey","new":"s3cret"}',
        '{"AuthorizationKey=s3cret":1}',
        '{"http://u:s3cret@h/":1}',
        '[3,"1",{"http://u:s3cret@h/":1}]',
        '[2,"1","X",{"a":"http://u:s3cret@h/","a":"x"}]',
        '[3,"1",{"data":"{\\"key\\":\\"\\\\u0041uthorizationKey\\",\\"value\\":\\"s3cret\\"}"}]',
        '[2,"1","X",{"x":"ftp:\\u002f\\u002fuser:s3cret@h/"',
    ],
)
def test_no_frame_tells_a_secret_whatever_its_shape(text):
    assert "s3cret" not in without_secrets(text)


@pytest.mark.parametrize(
    "text",
    [
        '[3,"1",["wss://h:443/ocpp","user@site"]]',
        '[2,"1","X",{"x":"wss://h:443/ocpp/user@site"}]',
        '[2,"1","GetConfiguration",{"key":["AuthorizationKey"]}]',
        '[3,"1",{"configurationKey":[{"key":"AuthorizationKey","readonly":false}]}]',
        '[2,"1","DataTransfer",{"vendorId":"M\\u00fcller","data":"C:\\\\x"}]',
    ],
)
def test_a_frame_without_a_secret_can_be_read(text):
    assert orjson.loads(without_secrets(text)) == orjson.loads(text)


@pytest.mark.parametrize("levels", [100, 250, 300, 1_000])
@pytest.mark.parametrize("secret", ["ftp://user:s3cret@h/", "AuthorizationKey: s3cret"])
def test_what_is_nested_deeply_tells_no_secret_and_raises_nothing(levels, secret):
    deep = "[" * levels + "]" * levels
    for text in (
        f'[3,"1",{{"data":"{secret}","x":{deep}}}]',
        f'[3,"1",{deep.replace("[]", chr(91) + chr(34) + secret + chr(34) + chr(93))}]',
    ):
        assert "s3cret" not in without_secrets(text)


@given(st.text(max_size=60) | st.text('[]{}":,\\u0041@/ AuthorizationKey', max_size=60))
def test_nothing_that_may_come_makes_it_fail(text):
    assert isinstance(without_secrets(text), str)
