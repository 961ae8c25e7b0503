"""One OCPP-J WebSocket client connection: `handshake` and `frames` under a plain asyncio protocol.

No task and no per-connection reader live after dialling, and all connections of a process read into one buffer, so an
idle connection costs a KB or two. Deadlines (opening handshake, ping and pong, closing handshake, a peer that does not
read) are alarms of the process's one clock.
"""

import asyncio
from enum import Enum
from typing import Final, cast

from chargers.simulator.host import reasons
from chargers.simulator.host.doors import Door
from chargers.simulator.host.frames import (
    PING,
    PONG,
    PROTOCOL_ERROR,
    Binary,
    Breach,
    Closing,
    Event,
    Ping,
    Pong,
    Reader,
    close_frame,
    control_frame,
    text_frame,
    whole_text,
)
from chargers.simulator.host.handshake import NoHandshakeError, Opening
from chargers.simulator.host.port import Listener
from chargers.simulator.host.timers import NEVER, Timers

#: bytes that may wait for a peer that does not read, and seconds that it may leave the socket full
MAX_UNSENT: Final = 2**20
HIGH_WATER: Final = 64 * 1024
STALLED_AFTER: Final = 30.0
#: seconds for the opening handshake including name look-up and TLS, for a pong, and for the closing handshake
OPEN_TIMEOUT: Final = 20.0
PONG_TIMEOUT: Final = 20.0
CLOSE_TIMEOUT: Final = 3.0

#: What all connections read into. Each takes its bytes out before it returns to the loop, so none sees another's.
BUFFER: Final = bytearray(64 * 1024)


class Phase(Enum):
    """Where a connection stands."""

    WAITING = 0  #: for its turn to dial
    DIALLING = 1
    SHAKING = 2  #: connected; the opening handshake is under way
    OPEN = 3
    CLOSING = 4  #: we have sent a close frame and listen until the peer's comes
    DEAF = 5  #: both have said that it ends, or the peer broke the rules: what still comes means nothing
    CUT = 6  #: given up: the end of the dial or of the socket is under way
    OVER = 7


class Connection(asyncio.BufferedProtocol):
    """One connection; see `port.Link` for what its user may ask of it."""

    __slots__ = (
        "_close_by",
        "_dialling",
        "_door",
        "_listener",
        "_opening",
        "_phase",
        "_ping_at",
        "_ping_every",
        "_pong_by",
        "_reader",
        "_stalled_by",
        "_timers",
        "_transport",
        "_why",
        "due",
        "queued",
    )

    def __init__(self, listener: Listener, timers: Timers, opening: Opening | None = None) -> None:
        """`opening` is what to say once TCP and TLS are up (None when there is nobody to say it to: `fail` follows)."""
        self.due = self.queued = NEVER
        self._listener: Listener | None = listener
        self._timers = timers
        self._opening = opening
        self._phase = Phase.WAITING
        self._door: Door | None = None
        self._dialling: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        #: what is left of reads that were not one whole text message
        self._reader: Reader | None = None
        self._why = ""
        self._ping_every = 0
        self._ping_at = self._pong_by = self._stalled_by = self._close_by = NEVER

    # --- what the dialler calls -------------------------------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """Whether it is still to be dialled."""
        return self._phase is Phase.WAITING

    @property
    def dialling(self) -> bool:
        """Whether no socket of it is connected yet."""
        return self._phase is Phase.DIALLING

    def begin(self, dialling: asyncio.Task[None], door: Door) -> None:
        """`dialling` dials and can be given up; `door` is to hear when the opening handshake is over."""
        self._phase = Phase.DIALLING
        self._dialling, self._door = dialling, door
        dialling.add_done_callback(self._dialled)
        self._close_by = self._timers.time() + OPEN_TIMEOUT
        self._schedule()

    def fail(self, why: str) -> None:
        """The dial failed."""
        if self._transport is not None:
            self._transport.abort()
        self._over(self._why or why)

    # --- what the user calls (port.Link) ----------------------------------------------------------------------------

    def send(self, *texts: str) -> None:
        """See `port.Link.send`. A peer that leaves too much unread is cut off."""
        transport = self._transport
        if self._phase is not Phase.OPEN or transport is None or not texts:
            return
        transport.write(b"".join(map(text_frame, texts)))
        if self._stalled_by != NEVER and (waiting := transport.get_write_buffer_size()) > MAX_UNSENT:
            self.abort(f"the CSMS does not read: {waiting} bytes waited for it")

    def close(self, code: int, reason: str) -> None:
        """See `port.Link.close`."""
        if self._phase is Phase.OPEN:
            self._part(close_frame(code, reason), f"closed: {reasons.of_close(code, reason)}", Phase.CLOSING)
        elif self._phase not in {Phase.CLOSING, Phase.DEAF}:
            self.abort(reason or "closed before the connection was open")

    def abort(self, why: str) -> None:
        """See `port.Link.abort`."""
        if self._phase in {Phase.CUT, Phase.OVER}:
            return
        self._phase, self._why = Phase.CUT, why
        if self._transport is not None:
            self._transport.abort()
        elif self._dialling is not None:
            self._dialling.cancel()
        else:
            self._timers.set(self, self._timers.time())  # `closed` never comes from within a call of the user

    def set_ping(self, interval: int) -> None:
        """See `port.Link.set_ping`."""
        self._ping_every = interval
        self._pong_by = NEVER
        self._ping_at = self._timers.time() + interval if interval > 0 else NEVER
        self._schedule()

    # --- asyncio.BufferedProtocol -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP and TLS are up: send the opening handshake."""
        self._dialling = None
        self._transport = cast("asyncio.Transport", transport)
        if self._phase is not Phase.DIALLING or self._opening is None:
            self._transport.abort()
            return
        self._phase = Phase.SHAKING
        self._transport.set_write_buffer_limits(high=HIGH_WATER)
        self._transport.write(self._opening.request)

    @staticmethod
    def get_buffer(sizehint: int) -> bytearray:
        """Where to read into: the same for all."""
        del sizehint
        return BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes of the buffer are ours, until we return."""
        if self._phase is Phase.OPEN and self._reader is None:
            text = whole_text(BUFFER, nbytes)
            if text is not None:
                if self._listener is not None:
                    self._listener.received(self, text)
                return
        if self._phase is Phase.SHAKING:
            self._shake(BUFFER[:nbytes])
        else:
            self._read(BUFFER[:nbytes])

    def pause_writing(self) -> None:
        """The peer does not read: it has a while to begin again."""
        self._stalled_by = self._timers.time() + STALLED_AFTER
        self._schedule()

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._stalled_by = NEVER

    def eof_received(self) -> None:
        """The peer will send no more: the loop closes the socket once what waits is sent, which may be never."""
        self._expect_end()

    def connection_lost(self, error: Exception | None) -> None:
        """Whatever ended it, tell the listener once."""
        self._transport = None
        if self._phase is Phase.SHAKING:
            self._over("connection closed by the CSMS before it answered the handshake")
        else:
            self._over(self._why or reasons.of_loss(error))

    # --- timers.Timed -----------------------------------------------------------------------------------------------

    def ring(self, now: float) -> None:
        """One of the deadlines has come."""
        if self._phase is Phase.CUT and self._transport is None and self._dialling is None:
            self._over(self._why)
        if self._phase in {Phase.CUT, Phase.OVER}:
            return
        if now >= self._close_by:
            self.abort(self._overdue())
        elif now >= self._stalled_by:
            self.abort(f"the CSMS has not read anything for {STALLED_AFTER:.0f} s")
        elif now >= self._pong_by:
            self.abort(f"the CSMS did not answer a WebSocket ping within {PONG_TIMEOUT:.0f} s")
        elif now >= self._ping_at and self._transport is not None:
            self._ping_at = now + self._ping_every
            self._pong_by = min(self._pong_by, now + PONG_TIMEOUT)
            self._transport.write(control_frame(PING))
        self._schedule()

    # --- inside -----------------------------------------------------------------------------------------------------

    def _dialled(self, task: asyncio.Task[None]) -> None:
        """A task that is cancelled before its first step never runs, so it cannot report by itself; nor can a bug."""
        if task.cancelled():
            self.fail("dialling was given up")
        elif (error := task.exception()) is not None:
            self.fail(f"dialling failed: {error!r}")

    def _shake(self, data: bytearray) -> None:
        """Take a piece of the answer to the opening handshake."""
        if self._opening is None:
            return
        try:
            accepted = self._opening.feed(data)
        except NoHandshakeError as error:
            self.abort(str(error))
            return
        if accepted is None:
            return
        self._phase, self._opening, self._close_by = Phase.OPEN, None, NEVER
        self._leave_door()
        if self._listener is not None:
            self._listener.opened(self, accepted.subprotocol)
        if accepted.rest:
            self._read(accepted.rest)

    def _read(self, data: bytes | bytearray) -> None:
        """Take frames that are not one whole text message on an open connection."""
        if self._phase not in {Phase.OPEN, Phase.CLOSING}:
            return
        reader = self._reader = self._reader or Reader()
        for event in reader.feed(data):
            if self._phase in {Phase.OPEN, Phase.CLOSING}:
                self._take(event)
        if reader.idle:
            self._reader = None

    def _take(self, event: Event) -> None:
        listener, transport = self._listener, self._transport
        if listener is None or transport is None:
            return
        match event:
            case str():
                listener.received(self, event)
            case Binary(size):
                listener.refused(self, f"a binary message of {size} bytes")
            case Ping(payload):
                if self._phase is Phase.OPEN:
                    transport.write(control_frame(PONG, payload))
            case Pong():
                self._pong_by = NEVER
            case Closing(code, reason):
                self._part(close_frame(code), f"closed by the CSMS: {reasons.of_close(code, reason)}", Phase.DEAF)
            case Breach(code, why):
                self._part(close_frame(code, why), f"closed with {code}: {reasons.of_breach(code, why)}", Phase.DEAF)
                if code != PROTOCOL_ERROR:
                    listener.refused(self, why)

    def _part(self, frame: bytes, why: str, phase: Phase) -> None:
        """Send our close frame, unless that has been done, and give the peer a while to end the connection."""
        if self._phase is Phase.OPEN and self._transport is not None:
            self._transport.write(frame)
            self._why = why
        self._phase = phase
        self._expect_end()

    def _expect_end(self) -> None:
        if self._close_by == NEVER:
            self._close_by = self._timers.time() + CLOSE_TIMEOUT
            self._ping_at = self._pong_by = NEVER
            self._schedule()

    def _overdue(self) -> str:
        match self._phase:
            case Phase.DIALLING:
                return f"no connection within {OPEN_TIMEOUT:.0f} s"
            case Phase.SHAKING:
                return f"handshake timed out: the CSMS did not answer within {OPEN_TIMEOUT:.0f} s"
            case _:
                return self._why or reasons.of_loss(None)

    def _schedule(self) -> None:
        self._timers.set(self, min(self._close_by, self._ping_at, self._pong_by, self._stalled_by))

    def _leave_door(self) -> None:
        door, self._door = self._door, None
        if door is not None:
            door.leave()

    def _over(self, why: str) -> None:
        if self._phase is Phase.OVER:
            return
        self._phase = Phase.OVER
        listener, self._listener = self._listener, None
        self._opening = self._reader = self._dialling = None
        self._timers.set(self, NEVER)
        self._leave_door()
        if listener is not None:
            listener.closed(self, why)
