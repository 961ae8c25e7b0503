"""Exchanges of tests/vectors played to the built-in CSMS: it takes every frame of the charger without a breach.

The format is told in tests/unit/dialects/test_vectors.py, which plays the same files to a charger. Here the recorded
words of the charger are said to a real CSMS; its answers must be valid, and its ids stand for the recorded ones.
"""

import json
from pathlib import Path

import pytest

from chargers.csms.central import Central
from chargers.csms.effects import Keep, Order, Send, Settled
from chargers.protocol import Version, validate_response

FOLDER = Path(__file__).parents[2] / "vectors"
FILES = sorted(FOLDER.glob("*/*.jsonl"))
VERSIONS = {"v16": Version.V16, "v201": Version.V201}
START = 1_700_000_000.0


class Player:
    """Plays one file."""

    def __init__(self, version):
        self.version, self.now = version, START
        self.central = Central()
        self.central.rules.numbers.add(100, 1000)
        self.link = None
        self.calls, self.transactions, self.actions = {}, {}, {}
        self.given = {}  # what our CSMS answered to a call of the charger, by recorded id
        self.settled = 0

    def line(self, line):
        if "do" in line:
            self.do(line["do"])
        elif "wait" in line:
            self.now += line["wait"]
        elif "order" not in line:
            (self.charger if line["from"] == "charger" else self.csms)(line["frame"])

    def do(self, what):
        if what == "connect":
            self.link = self.central.connect(self.now, "CP1", self.version)
        elif what != "start" and self.link is not None:
            self.link.closed()
            self.link = None

    def charger(self, frame):
        if frame[0] == 2:
            text = json.dumps([2, f"{len(self.given)}-{frame[1]}", frame[2], self.ours(frame[3])])
        else:
            text = json.dumps([frame[0], self.calls[frame[1]], *frame[2:]])
        effects = self.link.text(self.now, text)
        self.settled += sum(isinstance(effect, Settled) for effect in effects)
        if frame[0] == 2:
            (answer,) = [json.loads(one.text) for one in effects if isinstance(one, Send | Keep)]
            assert answer[0] == 3, answer
            assert validate_response(self.version, frame[2], answer[2]) is None
            self.given[frame[1]] = answer[2]

    def csms(self, frame):
        if frame[0] == 2:
            (send,) = [
                effect
                for effect in self.link.call(self.now, Order(frame[1], frame[2], self.ours(frame[3]), checked=False))
                if isinstance(effect, Send)
            ]
            self.calls[frame[1]] = json.loads(send.text)[1]
        elif frame[0] == 3 and "transactionId" in frame[2]:
            self.transactions[frame[2]["transactionId"]] = self.given[frame[1]]["transactionId"]

    def ours(self, payload):
        """The payload with the transaction id that our CSMS gave in place of the recorded one."""
        recorded = payload.get("transactionId")
        return payload | {"transactionId": self.transactions[recorded]} if recorded in self.transactions else payload


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_csms_takes_every_recorded_frame_of_a_charger(file):
    player = Player(VERSIONS[file.parent.name])
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        player.line(line)
    station = player.central.stations["CP1"]
    assert (station.breaches, station.last_breach) == (0, "")
    assert player.settled == sum(1 for line in lines if line.get("from") == "charger" and line["frame"][0] in {3, 4})
