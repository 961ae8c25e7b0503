"""Real processes of the lab (web, worker, beat, simulator) against the database of the running test.

    def test_something(processes):
        worker = processes.worker()
        web = processes.web(CSMS_ENABLED="1")
        httpx.get(f"{web.url}/health")
        worker.kill()          # kill -9, the whole group
        worker.start()         # the same command again

Everything is stopped at the end of the test, before the tables are emptied, and the ends of the logs are part of the
report of a failed test. Keyword arguments are environment variables. The fixture brings `transactional_db`, because
another process sees only what is committed, and starts with an empty broker.
"""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis
from django.conf import settings
from django.db import connections

from ocpplab import processes as supervision
from ocpplab.embedded import free_port
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parent.parent.parent
START_TIMEOUT = 40.0  # seconds; the machine may be busy
LOG_TAIL = 6000  # characters of each log in the report of a failed test


def database_url(alias: str = "default") -> str:
    """Return the address of the test database as DATABASE_URL spells it."""
    where = connections[alias].settings_dict
    user, password = quote(where["USER"], safe=""), quote(where["PASSWORD"], safe="")
    host = where["HOST"]
    if host.startswith("/"):
        return f"postgresql://{user}:{password}@/{where['NAME']}?host={quote(host, safe='/')}&port={where['PORT']}"
    return f"postgresql://{user}:{password}@{host}:{where['PORT']}/{where['NAME']}"


class Process:
    """One process: start, stop, kill, pause; its output goes to a file that all of its lives share."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: dict[str, str],
        ready: Callable[["Process"], bool],
        url: str = "",
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = env
        self.url = url
        self._ready = ready
        self._life_began = 0
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._child is not None, f"{self.name} was not started"
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def returncode(self) -> int | None:
        return None if self._child is None else self._child.poll()

    def start(self, *, wait: bool = True) -> "Process":
        """Start it (again) and wait until it is ready."""
        assert not self.alive, f"{self.name} runs already"
        self._life_began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            self._child = supervision.spawn(self.command, stdout=output, env=self.env, cwd=ROOT)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        def probe() -> bool:
            if not self.alive:
                raise AssertionError(f"{self.name} ended with {self.returncode}:\n{self.text()[-LOG_TAIL:]}")
            return self._ready(self)

        try:
            eventually(probe, timeout=START_TIMEOUT, what=f"{self.name} is ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text()[-LOG_TAIL:]}") from None

    def text(self, *, life: bool = True) -> str:
        """Return what it printed, in this life or in all of them."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[self._life_began if life else 0 :].decode(errors="replace")

    def stop(self, *, grace: float = 15.0) -> int:
        """SIGTERM, SIGKILL after `grace` seconds; return the exit code."""
        assert self._child is not None
        self.signal(signal.SIGCONT)  # a paused process could not obey
        return supervision.stop(self._child, grace=grace)

    def kill(self) -> None:
        """kill -9 of the whole group (a worker's pool too), and wait until it is gone."""
        assert self._child is not None
        supervision.signal_group(self._child, signal.SIGKILL)
        self._child.wait()
        supervision.forget(self._child)

    def signal(self, number: signal.Signals) -> None:
        """Signal the whole group: SIGSTOP pauses it, SIGCONT lets it go on."""
        assert self._child is not None
        supervision.signal_group(self._child, number)


def _says(pattern: str) -> Callable[[Process], bool]:
    return lambda process: re.search(pattern, process.text()) is not None


def _answers(process: Process) -> bool:
    try:
        with urllib.request.urlopen(f"{process.url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


class Processes:
    """Starts processes; `stop_all` ends them in the reverse order."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.env = env
        self.prefix: Sequence[str] = ()  #: what runs the commands, as a shell that says where their output goes
        self.started: list[Process] = []

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        ready: Callable[[Process], bool],
        url: str = "",
        wait: bool = True,
        **env: str,
    ) -> Process:
        """Start any command; `ready` says when it may be used."""
        command = [*self.prefix, *command]
        process = Process(name, command, log=self.folder / f"{name}.log", env={**self.env, **env}, ready=ready, url=url)
        self.started.append(process)
        return process.start(wait=wait)

    def worker(self, *arguments: str, name: str = "worker", wait: bool = True, **env: str) -> Process:
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "ocpplab", "worker", "--loglevel", "INFO"]
        command += ["--hostname", f"{name}@test", *(arguments or ["--concurrency", "2"])]
        return self.run(name, command, ready=_says(r"\bready\b"), wait=wait, **env)

    def beat(self, *, name: str = "beat", wait: bool = True, **env: str) -> Process:
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "ocpplab", "beat", "--loglevel", "INFO"]
        command += ["--schedule", str(self.folder / f"{name}-schedule"), "--pidfile", ""]
        return self.run(name, command, ready=_says(r"beat: Starting"), wait=wait, **env)

    def simulator(self, *arguments: str, name: str = "simulator-1", wait: bool = True, **env: str) -> Process:
        command = [sys.executable, "manage.py", "run_simulator", "--name", name, *arguments]
        return self.run(name, command, ready=_says(r"\bready\b"), wait=wait, **env)

    def web(self, *arguments: str, name: str = "web", wait: bool = True, **env: str) -> Process:
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "ocpplab.asgi:application", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--no-access-log", "--loop", "uvloop", *arguments]
        return self.run(name, command, ready=_answers, url=f"http://127.0.0.1:{port}", wait=wait, **env)

    def stop_all(self) -> None:
        for process in reversed(self.started):
            if process.alive:
                process.stop()


@pytest.fixture
def processes(transactional_db: None, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Processes]:
    """Real processes against this test's database and an empty broker."""
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        broker.flushall()
    env = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "DJANGO_SETTINGS_MODULE": "ocpplab.settings",
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
    }
    running = Processes(tmp_path, env)
    request.node.stash[_RUNNING] = running
    yield running
    running.stop_all()


_RUNNING: pytest.StashKey[Processes] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Iterator[Any]:
    """Put the ends of the logs into the report of a failed test."""
    report = yield
    running = item.stash.get(_RUNNING, None)
    if report.failed and running is not None:
        for process in running.started:
            report.sections.append((f"log of {process.name}", process.text(life=False)[-LOG_TAIL:]))
    return report
