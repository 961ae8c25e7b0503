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


def restart(lab: Lab, sink: Sink, chargers: int, repeat: int) -> dict[str, Any]:
    """Kill all simulators of a lab that holds `chargers`, again and again; seconds are medians.

    `online s` is from the start of the first new process to the last BootNotification that the sink answered, `gap s`
    from the kill. The lab's supervisor waits a second or more before it starts a process again.
    """
    from_start, gap, spent, used = [], [], [], ""
    count = len(lab.simulators)
    for _ in range(repeat):
        boots, before, killed = sink.count("boots"), lab.simulators, time.monotonic()
        others = {name: pid for name, pid in lab.pids.items() if name not in before}
        clock = Clock({**others, "sink": sink.process.pid})
        for name in before:
            lab.kill(name)
        now = lab.renewed(before)
        begun = min(started_at(pid) for pid in now.values())
        from_start.append(fleets.all_booted(sink, boots + chargers, begun))
        simulators = Clock(now).total()
        cores = clock.usage()["cores"] | {"simulators": simulators / clock.wall}
        cores[OTHERS] = max(cores[OTHERS] - cores["simulators"], 0.0)
        used = busiest(cores)
        gap.append(begun + from_start[-1] - killed)
        until(lambda: online(lab) >= chargers, "the database knows that all are online", seconds=60)
        fleets.quiet(sink, chargers)
        spent.append(simulators / count)
    return {
        "chargers": chargers,
        "simulators": count,
        "online s": statistics.median(from_start),
        "worst online s": max(from_start),
        "gap s": statistics.median(gap),
        "CPU s of each": statistics.median(spent),
        "cores": used,
    }


def restarted(lab: Lab, sink: Sink, chargers: int, repeat: int) -> dict[str, Any]:
    """Bring a fleet online, measure, and take it away again."""
    location = fleet_ready(lab, sink, chargers)
    found = restart(lab, sink, chargers, repeat)
    fleets.remove(lab, location)
    fleets.all_closed(sink)
    return found
