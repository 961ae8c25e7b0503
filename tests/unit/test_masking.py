"""What does not get into the log of a process."""

import json
import logging

import pytest
from django.conf import settings

from ocpplab.masking import masked

PASSWORD = "pa55word-of-20-chars"


@pytest.mark.parametrize(
    "event",
    [
        {"event": f"dialling ws://user:{PASSWORD}@host/x"},
        {"event": "x", "frame": f'[2,"1","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{PASSWORD}"}}]'},
        {"event": "x", "payload": {"configuration": {"AuthorizationKey": PASSWORD}}},
        {"event": "x", "row": [{"variable": {"name": "BasicAuthPassword"}, "attributeValue": PASSWORD}]},
        {"event": f"header Authorization: Basic {PASSWORD}=="},
        {"event": f"'Bearer {PASSWORD}'"},
        {"event": "x", "Authorization": PASSWORD},
        {"event": "x", "password": PASSWORD},
        {"event": "x", "exception": f"Traceback\n  File x\nValueError: BasicAuthPassword {PASSWORD}\n"},
    ],
)
def test_a_secret_does_not_pass(event):
    shown = masked(None, "info", event)
    assert PASSWORD not in str(shown)
    assert "(hidden)" in str(shown)
    assert set(shown) == set(event)


def test_a_traceback_keeps_all_other_lines():
    text = f"Traceback\n  File x\nValueError: AuthorizationKey={PASSWORD}\nnext"
    assert (
        masked(None, "info", {"event": text})["event"]
        == "Traceback\n  File x\nValueError: AuthorizationKey (hidden)\nnext"
    )


@pytest.mark.parametrize(
    "event",
    [{"event": "host_joined", "host": "a@b", "pid": 7}, {"event": "the AuthorizationKey"}, {"event": "Basic pay"}],
)
def test_anything_else_passes(event):
    assert masked(None, "info", event) == event


@pytest.mark.parametrize("level", ["info", "exception"])
def test_the_handler_of_the_settings_masks_lines_of_every_library_and_their_tracebacks(level):
    formatter = settings.LOGGING["formatters"]["structured"]
    made = formatter["()"](**{name: value for name, value in formatter.items() if name != "()"})
    try:
        raise ValueError(f"postgresql://lab:{PASSWORD}@host/db")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__) if level == "exception" else None
    args = (json.dumps({"url": f"redis://:{PASSWORD}@host"}),)
    line = made.format(logging.LogRecord("lib", logging.ERROR, "f.py", 1, "went wrong: %s", args, info))
    assert PASSWORD not in line
    assert "went wrong" in line
    assert ("ValueError" in line) is (level == "exception")
