"""The processes of a measurement: a lab of its own in a temporary folder, and sinks beside it."""

import contextlib
import copy
import http.client
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from ocpplab import processes
from ocpplab.embedded import free_port

OTHERS = "others"
ROOT = Path(__file__).resolve().parent.parent


class Clock:
    """CPU seconds of named processes with all of their children, between two moments."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._wall = time.monotonic()
        self._machine = busy_seconds()
        self._cpu = {name: cpu_seconds(pid) for name, pid in pids.items()}

    def shares(self) -> dict[str, float]:
        """Return how many cores each process used on average since the start, and `others` what is not ours."""
        wall = max(time.monotonic() - self._wall, 1e-9)
        shares = {name: round((cpu_seconds(pid) - self._cpu[name]) / wall, 2) for name, pid in self._pids.items()}
        machine = (busy_seconds() - self._machine) / wall
        return {**shares, OTHERS: round(max(machine - sum(shares.values()), 0.0), 2)}


def busy_seconds() -> float:
    """Return the CPU time of the whole machine."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its living children."""
    total = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
    return total


def bottleneck(shares: dict[str, float]) -> str:
    """Name what a faster machine would have to speed up first."""
    name, share = max(((name, share) for name, share in shares.items() if name != OTHERS), key=lambda item: item[1])
    used, cores = sum(shares.values()), psutil.cpu_count() or 1
    about = f"{used:.2f} of {cores} cores; most by {name}, {share:.2f}; other programs {shares[OTHERS]:.2f}"
    if share >= 0.85:
        return f"{name} ({about})"
    return f"the machine ({about})" if used >= 0.9 * cores else f"no process ({about})"


class Sink:
    """A sink process."""

    def __init__(self, interval: int) -> None:
        self.port = free_port()
        self.ws_url = f"ws://127.0.0.1:{self.port}/ocpp"
        command = [sys.executable, "-m", "bench.sink", "--port", str(self.port), "--interval", str(interval)]
        self.process = processes.spawn(command, stdout=subprocess.DEVNULL, cwd=ROOT)
        until(lambda: self.stats() is not None, "the sink answers", seconds=20)

    def stats(self) -> dict[str, int] | None:
        """Return the counters, None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=10) as answer:
                counters: dict[str, int] = json.load(answer)
                return counters
        except OSError:
            return None

    def count(self, name: str) -> int:
        """Return one counter."""
        return (self.stats() or {}).get(name, 0)


class Lab:
    """A lab without a fleet, and a connection to its API that is kept open."""

    def __init__(self, folder: Path, simulators: int) -> None:
        self._ready = ready = folder / "ready.json"
        self._env_file = folder / "data" / "env"
        self.log = folder / "lab.log"
        command = [sys.executable, "manage.py", "lab", "--fleet", "0", "--port", "0", "--simulators", str(simulators)]
        command += ["--data-dir", str(folder / "data"), "--ready-file", str(ready)]
        with self.log.open("wb") as log:
            self.process = processes.spawn(command, stdout=log, cwd=ROOT)
        until(ready.exists, "the lab is ready", seconds=120, alive=self.process)
        facts = json.loads(ready.read_text())
        self.url: str = facts["url"]
        self.csms_url: str = facts["csms_url"]
        self.pids: dict[str, int] = facts["pids"]
        self._headers = {"Authorization": f"Bearer {facts['token']}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=300)

    @property
    def simulators(self) -> list[int]:
        """The process numbers of the simulators."""
        return [pid for name, pid in self.pids.items() if name.startswith("simulator")]

    def twin(self) -> "Lab":
        """Return the same lab with a connection of its own, for another thread."""
        other = copy.copy(self)
        other._connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=300)
        return other

    def kill(self, name: str) -> None:
        """SIGKILL for one of the lab's processes, which starts it again after a second or two."""
        pids: dict[str, int] = json.loads(self._ready.read_text())["pids"]
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pids[name]).kill()

    def manage(self, *arguments: str) -> str:
        """Run manage.py on this lab and return what it printed, whatever its exit code is."""
        pairs = (line.split("=", 1) for line in self._env_file.read_text().splitlines())
        env = {**os.environ, **{name: shlex.split(value)[0] for name, value in pairs}}
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], env=env, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode not in {0, 1} or not done.stdout:
            raise SystemExit(f"manage.py {' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout

    def rss(self) -> int:
        """Return the resident memory of all simulators in bytes."""
        return sum(psutil.Process(pid).memory_info().rss for pid in self.simulators)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the decoded answer of the API."""
        data = None if body is None else json.dumps(body).encode()
        for last in (False, True):
            try:
                self._connection.request(method, path, body=data, headers=self._headers)
                answer = self._connection.getresponse()
                text = answer.read()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError):  # kept open for too long
                self._connection.close()
                if last:
                    raise
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {text.decode()[:500]}\nsee {self.log}")
        return json.loads(text) if text else None


@contextlib.contextmanager
def stack(simulators: int) -> Iterator[tuple[Lab, Sink, Sink]]:
    """Run a lab, a sink with quiet chargers and a sink that wants a heartbeat every second."""
    with tempfile.TemporaryDirectory(prefix="ocpplab-bench-") as name:
        started: list[subprocess.Popen[bytes]] = []
        try:
            quiet, busy = Sink(interval=3600), Sink(interval=1)
            started += [quiet.process, busy.process]
            lab = Lab(Path(name), simulators)
            started.append(lab.process)
            yield lab, quiet, busy
        finally:
            for process in reversed(started):
                processes.stop(process, grace=15)


POLL_SECONDS = 0.25
"""Between two looks. Clients are asked to poll every 1 to 2 s; looking all the time would measure the looking."""


def until(check: Any, what: str, *, seconds: float, alive: subprocess.Popen[bytes] | None = None) -> float:
    """Wait until `check` is true and return how long that took; end the program when it takes too long."""
    started = time.monotonic()
    while not check():
        if time.monotonic() - started > seconds or (alive is not None and alive.poll() is not None):
            raise SystemExit(f"gave up waiting: {what}")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - started
