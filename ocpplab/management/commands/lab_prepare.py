"""A step of `manage.py lab`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ocpplab.lab.errors import LabError
from ocpplab.lab.prepare import prepare


class Command(BaseCommand):
    help = "Part of `lab`: migrate the database and make the accounts of a lab."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("state_file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            prepare(options["state_file"])
        except LabError as error:
            raise CommandError(str(error)) from None
        self.stdout.write("tables, catalog and accounts are there")
