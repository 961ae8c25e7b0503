"""`manage.py run_simulator`: one process that holds OCPP sessions."""

import asyncio
import contextlib
import os
import socket
from argparse import ArgumentTypeError
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chargers.simulator.host import process
from chargers.simulator.host.membership import Terms
from chargers.simulator.session import Session

#: descriptors that are not sessions: database, broker, logs, and room for sockets that are just closing
SPARE_FILES = 200


class Command(BaseCommand):
    help = "Hold OCPP sessions of simulated chargers until SIGTERM. Start one per core, on any number of machines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default=f"{socket.gethostname()}-{os.getpid()}", help="shown as the host's name")
        parser.add_argument(
            "--capacity", type=at_least_one, default=settings.HOST_CAPACITY, help="sessions at most (%(default)s)"
        )
        parser.add_argument(
            "--ramp",
            type=at_least_one,
            default=settings.HOST_RAMP_PER_SECOND,
            help="new connections a second at most (%(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not 0 < len(name) <= 100:
            raise CommandError("--name must have 1 to 100 characters")
        if settings.HOST_DEAD_AFTER <= settings.HOST_BEAT_INTERVAL:
            raise CommandError("HOST_DEAD_AFTER must be longer than HOST_BEAT_INTERVAL, or every host counts as dead")
        files = process.raise_file_limit()
        capacity = min(options["capacity"], files - SPARE_FILES)
        if capacity < options["capacity"]:
            self.stderr.write(f"only {files} open files are allowed here: takes {capacity} sessions at most")
        # Name look-ups run in libuv's threads; the default of 4 would let one dead name server hold up all others.
        os.environ.setdefault("UV_THREADPOOL_SIZE", "16")
        beat_every, dead_after = settings.HOST_BEAT_INTERVAL, settings.HOST_DEAD_AFTER
        terms = Terms(name, capacity, beat_every, dead_after, settings.HOST_DRAIN_WITHIN)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(process.main(terms, ramp=options["ramp"], make_session=Session, say=self.say))

    def say(self, line: str) -> None:
        """Print a line at once, also into a pipe. A full disk costs the line, not the sessions."""
        with contextlib.suppress(OSError):
            self.stdout.write(line)
            self.stdout.flush()


def at_least_one(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
