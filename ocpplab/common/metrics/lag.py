"""How late an event loop is: what waits for its turn waits so long."""

import asyncio
import time
from collections.abc import Iterable
from typing import Final

from prometheus_client.core import Metric

from ocpplab.common.metrics.histogram import Histogram, histogram
from ocpplab.common.metrics.registry import gauge

#: seconds between two looks, and for which the worst is remembered at least
EVERY: Final = 0.25
WINDOW: Final = 30.0


class LoopLag:
    """Asks the loop for its turn four times a second, and notes how much later than asked it came."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.seen = Histogram()
        self._loop = loop
        self._asked_for = 0.0
        self._worst = self._worst_before = 0.0
        self._window_ends = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look until `stop`. Call it in the loop's thread."""
        self._window_ends = time.monotonic() + WINDOW
        self._ask()

    def stop(self) -> None:
        """Look no more."""
        if self._handle is not None:
            self._handle.cancel()

    @property
    def silent_for(self) -> float:
        """Seconds by which the loop's next turn is overdue now; whoever asks is in another thread."""
        return max(0.0, time.monotonic() - self._asked_for)

    @property
    def worst(self) -> float:
        """The greatest lag of the last half minute or minute, in seconds; also of a turn that is still awaited."""
        return max(self._worst, self._worst_before, self.silent_for)

    def metrics(self) -> Iterable[Metric]:
        """The lag as metrics."""
        yield histogram(
            "ocpplab_loop_lag_seconds", "How much later than asked for the event loop took its turn.", self.seen
        )
        yield gauge("ocpplab_loop_lag_worst_seconds", "The greatest lag of about the last minute.", self.worst)

    def _ask(self) -> None:
        # Not the loop's own time: uvloop's stands still while a callback runs.
        self._asked_for = time.monotonic() + EVERY
        self._handle = self._loop.call_later(EVERY, self._turn)

    def _turn(self) -> None:
        now = time.monotonic()
        lag = max(0.0, now - self._asked_for)
        self.seen.observe(lag)
        if now >= self._window_ends:
            self._worst_before, self._worst = self._worst, 0.0
            self._window_ends = now + WINDOW
        self._worst = max(self._worst, lag)
        self._ask()
