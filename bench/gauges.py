"""What simulators say of themselves (`/metrics`), and what that means for a measurement."""

import math
import urllib.request
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from bench.figures import differences, quantile

#: metrics of a simulator
LAG = "ocpplab_loop_lag_seconds"
DELAY = "ocpplab_timer_delay_seconds"
LATENCY = "ocpplab_csms_latency_seconds"
LATE_TIMERS = "ocpplab_late_timers_total"
ROWS = "ocpplab_log_rows_total"
DROPPED_ROWS = "ocpplab_log_rows_dropped_total"


@dataclass
class Gauges:
    """One reading: counters by name and cumulative buckets by name, over all processes and labels."""

    counters: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    buckets: dict[str, dict[float, float]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(float)))

    def add(self, text: str) -> None:
        """Add what one process says, in Prometheus' text format."""
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name.endswith("_bucket"):
                    self.buckets[family.name][float(sample.labels["le"])] += sample.value
                elif not sample.name.endswith("_created"):
                    self.counters[sample.name] += sample.value

    def count(self, name: str, since: "Gauges") -> int | None:
        """Return how much a counter grew, None when there is none of that name."""
        return round(self.counters[name] - since.counters[name]) if name in self.counters else None

    def percentiles(self, name: str, since: "Gauges") -> dict[str, float | None] | None:
        """Return milliseconds of what came since the other reading; None when nothing did."""
        found = differences(since.buckets.get(name, {}), self.buckets.get(name, {}))
        if not found or found[-1][1] <= 0:
            return None
        marks = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
        return {mark: _milliseconds(quantile(found, part)) for mark, part in marks.items()}

    def since(self, before: "Gauges") -> dict[str, Any]:
        """Return what the simulators say about the time between two readings."""
        return {
            "delay_ms": self.percentiles(DELAY, before),
            "round_trip_ms": self.percentiles(LATENCY, before),
            "lag_ms": self.percentiles(LAG, before),
            "late_timers": self.count(LATE_TIMERS, before),
            "rows": self.count(ROWS, before),
            "dropped_rows": self.count(DROPPED_ROWS, before),
        }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None or math.isinf(seconds) else round(seconds * 1000, 2)


def read(urls: Iterable[str]) -> Gauges:
    """Return the sum of what processes say at their `/metrics`. Raises OSError when one does not answer."""
    gauges = Gauges()
    for url in urls:
        with urllib.request.urlopen(url, timeout=10) as answer:
            gauges.add(answer.read().decode())
    return gauges
