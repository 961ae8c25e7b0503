"""One OCPP-J WebSocket client connection: the sans-IO core of `websockets` under a plain asyncio protocol.

No task and no per-connection reader live after dialling, so an idle connection costs a few KB. Deadlines (opening
handshake, ping and pong, closing handshake, a peer that does not read) are alarms in the process's one timer heap.
"""

import asyncio
from enum import Enum
from logging import INFO, getLogger
from typing import Final, cast

from websockets.client import ClientProtocol
from websockets.exceptions import PayloadTooBig
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import OPEN, Protocol, Side

from chargers.simulator.host import reasons
from chargers.simulator.host.port import Listener
from chargers.simulator.host.timers import NEVER, Timers

#: bytes of one message; a bigger one closes the connection with 1009
MAX_MESSAGE: Final = 2**20
#: bytes of the server's answer to the handshake, headers only
MAX_HEAD: Final = 16 * 1024
#: bytes that may wait for a peer that does not read, and seconds that it may leave the socket full
MAX_UNSENT: Final = 2**20
HIGH_WATER: Final = 64 * 1024
STALLED_AFTER: Final = 30.0
#: seconds for the opening handshake including name look-up and TLS, for a pong, and for the closing handshake
OPEN_TIMEOUT: Final = 20.0
PONG_TIMEOUT: Final = 20.0
CLOSE_TIMEOUT: Final = 3.0

#: logger of the sans-IO core
wire_log = getLogger("ocpplab.websockets")
wire_log.setLevel(INFO)  # its debug lines cost more than the frames


class Phase(Enum):
    """Where a connection stands."""

    DIALLING = 1
    SHAKING = 2
    OPEN = 3
    OVER = 4


class Connection(asyncio.Protocol):
    """One connection; see `port.Link` for what its user may ask of it."""

    __slots__ = (
        "_close_by",
        "_dialling",
        "_head",
        "_listener",
        "_parts",
        "_phase",
        "_ping_at",
        "_ping_every",
        "_pong_by",
        "_stalled_by",
        "_timers",
        "_transport",
        "_why",
        "_wire",
        "due",
        "queued",
    )

    def __init__(self, listener: Listener, timers: Timers) -> None:
        self.due = self.queued = NEVER
        self._listener: Listener | None = listener
        self._timers = timers
        self._phase = Phase.DIALLING
        self._dialling: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._wire: Protocol | None = None
        self._head: bytearray | None = None
        self._parts: list[bytes] | None = None
        self._why = ""
        self._ping_every = 0
        self._ping_at = self._pong_by = self._stalled_by = NEVER
        self._close_by = timers.time() + OPEN_TIMEOUT

    # --- what the dialler calls -------------------------------------------------------------------------------------

    def begin(self, dialling: asyncio.Task[None]) -> None:
        """Remember the task that dials, so that it can be given up; the clock of the opening handshake runs."""
        self._dialling = dialling
        dialling.add_done_callback(self._dialled)
        self._schedule()

    def shake(self, client: ClientProtocol, authorization: str = "") -> None:
        """TCP and TLS are up: send the opening handshake of `client`, with that header if it is not empty."""
        self._dialling = None
        if self._transport is None:
            self._over(self._why or "the CSMS closed the connection before the handshake")
            return
        self._phase = Phase.SHAKING
        self._wire, self._head = client, bytearray()
        request = client.connect()
        if authorization:
            request.headers.pop("Authorization", None)  # from a login in the address
            request.headers["Authorization"] = authorization
        client.send_request(request)
        self._flush()

    def fail(self, why: str) -> None:
        """The dial failed or was given up."""
        self._dialling = None
        if self._transport is not None:
            self._transport.abort()
        self._over(self._why or why)

    # --- what the user calls (port.Link) ----------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """See `port.Link.send`. A peer that leaves too much unread is cut off."""
        wire, transport = self._wire, self._transport
        if self._phase is not Phase.OPEN or wire is None or transport is None or wire.state is not OPEN:
            return
        wire.send_text(text.encode("utf-8", "replace"))
        self._flush()
        waiting = transport.get_write_buffer_size()
        if waiting > MAX_UNSENT:
            self.abort(f"the CSMS does not read: {waiting} bytes waited for it")

    def close(self, code: int, reason: str) -> None:
        """See `port.Link.close`."""
        wire = self._wire
        if self._phase is not Phase.OPEN or wire is None:
            self.abort(reason or "closed before the connection was open")
        elif wire.state is OPEN:
            # A close frame holds 125 bytes, two of them the code.
            wire.send_close(code, reason.encode()[:123].decode(errors="ignore"))
            self._flush()
            self._expect_close()

    def abort(self, why: str) -> None:
        """See `port.Link.abort`."""
        self._why = self._why or why
        if self._dialling is not None:
            self._dialling.cancel()
        if self._transport is not None:
            self._transport.abort()

    def set_ping(self, interval: int) -> None:
        """See `port.Link.set_ping`."""
        self._ping_every = interval
        self._pong_by = NEVER
        self._ping_at = self._timers.time() + interval if interval > 0 else NEVER
        self._schedule()

    # --- asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; the handshake is sent by `shake`."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)

    def data_received(self, data: bytes) -> None:
        """Feed the parser and hand over what it found."""
        if self._phase is Phase.OPEN:
            self._feed(data)
        elif self._phase is Phase.SHAKING:
            self._shaking(data)
        else:
            self.abort("the CSMS spoke before the handshake")

    def pause_writing(self) -> None:
        """The peer does not read: it has a while to begin again."""
        self._stalled_by = self._timers.time() + STALLED_AFTER
        self._schedule()

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._stalled_by = NEVER

    def connection_lost(self, error: Exception | None) -> None:
        """Whatever ended it, tell the listener once."""
        self._transport = None
        if self._dialling is not None:
            return  # the task that dials sees it too and reports
        if self._why or self._wire is None:
            self._over(self._why or "the connection was lost before the handshake")
        elif self._phase is Phase.SHAKING:
            self._over("connection closed by the CSMS before it answered the handshake")
        else:
            self._over(reasons.of_end(self._wire, error))

    def _dialled(self, task: asyncio.Task[None]) -> None:
        """A task that is cancelled before its first step never runs, so it cannot report by itself."""
        if task.cancelled():
            self.fail("dialling was given up")

    # --- inside -----------------------------------------------------------------------------------------------------

    def ring(self, now: float) -> None:
        """One of the deadlines has come (`timers.Timed`)."""
        if self._phase is Phase.OVER:
            return
        if now >= self._close_by:
            self.abort(self._overdue())
        elif now >= self._stalled_by:
            self.abort(f"the CSMS has not read anything for {STALLED_AFTER:.0f} s")
        elif now >= self._pong_by:
            self.abort(f"the CSMS did not answer a WebSocket ping within {PONG_TIMEOUT:.0f} s")
        elif now >= self._ping_at and self._wire is not None:
            self._ping_at = now + self._ping_every
            self._pong_by = min(self._pong_by, now + PONG_TIMEOUT)
            self._wire.send_ping(b"")
            self._flush()
        self._schedule()

    def _overdue(self) -> str:
        match self._phase:
            case Phase.DIALLING:
                return f"no connection within {OPEN_TIMEOUT:.0f} s"
            case Phase.SHAKING:
                return f"handshake timed out: the CSMS did not answer within {OPEN_TIMEOUT:.0f} s"
            case _ if self._wire is not None:
                return reasons.of_end(self._wire, None)
            case _:
                return "closed"

    def _shaking(self, data: bytes) -> None:
        head, client = self._head, self._wire
        if head is None or not isinstance(client, ClientProtocol):
            return
        head += data
        end = head.find(b"\r\n\r\n") + 4
        if not head.startswith(b"HTTP/"[: len(head)]):
            self.abort("the answer to the handshake is not HTTP")
        elif end >= 4:
            self._answered(client, bytes(head[:end]), bytes(head[end:]))
        elif len(head) > MAX_HEAD:
            self.abort("the answer to the handshake is too long")

    def _answered(self, client: ClientProtocol, head: bytes, rest: bytes) -> None:
        status = head.split(b"\r\n", 1)[0].decode("ascii", "replace").partition(" ")[2]
        if not status.startswith("101"):
            self.abort(f"HTTP {status}")  # the body, which may never end, does not matter
            return
        client.receive_data(head)
        opened = any(isinstance(event, Response) for event in client.events_received())
        if client.handshake_exc is not None or not opened:
            self.abort(reasons.of_handshake(client.handshake_exc or ValueError("no answer")))
            return
        # A fresh core for the frames: the one of the handshake keeps the whole response for its life (2 KB).
        self._wire = Protocol(Side.CLIENT, state=OPEN, max_size=MAX_MESSAGE, logger=wire_log)
        self._head = None
        self._phase = Phase.OPEN
        self._close_by = NEVER
        if self._listener is not None:
            self._listener.opened(self, client.subprotocol)
        if rest:
            self._feed(rest)

    def _feed(self, data: bytes) -> None:
        wire = self._wire
        if wire is None:
            return
        wire.receive_data(data)
        for event in wire.events_received():
            if isinstance(event, Frame):
                self._frame(wire, event)
        if isinstance(wire.parser_exc, PayloadTooBig) and self._listener is not None and self._close_by == NEVER:
            self._listener.refused(self, f"a message above {MAX_MESSAGE} bytes")
        self._flush()
        if wire.state is not OPEN:
            self._expect_close()

    def _frame(self, wire: Protocol, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            self._pong_by = NEVER
        if frame.opcode in {Opcode.PING, Opcode.PONG, Opcode.CLOSE} or self._why:
            return
        if not frame.fin:
            self._parts = self._parts or [b"T" if frame.opcode is Opcode.TEXT else b"B"]
            self._parts.append(bytes(frame.data))
            return
        if self._parts is None:
            self._message(wire, frame.opcode is Opcode.TEXT, bytes(frame.data))
            return
        parts, self._parts = self._parts, None
        self._message(wire, parts[0] == b"T", b"".join([*parts[1:], bytes(frame.data)]))

    def _message(self, wire: Protocol, is_text: bool, data: bytes) -> None:
        if self._listener is None:
            return
        if not is_text:
            self._listener.refused(self, f"a binary message of {len(data)} bytes")
            return
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            self._why = f"closed with 1007: the CSMS sent text that is not UTF-8 ({error.reason})"
            wire.fail(1007, "text is not UTF-8")
            self._listener.refused(self, "text that is not UTF-8")
            return
        self._listener.received(self, text)

    def _expect_close(self) -> None:
        if self._close_by == NEVER:
            self._close_by = self._timers.time() + CLOSE_TIMEOUT
            self._ping_at = self._pong_by = NEVER
            self._schedule()

    def _flush(self) -> None:
        wire, transport = self._wire, self._transport
        if wire is None or transport is None:
            return
        for data in wire.data_to_send():
            if data and not transport.is_closing():
                transport.write(data)

    def _schedule(self) -> None:
        self._timers.set(self, min(self._close_by, self._ping_at, self._pong_by, self._stalled_by))

    def _over(self, why: str) -> None:
        if self._phase is Phase.OVER:
            return
        self._phase = Phase.OVER
        listener, self._listener = self._listener, None
        self._wire = self._head = self._parts = None
        self._timers.set(self, NEVER)
        if listener is not None:
            listener.closed(self, why)
