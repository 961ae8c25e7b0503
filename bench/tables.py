"""Tables of a run, as text and as Markdown. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.figures import ratio
from bench.targets import dig, outcomes

Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """A heading, a line that says what is shown, columns and rows."""

    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def text(self) -> str:
        """Aligned for a terminal."""
        cells = [list(self.columns), *([shown(cell) for cell in row] for row in self.rows)]
        widths = [max(len(line[column]) for line in cells) for column in range(len(self.columns))]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
        )
        return "\n".join([self.title.upper(), *lines])

    def markdown(self) -> str:
        """For a document."""
        head = f"| {' | '.join(self.columns)} |\n|{'---|' * len(self.columns)}\n"
        body = "".join(f"| {' | '.join(shown(cell) for cell in row)} |\n" for row in self.rows)
        return f"## {self.title}\n\n{self.note}\n\n{head}{body}"


def shown(cell: Cell) -> str:
    """Write a figure with as many digits as mean something; a dash for what was not measured."""
    if cell is None:
        return "-"
    if isinstance(cell, float):
        size = abs(cell)
        return f"{cell:,.0f}" if size >= 100 else f"{cell:.1f}" if size >= 10 else f"{cell:.2f}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def times(ours: float | None, bare: float | None) -> str | None:
    """Write a ratio."""
    found = ratio(ours, bare)
    return None if found is None else f"x{shown(float(found))}"


def marks(found: Mapping[str, Any] | None) -> str | None:
    """Write percentiles."""
    return found and " / ".join(
        "-" if found[mark] is None else shown(float(found[mark])) for mark in ("p50", "p95", "p99")
    )


def limits(found: Mapping[str, Any] | None) -> str | None:
    """Write what limited a stretch of time."""
    return None if found is None else "; ".join(found["bottleneck"]) or "nothing"


def targets(results: Mapping[str, Any]) -> Table:
    """Every target, met or missed."""
    rows = []
    for one in outcomes(results):
        word = {True: "met", False: "**missed**", None: "not measured"}[one.met]
        wanted = (
            f"≥ {one.target.bound:.2f} x bare"
            if one.target.of_bare
            else f"≤ {shown(one.target.bound)} {one.target.unit}"
        )
        measured = None if one.measured is None else f"{shown(float(one.measured))} {one.target.unit}"
        rows.append([one.target.name, wanted, measured, one.bare, times(one.measured, one.bare), word])
    return Table(
        "Targets",
        "On two cores. *Bare* is the same transport with no charger behind it, measured in the same run.",
        ["what", "target", "measured", "bare", "ratio", ""],
        rows,
    )


def ladder(found: Sequence[Mapping[str, Any]]) -> Iterable[Table]:
    """One simulator process at every size."""
    yield Table(
        "From the request to all online",
        "One simulator process. READY and online count from the POST; CPU is the simulator's until all has been said.",
        ["chargers", "READY s", "online s", "bare online s", "CPU s", "bare CPU s", "ratio", "limit"],
        [
            [
                one["chargers"],
                dig(one, "ours", "boot", "READY s"),
                dig(one, "ours", "boot", "online s"),
                dig(one, "bare", "online s"),
                dig(one, "ours", "boot", "CPU s"),
                dig(one, "bare", "boot CPU s"),
                times(dig(one, "ours", "boot", "CPU s"), dig(one, "bare", "boot CPU s")),
                limits(dig(one, "ours", "boot")),
            ]
            for one in found
        ],
    )
    yield Table(
        "Memory",
        "KB a session is what the process grew by over the empty one, divided; MB is the whole process.",
        ["chargers", "KB a session", "bare", "ratio", "MB", "bare MB", "KB charging", "MB charging"],
        [
            [
                one["chargers"],
                dig(one, "ours", "memory", "KB/session"),
                dig(one, "bare", "KB/session"),
                times(dig(one, "ours", "memory", "KB/session"), dig(one, "bare", "KB/session")),
                dig(one, "ours", "memory", "MB"),
                dig(one, "bare", "MB"),
                dig(one, "ours", "memory charging", "KB/session"),
                dig(one, "ours", "memory charging", "MB"),
            ]
            for one in found
        ],
    )
    yield Table(
        "At rest",
        "CPU seconds of the simulator a minute; only heartbeats.",
        ["chargers", "CPU s/min", "bare", "ratio", "others on the machine, cores", "limit"],
        [
            [
                one["chargers"],
                dig(one, "ours", "rest", "CPU s/min"),
                dig(one, "bare", "rest CPU s/min"),
                times(dig(one, "ours", "rest", "CPU s/min"), dig(one, "bare", "rest CPU s/min")),
                dig(one, "ours", "rest", "cores", "other programs"),
                limits(dig(one, "ours", "rest")),
            ]
            for one in found
        ],
    )
    yield charging(found)
    yield flood(found)


def charging(found: Sequence[Mapping[str, Any]]) -> Table:
    """Meter values of all chargers."""
    rows: list[list[Cell]] = []
    for one in found:
        for level, facts in reversed((dig(one, "ours", "charge") or {}).items()):
            own, bare = facts["simulator"], one["bare"]
            rows.append(
                [
                    one["chargers"],
                    level,
                    facts["CPU s/min"],
                    dig(bare, "charge CPU s/min"),
                    times(facts["CPU s/min"], dig(bare, "charge CPU s/min")),
                    marks(own["delay_ms"]),
                    marks(facts["arrival ms"]),
                    marks(own["round_trip_ms"]),
                    marks(dig(bare, "round trip ms")),
                    dig(own, "lag_ms", "p99"),
                    own["late_timers"],
                    own.get("rows"),
                    own["dropped_rows"],
                    limits(facts),
                ]
            )
    return Table(
        "Charging",
        "Every charger samples its meter every 10 s. Milliseconds as p50 / p95 / p99. *Own delay*: from when the "
        "message was due until it was on the socket, by the simulator; *arrival*: how late the sink read it, against "
        "that charger's own grid of 10 s, seen from outside; *round trip*: from a CALL to the sink's answer.",
        [
            *("chargers", "log", "CPU s/min", "bare", "ratio", "own delay ms", "arrival ms", "round trip ms"),
            *("bare round trip ms", "loop lag p99 ms", "late timers", "rows logged", "lost rows", "limit"),
        ],
        rows,
    )


def flood(found: Sequence[Mapping[str, Any]]) -> Table:
    """The highest rate."""
    rows: list[list[Cell]] = []
    for one in found:
        bare = one["bare"]
        for level, facts in (dig(one, "ours", "flood") or {}).items():
            rows.append(
                [
                    one["chargers"],
                    level,
                    facts["exchanges/s"],
                    dig(bare, "exchanges/s"),
                    times(facts["exchanges/s"], dig(bare, "exchanges/s")),
                    facts["CPU us/exchange"],
                    dig(bare, "CPU us/exchange"),
                    times(facts["CPU us/exchange"], dig(bare, "CPU us/exchange")),
                    dig(bare, "sink", "busiest"),
                    limits(facts),
                ]
            )
    return Table(
        "Highest rate",
        "An exchange is a CALL with its answer. The sink drives both in the same way: a TriggerMessage to each charger "
        "in its turn, and the Heartbeat that it asks for. CPU is the simulator's, in microseconds for one exchange.",
        [
            *("chargers", "log", "exchanges/s", "bare", "ratio", "CPU µs", "bare CPU µs", "ratio"),
            *("sink's busiest second under bare, cores", "limit"),
        ],
        rows,
    )


def jobs(found: Mapping[str, Any]) -> Iterable[Table]:
    """The main job."""
    posts = [
        [row["chargers"], *(row["POST ms"][mark] for mark in ("p50", "p95", "max"))] for row in found.get("posts", [])
    ]
    yield Table("POST to 202", "Milliseconds, sizes in turn.", ["chargers", "p50", "p95", "worst"], posts)
    rows: list[list[Cell]] = []
    for name, what, figure in (
        ("small", "READY s", "READY s"),
        ("big", "READY s", "READY s"),
        ("big", "online s", "online s"),
        ("big", "a job of ten meanwhile, READY s (worst)", "job of ten READY s"),
        ("big", "a job of ten meanwhile, POST ms (worst)", "job of ten POST ms"),
        ("orphaned", "worker killed: seconds until done", "done s after"),
        ("orphaned", "boots too many", "boots too many"),
    ):
        if name in found:
            rows.append([found[name]["chargers"], what, found[name].get(figure), found[name].get("cores")])
    note = "Two simulator processes, one worker with two processes. Cores are those used until READY, most first."
    yield Table("Jobs", note, ["chargers", "what", "figure", "cores"], rows)


def plain(title: str, note: str, found: Sequence[Mapping[str, Any]]) -> Table:
    """Rows as they are."""
    return Table(title, note, list(found[0]), [list(row.values()) for row in found])


def tables(results: Mapping[str, Any]) -> list[Table]:
    """Everything that was measured, targets first."""
    found = [] if dig(results, "plan", "quick") else [targets(results)]
    if results.get("ladder"):
        found += ladder(results["ladder"])
    restarts = [results[name] for name in ("restart", "restart by two") if results.get(name)]
    if restarts:
        note = "All simulators are killed. Online counts from the start of the new process, the gap from the kill."
        found.append(plain("Restart", note, restarts))
    if results.get("jobs"):
        found += jobs(results["jobs"])
    for name, title, note in (
        ("orders", "Orders to a whole fleet", "Until every charger has acted and its CSMS knows."),
        ("csms", "The built-in CSMS instead of the sink", "It checks every message, so it is the limit."),
        ("books", "Books", "Kills while all charge; then ledger and CSMS are compared, transaction by transaction."),
        ("day", "One charger alone", "Without network and database: a day of charging, and its memory at rest."),
    ):
        if results.get(name):
            found.append(plain(title, note, results[name] if isinstance(results[name], list) else [results[name]]))
    return found
