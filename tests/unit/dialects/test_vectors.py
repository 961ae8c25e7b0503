"""Exchanges of tests/vectors played to a session: the charger must say exactly what the file says, frame by frame.

A line is one of
`{"do": "start" | "connect" | "drop" | "stop"}`, what happens to the charger;
`{"order": KIND, "data": {...}}`, what the lab orders;
`{"wait": SECONDS}`, time that passes;
`{"from": "csms", "frame": [...]}`, what the CSMS says;
`{"from": "charger", "frame": [...]}`, what the charger must say next. The id of a charger's CALL is a name (`$1`) that
the answer of the CSMS repeats.
"""

import json
from pathlib import Path

import orjson
import pytest

from chargers.protocol import Version, encode
from tests.support.frames import Driver

FOLDER = Path(__file__).parents[2] / "vectors"
FILES = sorted(FOLDER.glob("*/*.jsonl"))
VERSIONS = {"v16": Version.V16, "v201": Version.V201}


class Player:
    """Plays one file."""

    def __init__(self, version):
        self.driver = Driver(version, automatic=False)
        self.names = {}
        self.heard = 0

    def line(self, line):
        if "do" in line:
            getattr(self.driver, line["do"])()
        elif "order" in line:
            self.driver.order(line["order"], **line.get("data", {}))
        elif "wait" in line:
            self.driver.advance(line["wait"])
        elif line["from"] == "charger":
            self.hear(line["frame"])
        else:
            self.say(line["frame"])

    def hear(self, expected):
        assert self.heard < len(self.driver.sent), f"the charger did not say {expected}"
        said = orjson.loads(encode(self.driver.sent[self.heard]))
        self.heard += 1
        if expected[0] == 2:
            self.names[expected[1]] = said[1]
            expected = [expected[0], said[1], *expected[2:]]
        assert said == expected

    def say(self, frame):
        driver = self.driver
        if frame[0] == 2:
            assert driver.ask(frame[2], frame[3], message_id=frame[1]) is not None
            return
        assert driver.outstanding is not None
        assert self.names[frame[1]] == driver.outstanding.id
        driver.reply(frame[2])


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_charger_says_what_the_recorded_exchange_says(path):
    player = Player(VERSIONS[path.parent.name])
    for number, text in enumerate(path.read_text().splitlines(), 1):
        try:
            player.line(json.loads(text))
        except AssertionError as error:
            raise AssertionError(f"{path.name}:{number}: {error}") from error
    assert player.heard == len(player.driver.sent), "the charger said more than the file"


def test_there_are_exchanges_of_both_versions():
    assert {path.parent.name for path in FILES} == set(VERSIONS)
