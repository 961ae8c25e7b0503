"""The processes of a measurement: a lab of its own in a temporary folder, and a sink beside it."""

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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from bench.gauges import Gauges, read
from ocpplab import processes
from ocpplab.embedded import free_port

ROOT = Path(__file__).resolve().parent.parent
POLL_SECONDS = 0.25
"""Between two looks. Clients are asked to poll every 1 to 2 s; looking all the time would measure the looking."""


class Failed(Exception):
    """A scenario cannot be completed; the text says why, for a person."""


class Sink:
    """A sink process."""

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self.port = free_port()
        self.ws_url = f"ws://127.0.0.1:{self.port}/ocpp"
        command = [sys.executable, "-m", "bench.sink", "--port", str(self.port), "--interval", str(interval)]
        self.process = processes.spawn(command, stdout=subprocess.DEVNULL, cwd=ROOT)
        until(lambda: self.ask("stats", patient=True), "the sink answers", seconds=20, alive=self.process)

    def ask(self, what: str, *, patient: bool = False, **query: object) -> dict[str, Any] | None:
        """Ask for something (`bench.sink`); None while it does not answer, if `patient`. Raises Failed otherwise."""
        words = "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{what}?{words}", timeout=30) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except OSError as error:
            if patient:
                return None
            raise Failed(f"the sink does not answer: {error}") from error

    @property
    def stats(self) -> dict[str, Any]:
        """The counters."""
        return self.ask("stats") or {}

    def count(self, name: str) -> int:
        """Return one counter."""
        return int(self.stats[name])


class Lab:
    """A lab without a fleet, and a connection to its API that is kept open."""

    def __init__(self, folder: Path, simulators: int, env: dict[str, str]) -> None:
        self._ready = ready = folder / "ready.json"
        self._env_file = folder / "data" / "env"
        self.log = folder / "lab.log"
        command = [sys.executable, "manage.py", "lab", "--fleet", "0", "--port", "0", "--simulators", str(simulators)]
        command += ["--data-dir", str(folder / "data"), "--ready-file", str(ready)]
        with self.log.open("wb") as log:
            self.process = processes.spawn(command, stdout=log, cwd=ROOT, env={**os.environ, **env})
        until(ready.exists, "the lab is ready", seconds=120, alive=self.process, log=self.log)
        facts = self.facts
        self.url: str = facts["url"]
        self.csms_url: str = facts["csms_url"]
        self._headers = {"Authorization": f"Bearer {facts['token']}", "Content-Type": "application/json"}
        self._connection = self._connected()

    @property
    def facts(self) -> dict[str, Any]:
        """What the lab says of itself now: a process that was started again has another number."""
        found: dict[str, Any] = json.loads(self._ready.read_text())
        return found

    @property
    def pids(self) -> dict[str, int]:
        """The numbers of the processes by name, that of the lab itself included."""
        pids: dict[str, int] = self.facts["pids"]
        return pids

    @property
    def simulators(self) -> dict[str, int]:
        """The numbers of those simulators that run now."""
        return {name: pid for name, pid in self.pids.items() if name.startswith("simulator")}

    def _connected(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=300)

    def twin(self) -> "Lab":
        """Return the same lab with a connection of its own, for another thread."""
        other = copy.copy(self)
        other._connection = self._connected()
        return other

    def kill(self, name: str) -> None:
        """SIGKILL for one of the lab's processes, which starts it again after a second or two."""
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(self.pids[name]).kill()

    def renewed(self, before: dict[str, int], seconds: float = 60) -> dict[str, int]:
        """Wait until each process of `before` runs anew, and return their numbers."""

        def probe() -> dict[str, int] | None:
            now = self.pids
            found = {name: now[name] for name in before if now.get(name, before[name]) != before[name]}
            return found if len(found) == len(before) else None

        return until(probe, f"{', '.join(before)} run again", seconds=seconds)

    def fresh(self) -> None:
        """Start the simulators anew, so that each measurement of memory begins with an empty process."""
        before = self.simulators
        for name in before:
            self.kill(name)
        self.renewed(before)
        self.joined()

    def joined(self) -> None:
        """Wait until every simulator has said that it is a host now."""
        wanted = [f"ready, pid {pid}" for pid in self.simulators.values()]
        until(lambda: all(word in self.log.read_text() for word in wanted), "the simulators have joined", seconds=60)

    def manage(self, *arguments: str) -> str:
        """Run manage.py on this lab and return what it printed, whatever its exit code is."""
        pairs = (line.split("=", 1) for line in self._env_file.read_text().splitlines())
        env = {**os.environ, **{name: shlex.split(value)[0] for name, value in pairs}}
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], env=env, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode not in {0, 1} or not done.stdout:
            raise Failed(f"manage.py {' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout

    def rss(self) -> int:
        """Return the resident memory of all simulators in bytes."""
        return sum(psutil.Process(pid).memory_info().rss for pid in self.simulators.values())

    def gauges(self) -> Gauges:
        """Return the metrics of all simulators, added up."""
        urls: dict[str, str] = self.facts.get("metrics", {})
        return read(url for name, url in urls.items() if name.startswith("simulator"))

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the decoded answer of the API. Raises Failed for a refusal and OSError when web is away."""
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
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()  # or it would refuse the next request
                raise ConnectionError(f"{method} {path}: {error or type(error).__name__}") from error
        if answer.status >= 400:
            raise Failed(f"{method} {path}: {answer.status} {text.decode()[:500]}")
        return json.loads(text) if text else None


@contextlib.contextmanager
def stack(simulators: int, *, interval: int, **env: str) -> Iterator[tuple[Lab, Sink]]:
    """Run a lab and a sink that wants a heartbeat every `interval` seconds; `env` is set for the lab."""
    with tempfile.TemporaryDirectory(prefix="ocpplab-bench-") as name:
        started: list[subprocess.Popen[bytes]] = []
        try:
            sink = Sink(interval)
            started.append(sink.process)
            lab = Lab(Path(name), simulators, env)
            started.append(lab.process)
            yield lab, sink
        finally:
            for process in reversed(started):
                processes.stop(process, grace=15)


def until(
    check: Callable[[], Any],
    what: str,
    *,
    seconds: float,
    alive: subprocess.Popen[bytes] | None = None,
    log: Path | None = None,
) -> Any:
    """Ask until the answer is true and return it. Raises Failed when it takes too long or `alive` has ended."""
    started = time.monotonic()
    while not (answer := check()):
        ended = alive is not None and alive.poll() is not None
        if ended or time.monotonic() - started > seconds:
            last = "" if log is None else f"\n{log.read_text(errors='replace')[-2000:]}"
            raise Failed(f"{'it ended before' if ended else f'not within {seconds:.0f} s'}: {what}{last}")
        time.sleep(POLL_SECONDS)
    return answer
