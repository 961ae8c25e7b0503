"""Histograms of plain numbers: one `observe` costs a quarter of a microsecond."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

#: upper bounds in seconds, for what should take milliseconds and may take half a minute
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Histogram:
    """How many observations fell into which bucket; `bounds` are the upper bounds, inclusive, and above all is +Inf.

    One thread observes; others may read, and then see the counts of some moment of late.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def above(self, bound: float) -> int:
        """How many were above one of the bounds."""
        return sum(self.counts[self.bounds.index(bound) + 1 :])

    def buckets(self) -> list[tuple[str, float]]:
        """The counts up to each bound, as Prometheus wants them."""
        cumulated, so_far = [], 0
        names = [*map(floatToGoString, self.bounds), "+Inf"]
        for name, count in zip(names, self.counts.copy(), strict=True):
            so_far += count
            cumulated.append((name, float(so_far)))
        return cumulated


def histogram(name: str, text: str, one: Histogram) -> Metric:
    """One histogram as a metric."""
    return histograms(name, text, (), [((), one)])


def histograms(
    name: str, text: str, labels: tuple[str, ...], many: Iterable[tuple[tuple[str, ...], Histogram]]
) -> Metric:
    """Histograms of the same thing, told apart by labels."""
    family = HistogramMetricFamily(name, text, labels=labels)
    for label, one in many:
        family.add_metric(label, one.buckets(), one.total)
    return family
