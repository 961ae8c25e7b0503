"""The supervisor over small real processes. Nothing here needs a server."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ocpplab.lab import supervisor as module
from ocpplab.lab.console import Console
from ocpplab.lab.errors import LabError
from ocpplab.lab.plan import Program
from ocpplab.lab.supervisor import Deaths, Supervisor
from tests.support.waiting import eventually

SLEEP = "import time; print('up', flush=True); time.sleep(100)"


def program(code: str, *, name: str = "web", grace: float = 3) -> Program:
    return Program(name, (sys.executable, "-c", code), grace=grace)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def supervisor(log):
    with log.open("wb") as stream:
        supervisor = Supervisor(Console(stream.fileno()), on_change=lambda: None)
        supervisor.env = dict(os.environ)
        yield supervisor
        supervisor.close()


def step_until(supervisor: Supervisor, check, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come"
        supervisor.step()


def test_it_shows_what_its_processes_say(supervisor, log):
    supervisor.start(program("import sys; print('one'); print('two', file=sys.stderr); " + SLEEP))
    step_until(supervisor, lambda: b"up" in log.read_bytes())
    assert b"web         | two\n" in log.read_bytes()


def test_it_starts_a_dead_process_again_after_a_moment_and_says_so(supervisor, log):
    child = supervisor.start(program(SLEEP))
    step_until(supervisor, lambda: b"up" in log.read_bytes())
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    died = time.monotonic()
    step_until(supervisor, lambda: child.alive and child.process.pid != first)
    assert 0.9 < time.monotonic() - died < 3
    assert b"web was ended by SIGKILL; starting it again in 1 s" in log.read_bytes()


def test_it_waits_longer_from_death_to_death_and_forgets_old_ones():
    deaths = Deaths()
    delays = []
    for now in (0.0, 1.0, 3.0, 7.0):
        deaths.add(now)
        delays.append(deaths.delay(now))
    assert delays == [1, 2, 4, 8]
    deaths.add(100.0)
    assert deaths.delay(100.0) == 1


def test_it_gives_up_on_a_process_that_keeps_dying(supervisor, log, monkeypatch):
    monkeypatch.setattr(Deaths, "delay", lambda self, now: 0.01)
    supervisor.start(program("raise SystemExit('no way')"))
    with pytest.raises(LabError, match="web died 5 times within 60 s, the last time ended with exit code 1"):
        step_until(supervisor, lambda: False)
    assert log.read_bytes().count(b"no way") == 5


def test_it_kills_what_a_dead_process_left_behind(supervisor, tmp_path):
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, pathlib, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)']);"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid)); time.sleep(100)"
    )
    child = supervisor.start(program(code))
    step_until(supervisor, lambda: note.exists() and note.read_text())
    os.kill(child.process.pid, signal.SIGKILL)
    step_until(supervisor, lambda: not alive(int(note.read_text())))


def test_it_stops_in_order_and_kills_who_does_not_obey(supervisor, log):
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    polite = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit())); "
    for name, code in (("web", polite), ("simulator", polite), ("worker", deaf), ("beat", polite)):
        supervisor.start(program(code + SLEEP, name=name, grace=0.5))
    step_until(supervisor, lambda: log.read_bytes().count(b"up") == 4)
    children = list(supervisor.children)
    supervisor.stop()
    lines = [line for line in log.read_text().splitlines() if not line.endswith("up")]
    assert lines == [
        "beat        | bye",
        "lab         | worker does not stop by itself; killed",
        "simulator   | bye",
        "web         | bye",
    ]
    assert not any(alive(child.process.pid) for child in children)


def test_it_never_takes_longer_than_promised_to_stop(supervisor, log, monkeypatch):
    monkeypatch.setattr(module, "STOP_SECONDS", 2.0)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
    for name in ("beat", "worker", "simulator-1", "simulator-2", "web"):
        supervisor.start(program(deaf, name=name, grace=30))
    step_until(supervisor, lambda: log.read_bytes().count(b"up") == 5)
    started = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - started < 3


def test_it_runs_a_step_to_its_end_and_hands_back_its_code(supervisor, log):
    assert supervisor.run(program("raise SystemExit(3)", name="prepare")) == 3
    assert supervisor.run(program("print('done', end='')", name="prepare")) == 0
    assert b"prepare     | done\n" in log.read_bytes()


def test_it_cuts_a_step_short_when_told_to_stop(supervisor):
    supervisor.stopping = True
    assert supervisor.run(program(SLEEP, name="prepare")) is None


def test_it_survives_a_process_that_says_far_too_much(supervisor, log):
    code = "import sys; sys.stdout.write('x' * 3_000_000); sys.stdout.flush(); print('end'); " + SLEEP
    supervisor.start(program(code))
    step_until(supervisor, lambda: b"up" in log.read_bytes())
    assert log.read_bytes().count(b"x") == 3_000_000


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path):
    folder = tmp_path / "marks"
    folder.mkdir()
    child = (
        "import os, pathlib, signal, subprocess, sys, time;"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN) if sys.argv[1] == 'deaf' else None;"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)']);"
        "pathlib.Path(sys.argv[2], sys.argv[1]).write_text(str(os.getpid()));"
        "time.sleep(100)"
    )
    code = (
        "import subprocess, sys, time; from ocpplab.processes import spawn;"
        f"[spawn([sys.executable, '-c', {child!r}, name, {str(folder)!r}], stdout=subprocess.DEVNULL)"
        " for name in ('polite', 'deaf')]; time.sleep(100)"
    )
    root = Path(module.ROOT)
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=root)
    try:
        eventually(lambda: len(list(folder.iterdir())) == 2, timeout=20, what="both are up")
        pids = [int(path.read_text()) for path in folder.iterdir()]
        family = [grand.pid for pid in pids for grand in (psutil.Process(pid), *psutil.Process(pid).children())]
        assert len(family) == 4
    finally:
        parent.kill()
        parent.wait()
    eventually(lambda: not any(alive(pid) for pid in family), timeout=15, what="all of them are gone")


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
