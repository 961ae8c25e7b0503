"""Date-times on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.protocol import format_time, parse_time


def test_times_go_out_in_utc_with_milliseconds():
    assert format_time(1_700_000_000.25) == "2023-11-14T22:13:20.250Z"
    assert format_time(0) == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    "text",
    ["2023-11-14T22:13:20Z", "2023-11-14T22:13:20.000000000Z", "2023-11-15T00:13:20+02:00", "2023-11-14T22:13:20"],
)
def test_times_come_in_as_any_iso_8601(text):
    assert parse_time(text) == 1_700_000_000


@pytest.mark.parametrize(
    "text", ["", "now", "1700000000000", "2023-13-01T00:00:00Z", "\x00", "\u0662\u0660\u0662\u0663-11-14"]
)
def test_what_is_no_time_is_none(text):
    assert parse_time(text) is None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_the_ends_of_the_calendar_do_not_raise(text):
    assert parse_time(text) is not None


@given(st.text())
def test_no_text_makes_it_raise(text):
    parse_time(text)


@given(st.floats(0, 4e9))
def test_a_time_survives_the_way_out_and_in(epoch):
    read = parse_time(format_time(epoch))
    assert read is not None
    assert abs(read - epoch) <= 0.001
