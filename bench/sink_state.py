"""What the sink counts, of the chargers and of itself."""

import asyncio
import time
from array import array
from datetime import UTC, datetime
from typing import Any

from bench.figures import percentiles

TICK = 0.1  # seconds between two looks of the sink at itself
LOOKS = 10  # of these make the second whose CPU share is compared


class Counters:
    """Plain numbers: a message costs an addition."""

    def __init__(self) -> None:
        self.calls = self.answers = self.errors = self.boots = self.starts = self.meter_values = 0
        self.opens = 0
        self.last_open = self.last_boot = 0.0  #: by the machine's monotonic clock, which all processes share
        self.pace = 0.0
        self.busiest = 0.0  #: the largest share of a core in any second since the mark
        self.lag = 0.0  #: the longest that this event loop kept somebody waiting since the mark, seconds
        self._late = array("d")
        self._second = 0
        self._clock = b""

    def clock(self) -> bytes:
        """Return the current time as OCPP writes it; made once a second."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._clock = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        return self._clock

    def opened(self) -> None:
        """One charger has connected."""
        self.opens += 1
        self.last_open = time.monotonic()

    def booted(self) -> None:
        """One charger says BootNotification."""
        self.boots += 1
        self.last_boot = time.monotonic()

    def timed(self, phase: float | None) -> float:
        """Note how late one MeterValues came, against the earliest that the charger has shown; return the phase.

        The first message sets the grid; one that comes earlier in it than all before moves the grid there.
        """
        now = time.monotonic()
        if phase is None:
            return now
        late = (now - phase + self.pace / 2) % self.pace - self.pace / 2
        self._late.append(max(late, 0.0))
        return phase + min(late, 0.0)

    def mark(self, pace: float) -> bool:
        """Begin anew what is counted since a mark; return whether the pace is another one."""
        changed, self.pace = self.pace != pace, pace
        self.busiest, self.lag, self._late = 0.0, 0.0, array("d")
        return changed

    def shown(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {
            "now": time.monotonic(),
            "calls": self.calls,
            "answers": self.answers,
            "errors": self.errors,
            "boots": self.boots,
            "starts": self.starts,
            "meter_values": self.meter_values,
            "opens": self.opens,
            "last_open": self.last_open,
            "last_boot": self.last_boot,
            "cpu_seconds": time.process_time(),
            "busiest": round(self.busiest, 3),
            "lag_ms": round(self.lag * 1000, 1),
            "late_ms": percentiles(self._late),
        }

    async def watch(self) -> None:
        """Look at this process ten times a second, for ever."""
        while True:
            wall, cpu = time.monotonic(), time.process_time()
            for _ in range(LOOKS):
                due = time.monotonic() + TICK
                await asyncio.sleep(TICK)
                self.lag = max(self.lag, time.monotonic() - due)
            self.busiest = max(self.busiest, (time.process_time() - cpu) / (time.monotonic() - wall))
