"""The end of an emergency stop."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from chargers.management.commands.stop_lab import command_line
from chargers.services.stopping import lab_resume


class Command(BaseCommand):
    help = "Let a stopped lab go on: hosts take the chargers that are wanted again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", default="", help="who; default: the name of the user who runs this")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = lab_resume(by=options["by"] or command_line())
        self.stdout.write("the lab was not stopped" if stop is None else f"resumed; was stopped since {stop}")
