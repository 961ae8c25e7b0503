"""Minds the emergency switch of the lab: looks at its row, whatever else this process is busy with."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from chargers.simulator.host.database import TROUBLE, Connection, Line

log = structlog.get_logger(__name__)

#: seconds between two looks when nobody hints
POLL: Final = 1.0


class Switch:
    """Tells the fleet when the lab is stopped and when it goes on.

    A task with a line to the database of its own: a stop must not wait until thousands of chargers are powered on.
    While the database does not answer, what was last seen holds.
    """

    def __init__(self, *, halt: Callable[[str], Awaitable[None]], go_on: Callable[[], None]) -> None:
        self._halt = halt
        self._go_on = go_on
        self._line = Line("switch")
        self._hint = asyncio.Event()
        self._stop: tuple[int, str] | None = None

    def look_soon(self) -> None:
        """The switch may have been thrown."""
        self._hint.set()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                stop = await self._line.run(_current)
            except TROUBLE:
                stop = self._stop  # that the database is away is said by others
            if stop != self._stop:
                self._stop = stop
                await self._turn(stop)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._hint.wait()
            self._hint.clear()

    async def close(self) -> None:
        """Let go of the database."""
        await self._line.close()

    async def _turn(self, stop: tuple[int, str] | None) -> None:
        if stop is None:
            log.warning("lab_goes_on")
            self._go_on()
        else:
            log.warning("lab_is_stopped", reason=stop[1])
            await self._halt(f"the lab is stopped: {stop[1]}")


async def _current(connection: Connection) -> tuple[int, str] | None:
    cursor = await connection.execute("SELECT id, reason FROM chargers_labstop WHERE ended_at IS NULL")
    row = await cursor.fetchone()
    return None if row is None else (row[0], row[1])
