"""The logs of all processes in one stream, each line behind the name of its process."""

import errno
import os
import select

NAME_WIDTH = 12
COLOURS = {"lab": 1, "web": 36, "worker": 33, "beat": 35, "postgres": 34, "valkey": 31, "prepare": 37, "open": 37}
SIMULATOR_COLOURS = (32, 92, 36, 96)
LONGEST_LINE = 64 * 1024
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Console:
    """Writes lines; in colour on a terminal, unless NO_COLOR is set."""

    def __init__(self, stream: int = 1, *, colour: bool | None = None) -> None:
        self._stream = stream
        self._colour = colour if colour is not None else os.isatty(stream) and "NO_COLOR" not in os.environ
        #: nobody reads any more (`manage.py lab | head`): what is written is lost
        self.broken = False

    def line(self, name: str, text: bytes | str) -> None:
        """Write one line of a process."""
        data = text.encode(errors="replace") if isinstance(text, str) else text
        self._write(self._prefix(name) + data.rstrip(b"\r\n") + b"\n")

    def say(self, text: str) -> None:
        """Write one line of the lab itself."""
        self.line("lab", text)

    def plain(self, text: str) -> None:
        """Write a text as it is, to be read and copied."""
        self._write(text.encode())

    def _write(self, data: bytes) -> None:
        try:
            while data and not self.broken:
                data = data[os.write(self._stream, data) :]
        except BlockingIOError:  # somebody made our output non-blocking, and it is full: wait rather than lose a line
            select.select([], [self._stream], [])
            self._write(data)
        except OSError as error:
            # A full disk costs the line: it may have room again, and what runs does not depend on what is written.
            self.broken |= error.errno not in NO_ROOM

    def _prefix(self, name: str) -> bytes:
        label = f"{name:<{NAME_WIDTH}}|"
        if self._colour:
            _, _, number = name.partition("-")
            colour = COLOURS.get(name) or SIMULATOR_COLOURS[int(number or 0) % len(SIMULATOR_COLOURS)]
            label = f"\x1b[{colour}m{label}\x1b[0m"
        return f"{label} ".encode()


class Lines:
    """Cuts the output of one process into lines; an endless line is cut too."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        return lines

    def last(self) -> list[bytes]:
        """Return what was written without an end of line."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []
