"""Frames, by the sections of RFC 6455. The other side is `websockets`: somebody else's reading of it."""

import struct
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from chargers.simulator.host import frames
from chargers.simulator.host.frames import (
    MAX_MESSAGE,
    NO_CODE,
    Binary,
    Breach,
    Closing,
    Ping,
    Pong,
    Reader,
    close_frame,
    control_frame,
    text_frame,
    whole_text,
)

#: no clocks: other programs may have the machine to themselves for a while
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
HELLO = b"\x81\x05Hello"


def read(*pieces):
    reader, events = Reader(), []
    for piece in pieces:
        events += reader.feed(piece)
        if events and isinstance(events[-1], Breach | Closing):
            break
    return events


def cut(data, places):
    """Cut data at places, which may be any numbers."""
    marks = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[begin:end] for begin, end in pairwise(marks)]


def at_the_server(data):
    """What the server side of `websockets` reads in frames of a client."""
    server = Protocol(Side.SERVER, state=OPEN, max_size=None)
    server.receive_data(data)
    assert server.parser_exc is None
    return server.events_received()


# --- what a server says, made by somebody else's code -----------------------------------------------------------------


def server_frame(opcode, payload=b"", *, fin=True, **bits):
    return Frame(Opcode(opcode), payload, fin=fin, **bits).serialize(mask=False)


controls = st.one_of(
    st.binary(max_size=125).map(lambda data: (server_frame(9, data), Ping(data))),
    st.binary(max_size=125).map(lambda data: (server_frame(10, data), Pong(data))),
)
texts = st.one_of(st.text(max_size=40), st.integers(100, 140).map(lambda n: "ä" * n), st.just("€" * 30_000))
messages = st.one_of(
    texts.map(lambda text: (1, text.encode(), text)), st.binary().map(lambda b: (2, b, Binary(len(b))))
)


@st.composite
def conversations(draw):
    """The bytes that a server sends, and what they mean."""
    data, events = b"", []
    for opcode, payload, event in draw(st.lists(messages, max_size=6)):
        parts = cut(payload, draw(st.lists(st.integers(0, 10**6), max_size=4))) or [b""]
        for number, part in enumerate(parts):
            for frame, control in draw(st.lists(controls, max_size=2)):
                data += frame
                events.append(control)
            data += server_frame(0 if number else opcode, part, fin=number == len(parts) - 1)
        events.append(event)
    if draw(st.booleans()):
        reason = draw(st.text(max_size=30))
        data += server_frame(8, struct.pack("!H", 1001) + reason.encode())
        events.append(Closing(1001, reason))
    return data, events


@unhurried
@given(conversations(), st.lists(st.integers(0, 10**6), max_size=20))
def test_any_cut_of_what_a_server_says_means_the_same(conversation, places):
    data, events = conversation
    assert read(*cut(data, places)) == events


@unhurried
@given(conversations())
def test_byte_by_byte_means_the_same(conversation):
    data, events = conversation
    if len(data) < 5000:
        assert read(*(data[at : at + 1] for at in range(len(data)))) == events


@unhurried
@given(conversations())
def test_a_reader_between_messages_is_idle(conversation):
    data, _ = conversation
    reader = Reader()
    for event in reader.feed(data):
        assert not isinstance(event, Breach)
    assert reader.idle
    reader.feed(HELLO[:-1])
    assert not reader.idle
    assert reader.feed(HELLO[-1:]) == ["Hello"]
    assert reader.idle


nonsense = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [HELLO, b"\x01\x01a", b"\x00\x01b", b"\x80\x01c", b"\x89\x00", b"\x88\x02\x03\xe8", b"\x81\x7e"]
        ),
        st.builds(lambda first, second: bytes((first, second)), st.integers(0, 255), st.integers(0, 127)),
    ),
    max_size=8,
).map(b"".join)


@unhurried
@given(nonsense, st.lists(st.integers(0, 10**6), max_size=8))
def test_any_cut_of_nonsense_means_the_same(data, places):
    assert read(*cut(data, places)) == read(data)


@unhurried
@given(nonsense)
@example(b"\x88\x05\x00\x00\x00\x00\x80")  # a close frame whose code and reason are both wrong
@example(b"\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00")  # the highest bit of a length: 1002 for us, 1009 for them
def test_nonsense_is_broken_off_where_the_parser_of_websockets_breaks_it_off(data):
    theirs = Protocol(Side.CLIENT, state=OPEN, max_size=MAX_MESSAGE)
    theirs.receive_data(data)
    code = theirs.close_sent.code if theirs.parser_exc is not None and theirs.close_sent is not None else None
    ours = read(data)
    breach = next((event for event in ours if isinstance(event, Breach)), None)
    if breach is None:
        assert code is None or isinstance(ours[-1], Closing)
    elif breach.code != 1007 and "highest bit" not in breach.why:  # the core leaves texts to those who use it
        # It waits for the payload of a frame whose head is wrong; and of two rules broken at once we name the form.
        assert code in {breach.code, None} or breach.code == 1002
    seen = [event for event in theirs.events_received() if isinstance(event, Frame)]
    assert len([one for one in seen if one.opcode is Opcode.PING]) == len(
        [one for one in ours if isinstance(one, Ping)]
    )


# --- the common case --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 60, 124, 125, 126, 127, 128, 129, 130, 131, 1000, 65_530, 65_531, 65_532])
def test_one_short_message_in_one_read_needs_no_reader(size):
    text = "x" * size
    data = server_frame(1, text.encode())
    buffer = bytearray(70_000)
    buffer[: len(data)] = data
    assert whole_text(buffer, len(data)) == text
    assert read(data) == [text]
    assert whole_text(buffer, len(data) - 1) is None
    assert whole_text(buffer, len(data) + 1) is None


@unhurried
@given(st.one_of(nonsense, conversations().map(lambda one: one[0])))
def test_the_short_way_never_says_what_the_reader_does_not(data):
    text = whole_text(bytearray(data) + bytearray(200), len(data))
    if text is not None:
        assert read(data) == [text]


def test_what_is_older_in_the_buffer_is_never_read():
    buffer = bytearray(b"\x81\x7e\x00\x05Hello") + bytearray(200)
    assert [whole_text(buffer, size) for size in range(9)] == [None] * 9
    assert whole_text(bytearray(b"\x81\x05Hello world"), 0) is None


# --- what a client writes (sections 5.1 to 5.3, 5.5) ------------------------------------------------------------------


@unhurried
@given(
    st.one_of(
        st.text(), st.integers(120, 130).map(lambda n: "x" * n), st.sampled_from([65_535, 65_536]).map("y".__mul__)
    )
)
def test_a_message_arrives_as_it_was_written(text):
    frame = text_frame(text)
    assert frame[1] & 0x80
    (seen,) = at_the_server(frame)
    assert (seen.opcode, seen.fin, bytes(seen.data)) == (Opcode.TEXT, True, text.encode())


def test_half_a_surrogate_pair_is_written_as_a_question_mark():
    (seen,) = at_the_server(text_frame("a\ud800b"))
    assert bytes(seen.data) == b"a?b"


def test_each_frame_has_a_masking_key_of_its_own():
    keys = [text_frame("x" * 10)[2:6] for _ in range(3000)]
    assert len(set(keys)) > 2990
    assert all(len(set(column)) > 200 for column in zip(*keys, strict=True))


@unhurried
@given(st.binary(max_size=2000), st.binary(min_size=4, max_size=4))
def test_masking_without_the_part_in_c_is_the_same(data, key):
    masked = frames.xor(data, key)
    assert masked == bytes(byte ^ key[number % 4] for number, byte in enumerate(data)) == frames._mask(data, key)


@unhurried
@given(st.binary(max_size=125))
def test_pings_and_pongs_arrive_with_their_payload(payload):
    ping, pong = at_the_server(control_frame(frames.PING, payload) + control_frame(frames.PONG, payload))
    assert (ping.opcode, pong.opcode) == (Opcode.PING, Opcode.PONG)
    assert bytes(ping.data) == bytes(pong.data) == payload


@unhurried
@given(st.text(max_size=200))
def test_a_close_frame_holds_the_code_and_what_fits_of_the_reason(reason):
    (seen,) = at_the_server(close_frame(1000, reason))
    said = bytes(seen.data)[2:].decode()
    assert bytes(seen.data)[:2] == b"\x03\xe8"
    assert reason.startswith(said)
    assert said == reason or len(reason.encode()) > 123 - 3


def test_a_close_frame_without_a_code_is_empty():
    (seen,) = at_the_server(close_frame(NO_CODE))
    assert (seen.opcode, bytes(seen.data)) == (Opcode.CLOSE, b"")


# --- what a server may say (section 5.7 has these examples) -----------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (HELLO, ["Hello"]),
        (b"\x01\x03Hel\x80\x02lo", ["Hello"]),
        (b"\x89\x05Hello", [Ping(b"Hello")]),
        (b"\x82\x7e\x01\x00" + bytes(256), [Binary(256)]),
        (b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + bytes(65536), [Binary(65536)]),
        (b"\x81\x00", [""]),
        (b"\x01\x00\x00\x00\x80\x00", [""]),
        (b"\x88\x00", [Closing(NO_CODE, "")]),
        (b"\x88\x05\x03\xe9bye", [Closing(1001, "bye")]),
        (b"\x88\x00" + HELLO, [Closing(NO_CODE, "")]),
        (b"\x01\x01\xc3\x80\x01\xa4", ["ä"]),
    ],
)
def test_what_the_rules_allow_is_read(data, events):
    assert read(data) == events


@pytest.mark.parametrize(
    ("data", "code", "why"),
    [
        (b"\xc1\x00", 1002, "reserved bits"),
        (b"\xa1\x00", 1002, "reserved bits"),
        (b"\x91\x00", 1002, "reserved bits"),
        (b"\x83\x00", 1002, "opcode 0x3"),
        (b"\x8b\x00", 1002, "opcode 0xb"),
        (b"\x81\x85\x00\x00\x00\x00Hello", 1002, "must not mask"),
        (b"\x09\x00", 1002, "must not be fragmented"),
        (b"\x08\x00", 1002, "must not be fragmented"),
        (b"\x89\x7e\x00\x7e" + bytes(126), 1002, "more than 125"),
        (b"\x80\x00", 1002, "a continuation of nothing"),
        (b"\x00\x00", 1002, "a continuation of nothing"),
        (b"\x01\x01a\x81\x01b", 1002, "within a fragmented one"),
        (b"\x01\x01a\x02\x01b", 1002, "within a fragmented one"),
        (b"\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 1002, "highest bit"),
        (b"\x88\x01\x03", 1002, "whole code"),
        (b"\x88\x02\x03\xe7", 1002, "999"),
        (b"\x88\x02\x03\xec", 1002, "1004"),
        (b"\x88\x02\x03\xed", 1002, "1005"),
        (b"\x88\x02\x03\xee", 1002, "1006"),
        (b"\x88\x02\x03\xf7", 1002, "1015"),
        (b"\x88\x02\x0b\xb7", 1002, "2999"),
        (b"\x88\x02\x13\x88", 1002, "5000"),
        (b"\x88\x03\x03\xe8\xff", 1007, "the reason of a close frame"),
        (b"\x81\x02\xc3\x28", 1007, "text that is not UTF-8"),
        (b"\x81\x01\xc3", 1007, "text that is not UTF-8"),
        (b"\x81\x03\xed\xa0\x80", 1007, "text that is not UTF-8"),
        (b"\x01\x01\xc3\x80\x01\x28", 1007, "text that is not UTF-8"),
        (b"\x81\x7f\x00\x00\x00\x00\x00\x10\x00\x01", 1009, "above 1 MiB"),
        (b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 1009, "above 1 MiB"),
    ],
)
def test_what_breaks_the_rules_is_named_with_the_code_to_close_with(data, code, why):
    (breach,) = read(data)
    assert isinstance(breach, Breach)
    assert breach.code == code
    assert why in breach.why


def test_fragments_count_together_and_the_last_byte_too_much_is_not_waited_for():
    half = b"\x01\x7f" + struct.pack("!Q", MAX_MESSAGE // 2) + b"x" * (MAX_MESSAGE // 2)
    rest = b"\x80\x7f" + struct.pack("!Q", MAX_MESSAGE // 2)
    assert read(half, rest + b"y" * (MAX_MESSAGE // 2)) == ["x" * (MAX_MESSAGE // 2) + "y" * (MAX_MESSAGE // 2)]
    (breach,) = read(half, b"\x80\x7f" + struct.pack("!Q", MAX_MESSAGE // 2 + 1))
    assert breach.code == 1009


def test_fragments_of_nothing_take_no_memory():
    reader = Reader()
    assert reader.feed(b"\x01\x00" + b"\x00\x00" * 100_000) == []
    assert reader._rest == reader._message == b""


def test_what_was_whole_before_the_breach_is_still_said():
    assert read(HELLO + b"\x89\x01p" + b"\xff\x00" + HELLO)[:2] == ["Hello", Ping(b"p")]
    assert len(read(HELLO + b"\xff\x00" + HELLO)) == 2
