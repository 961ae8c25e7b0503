"""Starts processes, shows their logs, starts them again when they die, stops them in order. One thread, one loop."""

import os
import resource
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType

from ocpplab import processes
from ocpplab.embedded import Server
from ocpplab.lab.console import Console, Lines
from ocpplab.lab.errors import LabError
from ocpplab.lab.plan import ROOT, Program, stopping_order

TICK = 0.2  # seconds between two looks at who still lives
MAX_DEATHS, DEATHS_WINDOW = 5, 60.0
STOP_SECONDS = 10.0  # from the first signal to the last process
SERVER_GRACE = 1.0  # of these for each of Valkey and PostgreSQL


class Deaths:
    """Counts how often a process died of late."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=MAX_DEATHS)

    def add(self, now: float) -> None:
        """Note a death."""
        self._times.append(now)

    def recent(self, now: float) -> int:
        """Return how many deaths the window holds."""
        return sum(now - at <= DEATHS_WINDOW for at in self._times)

    def delay(self, now: float) -> float:
        """Return the seconds to wait before the next start: 1, 2, 4, 8."""
        return 2.0 ** max(self.recent(now) - 1, 0)


class Child:
    """One process of the lab over all of its lives."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.lines = Lines()
        self.deaths = Deaths()
        self.start_at: float | None = None  # when it is to be started again

    @property
    def name(self) -> str:
        """The name of the program."""
        return self.program.name

    @property
    def alive(self) -> bool:
        """Whether its process runs now."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Holds children and servers. `stopping` is set by SIGINT, SIGTERM and SIGHUP."""

    def __init__(self, console: Console, *, on_change: Callable[[], None]) -> None:
        self.console = console
        self.children: list[Child] = []
        self.servers: dict[str, Server] = {}
        self.env: Mapping[str, str] = {}
        self.stopping = False
        self._on_change = on_change
        self._server_deaths: dict[str, Deaths] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_out, False)
        os.set_blocking(self._wake_in, False)
        self._selector.register(self._wake_out, selectors.EVENT_READ, None)

    # --- signals ---

    def listen_to_signals(self) -> None:
        """Turn the signals that mean "stop" into `stopping`; a second one makes the stop hasty."""
        signal.set_wakeup_fd(self._wake_in, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means it
                signal.signal(number, self._told_to_stop)

    def _told_to_stop(self, number: int, frame: FrameType | None) -> None:
        if self.stopping:
            for child in self.children:
                if child.process is not None and child.process.poll() is None:
                    processes.signal_group(child.process, signal.SIGKILL)
        self.stopping = True

    # --- lives ---

    def start(self, program: Program) -> Child:
        """Start a process and keep it alive from now on."""
        child = Child(program)
        self.children.append(child)
        self._launch(child)
        return child

    def run(self, program: Program) -> int | None:
        """Run a process to its end while all others are looked after; None when told to stop meanwhile."""
        child = Child(program)
        self._launch(child)
        try:
            while not self.stopping:
                self.step()
                if not child.alive:
                    return self._bury(child)
        finally:
            self._end([child], grace=program.grace)
        return None

    def step(self) -> None:
        """Wait a moment for output and signals; then look after the dead. Raises LabError when one keeps dying."""
        self._pump(TICK)
        self.stopping |= self.console.broken
        if self.stopping:
            return
        for child in self.children:
            if child.start_at is not None:
                if time.monotonic() >= child.start_at:
                    self._launch(child)
            elif not child.alive:
                self._died(child)
        for name, server in self.servers.items():
            if not server.running:
                self._server_died(name, server)

    def _launch(self, child: Child) -> None:
        child.start_at = None
        env = {**self.env, **child.program.env}
        child.process = processes.spawn(child.program.command, stdout=subprocess.PIPE, env=env, cwd=ROOT)
        if child.process.stdout is not None:
            os.set_blocking(child.process.stdout.fileno(), False)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        self._on_change()

    def _died(self, child: Child) -> None:
        code, now = self._bury(child), time.monotonic()
        child.deaths.add(now)
        if child.deaths.recent(now) >= MAX_DEATHS:
            raise LabError(
                f"{child.name} died {MAX_DEATHS} times within {DEATHS_WINDOW:.0f} s, the last time {ended(code)}"
            )
        delay = child.deaths.delay(now)
        child.start_at = now + delay
        self.console.say(f"{child.name} {ended(code)}; starting it again in {delay:.0f} s")

    def _server_died(self, name: str, server: Server) -> None:
        deaths, now = self._server_deaths.setdefault(name, Deaths()), time.monotonic()
        deaths.add(now)
        if deaths.recent(now) >= MAX_DEATHS:
            raise LabError(f"{server.name} died {MAX_DEATHS} times within {DEATHS_WINDOW:.0f} s, see {server.log}")
        self.console.say(f"{server.name} has died; starting it again")
        server.start()
        self.console.say(f"{server.name} is back, pid {server.pid}")
        self._on_change()

    def _bury(self, child: Child) -> int:
        """Take what is left of a process that ended; returns its exit code."""
        assert child.process is not None
        code = child.process.wait()
        processes.signal_group(child.process, signal.SIGKILL)  # a worker that was killed leaves its pool behind
        processes.forget(child.process)
        if child.process.stdout is not None:
            self._read(child)
            self._close(child)
        return code

    # --- the end ---

    def stop(self) -> None:
        """Stop all processes in order; Valkey and PostgreSQL are left to the caller. Bounded by STOP_SECONDS."""
        deadline = time.monotonic() + STOP_SECONDS - SERVER_GRACE * len(self.servers) - 0.5
        for place in sorted({stopping_order(child.name) for child in self.children}):
            group = [child for child in self.children if stopping_order(child.name) == place]
            grace = max(child.program.grace for child in group)
            self._end(group, grace=max(0.1, min(grace, deadline - time.monotonic())))
        self.children.clear()

    def close(self) -> None:
        """Stop what runs and give back what the supervisor itself holds."""
        self.stop()
        self._selector.close()
        os.close(self._wake_out)
        os.close(self._wake_in)

    def _end(self, group: list[Child], *, grace: float) -> None:
        """SIGTERM to all of them, then SIGKILL to those that still live after `grace` seconds."""
        for child in group:
            child.start_at = None
            if child.process is not None and child.alive:
                with suppress(ProcessLookupError):
                    child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        while any(child.alive for child in group) and time.monotonic() < deadline:
            self._pump(0.02)
        for child in group:
            if child.process is not None and child.process.stdout is not None and not child.process.stdout.closed:
                if child.alive:
                    self.console.say(f"{child.name} does not stop by itself; killed")
                    processes.signal_group(child.process, signal.SIGKILL)
                self._bury(child)

    # --- output ---

    def _pump(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                with suppress(BlockingIOError):
                    os.read(self._wake_out, 512)
            else:
                self._read(key.data)

    def _read(self, child: Child) -> None:
        """Show what the process has written; unregister it at the end of its output."""
        stream = child.process.stdout if child.process else None
        if stream is None or stream.closed:
            return
        while True:
            try:
                data = os.read(stream.fileno(), 65536)
            except BlockingIOError:
                return
            for line in child.lines.feed(data) if data else child.lines.last():
                self.console.line(child.name, line)
            if not data:
                with suppress(KeyError):
                    self._selector.unregister(stream)
                return

    def _close(self, child: Child) -> None:
        stream = child.process.stdout if child.process else None
        if stream is not None and not stream.closed:
            with suppress(KeyError):
                self._selector.unregister(stream)
            stream.close()


def ended(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def raise_descriptor_limit() -> None:
    """Allow as many open files as the system lets us, for this process and its children: a session is a socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # macOS refuses "unlimited"
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
