"""The opening handshake; the other side of it is the server core of `websockets`."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.server import ServerProtocol

from chargers.simulator.host import handshake
from chargers.simulator.host.handshake import MAX_HEAD, Accepted, NoHandshakeError, Opening, accept_of, split


def opening(**kept):
    return Opening("csms.example", "/ocpp/CP1", "ocpp1.6", **kept)


def answer(one, *lines, status="HTTP/1.1 101 Switching Protocols", accept=None, **replaced):
    """The answer of a good server, with headers replaced, or left out when they are None."""
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept or accept_of(one._key),
        "Sec-WebSocket-Protocol": "ocpp1.6",
        **{name.replace("_", "-"): value for name, value in replaced.items()},
    }
    said = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([status, *said, *lines, "", ""]).encode()


def refusal(data, one=None):
    with pytest.raises(NoHandshakeError) as caught:
        (one or opening()).feed(data)
    return str(caught.value)


def test_the_proof_of_section_1_3():
    assert accept_of(b"dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_a_request_says_all_that_section_4_1_asks_for():
    one = opening(authorization="Basic eA==")
    first, *lines = one.request.decode().removesuffix("\r\n\r\n").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == "GET /ocpp/CP1 HTTP/1.1"
    assert len(headers.pop("Sec-WebSocket-Key")) == 24
    assert headers == {
        "Host": "csms.example",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "ocpp1.6",
        "Authorization": "Basic eA==",
    }
    assert opening().request != opening().request


@settings(deadline=None)
@given(st.lists(st.integers(0, 1000), max_size=6), st.binary(max_size=10))
def test_a_server_of_somebody_else_takes_it_and_any_cut_of_its_answer_is_read(places, rest):
    one = opening()
    server = ServerProtocol(subprotocols=["ocpp1.6"], select_subprotocol=lambda server, offered: offered[0])
    server.receive_data(one.request)
    (request,) = server.events_received()
    server.send_response(server.accept(request))
    said = b"".join(server.data_to_send()) + rest
    end = len(said) - len(rest)
    marks = [*sorted({place % end for place in places} | {0}), len(said)]
    pieces = [said[begin:stop] for begin, stop in pairwise(marks)]
    *early, last = [one.feed(piece) for piece in pieces]
    assert all(verdict is None for verdict in early)
    assert last == Accepted("ocpp1.6", rest)


def test_a_server_need_not_choose_a_subprotocol():
    one = opening()
    assert one.feed(answer(one, Sec_WebSocket_Protocol=None)) == Accepted(None, b"")


def test_names_of_headers_and_tokens_may_be_written_in_any_case():
    one = opening()
    said = answer(one, "UPGRADE: WebSocket", "connection: keep-alive, upgrade", Upgrade=None, Connection=None)
    assert one.feed(said) == Accepted("ocpp1.6", b"")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"status": "HTTP/1.1 200 OK"}, "HTTP 200 OK"),
        ({"status": "HTTP/1.1 404"}, "HTTP 404"),
        ({"status": "HTTP/1.1 1011 Odd"}, "HTTP 1011 Odd"),
        ({"status": "HTTP/1.0 101 Switching Protocols"}, "is not HTTP/1.1"),
        ({"Upgrade": None}, "invalid Upgrade header"),
        ({"Upgrade": "h2c"}, "invalid Upgrade header"),
        ({"Connection": "keep-alive"}, "invalid Connection header"),
        ({"Sec_WebSocket_Accept": None}, "invalid Sec-WebSocket-Accept header"),
        ({"accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, "invalid Sec-WebSocket-Accept header"),
        ({"Sec_WebSocket_Extensions": "permessage-deflate"}, "not offered: extension: permessage-deflate"),
        ({"Sec_WebSocket_Protocol": "ocpp2.0.1"}, "not offered: unsupported subprotocol: ocpp2.0.1"),
        ({"Sec_WebSocket_Protocol": "ocpp1.6, ocpp1.6"}, "not offered: unsupported subprotocol"),
    ],
)
def test_an_answer_that_opens_no_websocket_is_named(changed, reason):
    one = opening()
    assert reason in refusal(answer(one, **changed), one)


@pytest.mark.parametrize("line", ["no colon", "bad name: x", ": x", " folded: x"])
def test_a_line_that_is_no_header_is_refused(line):
    one = opening()
    assert refusal(answer(one, line), one) == "no valid answer to the handshake: a line of it is no header"


def test_a_proof_said_twice_is_none():
    one = opening()
    assert "Sec-WebSocket-Accept" in refusal(answer(one, f"Sec-WebSocket-Accept: {accept_of(one._key)}"), one)


@pytest.mark.parametrize("data", [b"220 mail.example", b"S", b"\x15\x03\x01", b"HTTQ", b"\r\n"])
def test_what_is_not_http_is_refused_at_its_first_byte(data):
    assert refusal(data) == "the answer to the handshake is not HTTP"


def test_an_answer_without_end_is_refused():
    one = opening()
    assert one.feed(b"HTTP/1.1 101 Switching Protocols\r\n") is None
    assert refusal(b"X: " + b"x" * MAX_HEAD, one) == "the answer to the handshake is too long"


@pytest.mark.parametrize(
    ("address", "where", "resource"),
    [
        ("ws://csms.example/ocpp/CP1", (False, "csms.example", 80, "csms.example", ""), "/ocpp/CP1"),
        ("WSS://CSMS.example:443/x?a=b&c", (True, "csms.example", 443, "csms.example", ""), "/x?a=b&c"),
        ("ws://csms.example:9000", (False, "csms.example", 9000, "csms.example:9000", ""), "/"),
        ("ws://csms.example?a", (False, "csms.example", 80, "csms.example", ""), "/?a"),
        ("ws://[::1]:9000/A%20B", (False, "::1", 9000, "[::1]:9000", ""), "/A%20B"),
        ("ws://u:p%40@csms.example/", (False, "csms.example", 80, "csms.example", "Basic dTpwQA=="), "/"),
        ("ws://ümlaut.example/é f", (False, "xn--mlaut-jva.example", 80, "xn--mlaut-jva.example", ""), "/%C3%A9%20f"),
        ("ws://csms.example/a\r\nX: y", (False, "csms.example", 80, "csms.example", ""), "/a%0D%0AX:%20y"),
    ],
)
def test_an_address_says_where_to_dial_and_what_to_ask_for(address, where, resource):
    assert split(address) == (where, resource)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://csms.example/", "does not begin with ws:// or wss://"),
        ("csms.example/x", "does not begin with ws:// or wss://"),
        ("ws:csms.example", "does not begin with ws:// or wss://"),
        ("ws:///x", "names no host"),
        ("ws://csms.example/#x", "fragment"),
        ("ws://csms.example:99999/", "Port out of range"),
        ("ws://csms.example:x/", "Port could not be cast"),
        ("ws://user@csms.example/", "a user and no password"),
        ("ws://[::1/", "Invalid IPv6 URL"),
        ("ws://cs ms/", "characters that no name has"),
    ],
)
def test_what_is_no_address_is_named(address, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        split(address)


def test_chargers_of_one_csms_share_what_is_known_of_it():
    first, second = split("ws://one.example/A")[0], split("ws://one.example/B")[0]
    assert first is second
    assert handshake._origin.cache_info().maxsize is not None
