"""Everything that runs, and how it is broken: processes and servers that can be killed, stopped, emptied and revived.

What is done is told on standard output with its time, so that the report of a failed test begins with the story.
"""

import random
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import psutil
import redis
from django.conf import settings
from django.db import connection

from chargers.models import Charger
from chargers.services.commands import commands_fan_out
from jobs.models import ProvisioningJob
from locations.models import Location
from ocpplab.accounts.models import Organization
from ocpplab.embedded import Server
from tests.support import servers
from tests.support.chaos.csms import Csms
from tests.support.chargers import charger_of, make_location, make_model
from tests.support.processes import Process, Processes
from tests.support.waiting import eventually

#: timings that let a test see the end of a lease, and what a sweeper does; with a margin for a busy machine
IMPATIENT = {"HOST_BEAT_INTERVAL": "1", "HOST_DEAD_AFTER": "6", "JOB_SWEEP_INTERVAL": "2", "JOB_LOST_AFTER": "2"}
SIMULATORS = ("simulator-1", "simulator-2")
EVERYTHING = ("web", "worker", "beat", *SIMULATORS)


class Stack:
    """Processes by name, the servers, the CSMS, and the dice that all chance comes from."""

    def __init__(
        self,
        processes: Processes,
        csms: Csms,
        dice: random.Random,
        *,
        organization: Organization,
        token: str,
        parts: Iterable[str] = EVERYTHING,
        silent: bool = False,
        **env: str,
    ) -> None:
        """Start `parts` and wait until they are ready; keyword arguments are environment variables.

        Of `silent` ones it is not seen when they are ready, but for web.
        """
        self.csms = csms
        self.dice = dice
        self.organization = organization
        self.jobs: list[ProvisioningJob] = []
        #: processes that ended by themselves, and should not have
        self.deaths: list[str] = []
        self._began = time.monotonic()
        self._token = token
        self._processes: dict[str, Process] = {}
        self._blows: list[str] = []
        self._struck: set[str] = set()
        self._model = make_model()
        env = IMPATIENT | env
        for name in parts:
            self._processes[name] = self._start(processes, name, env)
        for name, process in self._processes.items():
            if not silent or name == "web":
                process.wait_ready()
        self.say(f"{', '.join(self._processes)} were started")

    @staticmethod
    def _start(processes: Processes, name: str, env: dict[str, str]) -> Process:
        match name:
            case "web":
                return processes.web(wait=False, **env)
            case "worker":
                return processes.worker("--concurrency", "2", "--without-mingle", wait=False, **env)
            case "beat":
                return processes.beat(wait=False, **env)
            case _:
                return processes.simulator(name=name, wait=False, **env)

    # --- what is done in order --------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Process:
        return self._processes[name]

    def say(self, what: str) -> None:
        """Tell the story."""
        print(f"{time.monotonic() - self._began:7.2f} s  {what}")

    def pause(self, least: float, most: float) -> None:
        """Let a random time pass, in seconds."""
        time.sleep(self.dice.uniform(least, most))

    def location(self) -> Location:
        """A new site."""
        return make_location(self.organization)

    def ask(self, location: Location, chargers: int) -> ProvisioningJob:
        """POST a bulk create, as a client does."""
        template = {
            "brand_slug": "acme",
            "model_slug": "pulse-22",
            "connector_type": "Type2",
            "ws_url": self.csms.url,
            "identity_prefix": f"J{len(self.jobs)}-",
        }
        group = {"template": template, "charger_ids": ["001", "002", "003"], "chargers_number": chargers}
        with self.client() as client:
            answer = client.post(f"/ocpp/locations/{location.id}/chargers", json=[group])
        assert answer.status_code == 202, answer.text
        job = ProvisioningJob.objects.get(pk=answer.json()["job_id"])
        self.jobs.append(job)
        self.say(f"job {job.id} of {chargers} chargers was accepted")
        return job

    def client(self) -> httpx.Client:
        """A client of the API."""
        headers = {"Authorization": f"Bearer {self._token}"}
        return httpx.Client(base_url=self["web"].url, headers=headers, timeout=30)

    def fleet(self, chargers: int) -> list[Charger]:
        """Make chargers without a job, and wait until all are online."""
        rows = [
            charger_of(self.organization, model=self._model, identity=f"F{number:03}", ws_url=self.csms.url)
            for number in range(chargers)
        ]
        made = Charger.objects.bulk_create(rows)
        eventually(
            lambda: Charger.objects.filter(connection_state="online").count() == chargers,
            timeout=90,
            what="the fleet is online",
        )
        self.say(f"{chargers} chargers are online")
        return made

    def order(self, chargers: Iterable[Charger], kind: str, **data: Any) -> int:
        """Give the same order to chargers; return how many could be given it."""
        given = len(commands_fan_out(chargers=chargers, kind=kind, data=data).queued)
        self.say(f"{kind} was ordered of {given} chargers")
        return given

    # --- what is broken ---------------------------------------------------------------------------------------------

    def strike(self, blow: str) -> None:
        """Do one of `BLOWS`."""
        self.say(blow)
        self._blows.append(blow)
        BLOWS[blow](self)

    def kill(self, name: str) -> None:
        """kill -9 of a process with its group."""
        self._struck.add(name)
        self._processes[name].kill()

    def revive(self) -> None:
        """Start everything again that does not run: servers first, then processes, without waiting for these."""
        for server in owned_servers():
            server.start()
        connection.close()
        self.tend()
        self.say("everything was started again")

    def tend(self) -> None:
        """Start processes again that have ended, as a supervisor does, and note those that nobody had struck."""
        for name, process in self._processes.items():
            if not process.alive:
                if name not in self._struck:
                    self._note_death(name, process)
                process.start(wait=False)
        self._struck.clear()

    def _note_death(self, name: str, process: Process) -> None:
        how = f"{name} ended by itself with {process.returncode}"
        self.say(how)
        process.kill()  # what is left of its group
        # Celery 5.7 may trip over what it cannot give back to a broker that is away; its supervisor starts it again.
        if not (name == "worker" and any("valkey" in blow for blow in self._blows)):
            self.deaths.append(how)


def owned_servers() -> list[Server]:
    """Valkey and PostgreSQL when they are the tests' own and run; nothing when their addresses were given."""
    return [] if servers.servers is None else list(servers.servers.servers.values())


def _server(name: str) -> Server:
    assert servers.servers is not None
    return servers.servers.servers[name]


def _kill_pool_process(stack: Stack) -> None:
    # A worker that has just been started may have no pool yet, and one that was killed has none any more.
    children = psutil.Process(stack["worker"].pid).children() if stack["worker"].alive else []
    if children:
        stack.dice.choice(children).kill()


def _empty_valkey(stack: Stack) -> None:
    """The broker comes back with an empty data folder."""
    del stack
    valkey = _server("valkey")
    valkey.kill()
    for file in sorted(valkey.folder.rglob("*")):
        if file.is_file() and file.name != "valkey.conf":
            file.unlink()


def _flush_valkey(stack: Stack) -> None:
    del stack
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        broker.flushall()


BLOWS: dict[str, Callable[[Stack], None]] = {
    "kill web": lambda stack: stack.kill("web"),
    "kill worker": lambda stack: stack.kill("worker"),
    "kill a pool process": _kill_pool_process,
    "kill beat": lambda stack: stack.kill("beat"),
    "kill simulator-1": lambda stack: stack.kill("simulator-1"),
    "kill simulator-2": lambda stack: stack.kill("simulator-2"),
    "kill postgres": lambda stack: _server("postgres").kill(),
    "stop postgres": lambda stack: _server("postgres").stop(),
    "kill valkey": lambda stack: _server("valkey").kill(),
    "stop valkey": lambda stack: _server("valkey").stop(),
    "empty valkey": _empty_valkey,
    "flush valkey": _flush_valkey,
}


def possible(*parts: str) -> list[str]:
    """The blows that can be struck at a stack of these parts, in a fixed order."""
    struck = [*parts, *(["a pool process"] if "worker" in parts else [])]
    if servers.servers is not None:
        struck += ["postgres", "valkey"]
    return [blow for blow in BLOWS if blow.partition(" ")[2] in struck]
