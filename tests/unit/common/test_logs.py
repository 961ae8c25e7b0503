"""Lines of a log name what they are about."""

import pytest

from ocpplab.common import logs


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch):
    monkeypatch.setattr(logs, "_process", {})
    monkeypatch.setattr(logs, "_names", {})


def test_each_line_of_a_process_says_which_one_it_is():
    logs.name_process(host="h1")
    assert logs.add_names(None, "info", {"event": "e"}) == {"event": "e", "host": "h1"}


def test_a_line_about_a_thing_says_what_people_call_it():
    logs.name_things("charger_id", lambda number: {"identity": f"CP-{number}"})
    assert logs.add_names(None, "info", {"charger_id": 7}) == {"charger_id": 7, "identity": "CP-7"}
    assert logs.add_names(None, "info", {"event": "e"}) == {"event": "e"}


def test_what_a_line_says_itself_stands():
    logs.name_process(host="h1")
    logs.name_things("charger_id", lambda _: {"identity": "new"})
    line = {"charger_id": 7, "identity": "old", "host": "h2"}
    assert logs.add_names(None, "info", dict(line)) == line
