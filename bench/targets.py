"""What a full run on two cores must show, and whether it did."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.figures import ratio

Results = Mapping[str, Any]
#: sessions at which the ladder's targets hold
TOP = 10_000


@dataclass(frozen=True)
class Target:
    """One figure with its bound. `bare` is the bare limit's figure for the same, where there is one."""

    name: str
    unit: str
    bound: float
    measured: Callable[[Results], float | None]
    bare: Callable[[Results], float | None] = lambda _: None
    #: whether more is better; then the bound is a share of the bare limit
    of_bare: bool = False
    #: the part of the ladder whose profile says why when it is missed
    profile: str = ""


@dataclass(frozen=True)
class Outcome:
    """A target beside what was measured."""

    target: Target
    measured: float | None
    bare: float | None

    @property
    def ratio(self) -> float | None:
        """Ours over the bare limit's."""
        return ratio(self.measured, self.bare)

    @property
    def met(self) -> bool | None:
        """Whether it was met; None when it was not measured."""
        if self.target.of_bare:
            return None if self.ratio is None else self.ratio >= self.target.bound
        return None if self.measured is None else self.measured <= self.target.bound


def dig(results: Any, *path: str | int) -> Any:
    """Return what stands below keys and places, None when anything on the way is missing."""
    for step in path:
        try:
            results = results[step]
        except (KeyError, IndexError, TypeError):
            return None
    return results


def rung(results: Results, *path: str | int) -> Any:
    """Return something of the ladder's top."""
    found = [one for one in dig(results, "ladder") or [] if one["chargers"] == TOP]
    return dig(found, 0, *path)


def _at(*path: str | int) -> Callable[[Results], float | None]:
    return lambda results: dig(results, *path)


def _top(*path: str | int) -> Callable[[Results], float | None]:
    return lambda results: rung(results, *path)


def _restarted(chargers: int, simulators: int) -> Callable[[Results], float | None]:
    def find(results: Results) -> float | None:
        found = [dig(results, name) for name in ("restart", "restart by two")]
        fitting = [one for one in found if one and (one["chargers"], one["simulators"]) == (chargers, simulators)]
        return fitting[0]["online s"] if fitting else None

    return find


def _worst_post(mark: str) -> Callable[[Results], float | None]:
    def find(results: Results) -> float | None:
        rows = dig(results, "jobs", "posts") or []
        return max((row["POST ms"][mark] for row in rows), default=None)

    return find


def _of_size(chargers: int, *path: str) -> Callable[[Results], float | None]:
    def find(results: Results) -> float | None:
        part = dig(results, *path[:-1])
        return part[path[-1]] if part and part["chargers"] == chargers else None

    return find


TARGETS = (
    Target("restart of one simulator with 2,000 chargers: all online", "s", 3, _restarted(2_000, 1)),
    Target("restart of two simulators with 10,000 chargers: all online", "s", 15, _restarted(TOP, 2)),
    Target(
        "memory a session over the empty process, 10,000 at rest",
        "KB",
        25,
        _top("ours", "memory", "KB/session"),
        _top("bare", "KB/session"),
    ),
    Target(
        "10,000 at rest, heartbeats every 60 s",
        "CPU s/min",
        4,
        _top("ours", "rest", "CPU s/min"),
        _top("bare", "rest CPU s/min"),
        profile="rest",
    ),
    Target(
        "10,000 charging, 10 s meter values, full message log",
        "CPU s/min",
        15,
        _top("ours", "charge", "all", "CPU s/min"),
        _top("bare", "charge CPU s/min"),
        profile="charge",
    ),
    Target(
        "the same without message log",
        "CPU s/min",
        11,
        _top("ours", "charge", "none", "CPU s/min"),
        _top("bare", "charge CPU s/min"),
        profile="charge",
    ),
    Target(
        "p99 of a message's own delay in the simulator, full message log",
        "ms",
        50,
        _top("ours", "charge", "all", "simulator", "delay_ms", "p99"),
        profile="charge",
    ),
    Target(
        "highest rate without message log: at least half of the bare limit",
        "exchanges/s",
        1 / 2,
        _top("ours", "flood", "none", "exchanges/s"),
        _top("bare", "exchanges/s"),
        of_bare=True,
        profile="flood",
    ),
    Target(
        "highest rate with full message log: at least a third",
        "exchanges/s",
        1 / 3,
        _top("ours", "flood", "all", "exchanges/s"),
        _top("bare", "exchanges/s"),
        of_bare=True,
        profile="flood",
    ),
    Target("POST to 202, p50, whatever the size", "ms", 50, _worst_post("p50")),
    Target("POST to 202, p95, whatever the size", "ms", 150, _worst_post("p95")),
    Target("1,000 chargers READY", "s", 3, _of_size(1_000, "jobs", "small", "READY s")),
    Target("10,000 chargers READY", "s", 25, _of_size(TOP, "jobs", "big", "READY s")),
    Target("a job of 10 while 10,000 run: READY", "s", 3, _of_size(TOP, "jobs", "big", "job of ten READY s")),
    Target("worker killed in mid-job: done", "s", 30, _at("jobs", "orphaned", "done s after")),
)


def outcomes(results: Results) -> list[Outcome]:
    """Return every target beside its figure."""
    return [Outcome(target, target.measured(results), target.bare(results)) for target in TARGETS]
