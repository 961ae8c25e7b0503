"""The ramp: how many connections a process opens in a second, first come first served."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

#: seconds between two openings of the gate
STEP: Final = 0.02


class Gate:
    """Lets `rate` callers a second through, evenly; an idle gate lets the first one through at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, rate: float) -> None:
        self._loop = loop
        self._rate = rate
        self._queue: deque[Callable[[], None]] = deque()
        self._tokens = 1.0
        self._filled = loop.time()
        self._handle: asyncio.Handle | None = None

    def enter(self, go: Callable[[], None]) -> None:
        """Call `go` when its turn has come. It must not raise."""
        self._queue.append(go)
        if self._handle is None:
            self._handle = self._loop.call_soon(self._open)

    def __len__(self) -> int:
        return len(self._queue)

    def _open(self) -> None:
        now = self._loop.time()
        # Never more than one step's worth is saved up: a process that slept does not make up for it with a burst.
        most = max(1.0, self._rate * STEP * 2)
        self._tokens = min(most, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        while self._queue and self._tokens >= 1.0:
            self._tokens -= 1.0
            self._queue.popleft()()
        self._handle = self._loop.call_later(STEP, self._open) if self._queue else None
