"""How the sink makes chargers talk as fast as they can.

`width` chargers at a time get TriggerMessage for a Heartbeat. Each answers that, sends the Heartbeat, and when it has
its answer the next charger of the round is asked. So every charger has its turn, a bounded number of messages is under
way, and the slowest part of the chain sets the rate. One turn is two exchanges, of which each side begins one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from picows import WSMsgType, WSTransport

if TYPE_CHECKING:
    from bench.sink import Station

TRIGGER = b'[2,"d%d","TriggerMessage",{"requestedMessage":"Heartbeat"}]'
STEP = 0.02  # seconds between two portions of a push


class Driver:
    """The round, and whose turn it is. `done` counts turns, `turned_down` those that a charger refused."""

    def __init__(self, stations: Mapping["Station", WSTransport]) -> None:
        self._stations = stations
        self._round: deque[Station] = deque()
        self._until = 0.0
        self._serial = 0
        self.done = self.turned_down = 0

    def start(self, seconds: float, width: int) -> None:
        """Drive all chargers that are connected now."""
        self._round = deque(self._stations)
        self._until = time.monotonic() + seconds
        for _ in range(min(width, len(self._round))):
            self._next()

    def came(self, station: "Station") -> None:
        """The Heartbeat of a turn has come and was answered."""
        station.driven = False
        self.done += 1
        self._next()

    def refused(self, station: "Station") -> None:
        """The charger does not want to."""
        station.driven = False
        self.turned_down += 1
        self._next()

    def ended(self, station: "Station") -> None:
        """A connection is gone, maybe one whose turn it was."""
        if station.driven:
            self._next()

    def _next(self) -> None:
        if time.monotonic() >= self._until:
            return
        for _ in range(len(self._round)):
            station = self._round[0]
            self._round.rotate(-1)
            transport = self._stations.get(station)
            if transport is not None and not station.driven:
                station.driven = True
                self._serial += 1
                transport.send(WSMsgType.TEXT, TRIGGER % self._serial)
                return


async def push(stations: Mapping["Station", WSTransport], action: str, payload: str, rate: float) -> None:
    """Send one CALL to every charger, `rate` a second."""
    waiting = deque(stations)
    body = f'","{action}",{payload}]'.encode()
    begun, sent = time.monotonic(), 0
    while waiting:
        due = int((time.monotonic() - begun) * rate) + 1
        while waiting and sent < due:
            transport = stations.get(waiting.popleft())
            sent += 1
            if transport is not None:
                transport.send(WSMsgType.TEXT, b'[2,"p%d' % sent + body)
        await asyncio.sleep(STEP)
