"""What the two embedded servers have in common: a folder, a port, a log, a process that comes and goes."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from ocpplab import processes

START_SECONDS = 60.0
"""How long a server may take to answer: PostgreSQL replays its log after a crash."""
LOG_BYTES = 5_000_000
"""A log longer than this is begun anew at the next start."""
FIRST_PORT, PORT_TRIES = 10_000, 50
"""Where free ports are looked for, up to those of outgoing connections, and how often before any will do."""


class EmbeddedError(Exception):
    """A server cannot run here. The message is one line for the user."""


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that nobody listens on at this moment, and that no outgoing connection gets by itself.

    One of those that the system gives to outgoing connections may be gone when a server that died is started again on
    it: a fleet that dials anew at the same moment takes thousands.
    """
    dice = random.SystemRandom()  # many may look at once, and tests turn the common dice back
    for _ in range(PORT_TRIES):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
            port = dice.randrange(FIRST_PORT, _first_outgoing_port())
            probe.bind((host, port))
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        number: int = probe.getsockname()[1]
        return number


def _first_outgoing_port() -> int:
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        return 32_768
    return max(first, FIRST_PORT + 1)


def works_in(pid: int, folder: Path) -> bool:
    """Is this process alive with `folder` as its working directory? Both servers go to their data; Linux only."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder
    except OSError:
        return False


class Server(ABC):
    """One server process over one data folder. `start` and `stop` may be called again and again, on the same port."""

    name: str
    stop_signal: signal.Signals
    hasty_signal: signal.Signals
    """For who did not obey in time, a moment before SIGKILL."""

    def __init__(self, folder: Path, *, port: int | None, password: str, durable: bool) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.password = password
        self.durable = durable
        self.log = folder.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The number of the process that was started last, None before the first start."""
        return self.process.pid if self.process else None

    @property
    def running(self) -> bool:
        """Whether the process lives (it may not answer yet)."""
        return self.process is not None and self.process.poll() is None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect, with the password."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the data folder ready for a start; may be called again."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return the program and its arguments."""

    @abstractmethod
    def answers(self) -> bool:
        """Ask the server whether it serves requests."""

    @abstractmethod
    def pid_file(self) -> Path:
        """Where the server itself writes its process number, in the first line."""

    def start(self) -> None:
        """Start the server and return when it answers.

        Raises EmbeddedError with the end of its log when it does not.
        """
        if self.running:
            return
        self.end_leftover()
        self.prepare()
        deadline = time.monotonic() + START_SECONDS
        self._launch()
        while not self.answers():
            if time.monotonic() > deadline:
                self.stop()
                raise EmbeddedError(f"{self.name} did not answer within {START_SECONDS:.0f} s. {self._last_words()}")
            if not self.running:
                self._forget()
                if not self._passing_failure() or time.monotonic() > deadline - START_SECONDS + 10:
                    raise EmbeddedError(f"{self.name} does not start. {self._last_words()}")
                time.sleep(0.2)
                self._launch()
            time.sleep(0.02)

    def stop(self, *, grace: float = 5.0) -> None:
        """Stop the server cleanly; by force after `grace` seconds."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(self.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace)
        processes.stop(self.process, number=self.hasty_signal, grace=1)
        self.process = None

    def kill(self) -> None:
        """Take the process away like kill -9 does, for tests of what survives."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self._forget()

    def end_leftover(self) -> None:
        """Stop a server of an earlier run that still works on this folder; take away a file that names a dead one."""
        try:
            pid = int(self.pid_file().read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        deadline = time.monotonic() + 5
        while works_in(pid, self.folder):
            late = time.monotonic() > deadline
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if late else self.stop_signal)
            time.sleep(0.1)
        if Path("/proc/self/cwd").exists():  # elsewhere we cannot know, and the server judges by itself
            self.pid_file().unlink(missing_ok=True)

    def _launch(self) -> None:
        too_long = self.log.exists() and self.log.stat().st_size > LOG_BYTES
        with self.log.open("wb" if too_long else "ab") as log:
            self.process = processes.spawn(self.command(), stdout=log, cwd=Path("/"), stop_signal=self.stop_signal)

    def _forget(self) -> None:
        if self.process is not None:
            processes.forget(self.process)
            self.process = None

    def _passing_failure(self) -> bool:
        """Whether another try may work: the children of a killed PostgreSQL need a moment to notice."""
        return "still in use" in self._last_words()

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-3:]
        except OSError:
            lines = []
        return f"The end of {self.log}: " + " / ".join(line.strip() for line in lines)
