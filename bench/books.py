"""Do the chargers and the CSMS agree on every transaction, whatever is killed meanwhile?

A fleet at the built-in CSMS charges in rounds; in each something is killed with SIGKILL (a simulator, the web process
with the CSMS in it), and the lab starts it again. Faults are injected into some chargers. In the end both books are
compared by `manage.py reconcile`. Samples come every five seconds instead of every minute.
"""

import concurrent.futures
import json
import random
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from bench import fleets
from bench.fleets import PATIENCE, Job
from bench.restart import online
from bench.stack import Failed, Lab, until

KEYS = {
    "MeterValueSampleInterval": "5",
    "TransactionMessageRetryInterval": "1",
    "AllowOfflineTxForUnknownId": "true",
}
WORKERS = 16  #: chargers that are configured at a time


@dataclass
class Books:
    """What came of it. `fan_out`: seconds that a command to the whole fleet took to be answered."""

    chargers: int
    seed: int
    killed: list[str] = field(default_factory=list)
    fan_out: list[float] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def row(self) -> dict[str, Any]:
        """Return one line of a table."""
        return {
            "chargers": self.chargers,
            "transactions": self.result["transactions"],
            "messages": self.result["messages"],
            "kWh": round(self.result["energy_wh"] / 1000, 3),
            "kills": len(self.killed),
            "disagreements": len(self.result["complaints"]),
            "unfinished": self.result["running"] + self.result["untold"],
            "fan-out ms": round(statistics.median(self.fan_out) * 1000),
            "seconds": round(self.seconds, 1),
        }


class Run:
    """One fleet and its rounds."""

    def __init__(self, lab: Lab, chargers: int, seed: int, pause: float) -> None:
        """`pause`: seconds of charging before and after something is killed."""
        self.lab, self.pause = lab, pause
        self.books = Books(chargers, seed)
        self.dice = random.Random(seed)
        self.location = ""
        self.ids: list[str] = []

    def run(self) -> Books:
        """Charge, kill, compare."""
        started = time.monotonic()
        self._provision()
        victims = [name for name in self.lab.pids if name.startswith("simulator")]
        for turn, victim in enumerate([*victims, "web", victims[0]]):
            self._round(turn, victim)
        self._order("stop-session", {"connector_id": 1})
        self._close()
        self.books.seconds = time.monotonic() - started
        fleets.remove(self.lab, self.location)
        return self.books

    def _provision(self) -> None:
        self.location = fleets.site(self.lab)
        job = Job.ask(self.lab, self.location, self.lab.csms_url, self._size)
        job.wait()
        self._all_online()
        self.ids = job.ids
        if len(set(self.ids)) != self._size:
            raise Failed(f"{len(set(self.ids))} chargers are listed, not {self._size}")
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._configure, [self.ids[start::WORKERS] for start in range(WORKERS)]))

    def _configure(self, chargers: list[str]) -> None:
        lab = self.lab.twin()
        for charger in chargers:
            body = {"target": {"charger_id": charger}, "event": {"configuration": KEYS}}
            answer = lab.call("POST", "/ocpp/commands/configuration", body)
            if answer["status"] != "Accepted":
                raise Failed(f"the configuration was not taken: {answer}")

    @property
    def _size(self) -> int:
        return self.books.chargers

    def _round(self, turn: int, victim: str) -> None:
        self._order("start-session", {"connector_id": 1, "id_tag": f"CARD-{turn}"})
        time.sleep(self.pause)
        before = {victim: self.lab.pids[victim]}
        self.lab.kill(victim)
        self.books.killed.append(victim)
        time.sleep(self.pause)
        self.lab.renewed(before)
        self.lab.joined()  # before that the database may still call chargers of the dead simulator online
        self._all_online()
        some = self.dice.sample(self.ids, self._size // 2)
        self._order("stop-session", {"connector_id": 1}, some)
        for charger in self.dice.sample(self.ids, min(20, self._size)):
            target = {"target": {"charger_id": charger}}
            event = {"connector_id": 1, "fault_type": "GroundFault"}
            self.lab.call("POST", "/ocpp/commands/inject-fault", {**target, "event": event})
            self.lab.call("POST", "/ocpp/commands/clear-fault", {**target, "event": {"connector_id": 1}})

    def _order(self, route: str, event: dict[str, Any], chargers: list[str] | None = None) -> None:
        target = {"location_id": self.location} | ({} if chargers is None else {"charger_ids": chargers})
        started = time.monotonic()
        self.lab.call("POST", f"/ocpp/commands/{route}", {"target": target, "event": event})
        self.books.fan_out.append(time.monotonic() - started)

    def _all_online(self) -> None:
        def probe() -> bool:
            try:
                return online(self.lab) >= self._size
            except OSError:  # the web process was killed and is not back yet
                return False

        until(probe, "all online", seconds=PATIENCE)

    def _close(self) -> None:
        """Wait until nothing runs and all is told, a minute at most; keep how the books compare then."""
        deadline = time.monotonic() + 60
        while True:
            self.books.result = found = json.loads(self.lab.manage("reconcile", "--json"))
            done = not (found["running"] or found["untold"] or found["complaints"])
            if done or time.monotonic() > deadline:
                return
            time.sleep(2)
