"""A simulator process from start to end: its parts, its signals, its limits, and what it prints."""

import asyncio
import gc
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings

from chargers.simulator.host.consumer import Ear, HostConsumer
from chargers.simulator.host.database import TROUBLE
from chargers.simulator.host.dialler import Dialler
from chargers.simulator.host.files import Files, MessageLog
from chargers.simulator.host.fleet import Holdings
from chargers.simulator.host.gate import Gate
from chargers.simulator.host.gauges import Gauges
from chargers.simulator.host.keeper import Keeper
from chargers.simulator.host.membership import Membership, Terms
from chargers.simulator.host.orders import Orders
from chargers.simulator.host.recorder import Recorder
from chargers.simulator.host.shell import Clock, SessionMaker, Shell
from chargers.simulator.host.showing import Showing
from chargers.simulator.host.switch import Switch
from chargers.simulator.host.timers import Timers
from ocpplab.common.logs import name_process, name_things

log = structlog.get_logger(__name__)

#: seconds for saying that this host stops
FAREWELL_WITHIN: Final = 1.0
#: seconds for closing all sessions, for giving back what is held, and for everything until the process is gone; the
#: last records have what is left, which is 2 s at least
CLOSE_WITHIN, LEAVE_WITHIN, END_WITHIN = 4.0, 2.0, 8.0
#: seconds between two lines of progress
PROGRESS_EVERY: Final = 3.0


@dataclass(slots=True)
class Host:
    """The parts of one simulator process, wired together."""

    terms: Terms
    ramp: float
    make_session: SessionMaker
    say: Callable[[str], None]
    recorder: Recorder = field(init=False)
    keeper: Keeper = field(init=False)
    messages: MessageLog = field(init=False)
    files: Files = field(init=False)
    membership: Membership = field(init=False)
    holdings: Holdings = field(init=False)
    orders: Orders = field(init=False)
    switch: Switch = field(init=False)
    ear: Ear = field(init=False)
    showing: Showing = field(init=False)

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        timers, gate = Timers(loop), Gate(loop, self.ramp)
        self.recorder, self.keeper, self.messages = Recorder(), Keeper(), MessageLog()
        self.files = Files(loop, settings.TRANSFER_HOSTS, self.messages)
        shell = Shell(
            loop=loop,
            clock=Clock(loop.time),
            timers=timers,
            gate=gate,
            dial=Dialler(loop, timers, settings.CSMS_TARGETS),
            recorder=self.recorder,
            keeper=self.keeper,
            make_session=self.make_session,
            files=self.files,
        )
        self.holdings = Holdings(shell, capacity=self.terms.capacity, ramp=self.ramp)
        self.membership = Membership(
            self.terms,
            joined=self._joined,
            lost=self.holdings.abandon,
            settle=self.keeper.flush,
            lifeline=shell.lifeline,
        )
        self.holdings.on_lease_lost = self.membership.lose
        # A process that was asleep must let go before it sends a single heartbeat.
        timers.before = self.membership.check
        self.orders = Orders(self.holdings.runners, self.keeper, lambda: self.membership.host_id)
        self.switch = Switch(halt=self.holdings.halt, go_on=self.holdings.go_on)
        consumer = HostConsumer(self._look_soon, self.orders.look_soon)
        self.ear = Ear(consumer, lambda: self.membership.host_id)
        gauges = Gauges(
            states=self.holdings.states,
            capacity=self.terms.capacity,
            recorder=self.recorder,
            keeper=self.keeper,
            gate=gate,
            orders=self.orders,
            timers=timers,
        )
        self.showing = Showing(loop, shell.tally, gauges, joined=lambda: self.membership.host_id is not None)

    async def run(self, stop: asyncio.Event) -> None:
        """Hold sessions until `stop` is set, then end in order. A part that fails ends the process."""
        parts = [
            self.membership.run(),
            self.holdings.run(),
            self.holdings.power_on(),
            self.recorder.run(),
            self.keeper.run(),
        ]
        parts += [self.orders.run(), self.switch.run(), self.ear.run(), self._progress()]
        tasks = [asyncio.ensure_future(part) for part in parts]
        stopped = asyncio.ensure_future(self._left(stop))
        self.showing.begin()
        try:
            done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in [*tasks, stopped]:
                task.cancel()
            await asyncio.wait([*tasks, stopped])
            await self._end()
        for task in done:
            task.result()  # raises what ended it

    async def _left(self, stop: asyncio.Event) -> None:
        """Wait for `stop`; then hand over to other live hosts what they can take, while all parts go on."""
        await stop.wait()
        if self.membership.host_id is None:
            return  # there is nothing to hand over
        self.say(f"simulator {self.terms.name} stops: holds {len(self.holdings.runners)} sessions")
        self.holdings.claim_no_more()
        # To cancel a statement that hangs takes psycopg ten seconds, so nobody waits for that.
        end = asyncio.get_running_loop().call_later(END_WITHIN, self._out_of_time)
        farewell = asyncio.ensure_future(self.membership.drain())
        await asyncio.wait([farewell], timeout=FAREWELL_WITHIN)
        if not farewell.done() or farewell.exception() is not None:
            log.warning("not_drained", meanwhile="closes everything")
            return
        end.cancel()
        await self.holdings.leave(self.terms.drain_within)

    async def _end(self) -> None:
        """Close sessions cleanly, write the last records, give the leases back; all of it within END_WITHIN."""
        asyncio.get_running_loop().call_later(END_WITHIN, self._out_of_time)
        self.say(f"simulator {self.terms.name} closes {len(self.holdings.runners)} sessions")
        host_id, began = self.membership.host_id, asyncio.get_running_loop().time()
        await self.holdings.stop(CLOSE_WITHIN)
        left = END_WITHIN - LEAVE_WITHIN - (asyncio.get_running_loop().time() - began)
        self.recorder.host_id = None  # leaving says of all chargers at once that they are offline
        try:
            async with asyncio.timeout(left):
                await self.keeper.flush()
                await self.recorder.flush()
        except TROUBLE as error:
            log.warning("records_lost", error=str(error) or repr(error))
        try:
            await self.membership.leave()
        except TROUBLE as error:
            log.warning("not_left", error=str(error) or repr(error), meanwhile="the leases run out by themselves")
        if host_id is not None:
            await self.ear.leave(host_id)
        await self.files.close()
        await self.messages.close()
        await self.keeper.close()
        await self.orders.close()
        await self.switch.close()
        await self.recorder.close()
        await self.membership.close()
        self.showing.end()

    def _out_of_time(self) -> None:
        """A database that hangs must not keep the process: its sessions are closed, its leases run out."""
        self.say(f"simulator {self.terms.name} could not give everything back within {END_WITHIN:.0f} s")
        os._exit(1)

    def _look_soon(self) -> None:
        self.switch.look_soon()
        self.holdings.look_soon()

    def _joined(self, host_id: UUID) -> None:
        self.holdings.begin(host_id)
        self.say(f"simulator {self.terms.name} ready, pid {os.getpid()}")

    async def _progress(self) -> None:
        """Say how many sessions are in which state, whenever that has changed."""
        said = ""
        while True:
            await asyncio.sleep(PROGRESS_EVERY)
            states = self.holdings.states()
            line = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
            if line != said:
                said = line
                self.say(f"simulator {self.terms.name}: holds {states.total()}: {line or 'nothing'}")


async def main(terms: Terms, *, ramp: float, make_session: SessionMaker, say: Callable[[str], None]) -> None:
    """Run a simulator process until SIGTERM or SIGINT; a second signal leaves at once."""
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    spare_the_collector()
    host = Host(terms, ramp, make_session, say)
    name_process(host=terms.name)
    name_things("charger_id", host.holdings.names_of)
    await host.run(stop)


def raise_file_limit() -> int:
    """Allow as many open files as this process may have, and return how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def spare_the_collector() -> None:
    """Look through the old objects rarely: with 10,000 sessions a full collection stops everything for 0.3 s."""
    gc.freeze()  # a collection before it would take 80 ms of the start to find next to nothing
    gc.set_threshold(10_000, 20, 100)
