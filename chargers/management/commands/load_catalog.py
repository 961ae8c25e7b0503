"""Load the catalog's data files."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chargers.catalog.loader import CatalogBroken, catalog_load


class Command(BaseCommand):
    help = "Add the brands and models of the data files that are missing (every migrate does this too)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--overwrite", action="store_true", help="also set rows that were edited in the admin back to the files"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = catalog_load(overwrite=options["overwrite"])
        except CatalogBroken as broken:
            raise CommandError(str(broken)) from None
        self.stdout.write(f"catalog: {counts.added} added, {counts.changed} set back")
