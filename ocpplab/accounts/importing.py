"""What the import commands of all apps share: their options, the progress bar, and the report."""

import sys
from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ocpplab.accounts.models import Organization
from ocpplab.common.imports import ImportCounts, ImportFailed
from ocpplab.common.progress import Bar


class ImportCommand(BaseCommand, ABC):
    """A command `import_... FILE --organization NAME [--dry-run]`. Subclasses say what is imported and how."""

    #: what the rows are, in the plural
    things = "rows"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file and the options."""
        parser.add_argument("file", type=Path, help="a .csv file with a header, or a .json file (array of objects)")
        parser.add_argument("--organization", help="name of the organization; needed when there are several")
        parser.add_argument("--dry-run", action="store_true", help="check everything and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and say what was done; `CommandError` with the whole report when the file has errors."""
        path: Path = options["file"]
        organization = organization_named(options["organization"])
        bar = Bar(sys.stderr, total=path.stat().st_size if path.is_file() else 0, label=path.name)
        try:
            counts = self.run(path, organization, dry_run=options["dry_run"], advance=bar.advance)
        except ImportFailed as failed:
            bar.close()
            raise CommandError(failed.detail) from None
        bar.close()
        done = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{self.things}: {counts.created} {done}created, {counts.changed} {done}changed, "
            f"{counts.unchanged} unchanged"
        )

    @abstractmethod
    def run(
        self, path: Path, organization: Organization, *, dry_run: bool, advance: Callable[[int], None]
    ) -> ImportCounts:
        """Import the file, all or nothing. Raises `ImportFailed`."""


def organization_named(name: str | None) -> Organization:
    """Return the organization with this name; without a name the only one there is. Raises `CommandError`."""
    found = list(Organization.objects.filter(name=name) if name else Organization.objects.all()[:2])
    if len(found) == 1:
        return found[0]
    known = ", ".join(Organization.objects.values_list("name", flat=True)[:10])
    if not known:
        raise CommandError("There is no organization yet: make one with create_token --create-organization.")
    if name:
        raise CommandError(f"There is no organization {name!r}. Known: {known}.")
    raise CommandError(f"Say which organization with --organization NAME. Known: {known}.")
