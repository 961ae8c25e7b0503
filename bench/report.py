"""What is written of a run: JSON with everything, a document with the tables, a picture."""

import json
import platform
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from bench.plot import svg
from bench.stack import ROOT
from bench.tables import tables
from bench.targets import outcomes

FOLDER = Path(__file__).parent / "results"
PUBLISHED = ROOT / "docs" / "performance.md"
#: cores that other programs may use on average before a run is no measurement
NOISE = 0.15

METHOD = """\
`make bench` starts the lab's own processes (`manage.py lab`: PostgreSQL, Valkey, web, worker, beat, simulators) with
their default settings, and beside them a sink: a CSMS that does as little as it may (`bench/sink.py`). Fleets are asked
for, ordered about and deleted through the public API, as any user does it. For every size the same run measures the
*bare limit* (`bench/bare.py`): as many sessions on the same transport, to the same sink, with no charger behind them.

CPU seconds are those that the operating system charges to the simulator. Each size begins with a simulator process that
was started anew. The sink tells its own CPU and lag, the simulators tell theirs (`/metrics`), and the column *limit*
says who was in the way.

How to run it, each part alone, and another simulator against the same sink: [bench/README.md](../bench/README.md)."""


def machine() -> dict[str, Any]:
    """Describe the hardware and the software under it."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    asked = ["git", "describe", "--always", "--dirty"]
    revision = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=ROOT)
    return {
        "processor": model,
        "cores": psutil.cpu_count(),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "system": platform.platform(),
        "Python": platform.python_version(),
        "revision": revision.stdout.strip() or "unknown",
        "begun": time.strftime("%Y-%m-%d %H:%M"),
    }


def noise(results: Mapping[str, Any]) -> float | None:
    """Return how many cores other programs used on average while the largest fleet was at rest and charged."""
    found = [one["ours"] for one in results.get("ladder") or []]
    if not found:
        return None
    windows = [found[-1]["rest"], *found[-1]["charge"].values()]
    return sum(one["cores"]["other programs"] for one in windows) / len(windows)


def document(results: Mapping[str, Any]) -> str:
    """Return the whole run as Markdown."""
    facts = "".join(f"| {name} | {value} |\n" for name, value in results["machine"].items())
    parts = [
        "# Performance",
        f"The last full run of `make bench`, as it came out. {_disturbed(results)}",
        "![Memory, CPU and rates beside the bare limit](performance.svg)",
        *(table.markdown() for table in tables(results)),
        _profiles(results),
        f"## Method\n\n{METHOD}\n",
        f"## Machine\n\n| | |\n|---|---|\n{facts}",
    ]
    if results["failures"]:
        parts.insert(2, "## What failed\n\n" + "".join(f"- {line}\n" for line in results["failures"]))
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def _disturbed(results: Mapping[str, Any]) -> str:
    used = noise(results)
    if used is None:
        return ""
    said = f"Other programs used {used:.2f} cores on average while the largest fleet was measured"
    return f"**{said}: too much for a measurement.**" if used > NOISE else f"{said}."


def _profiles(results: Mapping[str, Any]) -> str:
    """Return where the simulator spent its time; what a missed target points to comes first."""
    ladder = results.get("ladder")
    if not ladder:
        return ""
    found: Mapping[str, Any] = ladder[-1]["ours"]["profile"]
    missed = [one.target for one in outcomes(results) if one.met is False and one.target.profile]
    text = (
        "## Where the time goes\n\nSamples of the simulator's stack at the largest size, after the measurement: of the "
        "thread that holds the lock of Python.\n"
    )
    for name in sorted(found, key=lambda name: all(target.profile != name for target in missed)):
        names = ", ".join(f"“{target.name}”" for target in missed if target.profile == name)
        text += f"\n### {name.capitalize()}\n\n" + (f"Says why this was missed: {names}.\n\n" if names else "")
        if not found[name]["functions"]:
            text += f"No profile: {found[name]['why']}\n"
            continue
        text += "| function | share |\n|---|---|\n"
        text += "".join(f"| `{function}` | {share:.1%} |\n" for function, share in found[name]["functions"])
    return text


def write(results: Mapping[str, Any], folder: Path) -> Path:
    """Write JSON, tables and picture of a run; return where the tables are."""
    folder.mkdir(exist_ok=True, parents=True)
    name = folder / time.strftime("%Y-%m-%dT%H-%M-%S")
    name.with_suffix(".json").write_text(json.dumps(results, indent=1, default=str) + "\n")
    text = document(results).replace("performance.svg", f"{name.name}.svg")
    name.with_suffix(".md").write_text(text)
    if results.get("ladder"):
        name.with_suffix(".svg").write_text(svg(results["ladder"], caption(results)))
    return name.with_suffix(".md")


def publish(results: Mapping[str, Any]) -> None:
    """Write the document of the repository."""
    PUBLISHED.write_text(document(results))
    PUBLISHED.with_suffix(".svg").write_text(svg(results["ladder"], caption(results)))


def caption(results: Mapping[str, Any]) -> str:
    """Return what a picture must say to stand alone."""
    here = results["machine"]
    return f"{here['processor']}, {here['cores']} cores, Python {here['Python']}, {here['revision']}, {here['begun']}"
