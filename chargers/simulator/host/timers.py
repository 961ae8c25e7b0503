"""One alarm clock for all sessions and connections of a process.

A wheel of slots and a single `loop.call_at` instead of one handle for each session: 10,000 sessions that move their
next wake with every message would otherwise make and cancel 10,000 handles all the time. A slot holds what is due
within the same 8 ms and rings at its end: later and never earlier, since a session that is asked too early has nothing
to do yet. What rings together is answered together, and the heap that says which slot comes next holds a few whole
numbers, not sessions. An item that moves its alarm to later keeps its slot and is put into another when that one comes
up; only a move to earlier puts it into another at once.
"""

import asyncio
import time
from collections.abc import Callable
from heapq import heappop, heappush
from operator import attrgetter
from typing import Final, Protocol

import structlog

from ocpplab.common.metrics.histogram import Histogram

log = structlog.get_logger(__name__)

NEVER: Final = float("inf")
#: seconds of a slot: the first that is due in it waits as long for company. A power of two, so that the number of a
#: slot and the times when it begins and ends are exact, however long the machine has been up
SLOT: Final = 1 / 128
#: items rung before the loop gets its turn for the sockets
TURN: Final = 200
#: seconds after which an item rang late: one of the bounds of `Timers.lateness`
LATE: Final = 0.05
#: seconds by which a loop that counts in milliseconds may call too early, when the slot would not be over yet
_ROUNDING: Final = 0.001
_DUE: Final = attrgetter("due")


class Timed(Protocol):
    """What can have an alarm. Both attributes start as NEVER and belong to Timers; `queued` is where a slot begins."""

    due: float
    queued: float

    def ring(self, now: float) -> None:
        """The alarm: `now` is the loop's time in seconds."""


class Timers:
    """Alarms of one event loop; times are the loop's, in seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, before: Callable[[float], None] | None = None) -> None:
        """`before` is called with the time before alarms ring: the place to notice that the process slept too long."""
        self._loop = loop
        #: what is in each slot, by the slot's number since the loop's time 0, and a heap of these numbers
        self._slots: dict[int, list[Timed]] = {}
        self._order: list[int] = []
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
            self._put(item, when)

    def __len__(self) -> int:
        return sum(map(len, self._slots.copy().values()))

    def _put(self, item: Timed, when: float) -> None:
        number = int(when / SLOT)
        item.queued = number * SLOT
        slot = self._slots.get(number)
        if slot is not None:
            slot.append(item)
            return
        self._slots[number] = [item]
        heappush(self._order, number)
        if self._order[0] == number:
            self._arm()

    def _arm(self) -> None:
        """Wake at the end of the next slot."""
        at = (self._order[0] + 1) * SLOT + _ROUNDING if self._order else NEVER
        if at == self._armed:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._armed = at
        self._handle = None if at == NEVER else self._loop.call_at(at, self._tick)

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
        left = TURN
        while self._order and left:
            number = self._order[0]
            begin = number * SLOT
            if begin + SLOT > now:
                return
            heappop(self._order)
            slot = self._slots.pop(number)
            slot.sort(key=_DUE)
            for place, item in enumerate(slot):
                if not left:
                    self._put_back(number, slot[place:])
                    return
                if item.queued != begin:
                    continue  # it was moved to earlier and has rung from there
                item.queued = NEVER
                left -= 1  # also for what is put off: whatever the items do, the loop gets its turn
                if item.due <= now:
                    self._ring(item, now)
                elif item.due != NEVER:
                    self._put(item, item.due)

    def _ring(self, item: Timed, now: float) -> None:
        due, item.due = item.due, NEVER
        try:
            item.ring(now)
        except Exception:  # one item's bug must not stop the alarms of all others
            log.exception("alarm_failed", item=repr(item))
        self.lateness.observe(time.monotonic() + self._ahead - due)

    def _put_back(self, number: int, items: list[Timed]) -> None:
        """Leave the rest of a slot for the next turn, before what was put there meanwhile."""
        slot = self._slots.get(number)
        if slot is None:
            heappush(self._order, number)
        self._slots[number] = items + (slot or [])
