"""One stretch of time, seen by everybody: the processor, the sink, and the simulators themselves."""

import time
from collections.abc import Mapping
from typing import Any

from bench.clock import FULL_CORE, Clock
from bench.stack import Lab, Sink

#: from here on the simulator's loop was late by itself: seconds of lag that one in a hundred turns had
LATE_LOOP_MS = 50.0


class Window:
    """Begins when it is made."""

    def __init__(self, lab: Lab, sink: Sink, *, pace: float = 0) -> None:
        self._lab, self._sink = lab, sink
        self._gauges = lab.gauges()
        self._clock = Clock({**lab.pids, "sink": sink.process.pid})
        sink.ask("mark", pace=pace)
        self._before = sink.stats

    def wait(self, seconds: float) -> "Window":
        """Let time pass."""
        time.sleep(seconds)
        return self

    def facts(self) -> dict[str, Any]:
        """Return what happened until now. CPU is that of the simulators; an exchange is a CALL with its answer."""
        after = self._sink.stats
        wall, simulators, usage = self._clock.wall, self._clock.spent("simulator"), self._clock.usage()
        grown = {name: after[name] - self._before[name] for name in ("now", "calls", "answers", "errors")}
        own = self._lab.gauges().since(self._gauges)
        exchanges = grown["calls"] + grown["answers"]
        facts = {
            "CPU s/min": simulators / wall * 60,
            "exchanges/s": exchanges / grown["now"],
            "CPU us/exchange": simulators / exchanges * 1e6 if exchanges else None,
            "errors": grown["errors"],
            "arrival ms": after["late_ms"],
            "simulator": own,
            "sink": {name: after[name] for name in ("busiest", "lag_ms")},
            **usage,
        }
        return facts | {"bottleneck": bottleneck(facts)}


def bottleneck(facts: Mapping[str, Any]) -> list[str]:
    """Say in words what limited a stretch of time; empty when nothing did."""
    said, own = [], facts["simulator"]
    lag = (own["lag_ms"] or {}).get("p99")
    if facts["limit"] != "nothing" and not facts["limit"].startswith("sink"):
        said.append(f"{facts['limit']} is full")
    if facts["sink"]["busiest"] >= FULL_CORE:
        said.append(f"the sink: {facts['sink']['busiest']:.2f} of a core in its busiest second")
    if lag is not None and lag > LATE_LOOP_MS:
        said.append(f"the simulator's loop: {lag:.0f} ms late (p99)")
    if own["late_timers"]:
        said.append(f"{own['late_timers']} late timers")
    if own["dropped_rows"]:
        said.append(f"{own['dropped_rows']} lost rows of the log")
    return said
