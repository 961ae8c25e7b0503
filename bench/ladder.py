"""The same questions at 100, 1,000, 5,000 and 10,000 chargers in one simulator process, beside the bare limit."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import fleets, profile
from bench.clock import Clock
from bench.fleets import Job
from bench.plan import Plan
from bench.stack import ROOT, Failed, Lab, Sink, until
from bench.window import Window

#: portions in which a fleet begins to charge, evenly over one interval of samples: chargers in the field do not all
#: read their meters in the same moment
PORTIONS = 40
#: seconds at the highest rate before it is looked at, and after
RUN_UP = 1.0
#: what the message log keeps, at the largest size; chargers changed at a time, and seconds until simulators have looked
LEVELS = ("none", "transactions", "all")
PAGE, NOTICED_AFTER = 1_000, 6.0


def bare(sink: Sink, plan: Plan, sessions: int) -> dict[str, Any]:
    """Measure sessions with no charger behind them, on the same transport."""
    paces = [
        (sessions / plan.heartbeat, plan.bare_rest, "heartbeat"),
        (sessions / plan.sample, plan.bare_charge, "meter"),
    ]
    command = [sys.executable, "-m", "bench.bare", "--url", sink.ws_url, "--sessions", str(sessions)]
    command += [word for rate, seconds, kind in paces for word in ("--rate", f"{rate}:{seconds}:{kind}")]
    command += ["--saturate", str(plan.flood / 2), "--drive", str(plan.flood)]
    sink.ask("mark")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise Failed(f"the bare sessions ended: {(done.stderr or done.stdout)[-1000:]}")
    facts = json.loads(done.stdout)
    rest, charge = facts["rates"]
    return {
        "online s": facts["boot"]["seconds"],
        "boot CPU s": facts["boot"]["cpu_seconds"],
        "KB/session": facts["memory"]["per_session"] / 1024,
        "MB": facts["memory"]["full"] / 2**20,
        "rest CPU s/min": rest["core"] * 60,
        "charge CPU s/min": charge["core"] * 60,
        "exchanges/s": 2 * facts["driven"]["turns_per_second"],
        "own exchanges/s": facts["saturated"]["calls_per_second"],
        "CPU us/exchange": facts["driven"]["cpu_us"] / 2,
        "round trip ms": charge["latency_ms"],
        "lag ms": charge["lag_ms"],
        "sink": {"busiest": sink.stats["busiest"]},
        "facts": facts,
    }


@dataclass
class Rung:
    """One fleet of one size in one simulator process."""

    lab: Lab
    sink: Sink
    plan: Plan
    chargers: int
    say: Callable[[str], None]
    top: bool = False

    def __post_init__(self) -> None:
        self.location = ""
        self.ids: list[str] = []
        self.empty = 0
        self.profile: dict[str, Any] = {}

    def measure(self) -> dict[str, Any]:
        """Return everything about the fleet, from its POST to its end."""
        self.say(f"{self.chargers:,} chargers: until all are online")
        self.lab.fresh()
        self.empty = self.lab.rss()
        found = {"boot": self.boot()}
        found["memory"] = self.memory()
        self.say(f"{self.chargers:,} chargers: at rest")
        found["rest"] = self.window(self.plan.rest).facts()
        self.look_into("rest")
        self.say(f"{self.chargers:,} chargers: highest rate")
        found["flood"] = {"all": self.flood()}
        self.look_into("flood", before=lambda: self.drive(self.plan.profile))
        if self.top:
            self.keep("none")
            found["flood"]["none"] = self.flood()
        self.say(f"{self.chargers:,} chargers: charging")
        self.begin_charging()
        found["charge"] = {level: self.charging(level) for level in (LEVELS if self.top else LEVELS[-1:])}
        self.look_into("charge")
        found["memory charging"] = self.memory()
        found["profile"] = self.profile
        self.say(f"{self.chargers:,} chargers: away with them")
        fleets.remove(self.lab, self.location)
        fleets.all_closed(self.sink)
        return found

    def boot(self) -> dict[str, Any]:
        """Ask for the fleet, and wait until it is READY, online, and has said what there is to say."""
        boots = self.sink.count("boots")
        self.location = fleets.site(self.lab)
        window, clock = Window(self.lab, self.sink), Clock(self.lab.simulators)
        job = Job.ask(self.lab, self.location, self.sink.ws_url, self.chargers)
        ready = job.wait()
        online = fleets.all_booted(self.sink, boots + self.chargers, job.begun)
        facts = window.facts()
        self.ids = job.ids
        fleets.quiet(self.sink, self.chargers)
        return {"POST ms": job.post * 1000, "READY s": ready, "online s": online, "CPU s": clock.spent("")} | facts

    def memory(self) -> dict[str, float]:
        """Return the memory of the simulator now, and what it grew by for each session."""
        now = self.lab.rss()
        return {
            "MB": now / 2**20,
            "empty MB": self.empty / 2**20,
            "KB/session": (now - self.empty) / self.chargers / 1024,
        }

    def flood(self) -> dict[str, Any]:
        """Let the sink drive all chargers as fast as they go."""
        self.drive(self.plan.flood + 2 * RUN_UP)
        time.sleep(RUN_UP)
        facts = self.window(self.plan.flood).facts()
        time.sleep(RUN_UP)
        return facts

    def drive(self, seconds: float) -> None:
        """Have the sink begin to."""
        self.sink.ask("drive", seconds=seconds)

    def look_into(self, name: str, *, before: Callable[[], None] = lambda: None) -> None:
        """Take a profile, at the largest size only: it disturbs what it looks at."""
        if self.top:
            before()
            self.profile[name] = profile.sampled(next(iter(self.lab.simulators.values())), self.plan.profile)

    def begin_charging(self) -> None:
        """Set the interval of samples and start a session at every charger, evenly over one interval."""
        self.sink.ask("mark", pace=self.plan.sample)
        answers = self.sink.count("answers")
        payload = json.dumps({"key": "MeterValueSampleInterval", "value": str(self.plan.sample)})
        self.sink.ask("push", action="ChangeConfiguration", payload=payload)
        until(lambda: self.sink.count("answers") - answers >= self.chargers, "all know the interval", seconds=60)
        begun, starts = time.monotonic(), self.sink.count("starts")
        portions = [self.ids[place::PORTIONS] for place in range(PORTIONS) if place < self.chargers]
        for number, portion in enumerate(portions):
            time.sleep(max(0.0, begun + self.plan.sample * number / len(portions) - time.monotonic()))
            target = {"location_id": self.location, "charger_ids": portion}
            body = {"target": target, "event": {"connector_id": 1, "id_tag": "BENCH"}}
            self.lab.call("POST", "/ocpp/commands/start-session", body)
        until(lambda: self.sink.count("starts") - starts >= self.chargers, "all charge", seconds=fleets.PATIENCE)
        time.sleep(self.plan.sample * 1.2)  # each has shown its place in the grid of samples

    def charging(self, level: str) -> dict[str, Any]:
        """Look on while all charge."""
        if self.top:
            self.keep(level)
        seconds = self.plan.top_charge if self.top and level == "all" else self.plan.charge
        return self.window(seconds, pace=self.plan.sample).facts()

    def keep(self, level: str) -> None:
        """Change what the message log keeps of every charger, and wait until the simulator has noticed."""
        for begin in range(0, self.chargers, PAGE):
            changes = [{"charger_id": one, "message_log": level} for one in self.ids[begin : begin + PAGE]]
            answer = self.lab.call("PUT", f"/ocpp/locations/{self.location}/chargers", {"chargers": changes})
            if answer["failed"]:
                raise Failed(f"the level of the message log was not taken: {answer['failed'][:3]}")
        time.sleep(NOTICED_AFTER)

    def window(self, seconds: float, *, pace: float = 0) -> Window:
        """Look on for so long."""
        return Window(self.lab, self.sink, pace=pace).wait(seconds)


def ladder(lab: Lab, sink: Sink, plan: Plan, found: list[dict[str, Any]], say: Callable[[str], None]) -> None:
    """Measure all sizes and put them into `found`, each when it is done."""
    for chargers in plan.sizes:
        say(f"{chargers:,} sessions with no charger behind them")
        limit = bare(sink, plan, chargers)
        fleets.all_closed(sink)
        rung = Rung(lab, sink, plan, chargers, say, top=chargers == plan.sizes[-1])
        found.append({"chargers": chargers, "bare": limit, "ours": rung.measure()})
