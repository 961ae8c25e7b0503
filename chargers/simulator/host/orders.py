"""Takes commands that were given to this host and hands them to the chargers' sessions, each at most once.

A hint over the broker says that there are some; without hints this looks by itself. What makes it at most once is the
move from `queued` to `running` under the lease, in the database, before the session hears of the command.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog

from chargers.protocol.secrets import secrets_changed
from chargers.simulator.effects import Intent
from chargers.simulator.host.database import TROUBLE, Connection, Line
from chargers.simulator.host.keeper import Keeper
from chargers.simulator.host.runner import Runner
from ocpplab.common.sealing import Unsealable, vault

log = structlog.get_logger(__name__)

#: seconds between two looks when nobody hints
POLL: Final = 1.0
#: commands taken at once, and handed over before the sockets get their turn
BATCH, TURN = 500, 25

_TAKE = """
    UPDATE chargers_command AS command SET status = 'running', taken_at = %(at)s
    FROM (
        SELECT queued.id AS next_id FROM chargers_command AS queued
        JOIN chargers_charger AS charger ON charger.id = queued.charger_id
            AND charger.lease_epoch = queued.lease_epoch AND charger.host_id IS NOT DISTINCT FROM queued.host_id
        WHERE queued.host_id = %(host)s AND queued.status = 'queued'
        ORDER BY queued.created_at, queued.id LIMIT %(limit)s FOR NO KEY UPDATE OF queued SKIP LOCKED
    ) AS next
    WHERE command.id = next_id AND command.status = 'queued'
    RETURNING command.id, command.charger_id, command.lease_epoch, command.kind, command.payload, command.created_at
"""
_TAKEN = """
    SELECT id, charger_id, lease_epoch, kind, payload, created_at FROM chargers_command
    WHERE host_id = %(host)s AND status = 'running' AND taken_at = ANY(%(at)s)
"""


@dataclass(slots=True, frozen=True)
class Taken:
    """A command that is this host's to run."""

    id: str
    charger_id: int
    epoch: int
    kind: str
    payload: dict[str, Any]
    created_at: datetime


class Orders:
    """The one place where a host takes commands."""

    def __init__(self, runners: Mapping[int, Runner], keeper: Keeper, host_id: Callable[[], UUID | None]) -> None:
        self._runners = runners
        self._keeper = keeper
        self._host_id = host_id
        self._hint = asyncio.Event()
        self._line = Line("orders")
        #: commands that were handed over
        self.taken = 0
        #: times under which commands may have been taken without this process hearing of it, by host
        self._doubts: dict[UUID, list[datetime]] = {}

    def look_soon(self) -> None:
        """There may be commands."""
        self._hint.set()

    async def run(self) -> None:
        """Take and hand over, until cancelled."""
        away = False
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._hint.wait()
            self._hint.clear()
            host_id = self._host_id()
            if host_id is None:
                continue
            try:
                await self._work(host_id)
            except TROUBLE as error:
                if not away:
                    log.warning("commands_wait", error=str(error) or repr(error))
                away = True
                await asyncio.sleep(POLL)
            else:
                away = False

    async def close(self) -> None:
        """Let go of the database."""
        await self._line.close()

    async def _work(self, host_id: UUID) -> None:
        if host_id in self._doubts:
            rows = await self._line.run(lambda connection: taken(connection, host_id, self._doubts[host_id]))
            self._doubts.clear()
            await self._hand_over(host_id, rows)
        while True:
            at = datetime.now(UTC)
            try:
                rows = await self._line.run(lambda connection: take(connection, host_id, at))  # noqa: B023
            except BaseException:
                self._doubts.setdefault(host_id, []).append(at)
                raise
            await self._hand_over(host_id, rows)
            if len(rows) < BATCH:
                return

    async def _hand_over(self, host_id: UUID, rows: list[Taken]) -> None:
        for number, row in enumerate(rows):
            if self._host_id() != host_id:
                return  # whoever buried this host has marked them lost
            self.taken += 1
            runner = self._runners.get(row.charger_id)
            if runner is None or runner.lease.epoch != row.epoch:
                # Held, but its session has ended, or not begun.
                self._keeper.outcome(row.charger_id, row.epoch, row.id, ok=False, code="powered_off", data={})
            else:
                self._give(runner, row)
            if number % TURN == TURN - 1:
                await asyncio.sleep(0)

    def _give(self, runner: Runner, row: Taken) -> None:
        try:
            payload = secrets_changed(row.payload, vault().open)
        except Unsealable:
            self._keeper.outcome(row.charger_id, row.epoch, row.id, ok=False, code="secret_unreadable", data={})
        else:
            runner.order(Intent(row.id, row.kind, payload))


async def take(connection: Connection, host_id: UUID, at: datetime) -> list[Taken]:
    """Take commands of the host whose leases hold, the oldest first; `at` marks this taking."""
    cursor = await connection.execute(_TAKE, {"host": host_id, "at": at, "limit": BATCH})
    return _in_order(await cursor.fetchall())


async def taken(connection: Connection, host_id: UUID, at: list[datetime]) -> list[Taken]:
    """What was taken under one of these marks and has no outcome."""
    cursor = await connection.execute(_TAKEN, {"host": host_id, "at": at})
    return _in_order(await cursor.fetchall())


def _in_order(rows: list[tuple[Any, ...]]) -> list[Taken]:
    return sorted((Taken(*row) for row in rows), key=lambda one: (one.created_at, one.id))
