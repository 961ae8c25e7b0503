"""What is measured."""

import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from bench.stack import Clock, Lab, Sink, bottleneck, until

SITE = {
    "name": "Bench",
    "address": "1 Main Street",
    "city": "Bern",
    "country": "CH",
    "coordinates": {"latitude": 46.95, "longitude": 7.45},
}
PATIENCE = 600  # seconds for a whole fleet


@dataclass
class Round:
    """One fleet from its POST to its end. Seconds; bytes for memory."""

    target: str
    chargers: int
    post: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    booted: list[float] = field(default_factory=list)
    bytes_per_session: float | None = None
    shares: dict[str, float] = field(default_factory=dict)
    bottleneck: str = ""

    def row(self) -> dict[str, Any]:
        """Return the medians."""
        return {
            "target": self.target,
            "chargers": self.chargers,
            "POST ms": round(statistics.median(self.post) * 1000, 1),
            "READY s": round(statistics.median(self.ready), 2),
            "booted s": round(statistics.median(self.booted), 2),
            "boots/s": round(self.chargers / statistics.median(self.booted)),
            "KB/session": None if self.bytes_per_session is None else round(self.bytes_per_session / 1024, 1),
            "bottleneck": self.bottleneck,
        }


def fleet(ws_url: str, chargers: int) -> list[dict[str, Any]]:
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


def online(lab: Lab) -> int:
    """Return how many chargers are online."""
    return int(lab.call("GET", "/ocpp/chargers?connection_state=online&limit=1")["total"])


class Bench:
    """Runs rounds on one lab."""

    def __init__(self, lab: Lab, quiet: Sink, busy: Sink) -> None:
        self.lab, self.quiet, self.busy = lab, quiet, busy
        self.empty = lab.rss()
        self.watched = {**lab.pids, "sink": quiet.process.pid}

    def boots(self, target: str, chargers: int, repeat: int) -> Round:
        """POST a fleet, wait until it is READY and until all have booted; several times."""
        result = Round("built-in CSMS" if target == "csms" else "sink", chargers)
        for _ in range(repeat):
            self._once(result, self.lab.csms_url if target == "csms" else self.quiet.ws_url, chargers)
        return result

    def _once(self, result: Round, ws_url: str, chargers: int) -> None:
        location = self.lab.call("POST", "/ocpp/locations", SITE)["id"]
        body, boots_before = fleet(ws_url, chargers), self.quiet.count("boots")
        clock, started = Clock(self.watched), time.monotonic()
        job = self.lab.call("POST", f"/ocpp/locations/{location}/chargers", body)
        result.post.append(time.monotonic() - started)
        until(lambda: self._settled(job["status_url"]), "the job is READY", seconds=PATIENCE)
        result.ready.append(time.monotonic() - started)
        if result.target == "sink":
            until(lambda: self.quiet.count("boots") - boots_before >= chargers, "all booted", seconds=PATIENCE)
        else:
            until(lambda: online(self.lab) >= chargers, "all online", seconds=PATIENCE)
        result.booted.append(time.monotonic() - started)
        result.shares = clock.shares()
        result.bottleneck = bottleneck(result.shares)
        if result.bytes_per_session is None:
            time.sleep(3)  # the last status notifications and their rows
            result.bytes_per_session = (self.lab.rss() - self.empty) / chargers
        self._remove(location)

    def messages(self, chargers: int, seconds: float) -> dict[str, Any]:
        """Let every charger send a heartbeat a second and count what arrives (each is a CALL and its answer)."""
        location = self.lab.call("POST", "/ocpp/locations", SITE)["id"]
        self.lab.call("POST", f"/ocpp/locations/{location}/chargers", fleet(self.busy.ws_url, chargers))
        until(lambda: self.busy.count("boots") >= chargers, "all booted", seconds=PATIENCE)
        time.sleep(5)
        clock, before, started = (
            Clock({**self.lab.pids, "sink": self.busy.process.pid}),
            self.busy.count("calls"),
            time.monotonic(),
        )
        time.sleep(seconds)
        calls, wall = self.busy.count("calls") - before, time.monotonic() - started
        shares = clock.shares()
        self._remove(location)
        return {
            "chargers": chargers,
            "wanted calls/s": chargers,
            "calls/s": round(calls / wall),
            "messages/s": round(2 * calls / wall),
            "bottleneck": bottleneck(shares),
            "shares": shares,
        }

    def _settled(self, status_url: str) -> bool:
        job = self.lab.call("GET", status_url)
        if job["status"] == "FAILED":
            raise SystemExit(f"the job failed: {job}")
        return bool(job["status"] == "READY")

    def _remove(self, location: str) -> None:
        """Take the fleet away and wait until its connections are gone."""
        self.lab.call("DELETE", f"/ocpp/locations/{location}")
        until(lambda: self.quiet.count("open") + self.busy.count("open") == 0, "all closed", seconds=PATIENCE)
        time.sleep(1)
