"""The bare limit: sessions on the project's own transport with no charger behind them.

One process opens sessions to a sink, boots each, and then lets them rest, sends at given rates, sends as fast as the
answers come, and lets the sink drive it (`bench.sink_driver`). Whatever a simulator does on this machine can be set
beside these figures. Prints one JSON object.

    python -m bench.sink --port 9100 &
    python -m bench.bare --url ws://127.0.0.1:9100/ocpp --sessions 10000 --rest 10 --rate 1000:20:meter --saturate 10

CPU is that of this process, in seconds or in microseconds for each CALL with its answer; latency is from `send` until
the answer is read, in milliseconds.
"""

import argparse
import asyncio
import gc
import json
import os
import resource
import time
import urllib.request
from array import array
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import uvloop

from bench.figures import percentiles
from chargers.simulator.host.dialler import Dialler
from chargers.simulator.host.port import Link
from chargers.simulator.host.timers import Timers
from ocpplab.common.targets import Targets

BOOT = '[2,"1","BootNotification",{"chargePointModel":"Bare","chargePointVendor":"Bench"}]'
HEARTBEAT = '[2,"5b9f0cf2-6c1d-4ac3-9c35-1f3d1a7f4c11","Heartbeat",{}]'
METER_VALUES = (
    '[2,"5b9f0cf2-6c1d-4ac3-9c35-1f3d1a7f4c11","MeterValues",{"connectorId":1,"transactionId":123456,"meterValue":'
    '[{"timestamp":"2026-01-01T00:00:00.000Z","sampledValue":['
    '{"value":"123456","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"Wh"},'
    '{"value":"11040","context":"Sample.Periodic","measurand":"Power.Active.Import","unit":"W"}]}]}]'
)
MESSAGES = {"heartbeat": HEARTBEAT, "meter": METER_VALUES}
#: seconds between two rounds of sending at a rate, at least
STEP = 0.01
ANSWER = ',{"status":"Accepted"}]'


class Pace(NamedTuple):
    """CALLs a second, for how many seconds, of which kind."""

    rate: float
    seconds: float
    text: str

    @classmethod
    def of(cls, word: str) -> "Pace":
        """Read `1000:20:meter`."""
        rate, seconds, kind = word.split(":")
        return cls(float(rate), float(seconds), MESSAGES[kind])


class Station:
    """One session: it boots, and then at most one CALL is under way."""

    __slots__ = ("_fleet", "link", "sent")

    def __init__(self, fleet: "Fleet") -> None:
        self._fleet = fleet
        self.link: Link | None = None
        self.sent = 0.0  #: when the CALL under way was sent, 0: none is

    def call(self, *texts: str) -> None:
        """Send a CALL, after what may have to be said before it."""
        self.sent = time.perf_counter()
        assert self.link is not None
        self.link.send(*texts)

    def opened(self, link: Link, subprotocol: str | None) -> None:
        del subprotocol
        self.link = link
        self.call(BOOT)

    def received(self, link: Link, text: str) -> None:
        if text.startswith("[2,"):  # the sink drives
            self.call("[3," + text[3 : text.index(",", 3)] + ANSWER, HEARTBEAT)
            return
        sent, self.sent = self.sent, 0.0
        self._fleet.answered(self, time.perf_counter() - sent)

    def refused(self, link: Link, reason: str) -> None:
        del link
        raise SystemExit(f"the sink sent what is no text: {reason}")

    def closed(self, link: Link, why: str) -> None:
        del link
        self.link = None
        self._fleet.lost(self, why)


class Fleet:
    """All sessions of the process, and what is measured of them."""

    def __init__(self, wanted: argparse.Namespace) -> None:
        self._wanted = wanted
        self._loop = asyncio.get_running_loop()
        self._dial = Dialler(self._loop, Timers(self._loop), Targets("CSMS_TARGETS", ["*"]))
        self._booting = self._saturating = False
        self._delays = array("d")
        self._left = wanted.sessions
        self._done = asyncio.Event()
        self._failed: str | None = None
        self.stations: list[Station] = []

    def answered(self, station: Station, delay: float) -> None:
        """Note an answer, and send on if that is what is measured."""
        self._delays.append(delay)
        if self._saturating:
            station.call(HEARTBEAT)
        elif self._booting:
            self.stations.append(station)
            self._dial_next()

    def lost(self, station: Station, why: str) -> None:
        """A session that ends spoils the measurement."""
        del station
        self._failed = self._failed or why
        self._done.set()

    async def run(self) -> dict[str, Any]:
        """Go through all phases that are wanted."""
        empty = rss()
        result: dict[str, Any] = {"sessions": self._wanted.sessions, "boot": await self.boot()}
        gc.collect()
        result["memory"] = {"empty": empty, "full": rss(), "per_session": (rss() - empty) // self._wanted.sessions}
        if self._wanted.rest:
            result["rest"] = await self.rest(self._wanted.rest)
        result["rates"] = [await self.at_rate(pace) for pace in self._wanted.rate]
        if self._wanted.saturate:
            result["saturated"] = await self.saturated(self._wanted.saturate)
        if self._wanted.drive:
            result["driven"] = await self.driven(self._wanted.drive)
        result["max_rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return result

    async def boot(self) -> dict[str, Any]:
        """Dial and boot all, with a bounded number of dials under way."""
        self._booting, meter = True, Meter()
        for _ in range(min(self._wanted.dialling, self._wanted.sessions)):
            self._dial_next()
        await self._done.wait()
        self._booting = False
        return {"per_second": round(self._wanted.sessions / meter.wall()), **self._report(meter)}

    async def rest(self, seconds: float) -> dict[str, Any]:
        """Do nothing with all sessions open."""
        meter = Meter()
        await self._wait(seconds)
        return meter.cpu(0)

    async def at_rate(self, pace: Pace) -> dict[str, Any]:
        """Send CALLs at a rate, each session in its turn; one that still waits for its answer is left out."""
        self._delays = array("d")
        step = max(STEP, 1 / pace.rate)
        turn, meter = deque(self.stations), Meter()
        sent = late = 0
        lags, end = array("d"), self._loop.time() + pace.seconds
        begin = due = self._loop.time()
        while due < end and self._failed is None:
            for _ in range(int((due - begin) * pace.rate) - sent - late):
                station = turn[0]
                turn.rotate(-1)
                if station.sent:
                    late += 1
                else:
                    sent += 1
                    station.call(pace.text)
            due += step
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            lags.append(max(0.0, self._loop.time() - due))
        report = self._report(meter)
        await self._settle()
        return {"wanted": pace.rate, "left_out": late, "lag_ms": percentiles(lags), **report}

    async def saturated(self, seconds: float) -> dict[str, Any]:
        """Send as fast as answers come, one CALL under way in each session."""
        self._delays = array("d")
        self._saturating, meter = True, Meter()
        for station in self.stations:
            station.call(HEARTBEAT)
        await self._wait(seconds)
        report = self._report(meter)
        self._saturating = False
        await self._settle()
        return report

    async def driven(self, seconds: float) -> dict[str, Any]:
        """Let the sink drive; a turn is two exchanges, and `latency_ms` is of the one that the session begins."""
        self._delays = array("d")
        url = f"http://{urlsplit(self._wanted.url).netloc}/drive?seconds={seconds}"
        await self._loop.run_in_executor(None, lambda: urllib.request.urlopen(url, timeout=10).close())
        meter = Meter()
        await self._wait(seconds)
        report = self._report(meter)
        await self._settle()
        return {**report, "turns_per_second": report["calls_per_second"]}

    async def _settle(self) -> None:
        """Let the answers come that are under way."""
        end = self._loop.time() + 10
        while any(station.sent for station in self.stations) and self._loop.time() < end:
            await self._wait(STEP)

    async def _wait(self, seconds: float) -> None:
        if self._failed is None:
            await asyncio.sleep(seconds)
        if self._failed is not None:
            raise SystemExit(f"a session ended: {self._failed}")

    def _dial_next(self) -> None:
        if self._left:
            self._left -= 1
            address = f"{self._wanted.url}/BARE_{self._left:05}"
            self._dial(address, "ocpp1.6", Station(self))
        elif len(self.stations) == self._wanted.sessions:
            self._done.set()

    def _report(self, meter: "Meter") -> dict[str, Any]:
        if self._failed is not None:
            raise SystemExit(f"a session ended: {self._failed}")
        return {**meter.cpu(len(self._delays)), "latency_ms": percentiles(self._delays)}


class Meter:
    """Wall and CPU time of this process since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def wall(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._wall

    def cpu(self, calls: int) -> dict[str, Any]:
        """Return seconds, shares, and figures for each of `calls`."""
        wall, cpu = self.wall(), time.process_time() - self._cpu
        facts: dict[str, Any] = {"seconds": round(wall, 3), "cpu_seconds": round(cpu, 3), "core": round(cpu / wall, 3)}
        if calls:
            facts |= {"calls": calls, "calls_per_second": round(calls / wall), "cpu_us": round(cpu / calls * 1e6, 1)}
        return facts


def rss() -> int:
    """Return the bytes of memory that this process uses now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url", required=True, help="the sink; an identity is added to it")
    parser.add_argument("--sessions", type=int, default=1000, help="(%(default)s)")
    parser.add_argument("--dialling", type=int, default=256, help="dials and boots under way at most (%(default)s)")
    parser.add_argument("--rest", type=float, default=0, help="seconds without messages (%(default)s)")
    rate = "CALLs a second, for so many seconds, of that kind (heartbeat, meter); may be given several times"
    parser.add_argument("--rate", type=Pace.of, action="append", default=[], metavar="1000:20:meter", help=rate)
    parser.add_argument("--saturate", type=float, default=0, help="seconds as fast as possible (%(default)s)")
    parser.add_argument("--drive", type=float, default=0, help="seconds that the sink drives (%(default)s)")
    return parser.parse_args()


async def measure(wanted: argparse.Namespace) -> dict[str, Any]:
    """Make the fleet where its loop runs."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)
    return await Fleet(wanted).run()


def main() -> None:
    """Measure and print."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(measure(options()))), flush=True)
    os._exit(0)  # closing thousands of sockets in order is not what is measured


if __name__ == "__main__":
    main()
