"""Measure this machine: `make bench`. Prints tables; writes JSON, tables and a picture to bench/results/.

The exit code is 0 when every part was completed, 1 when one was not (what the others found is written all the same),
and 2 when what was asked for makes no sense.
"""

import argparse
import dataclasses
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import fleets, jobs, report
from bench.books import Run
from bench.day import day
from bench.fleets import Job
from bench.ladder import ladder
from bench.orders import orders
from bench.plan import FULL, QUICK, Plan
from bench.restart import online, restarted
from bench.stack import Lab, Sink, stack, until
from bench.tables import tables

Say = Callable[[str], None]
#: a part puts what it finds into the mapping that it is given, as it finds it
Part = Callable[[Lab, Sink, Plan, dict[str, Any], Say], None]


def _ladder(lab: Lab, sink: Sink, plan: Plan, found: dict[str, Any], say: Say) -> None:
    ladder(lab, sink, plan, found.setdefault("ladder", []), say)


def _restart(lab: Lab, sink: Sink, plan: Plan, found: dict[str, Any], say: Say) -> None:
    del say
    found["restart"] = restarted(lab, sink, plan.restarted, plan.restarts)


def _restart_by_two(lab: Lab, sink: Sink, plan: Plan, found: dict[str, Any], say: Say) -> None:
    del say
    found["restart by two"] = restarted(lab, sink, plan.restarted_by_two, 1)


def _orders(lab: Lab, sink: Sink, plan: Plan, found: dict[str, Any], say: Say) -> None:
    del say
    found["orders"] = orders(lab, sink, plan.orders, plan.orders_repeat)


def _csms(lab: Lab, sink: Sink, plan: Plan, found: dict[str, Any], say: Say) -> None:
    del sink, say
    location = fleets.site(lab)
    job = Job.ask(lab, location, lab.csms_url, plan.csms)
    ready = job.wait()
    until(lambda: online(lab) >= plan.csms, "all are online at the built-in CSMS", seconds=fleets.PATIENCE)
    found["csms"] = {"chargers": plan.csms, "READY s": ready, "online s": time.monotonic() - job.begun}
    fleets.remove(lab, location)
    until(lambda: online(lab) == 0, "all have left the built-in CSMS", seconds=fleets.PATIENCE)


def _jobs(lab: Lab, sink: Sink, plan: Plan, found: dict[str, Any], say: Say) -> None:
    rows = found.setdefault("jobs", {})
    for name, measure in (("posts", jobs.posts), ("small", jobs.small), ("orphaned", jobs.orphaned), ("big", jobs.big)):
        say(f"jobs: {name}")
        rows[name] = measure(lab, sink, plan)


def _books(lab: Lab, sink: Sink, plan: Plan, found: dict[str, Any], say: Say) -> None:
    del sink, say
    books = Run(lab, plan.books, plan.seed, plan.books_pause).run()
    found["books"] = books.row()
    found["complaints"] = books.result["complaints"][:20]


#: parts that share a lab, by the number of its simulators
PARTS: dict[int, dict[str, Part]] = {
    1: {"ladder": _ladder, "restart": _restart, "orders": _orders, "csms": _csms},
    2: {"jobs": _jobs, "restart-by-two": _restart_by_two, "books": _books},
}
NAMES = ("day", *(name for parts in PARTS.values() for name in parts))


class Suite:
    """Runs parts, and keeps what they found whatever becomes of the others."""

    def __init__(self, plan: Plan, wanted: list[str], folder: Path) -> None:
        self.plan, self.wanted, self.folder = plan, wanted, folder
        self.failures: list[str] = []
        self.results: dict[str, Any] = {"machine": report.machine(), "plan": dataclasses.asdict(plan)}
        self.results["failures"] = self.failures
        self._begun = time.monotonic()

    def say(self, what: str) -> None:
        """Tell the person who waits."""
        print(f"{time.monotonic() - self._begun:6.0f} s  {what}", flush=True)

    def run(self) -> dict[str, Any]:
        """Run all parts that are wanted. After a failure the rest gets a new lab."""
        if "day" in self.wanted:
            self.say("day")
            self.results["day"] = day(5)
        for simulators, parts in PARTS.items():
            left = [(name, part) for name, part in parts.items() if name in self.wanted]
            while left:
                self._run_some(simulators, left)
        self.results["seconds"] = round(time.monotonic() - self._begun)
        return self.results

    def _run_one(self, name: str, part: Part, lab: Lab, sink: Sink) -> None:
        """Run a part; when it fails, keep what the lab has said, which is gone with its folder."""
        try:
            part(lab, sink, self.plan, self.results, self.say)
        except Exception:  # raised again; whatever it was, the lab's own words would be gone with its folder
            self.folder.mkdir(exist_ok=True, parents=True)
            log = self.folder / f"{name}-{time.strftime('%H-%M-%S')}.log"
            shutil.copy(lab.log, log)
            self.say(f"what the lab said is in {log}")
            raise

    def _run_some(self, simulators: int, left: list[tuple[str, Part]]) -> None:
        """Take parts from `left` and run them in one lab until one fails."""
        name = "a lab"
        try:
            self.say(f"a lab with {simulators} simulator process{'es' if simulators > 1 else ''} and a sink")
            with stack(simulators, interval=self.plan.heartbeat) as (lab, sink):
                while left:
                    name, part = left.pop(0)
                    self.say(name)
                    self._run_one(name, part, lab, sink)
        except Exception as error:  # noqa: BLE001 - one part must not cost the results of the others
            if name == "a lab":
                name = " and ".join(one for one, _ in left)
                left.clear()
            last = traceback.extract_tb(error.__traceback__)[-1]
            self.failures.append(
                f"{name}: {error or type(error).__name__} ({last.filename.rpartition('/')[2]}:{last.lineno})"
            )
            self.say(f"FAILED {self.failures[-1]}")


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small and short, to see that everything works")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES), help="these parts")
    parser.add_argument("--sizes", nargs="+", type=int, help="numbers of chargers of the ladder")
    parser.add_argument("--seed", type=int, default=1, help="of the comparison of books (%(default)s)")
    parser.add_argument("--publish", action="store_true", help="write docs/performance.md, too: for full runs")
    parser.add_argument("--results", type=Path, default=report.FOLDER, help="where the run is written (%(default)s)")
    wanted = parser.parse_args()
    if wanted.publish and (wanted.quick or wanted.sizes or set(wanted.only) != set(NAMES)):
        parser.error("only a full run is published: leave out --quick, --sizes and --only")
    return wanted


def main() -> int:
    """Measure, print, write."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the processes of the lab are stopped, too
    wanted = options()
    plan = dataclasses.replace(QUICK if wanted.quick else FULL, seed=wanted.seed)
    if wanted.sizes:
        plan = dataclasses.replace(plan, sizes=tuple(wanted.sizes))
    results = Suite(plan, wanted.only, wanted.results).run()
    print("\n" + "\n\n".join(table.text() for table in tables(results)))
    path = report.write(results, wanted.results)
    if wanted.publish:
        report.publish(results)
    used = report.noise(results)
    if used is not None and used > report.NOISE:
        print(f"\nOther programs used {used:.2f} cores: these figures are no measurement of this machine.")
    if plan.quick:
        print("\nA quick run shows that everything works; its figures mean little.")
    print(f"\n{results['seconds']} s; written to {path}")
    for line in results["failures"]:
        print(f"FAILED {line}", file=sys.stderr)
    return 1 if results["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
