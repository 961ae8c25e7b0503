"""Measure a lab on this machine: `make bench`. Prints a table and writes bench/results/*.json."""

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from bench.books import Run
from bench.day import day
from bench.orders import orders
from bench.rounds import Bench
from bench.stack import ROOT, stack

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Describe the hardware and the software under it."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    return {
        "cpu": model,
        "cores": psutil.cpu_count(),
        "memory GB": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "revision": revision.stdout.strip() or "unknown",
        "load before": round(psutil.getloadavg()[0], 2),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return rows as aligned columns."""
    names = list(rows[0])
    cells = [names, *([("-" if row[name] is None else str(row[name])) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chargers", type=int, nargs="*", default=[1000, 10_000], help="sizes of fleets (%(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="rounds for each size; medians are shown (%(default)s)")
    parser.add_argument("--targets", nargs="+", choices=["sink", "csms"], default=["sink", "csms"])
    parser.add_argument("--simulators", type=int, default=1, help="simulator processes (%(default)s)")
    parser.add_argument("--messages", type=int, default=5000, help="chargers of the message round, 0 for none")
    parser.add_argument("--orders", type=int, default=1000, help="chargers that are ordered at once, 0 for none")
    parser.add_argument("--books", type=int, default=1000, help="chargers of the comparison of books, 0 for none")
    parser.add_argument("--seed", type=int, default=1, help="of the comparison of books (%(default)s)")
    return parser.parse_args()


def main() -> None:
    """Measure, print, write."""
    wanted, here = options(), machine()
    print("\n".join(f"{name:<12} {value}" for name, value in here.items()), flush=True)
    alone = day(5)
    print("\n" + table([alone]) + "\n", flush=True)
    with stack(wanted.simulators) as (lab, quiet, busy):
        bench = Bench(lab, quiet, busy)
        print(f"{'empty':<12} {bench.empty / 2**20:.1f} MB in {wanted.simulators} simulator process(es)\n", flush=True)
        rounds = []
        for chargers in wanted.chargers:
            for target in wanted.targets:
                rounds.append(bench.boots(target, chargers, wanted.repeat))
                print(table([rounds[-1].row()]) + "\n", flush=True)
        messages = bench.messages(wanted.messages, 15) if wanted.messages else None
        ordered = orders(lab, quiet, wanted.orders, wanted.repeat) if wanted.orders else []
        books = Run(lab, wanted.books, wanted.seed).run() if wanted.books else None
    if rounds:
        print(f"medians of {wanted.repeat}\n")
        print(table([one.row() for one in rounds]))
    if messages:
        print("\n" + table([{name: value for name, value in messages.items() if name != "shares"}]))
    if ordered:
        print("\n" + table([one.row() for one in ordered]))
    if books:
        print("\n" + table([books.row()]))
        print("\n".join(books.result["complaints"][:20]))
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}.json"
    facts = {"machine": here, "options": vars(wanted), "rounds": [vars(one) for one in rounds], "messages": messages}
    facts["orders"] = [vars(one) for one in ordered]
    facts["alone"] = alone
    facts["books"] = books and vars(books)
    path.write_text(json.dumps(facts, indent=2) + "\n")
    print(f"\nwritten to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
