"""A CSMS in a process of its own: it misbehaves on order, keeps books, and sees who is connected twice.

Orders and answers are lines of JSON on standard input and output (`csms.Csms` is the other end); it ends when its
standard input does, so it never outlives a test. Nobody kills it: what it has seen is what the chaos is judged by.

Whether a charger is connected twice is asked of the kernel, at the instant when the second connection comes: of an
earlier one that its client has closed, the end may still wait to be read here.
"""

import asyncio
import contextlib
import itertools
import json
import logging
import socket
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

#: states of a TCP connection whose other side has not closed it (include/net/tcp_states.h)
ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2 = 1, 4, 5
_REGISTER = "Energy.Active.Import.Register"
# What its clients and its own misbehaviour make of connections is no news.
logging.getLogger("websockets").setLevel(logging.CRITICAL)


@dataclass(eq=False)
class Line:
    """One connection. `outlived`: a newer one of the same charger came while its client still held this one."""

    connection: ServerConnection
    outlived: bool = False

    def held_by_client(self) -> bool:
        """Whether the client has not closed it, whatever was read of that here."""
        end: socket.socket = self.connection.transport.get_extra_info("socket")
        try:
            state = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        except OSError:  # closed here, too
            return False
        return state in {ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2}


@dataclass
class Charge:
    """A transaction as it was told: the payloads as on the wire; a message that came again is told once."""

    id: int
    start: dict[str, Any] | None = None
    stop: dict[str, Any] | None = None
    samples: list[tuple[str, float]] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)

    def is_new(self, payload: Any) -> bool:
        if payload in self.told:
            return False
        self.told.append(payload)
        return True


class Books:
    """What the chargers told of their transactions."""

    def __init__(self) -> None:
        self.charges: dict[str, dict[int, Charge]] = defaultdict(dict)
        self.complaints: list[str] = []
        self._numbers = itertools.count(1001)

    def answer(self, identity: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Note a CALL and return what to answer."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        accepted = {"idTagInfo": {"status": "Accepted"}}
        match action:
            case "BootNotification":
                return {"currentTime": now, "interval": 30, "status": "Accepted"}
            case "Heartbeat":
                return {"currentTime": now}
            case "Authorize":
                return accepted
            case "StartTransaction":
                return {"transactionId": self._start(identity, payload)} | accepted
            case "MeterValues":
                self._values(identity, payload)
                return {}
            case "StopTransaction":
                self._stop(identity, payload)
                return accepted
            case "DataTransfer":
                return {"status": "UnknownVendorId"}
            case _:
                return {}

    def _start(self, identity: str, payload: dict[str, Any]) -> int:
        for charge in self.charges[identity].values():
            if charge.start == payload:
                return charge.id
        number = next(self._numbers)
        self.charges[identity][number] = Charge(number, payload)
        return number

    def _charge(self, identity: str, number: int) -> Charge:
        if number not in self.charges[identity]:
            self.complaints.append(f"{identity}: transaction {number} was never begun here")
        return self.charges[identity].setdefault(number, Charge(number))

    def _values(self, identity: str, payload: dict[str, Any]) -> None:
        if "transactionId" not in payload:
            return
        charge = self._charge(identity, payload["transactionId"])
        if charge.is_new(payload["meterValue"]):
            charge.samples += [
                (entry["timestamp"], float(value["value"]))
                for entry in payload["meterValue"]
                for value in entry["sampledValue"]
                if value.get("measurand", _REGISTER) == _REGISTER and value.get("context") != "Trigger"
            ]

    def _stop(self, identity: str, payload: dict[str, Any]) -> None:
        charge = self._charge(identity, payload["transactionId"])
        if charge.stop is not None and charge.stop != payload:
            self.complaints.append(f"{identity}: transaction {charge.id} ended twice: {charge.stop}, {payload}")
        charge.stop = payload


class Csms:
    """The server and its orders."""

    def __init__(self, keys: dict[str, str]) -> None:
        self.keys = keys
        self.books = Books()
        self.lines: dict[str, list[Line]] = defaultdict(list)
        self.overlaps: list[str] = []
        self.stale_voices: list[str] = []
        self.opened = self.messages = 0
        self.mute = False
        self.delay = 0.0
        self.hears = asyncio.Event()
        self.hears.set()
        self._asked: dict[str, str] = {}  #: charger by id of a CALL without an answer
        self._configured: dict[str, int] = defaultdict(int)  #: keys that were taken
        self._ids = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    # --- orders -----------------------------------------------------------------------------------------------------

    def obey(self, order: dict[str, Any]) -> Any:
        """Carry out one order and return its answer."""
        match order["do"]:
            case "behave":
                self.mute, self.delay = order["mute"], order["delay"]
                (self.hears.clear if order["deaf"] else self.hears.set)()
                return None
            case "drop":
                return self._each(lambda transport: transport.abort())
            case "half_close":
                return self._each(lambda transport: transport.write_eof())
            case "view":
                return self._view()
            case "books":
                return self._told()
        raise ValueError(order)

    def _each(self, do: Any) -> int:
        held = [line for lines in self.lines.values() for line in lines if line.held_by_client()]
        for line in held:
            do(line.connection.transport)
        return len(held)

    def _view(self) -> dict[str, Any]:
        for identity in list(self.lines):
            self.lines[identity] = [line for line in self.lines[identity] if line.held_by_client()]
        return {
            "sockets": {identity: len(lines) for identity, lines in self.lines.items() if lines},
            "overlaps": self.overlaps,
            "stale_voices": self.stale_voices,
            "complaints": self.books.complaints,
            "opened": self.opened,
            "messages": self.messages,
        }

    def _told(self) -> dict[str, list[dict[str, Any]]]:
        return {
            identity: [
                {"id": one.id, "start": one.start, "stop": one.stop, "samples": one.samples} for one in charges.values()
            ]
            for identity, charges in self.books.charges.items()
        }

    # --- connections ------------------------------------------------------------------------------------------------

    async def dialled(self, connection: ServerConnection, request: Request) -> None:
        """A charger wants to connect."""
        identity = unquote(request.path.rpartition("/")[2])
        others = [line for line in self.lines[identity] if line.held_by_client()]
        for line in others:
            line.outlived = True
            self.overlaps.append(f"{datetime.now(UTC):%H:%M:%S.%f} {identity}")
        connection.line = Line(connection)  # type: ignore[attr-defined]
        self.lines[identity] = [*others, connection.line]  # type: ignore[attr-defined]
        self.opened += 1
        await self.hears.wait()

    async def serve(self, connection: ServerConnection) -> None:
        """Hold one connection."""
        assert connection.request is not None
        identity = unquote(connection.request.path.rpartition("/")[2])
        line: Line = connection.line  # type: ignore[attr-defined]
        try:
            async for text in connection:
                self.messages += 1
                if line.outlived:
                    self.stale_voices.append(f"{datetime.now(UTC):%H:%M:%S.%f} {identity}: {str(text)[:200]}")
                self._heard(connection, identity, json.loads(text))
        except ConnectionClosed:
            pass

    def _heard(self, connection: ServerConnection, identity: str, message: list[Any]) -> None:
        if message[0] != 2:
            self._configured[identity] += self._asked.pop(message[1], "") == identity
            return
        _, message_id, action, payload = message
        answer = self.books.answer(identity, action, payload)
        if self.mute:
            return
        self._later(connection, [3, message_id, answer])
        if action == "BootNotification" and self._configured[identity] < len(self.keys):
            for key, value in self.keys.items():
                call_id = f"c{next(self._ids)}"
                self._asked[call_id] = identity
                self._later(connection, [2, call_id, "ChangeConfiguration", {"key": key, "value": value}])

    def _later(self, connection: ServerConnection, message: list[Any]) -> None:
        async def send() -> None:
            await asyncio.sleep(self.delay)
            with contextlib.suppress(ConnectionClosed, OSError):
                await connection.send(json.dumps(message))

        task = asyncio.ensure_future(send())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def main(keys: dict[str, str]) -> None:
    """Serve until standard input ends."""
    csms = Csms(keys)
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with serve(
        csms.serve,
        "127.0.0.1",
        0,
        subprotocols=["ocpp1.6"],  # type: ignore[list-item]
        process_request=csms.dialled,
        compression=None,
        ping_interval=None,
        open_timeout=None,
        close_timeout=1,
        backlog=1000,
    ) as server:
        print(json.dumps(server.sockets[0].getsockname()[1]), flush=True)
        while order := await orders.readline():
            print(json.dumps(csms.obey(json.loads(order))), flush=True)
        for lines in csms.lines.values():
            for line in lines:
                line.connection.transport.abort()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
