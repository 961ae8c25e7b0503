"""How calls are packed into messages."""

import math

import pytest

from jobs.queue import AT_ONCE, END_OF_LINE, FIRST, calls_per_message, level


@pytest.mark.parametrize(
    ("calls", "size"), [(1, 1), (4, 1), (5, 2), (10, 3), (100, 25), (200, 50), (1000, 50), (1001, 50), (10_000, 100)]
)
def test_it_packs_one_call_for_the_smallest_jobs_and_more_as_they_grow(settings, calls, size):
    settings.JOB_MAX_MESSAGES = 100
    assert calls_per_message(calls) == size
    assert math.ceil(calls / size) <= 100


def test_it_never_packs_when_the_setting_says_so(settings):
    settings.JOB_MAX_MESSAGES = 0
    assert calls_per_message(10_000) == 1


def test_a_message_stays_far_below_the_time_limit(settings):
    settings.JOB_MAX_MESSAGES = 1
    assert calls_per_message(10_000) == 500


def test_the_first_calls_of_every_job_stand_before_the_later_ones_of_any():
    levels = [level(position) for position in range(0, 200_000, 50)]
    assert levels == sorted(levels)
    assert levels[0] == FIRST > AT_ONCE
    assert FIRST < level(300) < level(9_999) < END_OF_LINE


def test_nothing_stands_as_deep_as_who_looks_for_what_was_lost():
    assert level(10**9) < END_OF_LINE
