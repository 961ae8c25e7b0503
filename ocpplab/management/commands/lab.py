"""The lab in one command."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ocpplab.embedded import DataDirInUse, EmbeddedError
from ocpplab.lab.console import Console
from ocpplab.lab.errors import LabError
from ocpplab.lab.options import Options, checked
from ocpplab.lab.session import Session


class Command(BaseCommand):
    help = (
        "Run a whole lab: PostgreSQL and Valkey (unless DATABASE_URL and REDIS_URL name others), web, worker, beat and "
        "simulators, with a demo location. Ctrl-C stops everything; the next start goes on with the same data."
    )
    requires_system_checks = ()  # there is no database yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on, 0 for a free one (%(default)s)")
        parser.add_argument("--data-dir", type=Path, default=Path(".lab"), help="folder of all data (%(default)s)")
        parser.add_argument("--fleet", type=int, default=5, help="chargers of the demo location (%(default)s)")
        parser.add_argument("--simulators", type=int, default=1, help="simulator processes (%(default)s)")
        parser.add_argument("--token", help="fix the text of the user token, for scripts")
        parser.add_argument("--ready-file", type=Path, help="JSON file to write when everything answers")

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("host", "port", "data_dir", "fleet", "simulators", "token", "ready_file")
        try:
            Session(checked(Options(**{name: options[name] for name in names})), Console()).run()
        except DataDirInUse as error:
            raise CommandError(f"{error}: stop that, or choose another with --data-dir") from None
        except (LabError, EmbeddedError) as error:
            raise CommandError(str(error)) from None
