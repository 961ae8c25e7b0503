"""Who used the processor between two moments."""

import contextlib
import os
import time
from collections.abc import Mapping
from typing import Any

import psutil

OTHERS, BENCH = "other programs", "bench"
#: share of a core from which a process, and of the machine from which all of it, counts as the limit
FULL_CORE, FULL_MACHINE = 0.85, 0.92


class Clock:
    """CPU seconds of named processes with all of their children; `bench` is this process, without children."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self.started = time.monotonic()
        self._machine = busy_seconds()
        self._own = time.process_time()
        self._cpu = {name: cpu_seconds(pid) for name, pid in self._pids.items()}

    @property
    def wall(self) -> float:
        """Seconds since the start."""
        return max(time.monotonic() - self.started, 1e-9)

    def seconds(self) -> dict[str, float]:
        """Return the CPU seconds of each since the start."""
        return {name: round(cpu_seconds(pid) - self._cpu[name], 3) for name, pid in self._pids.items()}

    def spent(self, kind: str) -> float:
        """Return the CPU seconds of all processes whose name begins so."""
        return sum(seconds for name, seconds in self.seconds().items() if name.startswith(kind))

    def total(self) -> float:
        """Return the CPU seconds of all processes in their whole lives."""
        return sum(cpu_seconds(pid) for pid in self._pids.values())

    def busiest(self) -> str:
        """Name those that used the processor most since the start."""
        return busiest(self.usage()["cores"])

    def usage(self) -> dict[str, Any]:
        """Return how many cores each used on average, what other programs did, and what was the limit."""
        wall = self.wall
        shares = {name: round(seconds / wall, 3) for name, seconds in self.seconds().items()}
        shares[BENCH] = round((time.process_time() - self._own) / wall, 3)
        machine = (busy_seconds() - self._machine) / wall
        shares[OTHERS] = round(max(machine - sum(shares.values()), 0.0), 3)
        return {"seconds": round(wall, 2), "cores": shares, "limit": limit(shares, psutil.cpu_count() or 1)}


def limit(shares: Mapping[str, float], cores: int) -> str:
    """Name what a faster machine would have to speed up first."""
    own = {name: share for name, share in shares.items() if name != OTHERS}
    busiest = max(own, key=lambda name: own[name])
    if own[busiest] >= FULL_CORE:
        return busiest
    return "the machine" if sum(shares.values()) >= FULL_MACHINE * cores else "nothing"


def busiest(cores: Mapping[str, float], count: int = 4) -> str:
    """Name those that used the processor most, with the cores that they used."""
    ordered = sorted(cores, key=lambda name: -cores[name])
    return ", ".join(f"{name} {cores[name]:.2f}" for name in ordered[:count])


def busy_seconds() -> float:
    """Return the CPU time of the whole machine."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its living children, 0 when it is gone."""
    total = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        for process in (top, *(top.children(recursive=True) if pid != os.getpid() else ())):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
    return total
