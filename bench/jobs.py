"""The main job: how soon it is accepted, how soon it is done, and what disturbs it."""

import statistics
import time
from typing import Any

from bench import fleets
from bench.clock import Clock
from bench.figures import percentiles
from bench.fleets import Job
from bench.plan import Plan
from bench.stack import Failed, Lab, Sink, until

#: seconds after which a small job is asked for while a big one runs, and again
SMALL_AT = (1.0, 4.0, 8.0)
SMALL = 10
#: part of a job that is done when its worker is killed
KILL_AT = 0.2


def watch(lab: Lab, sink: Sink) -> Clock:
    """Begin to look at who uses the processor."""
    return Clock({**lab.pids, "sink": sink.process.pid})


def posts(lab: Lab, sink: Sink, plan: Plan) -> list[dict[str, Any]]:
    """Measure the 202, sizes in turn. Each job is cancelled at once: here only the answer counts."""
    seconds: dict[int, list[float]] = {size: [] for size in plan.posts}
    location = fleets.site(lab)
    for _ in range(plan.post_repeat):
        for size in plan.posts:
            job = Job.ask(lab, location, sink.ws_url, size)
            seconds[size].append(job.post)
            _cancel(lab, job)
    fleets.remove(lab, location)
    fleets.all_closed(sink)
    return [{"chargers": size, "POST ms": percentiles(taken)} for size, taken in seconds.items()]


def _cancel(lab: Lab, job: Job) -> None:
    """End a job; a small one may be done before."""
    try:
        lab.call("POST", f"{job.url}/cancel")
    except Failed:
        if lab.call("GET", job.url)["status"] not in {"READY", "FAILED"}:
            raise


def small(lab: Lab, sink: Sink, plan: Plan) -> dict[str, Any]:
    """Measure READY of a job of a thousand, several times."""
    ready, used = [], ""
    for _ in range(plan.small_job_repeat):
        location, boots = fleets.site(lab), sink.count("boots")
        clock = watch(lab, sink)
        job = Job.ask(lab, location, sink.ws_url, plan.small_job)
        ready.append(job.wait())
        used = clock.busiest()
        fleets.all_booted(sink, boots + plan.small_job, job.begun)
        fleets.remove(lab, location)
        fleets.all_closed(sink)
    figures = {"READY s": statistics.median(ready), "worst READY s": max(ready), "cores": used}
    return {"chargers": plan.small_job} | figures


def big(lab: Lab, sink: Sink, plan: Plan) -> dict[str, Any]:
    """Measure READY of ten thousand, and of jobs of ten that are asked for meanwhile."""
    boots, location, other = sink.count("boots"), fleets.site(lab), fleets.site(lab)
    clock = watch(lab, sink)
    job = Job.ask(lab, location, sink.ws_url, plan.big_job)
    small_jobs: list[Job] = []
    meanwhile = 0
    deadline = time.monotonic() + fleets.PATIENCE

    def look() -> bool:
        nonlocal meanwhile
        passed = time.monotonic() - job.begun
        if len(small_jobs) < len(SMALL_AT) and passed >= SMALL_AT[len(small_jobs)] and job.ready is None:
            small_jobs.append(Job.ask(lab, other, sink.ws_url, SMALL))
        for one in small_jobs:
            if one.ready is None and one.settled() and job.ready is None:
                meanwhile += 1
        return job.settled() and all(one.ready is not None for one in small_jobs)

    until(look, "the big job and the small ones are READY", seconds=deadline - time.monotonic())
    used = clock.busiest()
    wanted = boots + plan.big_job + SMALL * len(small_jobs)
    online = fleets.all_booted(sink, wanted, job.begun)
    fleets.remove(lab, other)
    fleets.remove(lab, location)
    fleets.all_closed(sink)
    return {
        "chargers": plan.big_job,
        "POST ms": job.post * 1000,
        "READY s": job.ready,
        "online s": online,
        "jobs of ten meanwhile": len(small_jobs),
        "of them READY before it": meanwhile,
        "job of ten READY s": max((one.ready or 0.0 for one in small_jobs), default=None),
        "job of ten POST ms": max((one.post * 1000 for one in small_jobs), default=None),
        "cores": used,
    }


def orphaned(lab: Lab, sink: Sink, plan: Plan) -> dict[str, Any]:
    """Kill the worker when a part of a job is done, and measure how long the rest takes."""
    location, boots = fleets.site(lab), sink.count("boots")
    job = Job.ask(lab, location, sink.ws_url, plan.orphaned_job)

    def begun() -> bool:
        if job.settled():
            raise Failed("the job was READY before its worker could be killed: take a bigger one")
        return bool(lab.call("GET", job.url)["progress"]["created"] >= KILL_AT * plan.orphaned_job)

    until(begun, "a part of the job is done", seconds=fleets.PATIENCE)
    created = lab.call("GET", job.url)["progress"]["created"]
    lab.kill("worker")
    killed, clock = time.monotonic(), watch(lab, sink)
    job.wait()
    done, used = time.monotonic() - killed, clock.busiest()
    fleets.all_booted(sink, boots + plan.orphaned_job, job.begun)
    extra = sink.count("boots") - boots - plan.orphaned_job
    fleets.remove(lab, location)
    fleets.all_closed(sink)
    return {
        "chargers": plan.orphaned_job,
        "created at the kill": created,
        "done s after": done,
        "boots too many": extra,
        "cores": used,
    }
