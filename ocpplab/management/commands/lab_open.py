"""A step of `manage.py lab`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ocpplab.lab.api import Api
from ocpplab.lab.errors import LabError
from ocpplab.lab.opening import Opening
from ocpplab.lab.state import State


class Command(BaseCommand):
    help = "Part of `lab`: wait until all processes answer, then make the demo fleet."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("state_file", type=Path)
        parser.add_argument("url")
        parser.add_argument("csms_url")
        parser.add_argument("--fleet", type=int, default=0)
        parser.add_argument("--simulators", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        state = State.load(options["state_file"])
        opening = Opening(
            api=Api(options["url"], state.token),
            csms_url=options["csms_url"],
            fleet=options["fleet"],
            simulators=options["simulators"],
            say=self.stdout.write,
        )
        try:
            state.location_id = opening.run(earlier_csms_url=state.csms_url)
        except LabError as error:
            raise CommandError(str(error)) from None
        state.csms_url = options["csms_url"]
        state.save(options["state_file"])
