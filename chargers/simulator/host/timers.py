"""One alarm clock for all sessions and connections of a process.

A heap and a single `loop.call_at` instead of one handle for each session: 10,000 sessions that move their next wake
with every message would otherwise make and cancel 10,000 handles all the time. An item that moves its alarm to later
keeps its place in the heap and is put back when that place comes up; only a move to earlier pushes a new entry.
"""

import asyncio
import time
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Final, Protocol

import structlog

from ocpplab.common.metrics.histogram import Histogram

log = structlog.get_logger(__name__)

NEVER: Final = float("inf")
#: seconds that the first of many may wait for company: what is due within them is rung together, and the answers come
#: together. Later and never earlier: a session that is asked too early has nothing to do yet.
SLACK: Final = 0.01
#: items rung before the loop gets its turn for the sockets
TURN: Final = 200
#: seconds after which an item rang late: one of the bounds of `Timers.lateness`
LATE: Final = 0.05


class Timed(Protocol):
    """What can have an alarm. Both attributes start as NEVER and belong to Timers."""

    due: float
    queued: float

    def ring(self, now: float) -> None:
        """The alarm: `now` is the loop's time in seconds."""


class Timers:
    """Alarms of one event loop; times are the loop's, in seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, before: Callable[[float], None] | None = None) -> None:
        """`before` is called with the time before alarms ring: the place to notice that the process slept too long."""
        self._loop = loop
        self._heap: list[tuple[float, int, Timed]] = []
        self._serial = count()
        self._handle: asyncio.TimerHandle | None = None
        self._armed = NEVER
        self.before = before
        #: seconds from when an item was due until it had rung
        self.lateness = Histogram()
        # uvloop's own time stands still while items ring one after the other, so it cannot tell how late the last is.
        self._ahead = loop.time() - time.monotonic()

    def time(self) -> float:
        """The loop's time in seconds."""
        return self._loop.time()

    def set(self, item: Timed, when: float) -> None:
        """Ring `item` at `when`, instead of whenever it was to ring before (NEVER: not at all)."""
        item.due = when
        if when < item.queued:
            self._push(item, when)
            self._arm()

    def __len__(self) -> int:
        return len(self._heap)

    def _push(self, item: Timed, when: float) -> None:
        item.queued = when
        heappush(self._heap, (when, next(self._serial), item))

    def _arm(self) -> None:
        head = self._heap[0][0] if self._heap else NEVER
        if head == self._armed:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._armed = head
        self._handle = None if head == NEVER else self._loop.call_at(head + SLACK, self._tick)

    def _tick(self) -> None:
        self._handle, self._armed = None, NEVER
        now = self._loop.time()
        try:
            if self.before is not None:
                self.before(now)
            self._ring_due(now)
        finally:
            self._arm()

    def _ring_due(self, now: float) -> None:
        heap = self._heap
        left = TURN
        while heap and heap[0][0] <= now and left:
            when, _, item = heappop(heap)
            if when != item.queued:
                continue  # it was moved to earlier and has rung from that entry
            item.queued = NEVER
            if item.due > now:
                if item.due != NEVER:
                    self._push(item, item.due)
                continue
            due, item.due = item.due, NEVER
            left -= 1
            try:
                item.ring(now)
            except Exception:  # one item's bug must not stop the alarms of all others
                log.exception("alarm_failed", item=repr(item))
            self.lateness.observe(time.monotonic() + self._ahead - due)
