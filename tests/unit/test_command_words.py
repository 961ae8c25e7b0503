"""Codes of commands in sentences for people."""

import re
from pathlib import Path

import pytest

import chargers.simulator
from chargers.services.commands_words import _SENTENCES, sentence
from chargers.simulator.model.charging import Refused

SIMULATOR = Path(chargers.simulator.__file__).parent
CODE = re.compile(r'(?:code=|Done\((?:ok=)?False, (?:code=)?)"([a-z_]+)"')
SUCCESS = {"accepted", "reboot_required"}


def codes():
    """Every code that the simulator's source names."""
    sources = [path.read_text() for folder in ("dialects", "host") for path in (SIMULATOR / folder).rglob("*.py")]
    found = {code for source in sources for code in CODE.findall(source)}
    return sorted((found | {refused.value for refused in Refused}) - SUCCESS)


@pytest.mark.parametrize("code", codes())
def test_every_code_of_the_simulator_has_a_sentence(code):
    assert code in _SENTENCES


@pytest.mark.parametrize("said", _SENTENCES.values())
def test_a_sentence_is_a_sentence(said):
    assert re.fullmatch(r"[A-Z].*[^.]\.", said)


def test_it_adds_what_the_charger_said():
    assert sentence("bad_payload", {"reason": "idTag: 7 is not a string"}) == (
        "The payload does not fit OCPP's schema: idTag: 7 is not a string"
    )
    assert sentence("version_mismatch", {"list_version": 4}) == (
        "The list version must grow. The charger has version 4."
    )
    assert sentence("out_of_cheese", {}) == "The charger said out_of_cheese."
