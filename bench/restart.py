"""A simulator that is killed: how long its successor takes until the whole fleet is online again."""

import os
import statistics
import time
from pathlib import Path
from typing import Any

from bench import fleets
from bench.clock import OTHERS, Clock, busiest
from bench.fleets import Job
from bench.stack import Lab, Sink, until


def started_at(pid: int) -> float:
    """Return when a process was started, by the monotonic clock; where /proc is missing, now."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return time.monotonic()
    ticks = int(stat.read_text().rpartition(")")[2].split()[19])
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - age


def online(lab: Lab) -> int:
    """Return how many chargers the database knows to be online."""
    return int(lab.call("GET", "/ocpp/chargers?connection_state=online&limit=1")["total"])


def fleet_ready(lab: Lab, sink: Sink, chargers: int) -> str:
    """Bring a fleet online and let it come to rest; return its location."""
    boots, location = sink.count("boots"), fleets.site(lab)
    job = Job.ask(lab, location, sink.ws_url, chargers)
    job.wait()
    fleets.all_booted(sink, boots + chargers, job.begun)
    fleets.quiet(sink, chargers)
    return location


def restart(lab: Lab, sink: Sink, chargers: int) -> dict[str, Any]:
    """Kill all simulators of a lab that holds `chargers`.

    `online s` is from the start of the first new process to the last connection or BootNotification that the sink saw,
    whichever was later, `gap s` from the kill. The lab's supervisor waits a second or more before it starts a process
    again.
    """
    opens, before, killed = sink.count("opens"), lab.simulators, time.monotonic()
    others = {name: pid for name, pid in lab.pids.items() if name not in before}
    clock = Clock({**others, "sink": sink.process.pid})
    for name in before:
        lab.kill(name)
    now = lab.renewed(before)
    begun = min(started_at(pid) for pid in now.values())
    until(lambda: sink.count("opens") - opens >= chargers, "all dial again", seconds=fleets.PATIENCE)
    until(lambda: online(lab) >= chargers, "the database knows that all are online", seconds=60)
    spent = Clock(now).total()
    cores = clock.usage()["cores"] | {"simulators": spent / clock.wall}
    cores[OTHERS] = max(cores[OTHERS] - cores["simulators"], 0.0)
    fleets.quiet(sink, chargers)
    after = sink.stats
    took = max(after["last_open"], after["last_boot"]) - begun
    return {"online s": took, "gap s": begun + took - killed, "CPU s": spent / len(now), "cores": busiest(cores)}


def restarted(lab: Lab, sink: Sink, chargers: int, repeat: int) -> dict[str, Any]:
    """Bring a fleet online, restart its simulators again and again, and take it away. Seconds are medians."""
    location = fleet_ready(lab, sink, chargers)
    found = [restart(lab, sink, chargers) for _ in range(repeat)]
    fleets.remove(lab, location)
    fleets.all_closed(sink)
    return {
        "chargers": chargers,
        "simulators": len(lab.simulators),
        "online s": statistics.median(one["online s"] for one in found),
        "worst online s": max(one["online s"] for one in found),
        "gap s": statistics.median(one["gap s"] for one in found),
        "CPU s of each": statistics.median(one["CPU s"] for one in found),
        "cores": found[-1]["cores"],
    }
