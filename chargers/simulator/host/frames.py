"""WebSocket frames as a client writes and reads them (RFC 6455 section 5). Bytes in, bytes and events out; no I/O.

The common case costs next to nothing: one read that holds one short text message is `whole_text`, and needs no reader.
All else, frames cut into pieces, several in a read, fragments, control frames and what breaks the rules, is `Reader`'s.
"""

import os
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Final, NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

#: bytes of one message; a bigger one is broken off with 1009
MAX_MESSAGE: Final = 2**20
#: bytes of the payload of a control frame at most (section 5.5)
MAX_CONTROL: Final = 125

PROTOCOL_ERROR, NO_CODE, NOT_UTF8, TOO_BIG = 1002, 1005, 1007, 1009

_FINAL: Final = 0x80
_FINAL_TEXT: Final = _FINAL | TEXT
_MASKED: Final = 0x80
_HEADS: Final = [bytes((_FINAL_TEXT, _MASKED | size)) for size in range(126)]
_MEDIUM, _LONG = Struct("!BBH"), Struct("!BBQ")
_CODE: Final = Struct("!H")


class Binary(NamedTuple):
    """A whole message that is no text."""

    size: int


class Ping(NamedTuple):
    """Wants a pong with the same payload (section 5.5.2)."""

    payload: bytes


class Pong(NamedTuple):
    """An answer to a ping, or nobody's answer (section 5.5.3)."""

    payload: bytes


class Closing(NamedTuple):
    """A close frame (section 5.5.1); `code` is NO_CODE when it holds none."""

    code: int
    reason: str


class Breach(NamedTuple):
    """The peer broke the rules: nothing that follows can be read; `code` is what to close with (section 7.1.7)."""

    code: int
    why: str


#: what a server may send; `str` is a whole text message
Event = str | Binary | Ping | Pong | Closing | Breach


# --- writing ----------------------------------------------------------------------------------------------------------


def xor(data: bytes, key: bytes) -> bytes:
    """Mask `data` with the four bytes of `key` (section 5.3). Ten times as slow as the same in C."""
    size = len(data)
    repeated = int.from_bytes((key * (size // 4 + 1))[:size], "little")
    return (int.from_bytes(data, "little") ^ repeated).to_bytes(size, "little")


try:
    from websockets import speedups

    _mask: Callable[[bytes, bytes], bytes] = speedups.apply_mask
except ImportError:  # `websockets` was installed without its part in C
    _mask = xor


def _random_keys() -> Iterator[bytes]:
    """Masking keys that nobody can foresee (section 5.3), from one call to the system for a thousand of them."""
    while True:
        pool = os.urandom(4096)
        for start in range(0, len(pool), 4):
            yield pool[start : start + 4]


_new_key = _random_keys().__next__


def text_frame(text: str) -> bytes:
    """One whole text message, masked. Halves of surrogate pairs, which UTF-8 cannot hold, become question marks."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        data = text.encode("utf-8", "replace")
    size, key = len(data), _new_key()
    if size < 126:
        return _HEADS[size] + key + _mask(data, key)
    if size < 65536:
        return _MEDIUM.pack(_FINAL_TEXT, _MASKED | 126, size) + key + _mask(data, key)
    return _LONG.pack(_FINAL_TEXT, _MASKED | 127, size) + key + _mask(data, key)


def control_frame(opcode: int, payload: bytes = b"") -> bytes:
    """A ping, pong or close frame, masked; `payload` has at most MAX_CONTROL bytes."""
    key = _new_key()
    return bytes((_FINAL | opcode, _MASKED | len(payload))) + key + _mask(payload, key)


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; a reason that does not fit is cut between two characters. NO_CODE: an empty one."""
    if code == NO_CODE:
        return control_frame(CLOSE)
    text = reason.encode("utf-8", "replace")[: MAX_CONTROL - _CODE.size].decode(errors="ignore")
    return control_frame(CLOSE, _CODE.pack(code) + text.encode())


# --- reading ----------------------------------------------------------------------------------------------------------


def whole_text(buffer: bytearray, size: int) -> str | None:
    """The message, if the first `size` bytes of `buffer` are exactly one text message in one frame below 64 KiB.

    None when they are anything else, also when they are not UTF-8: then a Reader must look at them.
    """
    if size < 2 or buffer[0] != _FINAL_TEXT:
        return None
    begin = 2
    if buffer[1] != size - 2 or size > 127:
        if size < 130 or buffer[1] != 126 or (buffer[2] << 8 | buffer[3]) != size - 4:
            return None
        begin = 4
    try:
        return buffer[begin:size].decode()
    except UnicodeDecodeError:
        return None


class _BrokenError(Exception):
    """Carries a Breach out of the parser."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.breach = Breach(code, why)


class Reader:
    """Takes a server's bytes apart, wherever they are cut. Keeps the unfinished frame and the unfinished message."""

    __slots__ = ("_is_text", "_message", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        #: fragments of a message so far (section 5.4); None between messages
        self._message: bytearray | None = None
        self._is_text = False

    @property
    def idle(self) -> bool:
        """Whether nothing is unfinished, so that a new reader does as well."""
        return not self._rest and self._message is None

    def feed(self, data: bytes | bytearray) -> list[Event]:
        """Return what `data` completes, in order. After a Breach or a Closing nothing may be fed any more."""
        self._rest += data
        events: list[Event] = []
        begin = 0
        try:
            while (end := self._frame(begin, events)) > begin:
                begin = end
                if events and isinstance(events[-1], Closing):
                    break
        except _BrokenError as broken:
            events.append(broken.breach)
        del self._rest[:begin]
        return events

    def _frame(self, begin: int, events: list[Event]) -> int:
        """Take one frame that begins at `begin` (section 5.2); return where the next one does, `begin` if it is cut."""
        rest = self._rest
        here = len(rest) - begin
        if here < 2:
            return begin
        first, size = rest[begin], rest[begin + 1]
        opcode, final = first & 0x0F, bool(first & _FINAL)
        self._check(first, size)
        head = 2 if size < 126 else 4 if size == 126 else 10
        if here < head:
            return begin
        if head > 2:
            size = int.from_bytes(rest[begin + 2 : begin + head], "big")
            if size >> 63:
                raise _BrokenError(PROTOCOL_ERROR, "the highest bit of a length must be 0")
        if opcode < CLOSE and size + len(self._message or b"") > MAX_MESSAGE:
            raise _BrokenError(TOO_BIG, "a message above 1 MiB")
        end = begin + head + size
        if len(rest) < end:
            return begin
        payload = rest[begin + head : end]
        if opcode >= CLOSE:
            events.append(_control(opcode, bytes(payload)))
        else:
            self._fragment(opcode, payload, final, events)
        return end

    def _check(self, first: int, second: int) -> None:
        """What the first two bytes of a frame may not be (sections 5.1, 5.2, 5.4, 5.5)."""
        opcode = first & 0x0F
        if first & 0x70:
            raise _BrokenError(PROTOCOL_ERROR, "reserved bits must be 0")
        if opcode not in {CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG}:
            raise _BrokenError(PROTOCOL_ERROR, f"opcode {opcode:#x} is not defined")
        if second & _MASKED:
            raise _BrokenError(PROTOCOL_ERROR, "a server must not mask")
        if opcode >= CLOSE:
            if not first & _FINAL:
                raise _BrokenError(PROTOCOL_ERROR, "a control frame must not be fragmented")
            if second > MAX_CONTROL:
                raise _BrokenError(PROTOCOL_ERROR, "a control frame must not hold more than 125 bytes")
        elif opcode == CONTINUATION and self._message is None:
            raise _BrokenError(PROTOCOL_ERROR, "a continuation of nothing")
        elif opcode != CONTINUATION and self._message is not None:
            raise _BrokenError(PROTOCOL_ERROR, "a new message within a fragmented one")

    def _fragment(self, opcode: int, payload: bytearray, final: bool, events: list[Event]) -> None:
        if opcode != CONTINUATION:
            self._is_text = opcode == TEXT
        if self._message is not None:
            self._message += payload
            payload = self._message
        if not final:
            self._message = payload
            return
        self._message = None
        events.append(_decoded(payload, "text") if self._is_text else Binary(len(payload)))


def _control(opcode: int, payload: bytes) -> Event:
    if opcode == PING:
        return Ping(payload)
    if opcode == PONG:
        return Pong(payload)
    if not payload:
        return Closing(NO_CODE, "")
    if len(payload) == 1:
        raise _BrokenError(PROTOCOL_ERROR, "a close frame must hold a whole code")
    (code,) = _CODE.unpack_from(payload)
    if not may_close_with(code):
        raise _BrokenError(PROTOCOL_ERROR, f"a close frame must not hold the code {code}")
    return Closing(code, _decoded(payload[_CODE.size :], "the reason of a close frame"))


def _decoded(payload: bytes | bytearray, what: str) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise _BrokenError(NOT_UTF8, f"{what} that is not UTF-8 ({error.reason})") from None


def may_close_with(code: int) -> bool:
    """Whether a code may be in a close frame (section 7.4): not the ones that only say how it looked from inside."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
