"""Histograms of plain numbers."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from ocpplab.common.metrics.histogram import Histogram, histograms
from ocpplab.common.metrics.registry import Source


def test_a_bound_belongs_to_its_bucket_and_what_is_above_all_to_the_last():
    seen = Histogram((0.1, 1.0))
    for value in (-0.5, 0.1, 0.11, 1.0, 7.0):
        seen.observe(value)
    assert seen.counts == [2, 2, 1]
    assert seen.buckets() == [("0.1", 2.0), ("1.0", 4.0), ("+Inf", 5.0)]
    assert (seen.above(0.1), seen.above(1.0)) == (3, 1)
    assert seen.total == pytest.approx(7.71)


def test_prometheus_reads_it_with_count_and_sum():
    seen = Histogram((0.5,))
    seen.observe(0.25)
    registry = CollectorRegistry()
    registry.register(Source(lambda: [histograms("x_seconds", "Help.", ("action",), [(("Boot",), seen)])]))
    assert generate_latest(registry).decode().splitlines() == [
        "# HELP x_seconds Help.",
        "# TYPE x_seconds histogram",
        'x_seconds_bucket{action="Boot",le="0.5"} 1.0',
        'x_seconds_bucket{action="Boot",le="+Inf"} 1.0',
        'x_seconds_count{action="Boot"} 1.0',
        'x_seconds_sum{action="Boot"} 0.25',
    ]
