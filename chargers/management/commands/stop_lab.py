"""The emergency switch on the command line."""

import sys
import time
from argparse import ArgumentParser
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chargers.selectors.stops import sessions_held
from chargers.services.stopping import lab_stop
from ocpplab.common.progress import Bar

#: seconds between two looks at how many sessions are left
LOOK_EVERY = 0.2


class Command(BaseCommand):
    help = (
        "Stop the whole lab: all hosts power off all chargers and take none until `resume_lab`. What is wanted of the "
        "chargers is not changed. Returns when no session is left."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", default="", help="why; everybody who looks at the lab reads it")
        parser.add_argument("--by", default="", help="who; default: the name of the user who runs this")
        parser.add_argument(
            "--within", type=float, default=60.0, help="seconds to wait for the sessions to end (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        stop, is_new = lab_stop(by=options["by"] or command_line(), reason=options["reason"])
        if not is_new:
            self.stdout.write(f"was stopped already: {stop}")
        before = left = sessions_held()
        bar = Bar(sys.stderr, total=before, label="closing")
        while left and time.monotonic() - began < options["within"]:
            time.sleep(LOOK_EVERY)
            held = sessions_held()
            bar.advance(max(0, left - held))
            left = held
        bar.close()
        if left:
            raise CommandError(
                f"The lab is stopped, but {left} chargers are still held by hosts. A host that cannot reach the "
                "database closes its sessions by itself, before HOST_DEAD_AFTER seconds are over."
            )
        self.stdout.write(f"stopped: {before} sessions closed in {time.monotonic() - began:.1f} s")


def command_line() -> str:
    """Name whoever runs the command."""
    try:
        return f"{getuser()} (command line)"
    except (OSError, KeyError):  # a container may have no name for its user
        return "command line"
