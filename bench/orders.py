"""Orders to a whole fleet: how long the answer takes, and until every charger has acted and told its CSMS."""

import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from bench import fleets
from bench.restart import fleet_ready
from bench.stack import Failed, Lab, Sink, until

#: commands for all chargers, their events, and the OCPP messages that each sends at least because of it
STEPS: dict[str, tuple[dict[str, Any], int]] = {
    "plug-connector": ({"connector_id": 1}, 1),
    "unplug-connector": ({"connector_id": 1}, 1),
    "authorize-id-tag": ({"id_tag": "BENCH"}, 1),
}


@dataclass
class Orders:
    """One command to a fleet, several times. Seconds."""

    command: str
    chargers: int
    post: list[float] = field(default_factory=list)
    acted: list[float] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """Return the medians, and the worst."""
        return {
            "command": self.command,
            "chargers": self.chargers,
            "POST ms": statistics.median(self.post) * 1000,
            "worst POST ms": max(self.post) * 1000,
            "acted s": statistics.median(self.acted),
            "worst acted s": max(self.acted),
        }


def orders(lab: Lab, sink: Sink, chargers: int, repeat: int) -> list[dict[str, Any]]:
    """Bring a fleet online at the sink and order it about by the API."""
    location = fleet_ready(lab, sink, chargers)
    found = [Orders(command, chargers) for command in STEPS]
    for _ in range(repeat):
        for one in found:
            _order(lab, sink, location, one)
    fleets.remove(lab, location)
    fleets.all_closed(sink)
    return [one.row() for one in found]


def _order(lab: Lab, sink: Sink, location: str, one: Orders) -> None:
    event, messages = STEPS[one.command]
    calls, started = sink.count("calls"), time.monotonic()
    answer = lab.call("POST", f"/ocpp/commands/{one.command}", {"target": {"location_id": location}, "event": event})
    one.post.append(time.monotonic() - started)
    if answer["queued_count"] != one.chargers:
        raise Failed(f"{one.command}: only {answer['queued_count']} queued: {answer['failed'][:3]}")
    wanted = calls + one.chargers * messages
    until(lambda: sink.count("calls") >= wanted, f"all acted on {one.command}", seconds=fleets.PATIENCE)
    one.acted.append(time.monotonic() - started)
    time.sleep(1)
