"""The end of a lab's start: wait until everything answers, then see to the demo fleet through the public API."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from chargers.choices import HostStatus
from chargers.models import SimulatorHost
from chargers.selectors.stops import stop_current
from ocpplab.celery import app as celery_app
from ocpplab.lab.api import Api
from ocpplab.lab.errors import LabError

OPEN_SECONDS = 90.0
"""How long web, worker and simulators may take to answer."""
JOB_SECONDS = 300.0
DEMO = {
    "name": "Demo site",
    "address": "1 Rue de la Recharge",
    "city": "Grenoble",
    "country": "FR",
    "coordinates": {"latitude": 45.1885, "longitude": 5.7245},
    "timezone": "Europe/Paris",
    "owner_name": "OCPP lab",
}
# Both versions of OCPP, AC and DC: every third charger of the fleet speaks 2.0.1.
TEMPLATES = (
    {
        "brand_slug": "schneider",
        "model_slug": "evlink-pro-ac-22kw",
        "connector_type": "Type2",
        "ocpp_version": "OCPP1.6",
    },
    {"brand_slug": "abb", "model_slug": "terra-184", "connector_type": "CCS2", "ocpp_version": "OCPP2.0.1"},
)
BULK = 10_000  # chargers in one request
# People come and go, so that there is something to see: about one a second in a big fleet, often enough in a small one.
MOST_ARRIVALS_PER_HOUR, ALL_ARRIVALS_PER_HOUR = 12.0, 3600.0
LIFE = {
    "tags": [{"id": f"DRIVER-{number}"} for number in range(1, 21)],
    "mean_minutes": 6.0,
    "mean_idle_minutes": 1.0,
    "early_unplug": 0.05,
    "seed": 1,
}


@dataclass(frozen=True, slots=True)
class Opening:
    """What the opening has to see to; `say` prints a line."""

    api: Api
    csms_url: str
    fleet: int
    simulators: int
    say: Callable[[str], None]

    def run(self, *, earlier_csms_url: str) -> str:
        """Return when the lab may be used, with the id of a location or an empty text. Raises LabError."""
        wait("the web process answers", self.api.alive)
        wait("the worker answers", lambda: bool(celery_app.control.ping(timeout=0.5)))
        wait("the simulators are there", lambda: live_simulators() >= self.simulators)
        self.say("web, worker and simulators answer")
        if earlier_csms_url and earlier_csms_url != self.csms_url:
            self.move_chargers(earlier_csms_url)
        stop = stop_current()
        if stop is None:
            self.fleet_ensure()
            self.report()
        else:
            self.say(f"the lab is stopped since {stop}; manage.py resume_lab lets it go on")
        return next((str(location["id"]) for location in self.api.pages("/ocpp/locations")), "")

    def move_chargers(self, earlier: str) -> None:
        """Send the chargers of the built-in CSMS to its new address: the lab was started on another port."""
        places: dict[str, list[dict[str, str]]] = {}
        for charger in self.api.pages("/ocpp/chargers"):
            if charger["ws_url"] == earlier and charger["location_id"]:
                change = {"charger_id": charger["id"], "ws_url": self.csms_url}
                places.setdefault(charger["location_id"], []).append(change)
        for location, changes in places.items():
            for start in range(0, len(changes), 1000):
                self.api.call(
                    "PUT", f"/ocpp/locations/{location}/chargers", {"chargers": changes[start : start + 1000]}
                )
            self.say(f"{len(changes)} chargers moved from {earlier} to {self.csms_url}")

    def fleet_ensure(self) -> None:
        """Make the demo location with its chargers, unless the organization has locations already."""
        if self.fleet == 0:
            return
        locations = list(self.api.pages("/ocpp/locations"))
        demo = next((location for location in locations if location["name"] == DEMO["name"]), None)
        if demo is None and locations:
            return
        if demo is None:
            demo = self.api.call("POST", "/ocpp/locations", DEMO)
        if self.api.total(f"/ocpp/locations/{demo['id']}/chargers"):
            return  # of an earlier start
        self.say(f"asking for {self.fleet} chargers at {DEMO['name']!r}")
        started = time.monotonic()
        for first in range(0, self.fleet, BULK):
            self.fleet_create(demo["id"], first, min(BULK, self.fleet - first))
        self.say(f"{self.fleet} chargers READY after {time.monotonic() - started:.1f} s")
        if self.fleet <= BULK:
            self.fleet_enliven(demo["id"])

    def fleet_enliven(self, location: str) -> None:
        """Let people come and go at all chargers that can; the charger remembers it, so once is enough."""
        rate = min(MOST_ARRIVALS_PER_HOUR, ALL_ARRIVALS_PER_HOUR / self.fleet)
        body = {"target": {"location_id": location}, "event": {**LIFE, "arrivals_per_hour": rate}}
        answer = self.api.call("POST", "/ocpp/commands/behaviour", body)
        if answer["queued_count"]:
            self.say(f"people come and go at {answer['queued_count']} of them")

    def fleet_create(self, location: str, first: int, count: int) -> None:
        """Ask for `count` chargers, numbered after `first`, and wait until their job is settled."""
        newer = count // 3
        groups: list[dict[str, Any]] = []
        for template, size, prefix in zip(TEMPLATES, (count - newer, newer), ("DEMO-AC", "DEMO-DC"), strict=True):
            if size:
                ids = [f"{first + place:05d}" for place in range(1, size + 1)]
                about = {"ws_url": self.csms_url, "identity_prefix": f"{prefix}-", "template_name": "Demo charger"}
                groups.append({"template": {**template, **about}, "charger_ids": ids})
        accepted = self.api.call("POST", f"/ocpp/locations/{location}/chargers", groups)
        deadline = time.monotonic() + JOB_SECONDS
        while time.monotonic() < deadline:
            job = self.api.call("GET", accepted["status_url"])
            if job["status"] == "FAILED":
                raise LabError(f"the demo fleet failed: {job['error']}")
            if job["status"] == "READY":
                return
            time.sleep(0.2)
        raise LabError(f"the demo fleet was not READY after {JOB_SECONDS:.0f} s: {job}")

    def report(self) -> None:
        """Say how many chargers are online, when no more come or all are."""
        total = self.api.total("/ocpp/chargers")
        if total == 0:
            return
        online, changed = 0, time.monotonic()
        while online < total and time.monotonic() - changed < 5:
            now = self.api.total("/ocpp/chargers?connection_state=online")
            if now != online:
                online, changed = now, time.monotonic()
            time.sleep(0.1)
        self.say(f"{total} chargers, {online} online")


def live_simulators() -> int:
    """Return how many simulator processes are at work."""
    recent = Now() - timedelta(seconds=settings.HOST_DEAD_AFTER)
    return SimulatorHost.objects.filter(status=HostStatus.LIVE, beat_at__gt=recent).values("name").distinct().count()


def wait(what: str, check: Callable[[], bool]) -> None:
    """Ask again and again until it is so. Raises LabError when that takes too long."""
    deadline = time.monotonic() + OPEN_SECONDS
    while not check():
        if time.monotonic() > deadline:
            raise LabError(f"gave up after {OPEN_SECONDS:.0f} s of waiting until {what}")
        time.sleep(0.05)
