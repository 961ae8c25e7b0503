"""The table of the lab's processes: what is started, in which order, and how long each may take to stop."""

import os
import random
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ocpplab.lab.options import Options

ROOT = Path(__file__).resolve().parent.parent.parent
MANAGE = (sys.executable, str(ROOT / "manage.py"))
METRICS_PORTS = range(20_000, 30_000)
CELERY = (sys.executable, "-m", "celery", "--quiet", "-A", "ocpplab")
#: limits of organizations. A lab is somebody's own: nobody has to be kept from taking the room of others.
LIMITS = ("LIMIT_CHARGERS", "LIMIT_OPEN_JOBS", "LIMIT_REQUESTS_PER_MINUTE")


@dataclass(frozen=True, slots=True)
class Program:
    """One process: its name in the logs, its command, and the seconds between SIGTERM and SIGKILL."""

    name: str
    command: tuple[str, ...]
    grace: float
    #: where it shows its metrics; 0 for nowhere
    metrics_port: int = 0

    @property
    def metrics_url(self) -> str:
        """The address of its metrics."""
        return f"http://127.0.0.1:{self.metrics_port}/metrics"

    @property
    def env(self) -> dict[str, str]:
        """What its environment has and that of the others has not."""
        return {"METRICS_HOST": "127.0.0.1", "METRICS_PORT": str(self.metrics_port)}


def web(options: Options) -> Program:
    """REST, admin, dashboard, built-in CSMS."""
    command = (
        *(sys.executable, "-m", "uvicorn", "ocpplab.asgi:application"),
        *("--host", options.host, "--port", str(options.port)),
        *("--loop", "uvloop", "--http", "httptools", "--ws", "websockets-sansio", "--lifespan", "off"),
        # A frame of OCPP is small, and thousands of chargers with a compressor each would cost memory for nothing.
        *("--ws-max-size", "1048576", "--ws-per-message-deflate", "false"),
        *("--backlog", "4096", "--timeout-keep-alive", "65", "--timeout-graceful-shutdown", "1"),
        # Without these it would print two lines for each charger that connects.
        *("--no-access-log", "--log-level", "warning"),
    )
    return Program("web", command, grace=1.7)


def worker() -> Program:
    """Celery's worker. A task that is cut short is given again: they are acknowledged late."""
    # Mingle and gossip are for workers that look for each other; without them the start is a second shorter.
    options = ("--concurrency", "2", "--without-mingle", "--without-gossip", "--loglevel", "WARNING")
    return Program("worker", (*CELERY, "worker", *options), grace=3.5)


def beat(data_dir: Path) -> Program:
    """Celery's clock."""
    schedule = str(data_dir / "celerybeat-schedule")
    return Program("beat", (*CELERY, "beat", "--schedule", schedule, "--pidfile", "", "--loglevel", "WARNING"), grace=1)


def simulators(count: int) -> list[Program]:
    """The hosts of the chargers: `simulator` when there is one, else `simulator-1` and so on."""
    names = ["simulator"] if count == 1 else [f"simulator-{number}" for number in range(1, count + 1)]
    return [Program(name, (*MANAGE, "run_simulator", "--name", name), grace=2.5) for name in names]


def programs(options: Options) -> list[Program]:
    """Return the processes in the order of their start, each with a port for its metrics."""
    started = [web(options), worker(), beat(options.data_dir), *simulators(options.simulators)]
    return [replace(program, metrics_port=port) for program, port in zip(started, free_ports(), strict=False)]


def free_ports() -> Iterator[int]:
    """Ports that nobody listens on, below those that the system gives to outgoing connections.

    A port from among these would be lost to one of ten thousand chargers when its process is started again.
    """
    candidates = random.sample(METRICS_PORTS, len(METRICS_PORTS))
    for port in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


def scrape_targets(programs: list[Program]) -> list[dict[str, Any]]:
    """The addresses of the metrics as Prometheus' `file_sd_configs` reads them."""
    return [
        {"targets": [f"127.0.0.1:{program.metrics_port}"], "labels": {"process": program.name}} for program in programs
    ]


def stopping_order(name: str) -> int:
    """Return the place in the order of stopping: who gives work first, who is needed by others last."""
    kind = name.partition("-")[0]
    return {"prepare": 0, "open": 0, "beat": 1, "worker": 2, "simulator": 3, "web": 4}[kind]


def prepare(state_file: Path) -> Program:
    """Migrations, catalog, accounts; ends by itself."""
    return Program("prepare", (*MANAGE, "lab_prepare", str(state_file)), grace=2)


def opening(options: Options, state_file: Path) -> Program:
    """Wait until all processes answer and make the demo fleet; ends by itself."""
    arguments = ("--fleet", str(options.fleet), "--simulators", str(options.simulators))
    return Program("open", (*MANAGE, "lab_open", str(state_file), options.url, options.csms_url, *arguments), grace=1)


def environment(options: Options, *, database: str, redis: str, secret_key: str) -> dict[str, str]:
    """Return the environment of the children: the caller's own wins where a setting is concerned."""
    ours: Mapping[str, str] = {
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "SECRET_KEY": os.environ.get("SECRET_KEY") or secret_key,
        # Whoever runs a lab on a laptop has the CSMS there, in a container, or in the house.
        "CSMS_TARGETS": os.environ.get("CSMS_TARGETS") or "public,private,loopback",
        "ALLOWED_HOSTS": os.environ.get("ALLOWED_HOSTS") or options.allowed_hosts,
        "DJANGO_SETTINGS_MODULE": "ocpplab.settings",
        "PYTHONUNBUFFERED": "1",
        # Whoever runs a lab as root has chosen to, and static files come from where they are.
        "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS")
        or "ignore:You're running the worker with superuser,ignore:No directory at",
    }
    return {**dict.fromkeys(LIMITS, "0"), **os.environ, **ours}
