"""This process as a host: its row, its beats, and the moment when it must let go of everything."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog
from psycopg.errors import LockNotAvailable

from chargers.simulator.host import leases
from chargers.simulator.host.database import TROUBLE, Connection, Line
from chargers.simulator.host.machine import has_ended, machine_id
from chargers.simulator.host.shell import Lifeline

log = structlog.get_logger(__name__)


@dataclass(slots=True, frozen=True)
class Terms:
    """Under which terms a host takes part. Times in seconds; `drain_within` is for handing over when it stops."""

    name: str
    capacity: int
    beat_every: float
    dead_after: int
    drain_within: float

    @property
    def let_go_after(self) -> float:
        """Without a beat for so long a host closes all sessions: before others may take its chargers."""
        return self.dead_after * 5 / 6


class Membership:
    """Registers, beats, buries the dead. `host_id` is None while this process holds nothing and may hold nothing."""

    def __init__(
        self,
        terms: Terms,
        *,
        joined: Callable[[UUID], None],
        lost: Callable[[str], None],
        settle: Callable[[], Awaitable[None]],
        lifeline: Lifeline,
    ) -> None:
        """`joined` and `lost` are called when this process becomes a host and when it is none any more.

        `settle` brings to the database what is left of a former life, before that life is declared over. `lifeline` is
        lengthened with every beat.
        """
        self.terms = terms
        self.host_id: UUID | None = None
        self._joined = joined
        self._lost = lost
        self._settle = settle
        self._lifeline = lifeline
        self._line = Line("beat")
        self._loop = asyncio.get_running_loop()
        self._beaten = 0.0

    async def run(self) -> None:
        """Join, beat, and join again whenever the row was lost, until cancelled."""
        watchdog = self._loop.create_task(self._watch())
        try:
            while True:
                try:
                    await (self._join() if self.host_id is None else self._beat(self.host_id))
                except TROUBLE as error:
                    log.warning("database_away", error=str(error) or repr(error), host=self.terms.name)
                    await asyncio.sleep(min(1.0, self.terms.beat_every))
                else:
                    await asyncio.sleep(self.terms.beat_every if self.host_id is not None else 0)
        finally:
            watchdog.cancel()

    def check(self, now: float) -> None:
        """Let go when the last beat is too old; `now` is the loop's time. Cheap: called before every alarm."""
        if self.host_id is not None and now - self._beaten > self.terms.let_go_after:
            self.lose(f"no beat for {now - self._beaten:.0f} s")

    def lose(self, why: str) -> None:
        """This host is none any more: everything it holds must end now."""
        if self.host_id is not None:
            log.error("host_lost", host=self.terms.name, reason=why)
            self.host_id = None
            self._lost(why)

    async def drain(self) -> None:
        """Take no more chargers."""
        host_id = self.host_id
        if host_id is not None:
            await self._line.run(lambda connection: leases.drain(connection, host_id))

    async def leave(self) -> None:
        """Free what is held and be gone."""
        host_id = self.host_id
        if host_id is not None:
            why = "its simulator host was stopped"
            await self._line.run(lambda connection: leases.bury(connection, [host_id], why), timeout=2.0)

    async def close(self) -> None:
        """Let go of the database."""
        await self._line.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min(0.5, self.terms.beat_every / 2))
            self.check(self._loop.time())

    async def _join(self) -> None:
        started = self._loop.time()
        host_id, terms, machine = uuid4(), self.terms, machine_id()

        async def join(connection: Connection) -> int:
            # Also a former life of this very process: its sessions were closed when it lost its row.
            others = await leases.neighbours(connection, machine)
            dead = [other for other, pid in others.items() if has_ended(pid)]
            buried = await leases.bury(connection, dead, "its simulator host ended")
            await leases.register(
                connection, host_id=host_id, name=terms.name, machine=machine, pid=os.getpid(), capacity=terms.capacity
            )
            return buried

        await self._settle()
        buried = await self._line.run(join)
        self.host_id = host_id
        self._beat_at(started)
        log.info("host_joined", host=terms.name, id=str(host_id), took_over_from=buried)
        self._joined(host_id)

    async def _beat(self, host_id: UUID) -> None:
        # The time before the statement: the row's beat is never older than what this process believes.
        started = self._loop.time()

        alive = await self._line.run(
            lambda connection: leases.beat(connection, host_id), timeout=self.terms.let_go_after / 2
        )
        if not alive:
            self.lose("others declared this host dead")
        elif self.host_id == host_id:
            self._beat_at(started)
        await self._bury()

    def _beat_at(self, moment: float) -> None:
        self._beaten = moment
        self._lifeline.until = moment + self.terms.let_go_after  # the loop's clock is the monotonic one

    async def _bury(self) -> None:
        """Declare silent hosts dead; apart from the beat, so that it never waits for what a frozen one has locked."""

        async def bury(connection: Connection) -> int:
            await leases.wait_briefly_for_locks(connection)
            buried = await leases.bury_silent(connection, self.terms.dead_after)
            # A command may have been given in the very moment when its host was buried, or gave the charger back.
            await leases.lose_orphans(connection)
            return buried

        try:
            buried = await self._line.run(bury)
        except LockNotAvailable:
            log.info("burial_waits", reason="a host that says nothing holds locks; PostgreSQL ends them in a while")
            return
        if buried:
            log.warning("hosts_buried", count=buried)
