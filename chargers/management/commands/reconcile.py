"""Compare the chargers' ledger with the transactions of the built-in CSMS."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chargers.selectors.reconciliation import transactions_reconcile

SHOWN = 20  # complaints on a terminal


class Command(BaseCommand):
    help = (
        "Compare what the chargers know of their transactions with what the built-in CSMS was told: none lost, none "
        "twice, the same energy to the watt-hour. Ends with 1 when they disagree."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", metavar="TIME", help="only transactions that began then or later (ISO 8601)")
        parser.add_argument("--json", action="store_true", help="print a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        since = None
        if options["since"] is not None:
            try:
                since = datetime.fromisoformat(options["since"]).astimezone()
            except ValueError as error:
                raise CommandError(f"--since is no ISO 8601 date-time: {error}") from None
        result = transactions_reconcile(since=since)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
        else:
            self.stdout.write(
                f"{result.transactions} transactions, {result.energy_wh / 1000:.3f} kWh, {result.messages} messages "
                f"accepted; {result.running} running, {result.untold} not told to the end"
            )
            for complaint in result.complaints[:SHOWN]:
                self.stdout.write(complaint)
            self.stdout.write(f"{len(result.complaints)} disagreements")
        if result.complaints:
            raise SystemExit(1)
