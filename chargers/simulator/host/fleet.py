"""Which chargers this process holds: claims them, notices changes of their rows, gives them back.

Everything is decided in one task, one look at the database after the other, so that no two decisions about a charger
are ever in flight. Runners finish between looks; what they leave to do is picked up by the next one. A second task only
powers on what was taken, so that taking more does not wait for it.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

import structlog

from chargers.simulator import wire
from chargers.simulator.effects import ConnectionState
from chargers.simulator.host import leases
from chargers.simulator.host.balance import BATCH, Balance
from chargers.simulator.host.database import TROUBLE, Line
from chargers.simulator.host.leases import Claimed, LeaseLost, Survey
from chargers.simulator.host.runner import Runner
from chargers.simulator.host.shell import Shell
from chargers.simulator.host.specs import Lease, Workshop

log = structlog.get_logger(__name__)

#: seconds between two looks when nobody hints, and at least
POLL, PAUSE = 1.5, 0.05
#: the same while this host hands over what it holds
LEAVING_POLL = 0.1
#: runners started before the sockets get their turn
TURN = 25
#: why a charger is given back that another host is to take
MOVED = "moved to another simulator host"
#: seconds between two comparisons of where the held chargers stand with what their rows say of that
COMPARE_EVERY: Final = 5.0


class Holdings:
    """The chargers of this process and what is to be done about them."""

    def __init__(self, shell: Shell, *, capacity: int, ramp: float) -> None:
        self.runners: dict[int, Runner] = {}
        self._shell = shell
        self._balance = Balance(capacity=capacity, ramp=ramp)
        #: called when the database says that this process is no host any more
        self.on_lease_lost: Callable[[str], None] = self.abandon
        self._host_id: UUID | None = None
        self._line = Line("leases")
        self._workshop = Workshop()
        self._hint = asyncio.Event()
        #: adopted, and still without power
        self._dark: deque[Runner] = deque()
        self._adopted = asyncio.Event()
        #: why -> charger -> epoch: closed, and to be given back at the next look
        self._closed: dict[str, dict[int, int]] = {}
        #: why this host holds nothing and takes nothing; "" as long as the lab goes on
        self._halted = ""
        self._no_comparison_before = 0.0
        #: None as long as this host claims; set when it has handed over all that others take
        self._left: asyncio.Event | None = None

    # --- what others call -------------------------------------------------------------------------------------------

    def look_soon(self) -> None:
        """Something may have changed."""
        self._hint.set()

    def begin(self, host_id: UUID) -> None:
        """This process is the host `host_id` from now on."""
        self._host_id = self._shell.recorder.host_id = self._shell.keeper.host_id = host_id
        self._hint.set()

    def abandon(self, why: str) -> None:
        """This process is no host any more: end everything at once and write nothing."""
        self._host_id = self._shell.recorder.host_id = self._shell.keeper.host_id = None
        for runner in self.runners.values():
            runner.cut(why)
        self.runners.clear()
        self._closed.clear()

    async def power_on(self) -> None:
        """Power on what was adopted, a few at a time, while looks and sockets go on; until cancelled."""
        while True:
            await self._adopted.wait()
            self._adopted.clear()
            while self._dark:
                for _ in range(min(TURN, len(self._dark))):
                    runner = self._dark.popleft()
                    if not (runner.stopping or runner.started):
                        runner.start()
                await asyncio.sleep(0)

    async def halt(self, why: str) -> None:
        """Power everything off, give it back, and take nothing until `go_on`."""
        self._halted = why
        for number, runner in enumerate(list(self.runners.values())):
            self._stop(runner, why)
            if number % TURN == TURN - 1:
                await asyncio.sleep(0)

    def go_on(self) -> None:
        """Take chargers again."""
        self._halted = ""
        self._hint.set()

    def names_of(self, charger_id: int) -> dict[str, str]:
        """What people call a charger that is held here, for log lines; from any thread."""
        runner = self.runners.get(charger_id)
        spec = None if runner is None else runner.lease.spec
        return {} if spec is None else {"identity": spec.identity}

    def states(self) -> Counter[ConnectionState]:
        """How many of the held chargers are in which state; from any thread."""
        return Counter(runner.state for runner in list(self.runners.values()))

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        wait = POLL
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._hint.wait()
            self._hint.clear()
            wait = POLL if self._left is None else LEAVING_POLL
            host_id = self._host_id
            if host_id is None:
                continue
            try:
                await self._look(host_id)
                await asyncio.sleep(PAUSE)
            except LeaseLost:
                if self._left is None:  # else a claim that was under way met our own farewell
                    self.on_lease_lost("its row is not live")
            except TROUBLE as error:
                log.warning("look_failed", error=str(error) or repr(error))
                await asyncio.sleep(1.0)

    def claim_no_more(self) -> None:
        """This host is about to stop."""
        self._left = asyncio.Event()

    async def leave(self, within: float) -> None:
        """Hand over what is held to other live hosts, as far as they have room, while `run` goes on."""
        assert self._left is not None, "call claim_no_more first"
        self._balance.leave(self._shell.timers.time(), within)
        self._hint.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within + 1.0):
                await self._left.wait()

    async def stop(self, within: float) -> None:
        """Power everything off; what is not closed after `within` seconds is cut. Nothing is released here."""
        done = asyncio.Event()

        def finished(runner: Runner) -> None:
            self.runners.pop(runner.lease.charger_id, None)
            if not self.runners:
                done.set()

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                for number, runner in enumerate(list(self.runners.values())):
                    runner.stop(finished)
                    if number % TURN == 0:
                        await asyncio.sleep(0)
                while self.runners:
                    # Those that were stopping already call their own end and not `finished`.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.1):
                            await done.wait()
        for runner in self.runners.values():
            runner.cut("its simulator host was stopped")
        await self._line.close()

    # --- one look ---------------------------------------------------------------------------------------------------

    async def _look(self, host_id: UUID) -> None:
        await self._give_back(host_id)
        if self._halted:
            if not self.runners:
                await self._reconcile(host_id)  # a claim may have been under way
            if self._left is not None:
                self._left.set()  # nothing is handed over that must not run elsewhere
            return
        fleet = await self._line.run(leases.survey)
        if fleet.unclaimed == 0:
            self._balance.nothing_waits()
        elif self._left is None:
            await self._claim(host_id, fleet)
        await self._reconcile(host_id)
        await self._compare_states(host_id)
        if self._left is not None:
            self._hand_all_over(host_id, fleet, self._left)
        elif fleet.unclaimed == 0:
            self._rebalance(host_id, fleet)

    async def _give_back(self, host_id: UUID) -> None:
        while self._closed:
            why, closed = self._closed.popitem()
            try:
                await self._shell.keeper.flush()  # before the next host reads what they remember
                await self._line.run(lambda connection: leases.release(connection, host_id, closed, why))  # noqa: B023
            except TROUBLE:
                self._closed[why] = closed | self._closed.get(why, {})
                raise
            if why == MOVED:
                wire.look()

    async def _claim(self, host_id: UUID, fleet: Survey) -> None:
        claimed: list[Claimed] = []
        while fleet.unclaimed and self._left is None and self._host_id == host_id:
            held = len(self.runners) + len(claimed)
            room = self._balance.room(fleet, held)
            if room <= 0 and not claimed:
                room = self._balance.leftovers(self._shell.timers.time(), fleet, held)
            limit = min(room, BATCH)
            if limit <= 0:
                break
            rows = await self._line.run(lambda connection: leases.claim(connection, host_id, limit))  # noqa: B023
            claimed += rows
            if len(rows) < limit:
                break
            # Hosts that start together must not each take all: whoever has joined meanwhile has a share, too.
            fleet = await self._line.run(leases.survey)
        await self._adopt(host_id, claimed)

    async def _adopt(self, host_id: UUID, rows: Iterable[Claimed]) -> None:
        """Make a runner of each row. Power comes later: that a charger is held is what its job waits for."""
        rows = [row for row in rows if row.wanted]
        if not rows:
            return
        ids = list({row.model_id for row in rows})
        models = await self._line.run(lambda connection: leases.models(connection, ids))
        await self._shell.keeper.flush()  # a charger that starts anew reads what its former session left
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            ids_of_part = [row.id for row in part]
            memories = await self._line.run(lambda connection: leases.memories(connection, ids_of_part))  # noqa: B023
            if self._host_id != host_id:
                return  # lost meanwhile; whoever buried this host freed these rows too
            for lease in self._workshop.leases(part, models):
                if self._halted:
                    self._closed.setdefault(self._halted, {})[lease.charger_id] = lease.epoch
                else:
                    self._take(lease, memories.get(lease.charger_id, ""))

    def _take(self, lease: Lease, memory: str) -> None:
        stale = self.runners.pop(lease.charger_id, None)
        if stale is not None:
            stale.cut("claimed anew")
        runner = self.runners[lease.charger_id] = Runner(self._shell, lease, memory)
        self._dark.append(runner)
        self._adopted.set()

    async def _reconcile(self, host_id: UUID) -> None:
        """Compare what is held here with the rows; the sums tell without reading them whether that is needed."""
        revisions = sum(runner.lease.revision for runner in self.runners.values())
        log_levels = sum(runner.lease.log_weight for runner in self.runners.values())
        here = leases.Fingerprint(len(self.runners), revisions, 0, log_levels)
        if await self._line.run(lambda connection: leases.fingerprint(connection, host_id)) == here:
            return
        rows = {row.id: row for row in await self._line.run(lambda connection: leases.held(connection, host_id))}
        if self._host_id != host_id:
            return
        missing = []
        for charger_id, runner in list(self.runners.items()):
            row = rows.pop(charger_id, None)
            if row is None or row.epoch != runner.lease.epoch:
                missing.append(charger_id)
            elif not row.wanted:
                self._stop(runner, "stopped")
            elif row.revision != runner.lease.revision:
                self._restart(runner)
            else:
                runner.lease.message_log = row.message_log
        if missing:
            await self._end_missing(missing)
        closed = {charger_id for closed in self._closed.values() for charger_id in closed}
        strays = [row for row in rows.values() if row.id not in closed]
        await self._adopt(host_id, strays)  # restarted ones, and claims whose answer was lost
        for row in strays:
            if not row.wanted:
                self._closed.setdefault("stopped", {})[row.id] = row.epoch

    async def _compare_states(self, host_id: UUID) -> None:
        """Tell again what the rows do not know: a database that came back from a copy may lack what it was told."""
        now = self._shell.timers.time()
        if now < self._no_comparison_before:
            return
        self._no_comparison_before = now + COMPARE_EVERY
        told = await self._line.run(lambda connection: leases.counted_states(connection, host_id))
        if self._host_id != host_id or told == self.states():
            return
        rows = await self._line.run(lambda connection: leases.states(connection, host_id))
        if self._host_id == host_id:
            for charger_id, state in rows.items():
                runner = self.runners.get(charger_id)
                if runner is not None and runner.state != state:
                    runner.tell_again()

    async def _end_missing(self, missing: list[int]) -> None:
        """Rows that we hold no more: a deleted charger is powered off, one that was taken away is cut at once."""
        existing = await self._line.run(lambda connection: leases.existing(connection, missing))
        for charger_id in missing:
            runner = self.runners.get(charger_id)
            if runner is None:
                continue
            if charger_id in existing:
                self.runners.pop(charger_id)
                runner.cut("the lease was lost")
            else:
                runner.stop(self._end)

    def _rebalance(self, host_id: UUID, fleet: Survey) -> None:
        """Give up a few chargers when other live hosts have less than their share."""
        staying = [runner for runner in self.runners.values() if not runner.stopping]
        connected = sum(runner.connected for runner in staying)
        now, idle = self._shell.timers.time(), len(staying) - connected
        count = self._balance.to_move(now, fleet, host_id, held=len(self.runners), idle=idle)
        for runner in sorted(staying, key=lambda one: one.connected)[:count] if count else ():
            self._stop(runner, MOVED, hand_over=True)

    def _hand_all_over(self, host_id: UUID, fleet: Survey, left: asyncio.Event) -> None:
        """Give up as many as other hosts can take for now; tell when there is nothing more to do about it."""
        staying = [runner for runner in self.runners.values() if not runner.stopping]
        count = self._balance.to_leave(self._shell.timers.time(), fleet, host_id, len(staying))
        for runner in staying[: count or 0]:
            self._stop(runner, MOVED, hand_over=True)
        closing = len(staying) < len(self.runners) or bool(self._closed)
        if not closing and (count is None or not staying):
            left.set()

    # --- how runners end --------------------------------------------------------------------------------------------

    def _stop(self, runner: Runner, why: str, *, hand_over: bool = False) -> None:
        def finished(runner: Runner) -> None:
            lease = runner.lease
            if self._forget(runner):
                self._closed.setdefault(why, {})[lease.charger_id] = lease.epoch

        runner.stop(finished, hand_over=hand_over)

    def _restart(self, runner: Runner) -> None:
        """Power it off; the next look finds a row that is ours, wanted and has no runner."""
        runner.stop(self._end)

    def _end(self, runner: Runner) -> None:
        """It has ended and there is no lease to give back."""
        self._forget(runner)

    def _forget(self, runner: Runner) -> bool:
        """It has ended. False when it was not ours any more."""
        if self.runners.get(runner.lease.charger_id) is not runner:
            return False
        del self.runners[runner.lease.charger_id]
        self._hint.set()
        return True
