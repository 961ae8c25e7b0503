"""Orders to a whole fleet: how long the answer takes, and until every charger has acted and told its CSMS."""

import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from bench.rounds import PATIENCE, SITE, fleet
from bench.stack import Clock, Lab, Sink, bottleneck, until

#: chargers to order at once, their events, and the OCPP messages that each sends at least because of it
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
    shares: dict[str, float] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """Return the medians, and the worst."""
        return {
            "command": self.command,
            "chargers": self.chargers,
            "POST ms": round(statistics.median(self.post) * 1000),
            "worst POST ms": round(max(self.post) * 1000),
            "acted s": round(statistics.median(self.acted), 2),
            "worst acted s": round(max(self.acted), 2),
            "bottleneck": bottleneck(self.shares),
        }


def orders(lab: Lab, sink: Sink, chargers: int, repeat: int) -> list[Orders]:
    """Bring a fleet online at the sink and order it about by the API."""
    location = lab.call("POST", "/ocpp/locations", SITE)["id"]
    boots = sink.count("boots")
    lab.call("POST", f"/ocpp/locations/{location}/chargers", fleet(sink.ws_url, chargers))
    until(lambda: sink.count("boots") - boots >= chargers, "all booted", seconds=PATIENCE)
    time.sleep(5)  # the status of every connector
    found = [Orders(command, chargers) for command in STEPS]
    for _ in range(repeat):
        for one in found:
            _order(lab, sink, location, one)
    lab.call("DELETE", f"/ocpp/locations/{location}")
    until(lambda: sink.count("open") == 0, "all closed", seconds=PATIENCE)
    return found


def _order(lab: Lab, sink: Sink, location: str, one: Orders) -> None:
    event, messages = STEPS[one.command]
    calls, clock, started = sink.count("calls"), Clock({**lab.pids, "sink": sink.process.pid}), time.monotonic()
    answer = lab.call("POST", f"/ocpp/commands/{one.command}", {"target": {"location_id": location}, "event": event})
    one.post.append(time.monotonic() - started)
    if answer["queued_count"] != one.chargers:
        raise SystemExit(f"{one.command}: only {answer['queued_count']} queued: {answer['failed'][:3]}")
    wanted = calls + one.chargers * messages
    until(lambda: sink.count("calls") >= wanted, f"all acted on {one.command}", seconds=PATIENCE)
    one.acted.append(time.monotonic() - started)
    one.shares = clock.shares()
    time.sleep(1)
