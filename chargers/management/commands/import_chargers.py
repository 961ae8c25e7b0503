"""Import chargers from a CSV or JSON file."""

from collections.abc import Callable
from pathlib import Path

from chargers.services.importing import chargers_import
from ocpplab.accounts.importing import ImportCommand
from ocpplab.accounts.models import Organization
from ocpplab.common.imports import ImportCounts


class Command(ImportCommand):
    help = (
        "Import chargers. Columns: identity, brand_slug, model_slug, connector_type, ws_url; optional name, "
        "ocpp_version, location (slug or id), location_name, message_log (all, transactions or none). A row is the "
        "charger with its ws_url and identity: it is made when it is missing and set to what the file says when it is "
        "there. New chargers come online by themselves."
    )
    things = "chargers"

    def run(
        self, path: Path, organization: Organization, *, dry_run: bool, advance: Callable[[int], None]
    ) -> ImportCounts:
        return chargers_import(organization=organization, path=path, dry_run=dry_run, advance=advance)
