"""A fleet from its POST to its end, through the public API."""

import time
from dataclasses import dataclass, field
from typing import Any

from bench.stack import Failed, Lab, Sink, until

SITE = {
    "name": "Bench",
    "address": "1 Main Street",
    "city": "Bern",
    "country": "CH",
    "coordinates": {"latitude": 46.95, "longitude": 7.45},
}
PATIENCE = 300  # seconds for a whole fleet


def body(ws_url: str, chargers: int) -> list[dict[str, Any]]:
    """Return the body of a bulk create."""
    template = {
        "brand_slug": "schneider",
        "model_slug": "evlink-pro-ac-22kw",
        "connector_type": "Type2",
        "ws_url": ws_url,
        "ocpp_version": "OCPP1.6",
        "identity_prefix": "BENCH_",
        "template_name": "Charger",
    }
    return [{"template": template, "chargers_number": chargers}]


def site(lab: Lab) -> str:
    """Make a location and return its id."""
    return str(lab.call("POST", "/ocpp/locations", SITE)["id"])


def remove(lab: Lab, location: str) -> None:
    """Delete a location with its chargers."""
    lab.call("DELETE", f"/ocpp/locations/{location}")


@dataclass
class Job:
    """A bulk create that was asked for. Seconds; `ready` is from the POST to the look that found it READY."""

    lab: Lab
    chargers: int
    location: str
    url: str
    begun: float
    post: float
    ready: float | None = None
    ids: list[str] = field(default_factory=list)

    @classmethod
    def ask(cls, lab: Lab, location: str, ws_url: str, chargers: int) -> "Job":
        """POST, and measure how long the 202 takes."""
        wanted, begun = body(ws_url, chargers), time.monotonic()
        answer = lab.call("POST", f"/ocpp/locations/{location}/chargers", wanted)
        return cls(lab, chargers, location, answer["status_url"], begun, time.monotonic() - begun)

    def settled(self) -> bool:
        """Look once. Raises Failed when the job has."""
        job = self.lab.call("GET", self.url)
        if job["status"] == "FAILED":
            raise Failed(f"the job of {self.chargers} failed: {str(job)[:500]}")
        if job["status"] != "READY":
            return False
        if self.ready is None:
            self.ready = time.monotonic() - self.begun
            self.ids = [charger["id"] for charger in job["results"]["created"]]
        return True

    def wait(self) -> float:
        """Look as clients do until it is READY; return the seconds since the POST."""
        until(self.settled, f"{self.chargers} chargers are READY", seconds=PATIENCE)
        assert self.ready is not None
        return self.ready


def all_booted(sink: Sink, boots: int, begun: float) -> float:
    """Wait until the sink has seen so many boots in all; return the seconds from `begun` to the last one."""
    until(lambda: sink.count("boots") >= boots, f"the sink has seen {boots} boots", seconds=PATIENCE)
    return float(sink.stats["last_boot"]) - begun


def all_closed(sink: Sink) -> None:
    """Wait until nobody is connected."""
    until(lambda: sink.count("open") == 0, "all connections are closed", seconds=PATIENCE)


def quiet(sink: Sink, chargers: int, seconds: float = 60) -> None:
    """Wait until a fleet sends little but its heartbeats: what it had to say is said."""
    rate = 1.5 * chargers / sink.interval + 2
    before = [sink.count("calls"), time.monotonic()]

    def probe() -> bool:
        time.sleep(1)
        now, moment = sink.count("calls"), time.monotonic()
        was, before[:] = before.copy(), [now, moment]
        return (now - was[0]) / (moment - was[1]) <= rate

    until(probe, "the chargers have said what they had to say", seconds=seconds)
