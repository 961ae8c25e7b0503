"""The bench's own arithmetic, and what it says about a run."""

import math
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench.clock import OTHERS, limit
from bench.figures import differences, percentiles, quantile, ratio
from bench.gauges import DELAY, DROPPED_ROWS, LATE_TIMERS, Gauges
from bench.plan import FULL, QUICK
from bench.plot import svg
from bench.profile import summed
from bench.report import document
from bench.sink_state import Counters
from bench.tables import shown, tables, times
from bench.targets import TARGETS, outcomes
from bench.window import bottleneck

METRICS = """\
# TYPE ocpplab_timer_delay_seconds histogram
ocpplab_timer_delay_seconds_bucket{le="0.01"} %d
ocpplab_timer_delay_seconds_bucket{le="0.1"} %d
ocpplab_timer_delay_seconds_bucket{le="+Inf"} %d
ocpplab_timer_delay_seconds_sum 1.0
ocpplab_timer_delay_seconds_count %d
# TYPE ocpplab_log_rows_dropped_total counter
ocpplab_log_rows_dropped_total %d
"""


def window(**changes: Any) -> dict[str, Any]:
    own = {"delay_ms": {"p50": 1.0, "p95": 5.0, "p99": 20.0, "max": 30.0}, "round_trip_ms": None, "lag_ms": None}
    facts = {
        "CPU s/min": 3.0,
        "exchanges/s": 8_000.0,
        "CPU us/exchange": 100.0,
        "arrival ms": {"p50": 1.0, "p95": 2.0, "p99": 3.0, "max": 4.0},
        "simulator": own | {"late_timers": 0, "rows": 900, "dropped_rows": 0},
        "sink": {"busiest": 0.3, "lag_ms": 2.0},
        "cores": {"simulator": 0.4, OTHERS: 0.02},
        "limit": "nothing",
        "bottleneck": [],
    }
    return facts | changes


def run(**changes: Any) -> dict[str, Any]:
    """The results of a whole run that meets every target but one."""
    bare = {
        "online s": 4.0,
        "boot CPU s": 3.0,
        "KB/session": 3.0,
        "MB": 60.0,
        "rest CPU s/min": 2.0,
        "charge CPU s/min": 7.0,
        "exchanges/s": 15_000.0,
        "CPU us/exchange": 40.0,
        "round trip ms": {"p50": 0.4, "p95": 1.0, "p99": 2.0, "max": 3.0},
        "sink": {"busiest": 0.8},
    }
    memory = {"KB/session": 20.0, "MB": 300.0}
    profile = {
        name: {"functions": [["ring (timers.py)", 0.25]], "samples": 400, "why": ""} for name in ("rest", "flood")
    }
    ours = {
        "boot": window(**{"READY s": 20.0, "online s": 21.0, "CPU s": 9.0}),
        "memory": memory,
        "memory charging": memory,
        "rest": window(),
        "flood": {"all": window(), "none": window()},
        "charge": {"all": window(**{"CPU s/min": 16.0}), "none": window(**{"CPU s/min": 10.0})},
        "profile": profile,
    }
    restart = {"chargers": 2_000, "simulators": 1, "online s": 2.5}
    posts = [{"chargers": 10, "POST ms": {"p50": 20.0, "p95": 60.0, "p99": 70.0, "max": 80.0}}]
    jobs = {
        "posts": posts,
        "small": {"chargers": 1_000, "READY s": 2.0},
        "big": {"chargers": 10_000, "READY s": 22.0, "job of ten READY s": 1.0},
        "orphaned": {"chargers": 2_000, "done s after": 12.0},
    }
    machine = {"processor": "Test", "cores": 2, "Python": "3", "revision": "abc", "begun": "now"}
    return {
        "machine": machine,
        "failures": [],
        "ladder": [{"chargers": 10_000, "bare": bare, "ours": ours}],
        "restart": restart,
        "restart by two": {"chargers": 10_000, "simulators": 2, "online s": 14.0},
        "jobs": jobs,
    } | changes


# --- arithmetic -----------------------------------------------------------------------------------------------------


def test_percentiles_are_values_that_were_measured():
    assert percentiles(n / 1000 for n in range(1, 101)) == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    assert percentiles([0.002]) == {"p50": 2.0, "p95": 2.0, "p99": 2.0, "max": 2.0}
    assert percentiles([]) is None


@pytest.mark.parametrize(("part", "value"), [(0.25, 0.5), (0.5, 1.0), (0.75, 1.5), (0.0, 0.0)])
def test_a_quantile_of_a_histogram_lies_within_its_bucket(part, value):
    assert quantile([(1.0, 50), (2.0, 100), (math.inf, 100)], part) == pytest.approx(value)


def test_what_lies_beyond_the_last_bound_has_no_number():
    assert quantile([(1.0, 50), (math.inf, 100)], 0.9) == math.inf
    assert quantile([(1.0, 0), (math.inf, 0)], 0.5) is None
    assert quantile([], 0.5) is None


def test_two_readings_of_a_histogram_tell_what_came_between():
    assert differences({1.0: 5, 2.0: 9}, {2.0: 19, 1.0: 6, 4.0: 20}) == [(1.0, 1), (2.0, 10), (4.0, 20.0)]


def test_a_ratio_needs_both_figures():
    assert ratio(6.0, 3.0) == 2.0
    assert ratio(6.0, 0.0) is None
    assert ratio(None, 3.0) is None
    assert times(6.0, 3.0) == "x2.00"


@pytest.mark.parametrize(
    ("cell", "text"), [(None, "-"), (1234.6, "1,235"), (12.34, "12.3"), (1.234, "1.23"), (10_000, "10,000"), ("x", "x")]
)
def test_figures_are_shown_with_the_digits_that_mean_something(cell, text):
    assert shown(cell) == text


# --- what processes say of themselves ---------------------------------------------------------------------------------


def test_gauges_of_several_processes_add_up_and_are_compared_with_before():
    before, after = Gauges(), Gauges()
    before.add(METRICS % (10, 10, 10, 10, 3))
    after.add(METRICS % (60, 110, 110, 110, 5))
    after.add(METRICS % (0, 0, 0, 0, 2))
    own = after.since(before)
    assert own["dropped_rows"] == 4
    assert own["delay_ms"]["p50"] == pytest.approx(10.0)
    assert own["delay_ms"]["p95"] == pytest.approx(91.0)
    assert after.percentiles(DELAY, after) is None


def test_what_nobody_says_is_unknown_and_not_zero():
    own = Gauges().since(Gauges())
    assert own == dict.fromkeys(("delay_ms", "round_trip_ms", "lag_ms", "late_timers", "rows", "dropped_rows"))
    assert Gauges().count(LATE_TIMERS, Gauges()) is None
    assert Gauges().count(DROPPED_ROWS, Gauges()) is None


def test_lateness_counts_from_the_earliest_place_in_the_grid(monkeypatch):
    moments = iter([100.05, 110.0, 120.02, 130.005, 140.01])
    monkeypatch.setattr("bench.sink_state.time.monotonic", lambda: next(moments, 0.0))
    counters = Counters()
    assert counters.mark(10.0)
    phase = counters.timed(None)
    phase = counters.timed(phase)  # earlier than the first: the grid moves
    assert phase == pytest.approx(100.0)
    assert not counters.mark(10.0)  # the same pace: what is known of the grid stays
    for _ in range(3):
        phase = counters.timed(phase)
    assert counters.shown()["late_ms"] == pytest.approx({"p50": 10.0, "p95": 20.0, "p99": 20.0, "max": 20.0})


def test_a_profile_counts_the_function_that_ran():
    found = summed("main (a.py:1);ring (timers.py:90) 30\nmain (a.py:1);ring (timers.py:95) 10\nmain (a.py:2) 10\n")
    assert found["functions"] == [["ring (timers.py)", 0.8], ["main (a.py)", 0.2]]
    assert found["samples"] == 50


# --- verdicts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "word"),
    [
        ({"simulator": 0.9, "sink": 0.4, OTHERS: 0.0}, "simulator"),
        ({"simulator": 0.6, "sink": 0.5, OTHERS: 0.8}, "the machine"),
        ({"simulator": 0.3, "sink": 0.2, OTHERS: 0.1}, "nothing"),
    ],
)
def test_a_run_says_who_was_full(shares, word):
    assert limit(shares, 2) == word


def test_a_run_says_what_was_in_the_way_of_the_simulator():
    assert bottleneck(window()) == []
    own = {"lag_ms": {"p99": 80.0}, "late_timers": 7, "dropped_rows": 9}
    said = bottleneck(window(limit="simulator", sink={"busiest": 0.93}, simulator=own))
    assert [word in line for word, line in zip(("simulator", "sink", "80 ms", "7", "9"), said, strict=True)] == [
        True
    ] * 5


def test_targets_are_met_or_missed_and_what_was_not_measured_is_neither():
    missed = [one.target.name for one in outcomes(run()) if one.met is False]
    assert missed == ["10,000 charging, 10 s meter values, full message log"]
    assert all(one.met for one in outcomes(run()) if one.target.name not in missed)
    assert {one.met for one in outcomes({})} == {None}


def test_figures_of_another_size_do_not_stand_for_a_target():
    small = run(restart={"chargers": 200, "simulators": 1, "online s": 0.5})
    assert next(one for one in outcomes(small) if "2,000" in one.target.name).met is None


def test_a_full_run_measures_what_the_targets_are_about():
    assert max(FULL.sizes) == FULL.big_job == FULL.restarted_by_two == 10_000
    assert (FULL.heartbeat, FULL.sample, FULL.restarted, FULL.small_job) == (60, 10, 2_000, 1_000)
    assert QUICK.quick
    assert not FULL.quick


# --- documents ------------------------------------------------------------------------------------------------------


def test_the_document_has_every_target_and_says_why_one_was_missed():
    text = document(run(failures=["books: it broke"]))
    assert all(target.name in text for target in TARGETS)
    assert text.count("**missed**") == 1
    assert "books: it broke" in text
    assert "`ring (timers.py)` | 25.0%" in text


def test_a_run_of_one_part_has_its_tables_only():
    titles = [table.title for table in tables({"restart": run()["restart"]})]
    assert titles == ["Targets", "Restart"]


def test_tables_are_rectangular():
    for table in tables(run()):
        assert all(len(row) == len(table.columns) for row in table.rows), table.title
        assert table.text().startswith(table.title.upper())


def test_the_picture_is_well_formed_and_shows_every_size_beside_its_limit():
    drawn = ET.fromstring(svg(run()["ladder"], "made <here>"))
    words = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "made <here>" in words
    assert words.count("10,000") == 4
    assert "bare limit" in words
