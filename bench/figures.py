"""Arithmetic of measurements: percentiles, medians, histograms of Prometheus. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence

MARKS = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def percentiles(seconds: Iterable[float]) -> dict[str, float] | None:
    """Return milliseconds by nearest rank, None when nothing was measured."""
    ordered = sorted(seconds)
    if not ordered:
        return None
    return {name: round(ordered[max(0, math.ceil(part * len(ordered)) - 1)] * 1000, 2) for name, part in MARKS.items()}


def quantile(buckets: Sequence[tuple[float, float]], part: float) -> float | None:
    """Return the value below which `part` of a histogram lies, in its own unit; None when it is empty.

    `buckets` are (upper bound, cumulative count), ascending, the last bound infinite. Within a bucket values count as
    spread evenly, as Prometheus does; what lies beyond the last finite bound is told as infinite.
    """
    total = buckets[-1][1] if buckets else 0
    if total <= 0:
        return None
    wanted, below, lower = part * total, 0.0, 0.0
    for bound, cumulative in buckets:
        if cumulative >= wanted:
            if math.isinf(bound):
                return math.inf
            share = (wanted - below) / (cumulative - below) if cumulative > below else 1.0
            return lower + (bound - lower) * share
        below, lower = cumulative, bound
    return math.inf


def ratio(ours: float | None, bare: float | None) -> float | None:
    """Return how many times the bare limit ours is; None when one of them is missing or the limit is nothing."""
    if ours is None or not bare:
        return None
    return ours / bare


def differences(before: Mapping[float, float], after: Mapping[float, float]) -> list[tuple[float, float]]:
    """Return the histogram of what came between two readings of cumulative buckets."""
    return [(bound, count - before.get(bound, 0.0)) for bound, count in sorted(after.items())]
