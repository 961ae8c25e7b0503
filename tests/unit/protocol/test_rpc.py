"""Frames in and out, OCPP-J 1.6 §4 and 2.0.1 §4."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.protocol import (
    MAX_TEXT,
    BadFrame,
    Call,
    CallError,
    CallResult,
    Version,
    encode,
    error_codes,
    parse,
    refusal,
)
from chargers.protocol.errors import Fault

BOTH = pytest.mark.parametrize("version", list(Version))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@BOTH
@pytest.mark.parametrize(
    "message",
    [
        Call("1", "Heartbeat", {}),
        CallResult("1", {"currentTime": "2024-01-01T00:00:00Z"}),
        CallError("1", "InternalError", "went wrong", {"why": "é😀"}),
    ],
)
def test_it_reads_what_it_writes(version, message):
    assert parse(version, encode(message)) == message


@pytest.mark.parametrize("text", ["", " ", "{", "nul", "[2,", "\ud800", "NaN", "[" * 5000, "\x00", "[2,'a']"])
def test_garbage_gets_no_answer_in_1_6(text):
    frame = parse(Version.V16, text)
    assert isinstance(frame, BadFrame)
    assert frame.answer is None


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", "[2]", '"x"', "7", "[2,5,null,{}]", '["2","a","B",{}]', "[[2]]"])
def test_unreadable_frames_are_answered_with_id_minus_one_in_2_0_1(text):
    """OCPP-J 2.0.1 §4.2.3."""
    frame = parse(Version.V201, text)
    assert isinstance(frame, BadFrame)
    assert frame.answer is not None
    assert (frame.answer.id, frame.answer.code) == ("-1", "RpcFrameworkError")


@BOTH
@pytest.mark.parametrize("kind", [3, 4])
@pytest.mark.parametrize("rest", [[], [5], ["id"], ["id", 7], ["id", []], ["id", {}, {}, {}, {}, {}], ["x" * 300, {}]])
def test_a_broken_answer_is_never_answered(version, kind, rest):
    frame = parse(version, orjson.dumps([kind, *rest]).decode())
    assert isinstance(frame, BadFrame) or (kind == 3 and rest == ["id", {}])
    assert getattr(frame, "answer", None) is None


@BOTH
def test_a_broken_answer_still_names_its_call(version):
    frame = parse(version, '[3,"id-7",[]]')
    assert isinstance(frame, BadFrame)
    assert (frame.id, frame.type) == ("id-7", 3)


@pytest.mark.parametrize(("version", "code"), [(Version.V16, None), (Version.V201, "MessageTypeNotSupported")])
@pytest.mark.parametrize("kind", [0, 1, 5, 6, -2, 10**30])
def test_an_unknown_message_type_is_ignored_in_1_6_and_refused_in_2_0_1(version, code, kind):
    """OCPP-J 1.6 §4.1.3, 2.0.1 §4.3."""
    if kind == 10**30 and code:
        code = "RpcFrameworkError"  # beyond 64 bits a number is no integer any more
    frame = parse(version, orjson.dumps([5, "id", {}]).decode().replace("5", str(kind), 1))
    assert isinstance(frame, BadFrame)
    assert (frame.answer.code if frame.answer else None) == code


@BOTH
@pytest.mark.parametrize("kind", ["true", "2.0", '"2"', "null", "[2]"])
def test_a_message_type_that_only_looks_like_a_number_is_none(version, kind):
    assert isinstance(parse(version, f'[{kind},"id","Heartbeat",{{}}]'), BadFrame)


@BOTH
@pytest.mark.parametrize(
    "raw",
    [
        [2, "id"],
        [2, "id", "Heartbeat"],
        [2, "id", "Heartbeat", {}, {}],
        [2, "id", 5, {}],
        [2, "id", "", {}],
        [2, "", "A", {}],
        [2, "x" * 37, "Heartbeat", {}],
    ],
)
def test_a_call_whose_frame_is_wrong_is_refused_under_its_own_id(version, raw):
    frame = parse(version, orjson.dumps(raw).decode())
    assert isinstance(frame, BadFrame)
    assert frame.answer is not None
    assert frame.answer.id == raw[1]
    assert frame.answer.code == {Version.V16: "ProtocolError", Version.V201: "RpcFrameworkError"}[version]


@pytest.mark.parametrize(("version", "code"), [(Version.V16, "FormationViolation"), (Version.V201, "FormatViolation")])
@pytest.mark.parametrize("payload", [None, [], "x", 3, True])
def test_a_payload_that_is_no_object_is_a_format_violation(version, code, payload):
    frame = parse(version, orjson.dumps([2, "id", "Heartbeat", payload]).decode())
    assert isinstance(frame, BadFrame)
    assert frame.answer is not None
    assert frame.answer.code == code


@BOTH
def test_an_absurdly_long_id_is_not_repeated(version):
    frame = parse(version, orjson.dumps([2, "x" * 100_000, "Heartbeat", {}]).decode())
    assert isinstance(frame, BadFrame)
    assert frame.answer is None or frame.answer.id == "-1"


@BOTH
def test_a_giant_frame_is_not_even_read(version):
    frame = parse(version, '[2,"id","Heartbeat",{}]' + " " * MAX_TEXT)
    assert isinstance(frame, BadFrame)
    assert "characters" in frame.reason
    assert isinstance(parse(version, '[2,"id","Heartbeat",{}]' + " " * 1000), Call)


@BOTH
@pytest.mark.parametrize(
    "raw", ['[4,"id","GenericError"]', '[4,"id","GenericError",""]', '[4,"id","GenericError",null,7]']
)
def test_a_call_error_may_leave_out_what_is_empty(version, raw):
    assert parse(version, raw) == CallError("id", "GenericError", "", {})


def test_a_description_is_cut_to_what_the_specification_allows():
    error = refusal(Version.V201, "id", Fault.INTERNAL, "x" * 1000)
    assert len(orjson.loads(encode(error))[3]) == 255
    assert len(orjson.loads(encode(CallError("id", "InternalError", "y" * 999)))[3]) == 255


def test_the_codes_are_spelt_as_each_version_spells_them():
    """OCPP-J 1.6 §4.2.3 with errata §5, 2.0.1 §4.3."""
    only_16, only_201 = (
        {"FormationViolation", "OccurenceConstraintViolation"},
        {
            "FormatViolation",
            "OccurrenceConstraintViolation",
            "MessageTypeNotSupported",
            "RpcFrameworkError",
        },
    )
    assert error_codes(Version.V16) - error_codes(Version.V201) == only_16
    assert error_codes(Version.V201) - error_codes(Version.V16) == only_201
    assert (len(error_codes(Version.V16)), len(error_codes(Version.V201))) == (10, 12)


@given(version=st.sampled_from(list(Version)), text=st.text())
def test_no_text_at_all_makes_it_raise(version, text):
    parse(version, text)


@given(version=st.sampled_from(list(Version)), raw=st.lists(JSON, max_size=6) | JSON)
def test_no_json_at_all_makes_it_raise(version, raw):
    frame = parse(version, orjson.dumps(raw).decode())
    if isinstance(frame, BadFrame) and frame.answer is not None:
        assert frame.answer.code in error_codes(version)
        assert isinstance(parse(version, encode(frame.answer)), CallError | BadFrame)


@given(
    version=st.sampled_from(list(Version)),
    kind=st.sampled_from([2, 3, 4]),
    rest=st.lists(JSON | st.sampled_from(["id", "Heartbeat", "", {}]), max_size=5),
)
def test_nearly_right_frames_never_make_it_raise(version, kind, rest):
    parse(version, orjson.dumps([kind, *rest]).decode())


def test_subprotocols_are_found_by_name():
    assert Version.of_subprotocol("ocpp1.6") is Version.V16
    assert Version.of_subprotocol("ocpp2.0.1") is Version.V201
    assert Version.of_subprotocol("ocpp2.1") is None
