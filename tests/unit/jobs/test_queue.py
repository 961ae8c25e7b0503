"""How calls are packed into messages."""

import math

import pytest

from jobs.queue import calls_per_message


@pytest.mark.parametrize(
    ("calls", "size"), [(1, 1), (20, 1), (21, 2), (100, 5), (200, 10), (1000, 50), (1001, 50), (10_000, 100)]
)
def test_it_packs_one_call_for_small_jobs_and_more_as_they_grow(settings, calls, size):
    settings.JOB_MAX_MESSAGES = 100
    assert calls_per_message(calls) == size
    assert math.ceil(calls / size) <= 100


def test_it_never_packs_when_the_setting_says_so(settings):
    settings.JOB_MAX_MESSAGES = 0
    assert calls_per_message(10_000) == 1


def test_a_message_stays_far_below_the_time_limit(settings):
    settings.JOB_MAX_MESSAGES = 1
    assert calls_per_message(10_000) == 500
