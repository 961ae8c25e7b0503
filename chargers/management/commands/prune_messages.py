"""Delete old messages now."""

import sys
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from chargers.models import Charger
from chargers.services.pruning import messages_prune
from ocpplab.common.progress import Bar


class Command(BaseCommand):
    help = (
        "Delete OCPP messages that are older than some days, and those of deleted chargers. The lab does so every "
        "hour; this is for doing it now, or with another number of days."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days",
            type=float,
            default=settings.MESSAGE_RETENTION_DAYS,
            help="keep this many days (default: MESSAGE_RETENTION_DAYS, %(default)s); 0 deletes all",
        )
        parser.add_argument("--charger", metavar="ID", help="only the log of this charger (dep-...)")

    def handle(self, *args: Any, **options: Any) -> None:
        days: float = options["days"]
        if not 0 <= days <= 36_500:
            raise CommandError("--days must be between 0 and 36500.")
        charger = None
        if options["charger"] is not None:
            charger = Charger.objects.filter(public_id=options["charger"]).first()
            if charger is None:
                raise CommandError(f"There is no charger {options['charger']!r}: its id looks like dep-0123456789ab.")
        bar: Bar | None = None

        def advance(done: int, total: int) -> None:
            nonlocal bar
            bar = bar or Bar(sys.stderr, total=total, label="pruning")
            bar.advance(done)

        deleted, _ = messages_prune(before=timezone.now() - timedelta(days=days), charger=charger, advance=advance)
        if bar is not None:
            bar.close()
        self.stdout.write(f"{deleted} messages deleted")
