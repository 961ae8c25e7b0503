"""What is said over one connection: closing both ways, pings, bursts, and servers of other makes."""

import asyncio
import ssl
import struct
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from picows import WSListener, WSMsgType, WSUpgradeResponse, WSUpgradeResponseWithListener, ws_create_server
from websockets.asyncio.server import serve

from chargers.simulator.effects import Credentials
from chargers.simulator.host import transport
from chargers.simulator.host.dialler import Dialler
from chargers.simulator.host.timers import Timers
from ocpplab.common.targets import Targets
from tests.support.bad_csms import Peer, frame
from tests.unit.host.test_transport import Ear

CALL = '[2,"1","Heartbeat",{}]'


@asynccontextmanager
async def scripted(script, first=b""):
    """A server that answers the handshake, with `first` in the same breath, and then does what the script says."""
    done = asyncio.get_running_loop().create_future()

    async def accept(reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            key = next(line[19:] for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key: "))
            peer = Peer(reader, writer, None, "", key.encode(), ["ocpp1.6"])
            await peer.upgrade(extra=first)
            done.set_result(await script(peer))
        except (OSError, asyncio.IncompleteReadError, AssertionError) as error:
            done.set_exception(error)
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/x", done
    finally:
        server.close()
        await server.wait_closed()


def dial(address, ear, credentials=None):
    loop = asyncio.get_running_loop()
    return Dialler(loop, Timers(loop), Targets("CSMS_TARGETS", ["*"]))(address, "ocpp1.6", ear, credentials)


def talk(run, script, *, first=b"", on_open=lambda link: None):
    """Dial the scripted server; returns what was heard until the end, and what the script returned."""

    async def scenario():
        ear = Ear()
        ear.on_open = on_open
        async with asyncio.timeout(20), scripted(script, first) as (address, done):
            dial(address, ear)
            await ear.until("closed")
            return ear, await done

    return run(scenario())


def closing(code, reason=b""):
    return frame(8, struct.pack("!H", code) + reason)


# --- the closing handshake (sections 5.5.1, 7.1) ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "echo", "why"),
    [
        (closing(1001, b"restart"), struct.pack("!H", 1001), "closed by the CSMS: 1001 (going away) restart"),
        (frame(8, b""), b"", "closed by the CSMS: no code given"),
        (closing(4321), struct.pack("!H", 4321), "closed by the CSMS: 4321 (private use)"),
    ],
)
def test_a_close_of_the_server_is_answered_with_its_code(run, said, echo, why):
    async def script(peer):
        await peer.send(said)
        return await peer.frame()

    ear, answer = talk(run, script)
    assert answer == (8, echo)
    assert ear.all("closed") == [why]


def test_what_follows_a_close_of_the_server_is_not_listened_to(run):
    async def script(peer):
        await peer.send(closing(1000) + frame(1, b"too late") + b"\xff\xff")
        await peer.send(frame(1, b"even later"))
        return [await peer.frame(), await peer.reader.read()]

    ear, said = talk(run, script)
    assert said == [(8, struct.pack("!H", 1000)), b""]
    assert ear.all("text") == []


def test_what_the_server_says_before_it_answers_our_close_is_heard_and_our_own_words_are_not_sent(run):
    async def script(peer):
        opcode, _ = await peer.frame()
        await peer.send(frame(1, b"one more") + frame(9, b"ping") + closing(1000))
        return opcode, await peer.reader.read()

    def on_open(link):
        link.close(1000, "bye")
        link.send("too late")

    ear, said = talk(run, script, on_open=on_open)
    assert said == (8, b"")
    assert ear.all("text") == ["one more"]
    assert ear.all("closed") == ["closed: 1000 (OK) bye"]


def test_a_breach_is_answered_with_its_code_once_and_the_rest_is_not_read(run):
    async def script(peer):
        await peer.send(frame(1, b"good") + b"\x83\x00" + frame(1, b"bad") + frame(9, b""))
        return await peer.frame(), await peer.reader.read()

    ear, ((opcode, payload), rest) = talk(run, script)
    assert (opcode, payload[:2], rest) == (8, struct.pack("!H", 1002), b"")
    assert ear.all("text") == ["good"]
    assert ear.all("closed") == ["closed with 1002: the CSMS broke the WebSocket protocol: opcode 0x3 is not defined"]


def test_a_masked_frame_of_the_server_is_a_breach(run):
    async def script(peer):
        await peer.send(b"\x81\x82\x00\x00\x00\x00{}")
        return await peer.frame()

    ear, (opcode, payload) = talk(run, script)
    assert (opcode, payload[:2]) == (8, struct.pack("!H", 1002))
    assert "a server must not mask" in ear.all("closed")[0]


def test_a_server_that_ends_the_connection_without_a_close_frame_is_reported(run):
    async def script(peer):
        peer.writer.write_eof()
        await peer.reader.read()

    ear, _ = talk(run, script)
    assert ear.all("closed") == ["the CSMS ended the connection without a close frame"]


def test_a_server_that_only_stops_to_write_does_not_keep_the_connection_for_ever(run, monkeypatch):
    """It has said its last word, and leaves unread what we still had to say: less than would count as stalled."""
    monkeypatch.setattr(transport, "CLOSE_TIMEOUT", 0.3)
    monkeypatch.setattr(transport, "HIGH_WATER", 64 * 2**20)
    monkeypatch.setattr(transport, "MAX_UNSENT", 64 * 2**20)

    async def scenario():
        ear, over = Ear(), asyncio.Event()

        async def script(peer):
            peer.writer.transport.pause_reading()
            await asyncio.sleep(0.1)
            peer.writer.write_eof()
            await over.wait()

        ear.on_open = lambda link: [link.send("x" * 1_000_000) for _ in range(20)]
        async with scripted(script) as (address, _):
            dial(address, ear)
            why = await ear.until("closed")
            over.set()
            return why

    assert run(scenario()) == "the CSMS ended the connection without a close frame"


# --- messages and pings -----------------------------------------------------------------------------------------------


def test_pings_are_answered_in_order_with_their_payload(run):
    async def script(peer):
        await peer.send(frame(9, b"a") + frame(1, b"between") + frame(9, b"") + frame(10, b"nobody asked"))
        answers = [await peer.frame(), await peer.frame()]
        await peer.send(closing(1000))
        return answers

    ear, answers = talk(run, script)
    assert answers == [(10, b"a"), (10, b"")]
    assert ear.all("text") == ["between"]


def test_the_answer_to_the_handshake_may_bring_the_first_messages_along(run):
    async def script(peer):
        await peer.send(b"nd" + closing(1000))

    ear, _ = talk(run, script, first=frame(1, b"first") + b"\x81\x06seco")
    assert ear.heard[:3] == [("opened", "ocpp1.6"), ("text", "first"), ("text", "second")]


def test_a_burst_of_messages_arrives_whole_and_in_order(run):
    texts = [f"{number} {'ä' * (number % 300)}" for number in range(3000)]

    async def script(peer):
        await peer.send(b"".join(frame(1, text.encode()) for text in texts))
        await peer.send(closing(1000))

    ear, _ = talk(run, script)
    assert ear.all("text") == texts


def test_a_message_of_the_most_that_is_allowed_arrives(run):
    async def script(peer):
        await peer.send(frame(1, b"x" * 2**20) + closing(1000))

    ear, _ = talk(run, script)
    assert [len(text) for text in ear.all("text")] == [2**20]


def test_connections_that_read_into_one_buffer_never_hear_each_other(run):
    async def script(peer):
        _, name = await peer.frame()
        for number in range(50):
            data = frame(1, name * 20 + b" %d" % number) + frame(1, name)
            middle = number * len(data) // 50
            await peer.send(data[:middle])
            await asyncio.sleep(0)
            await peer.send(data[middle:])
        await peer.send(closing(1000))

    async def one(number):
        ear, name = Ear(), f"charger {number} "
        ear.on_open = lambda link: link.send(name)
        async with scripted(script) as (address, _):
            dial(address, ear)
            await ear.until("closed")
        expected = [text for step in range(50) for text in (f"{name * 20} {step}", name)]
        assert ear.all("text") == expected

    async def scenario():
        async with asyncio.timeout(60):
            await asyncio.gather(*(one(number) for number in range(20)))

    run(scenario())


# --- servers of other makes -------------------------------------------------------------------------------------------


async def echo(connection):
    async for message in connection:
        await connection.send(message)


@pytest.mark.parametrize("encrypted", [False, True])
def test_messages_of_every_size_go_to_a_server_of_websockets_and_back(run, encrypted):
    texts = ["", "ä", "x" * 125, "x" * 126, "€" * 10_000, "y" * 65_536, "z" * 1_000_000, CALL]
    pem = Path(__file__).parent / "localhost.pem"

    async def scenario():
        context = None
        if encrypted:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
        ear = Ear()
        async with serve(echo, "localhost", 0, subprotocols=["ocpp1.6"], ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            roots = (pem.read_text(),) if encrypted else ()
            link = dial(f"ws://localhost:{port}/x", ear, Credentials(tls=encrypted, roots=roots))
            await ear.until("opened")
            for number, text in enumerate(texts):
                link.send(text)
                await ear.until("text", number + 1)
            for number in range(1, 500):
                link.send(f"{number}")
            await ear.until("text", len(texts) + 499)
            link.close(1000, "")
            assert await ear.until("closed") == "closed: 1000 (OK)"
        assert ear.all("opened") == ["ocpp1.6"]
        assert ear.all("text") == texts + [f"{number}" for number in range(1, 500)]

    run(scenario())


class Parrot(WSListener):
    def on_ws_frame(self, transport, frame):
        if frame.msg_type == WSMsgType.TEXT:
            transport.send(WSMsgType.TEXT, frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()


def parrot(request):
    del request
    accepted = WSUpgradeResponse.create_101_response({"Sec-WebSocket-Protocol": "ocpp1.6"})
    return WSUpgradeResponseWithListener(accepted, Parrot())


def test_messages_of_every_size_go_to_a_server_of_picows_and_back(run):
    texts = ["", CALL, "x" * 126, "€" * 30_000, "z" * 500_000] + [f"{number}" for number in range(100)]

    async def scenario():
        ear = Ear()
        async with await ws_create_server(parrot, "127.0.0.1", 0) as server:
            link = dial(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/x", ear)
            await ear.until("opened")
            for text in texts:
                link.send(text)
            await ear.until("text", len(texts))
            link.close(1000, "bye")
            assert await ear.until("closed") == "closed: 1000 (OK) bye"
        assert ear.all("text") == texts

    run(scenario())
