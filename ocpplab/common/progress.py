"""A progress bar for commands, on a terminal only."""

import time
from typing import TextIO

_WIDTH = 30
_EVERY = 0.1


class Bar:
    """Draws how far something is: `bar.advance(done)`, and `bar.close()` at the end. Silent unless on a terminal."""

    def __init__(self, stream: TextIO, *, total: int, label: str) -> None:
        self._stream = stream
        self._total = max(total, 1)
        self._label = label
        self._shown = stream.isatty()
        self._drawn = 0.0

    def advance(self, done: int) -> None:
        """Show that `done` of the total is done; draws at most ten times a second."""
        if not self._shown or (done < self._total and time.monotonic() - self._drawn < _EVERY):
            return
        self._drawn = time.monotonic()
        part = min(done / self._total, 1.0)
        filled = int(part * _WIDTH)
        self._stream.write(f"\r{self._label} [{'#' * filled}{'.' * (_WIDTH - filled)}] {part:4.0%}")
        self._stream.flush()

    def close(self) -> None:
        """Leave the terminal's line clean."""
        if self._shown and self._drawn:
            self._stream.write("\r" + " " * (len(self._label) + _WIDTH + 9) + "\r")
            self._stream.flush()
