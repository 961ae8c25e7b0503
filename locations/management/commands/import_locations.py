"""Import locations from a CSV or JSON file."""

from collections.abc import Callable
from pathlib import Path

from locations.services import locations_import
from ocpplab.accounts.importing import ImportCommand
from ocpplab.accounts.models import Organization
from ocpplab.common.imports import ImportCounts


class Command(ImportCommand):
    help = (
        "Import locations. Columns: name, address, city, country, latitude, longitude; optional slug, timezone, "
        "owner_name, public, status. A row is the location with its slug, or without a slug that with its name and "
        "address: it is made when it is missing and set to what the file says when it is there."
    )
    things = "locations"

    def run(
        self, path: Path, organization: Organization, *, dry_run: bool, advance: Callable[[int], None]
    ) -> ImportCounts:
        return locations_import(organization=organization, path=path, dry_run=dry_run, advance=advance)
