"""A CSMS that misbehaves, one way for each path, next to one that behaves. Raw sockets, so that nothing is put right.

    with BadCsms() as csms:
        csms.url("refuse_http_401")   # ws://127.0.0.1:PORT/refuse_http_401
        csms.live("A1")               # sockets of identity A1 that are open now

It runs a loop of its own in a thread. The good one is at `/good`: it answers every CALL with a minimal result.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self, cast
from urllib.parse import unquote

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
Behaviour = Callable[["Peer"], Awaitable[None]]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(function: Behaviour) -> Behaviour:
    """Make a function the behaviour at the path of its name."""
    BEHAVIOURS[function.__name__] = function
    return function


@dataclass
class Peer:
    """One accepted connection whose request was read."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    csms: "BadCsms"
    identity: str
    key: bytes
    subprotocols: list[str]

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def http(self, status: str, body: bytes = b"") -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        await self.send(head.encode() + body)

    async def upgrade(self, subprotocol: str | None = None, extra: bytes = b"") -> None:
        accept = base64.b64encode(hashlib.sha1(self.key + _GUID, usedforsecurity=False).digest())
        chosen = self.subprotocols[0] if subprotocol is None else subprotocol
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += b"Sec-WebSocket-Accept: " + accept + b"\r\n"
        if chosen:
            head += b"Sec-WebSocket-Protocol: " + chosen.encode() + b"\r\n"
        await self.send(head + b"\r\n" + extra)

    async def frame(self) -> tuple[int, bytes]:
        """Read one frame of the client: opcode and unmasked payload."""
        first, second = await self.reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
        mask = await self.reader.readexactly(4)
        data = await self.reader.readexactly(length)
        return first & 0x0F, bytes(byte ^ mask[number % 4] for number, byte in enumerate(data))

    async def swallow(self) -> None:
        """Read until the client goes."""
        while await self.reader.read(65536):
            pass

    async def serve(self, answer: Callable[[str, dict[str, Any]], dict[str, Any] | None]) -> None:
        """Answer CALLs and pings until the client closes."""
        while True:
            opcode, data = await self.frame()
            if opcode == 8:
                await self.send(frame(8, data))
                return
            if opcode == 9:
                await self.send(frame(10, data))
            if opcode != 1:
                continue
            message = json.loads(data)
            self.csms.received[self.identity].append(message)
            if message[0] == 2:
                result = answer(message[2], message[3])
                if result is not None:
                    await self.send(text([3, message[1], result]))


def frame(opcode: int, data: bytes, *, fin: bool = True) -> bytes:
    """One server frame."""
    head = bytes([(0x80 if fin else 0) | opcode])
    if len(data) < 126:
        return head + bytes([len(data)]) + data
    if len(data) < 65536:
        return head + b"\x7e" + struct.pack("!H", len(data)) + data
    return head + b"\x7f" + struct.pack("!Q", len(data)) + data


def text(message: Any) -> bytes:
    return frame(1, json.dumps(message).encode())


def good_answer(action: str, payload: dict[str, Any]) -> dict[str, Any]:
    del payload
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    match action:
        case "BootNotification":
            return {"currentTime": now, "interval": 60, "status": "Accepted"}
        case "Heartbeat":
            return {"currentTime": now}
        case _:
            return {}


@behaviour
async def good(peer: Peer) -> None:
    await peer.upgrade()
    await peer.serve(good_answer)


@behaviour
async def http_401(peer: Peer) -> None:
    await peer.http("401 Unauthorized", b"who are you")


@behaviour
async def http_500(peer: Peer) -> None:
    """Announces no length and keeps the connection: the end of the body never comes."""
    await peer.send(b"HTTP/1.1 500 Internal Server Error\r\n\r\noops")
    await peer.swallow()


@behaviour
async def not_http(peer: Peer) -> None:
    await peer.send(b"220 mail.example ESMTP\r\n")
    await peer.swallow()


@behaviour
async def endless_head(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 101 Switching Protocols\r\n")
    while True:
        await peer.send(b"X-Filler: " + b"x" * 4000 + b"\r\n")


@behaviour
async def wrong_accept(peer: Peer) -> None:
    peer.key = b"another key"
    await peer.upgrade()
    await peer.swallow()


@behaviour
async def closes_in_handshake(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 101 Swit")


@behaviour
async def silent(peer: Peer) -> None:
    """Accepts TCP and never answers the handshake."""
    await peer.swallow()


@behaviour
async def closes_at_once(peer: Peer) -> None:
    await peer.upgrade(extra=frame(8, struct.pack("!H", 1008) + b"not today"))


@behaviour
async def resets_at_once(peer: Peer) -> None:
    await peer.upgrade()
    sock = peer.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.writer.transport.abort()


@behaviour
async def no_subprotocol(peer: Peer) -> None:
    await peer.upgrade("")
    await peer.serve(good_answer)


@behaviour
async def other_subprotocol(peer: Peer) -> None:
    await peer.upgrade("mqtt")
    await peer.serve(good_answer)


@behaviour
async def never_answers(peer: Peer) -> None:
    await peer.upgrade()
    await peer.serve(lambda action, payload: None)


@behaviour
async def garbage(peer: Peer) -> None:
    """Text that is no OCPP, before, between and after the right answers."""
    await peer.upgrade()
    for bad in (
        b"",
        b"\x00",
        b"{",
        b"[]",
        b"[2]",
        b"null",
        b'[3,"nobody",{}]',
        b'[9,"x","y",{}]',
        b'[2,"\\u0000",7,[]]',
    ):
        await peer.send(frame(1, bad))
    await peer.send(text([2, "big", "N" * 3000, {"a": "b" * 200_000}]))
    await peer.serve(good_answer)


@behaviour
async def binary(peer: Peer) -> None:
    await peer.upgrade()
    await peer.send(frame(2, bytes(range(256))))
    await peer.serve(good_answer)


@behaviour
async def giant(peer: Peer) -> None:
    await peer.upgrade()
    await peer.send(frame(1, b"x" * (2**20 + 1)))
    await peer.swallow()


@behaviour
async def not_utf8(peer: Peer) -> None:
    await peer.upgrade()
    await peer.send(frame(1, b'[2,"1","\xff\xfe",{}]'))
    await peer.swallow()


@behaviour
async def reserved_bits(peer: Peer) -> None:
    await peer.upgrade()
    await peer.send(b"\xf1\x02{}")
    await peer.swallow()


@behaviour
async def fragments(peer: Peer) -> None:
    """Right answers in pieces of a few bytes, cut within characters, with pings between them."""
    await peer.upgrade()

    async def pieces(message: Any) -> None:
        data = json.dumps(message, ensure_ascii=False).encode()
        parts = [data[start : start + 3] for start in range(0, len(data), 3)]
        for number, part in enumerate(parts):
            await peer.send(frame(0 if number else 1, part, fin=number == len(parts) - 1) + frame(9, b"p"))

    while True:
        opcode, data = await peer.frame()
        if opcode == 8:
            await peer.send(frame(8, data))
            return
        if opcode == 1:
            message = json.loads(data)
            peer.csms.received[peer.identity].append(message)
            if message[0] == 2:
                await pieces([3, message[1], good_answer(message[2], message[3])])


@behaviour
async def stops_reading(peer: Peer) -> None:
    """Half open: accepts the handshake and the boot, then neither reads nor writes nor closes."""
    await peer.upgrade()
    _, data = await peer.frame()
    message = json.loads(data)
    peer.csms.received[peer.identity].append(message)
    await peer.send(text([3, message[1], good_answer(message[2], message[3])]))
    peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.Event().wait()


@behaviour
async def never_closes(peer: Peer) -> None:
    """Behaves, but never answers a close frame."""
    await peer.upgrade()
    with contextlib.suppress(json.JSONDecodeError):
        while True:
            opcode, data = await peer.frame()
            if opcode == 1:
                message = json.loads(data)
                peer.csms.received[peer.identity].append(message)
                if message[0] == 2:
                    await peer.send(text([3, message[1], good_answer(message[2], message[3])]))


@dataclass
class BadCsms:
    """The server; `received` and `opened` are by identity."""

    received: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    opened: Counter[str] = field(default_factory=Counter)
    sockets: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    port: int = 0

    def url(self, behaviour: str) -> str:
        assert behaviour in BEHAVIOURS, behaviour
        return f"ws://127.0.0.1:{self.port}/{behaviour}"

    def live(self, identity: str) -> int:
        return self.sockets[identity]

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)), name="bad-csms")
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def drop(self) -> None:
        """Cut every open connection."""
        self._loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in list(self._writers)])

    async def _run(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        transports: set[asyncio.BaseTransport] = set()  # also of those whose task has not begun

        class Remembered(asyncio.StreamReaderProtocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.mine = transport
                transports.add(transport)
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                transports.discard(self.mine)
                super().connection_lost(exc)

        def protocol() -> Remembered:
            return Remembered(asyncio.StreamReader(), self._accept)

        server = await self._loop.create_server(protocol, "127.0.0.1", self.port, backlog=1000)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        for listening in server.sockets:
            self._loop.remove_reader(listening)
        # Connections that were accepted a moment ago are tasks of the loop before they are transports of ours, and
        # would be left open if the server were closed by then.
        while transports or len(asyncio.all_tasks()) > 1:
            for task in list(self._tasks):
                task.cancel()
            for transport in list(transports):
                cast("asyncio.Transport", transport).abort()
            await asyncio.sleep(0.01)
        server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        identity = ""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            headers = {
                line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:] if ":" in line
            }
            _, name, last = lines[0].split(" ")[1].split("/")
            identity = unquote(last)
            self.opened[identity] += 1
            self.sockets[identity] += 1
            self.most[identity] = max(self.most[identity], self.sockets[identity])
            offered = [item.strip() for item in headers.get("sec-websocket-protocol", "").split(",")]
            await BEHAVIOURS[name](Peer(reader, writer, self, identity, headers["sec-websocket-key"].encode(), offered))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            if identity:
                self.sockets[identity] -= 1
            writer.transport.abort() if self._stop.is_set() else writer.close()
            self._tasks.discard(task)
            self._writers.discard(writer)
