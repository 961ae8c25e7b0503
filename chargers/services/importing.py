"""Importing a file of chargers: all of it or nothing, and a second time without effect."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import cast

from django.db import transaction

from chargers.catalog.models import ChargerModel
from chargers.choices import OcppVersion
from chargers.errors import ChargerLimitReached
from chargers.imports import ChargerRow, charger_rows
from chargers.models import Charger
from chargers.selectors import models_by_slug
from chargers.services.configuration import COLUMNS, Change, Configuration, chargers_update
from chargers.services.nudge import nudge
from chargers.services.room import room_take
from locations.models import Location
from ocpplab.accounts.models import Organization
from ocpplab.api.fields import as_uuid
from ocpplab.common.choices import ProvisioningStatus
from ocpplab.common.imports import ImportCounts, ImportErrors, ImportFailed

_BATCH = 1000


@transaction.atomic
def chargers_import(
    *,
    organization: Organization,
    path: Path,
    dry_run: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> ImportCounts:
    """Make the chargers of a file that are missing, and set those that are there to what the file says.

    A row is the charger with its `ws_url` and `identity`; an empty cell leaves the column as it is. New chargers are
    wanted at once: hosts take them as they take those of a job. Raises `ImportFailed` with everything that is wrong;
    nothing is written then, nor with `dry_run`. Two imports into one organization wait for each other.
    """
    # Not FOR UPDATE: that would hold up everybody who adds a row with a foreign key to the organization.
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    errors = ImportErrors()
    counts = ImportCounts()
    rows = charger_rows(path, errors, advance=advance)
    while batch := list(islice(rows, _BATCH)):
        plan = _Batch(organization, batch, errors).plan()
        counts += ImportCounts(created=len(plan.new), changed=len(plan.changes), unchanged=plan.unchanged)
        if not errors and not dry_run:
            _write(organization, plan, errors)
    errors.check()
    _check_room(organization, counts.created, dry_run=dry_run)
    return counts


@dataclass(slots=True)
class _Plan:
    new: list[Charger] = field(default_factory=list)
    new_lines: dict[tuple[str, str], int] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    change_lines: list[int] = field(default_factory=list)
    unchanged: int = 0


class _Batch:
    """Compares rows with what is there: three queries a batch."""

    def __init__(self, organization: Organization, rows: list[ChargerRow], errors: ImportErrors) -> None:
        self._organization = organization
        self._rows = rows
        self._errors = errors
        self._models = models_by_slug(row.model for row in rows)
        self._places = _places(organization, {row.columns["location"] for row in rows if "location" in row.columns})
        present = Charger.objects.filter(
            organization=organization,
            ws_url__in={row.key[0] for row in rows},
            identity__in={row.key[1] for row in rows},
        )
        self._present = {(charger.ws_url, charger.identity): charger for charger in present}

    def plan(self) -> _Plan:
        """Return what has to be done for these rows; what is wrong with a row goes to the errors."""
        plan = _Plan()
        for row in self._rows:
            before = self._errors.count
            model = self._model(row)
            values = self._values(row)
            charger = self._present.get(row.key)
            if charger is not None and model is not None and charger.model_id != model.pk:
                self._errors.add(row.line, "model_slug: this charger is there with another model: delete it first.")
            if self._errors.count > before or model is None:
                continue
            if charger is None:
                plan.new.append(self._new(row, model, values))
                plan.new_lines[row.key] = row.line
            elif any(value != _shown(charger, name) for name, value in values.items()):
                plan.changes.append(Change(charger.public_id, values))
                plan.change_lines.append(row.line)
            else:
                plan.unchanged += 1
        return plan

    def _model(self, row: ChargerRow) -> ChargerModel | None:
        model = self._models.get(row.model)
        if model is None:
            self._errors.add(
                row.line, f"model_slug: the catalog has no model {row.model[1]!r} of brand {row.model[0]!r}."
            )
        return model

    def _values(self, row: ChargerRow) -> Configuration:
        values = cast("Configuration", {name: row.columns[name] for name in COLUMNS if name in row.columns})
        if "location" in row.columns:
            place = self._places.get(row.columns["location"])
            if place is None:
                self._errors.add(
                    row.line, f"location: the organization has no location with slug or id {row.columns['location']!r}."
                )
            else:
                values["location_id"] = str(place)
        return values

    def _new(self, row: ChargerRow, model: ChargerModel, values: Configuration) -> Charger:
        return Charger(
            organization=self._organization,
            model=model,
            identity=row.columns["identity"],
            provisioning_status=ProvisioningStatus.PROVISIONING,
            **{"ocpp_version": OcppVersion.V16, **values},
        )


def _places(organization: Organization, texts: set[str]) -> dict[str, uuid.UUID]:
    """Return the ids of locations by the slugs or ids that a file names."""
    if not texts:
        return {}
    mine = Location.objects.filter(organization=organization)
    by_slug = dict(mine.filter(slug__in=texts).values_list("slug", "id"))
    ids = {text: key for text in texts if (key := as_uuid(text)) is not None}
    known = set(mine.filter(id__in=ids.values()).values_list("id", flat=True)) if ids else set()
    return by_slug | {text: key for text, key in ids.items() if key in known}


def _shown(charger: Charger, name: str) -> str | None:
    value = getattr(charger, name)
    return None if value is None else str(value)


def _write(organization: Organization, plan: _Plan, errors: ImportErrors) -> None:
    # Whoever takes an identity in this very moment is met by the constraint; rows of it are simply not made.
    Charger.objects.bulk_create(plan.new, ignore_conflicts=True)
    made = set(
        Charger.objects.filter(public_id__in=[row.public_id for row in plan.new]).values_list("public_id", flat=True)
    )
    for charger in plan.new:
        if charger.public_id not in made:
            line = plan.new_lines[charger.ws_url, charger.identity]
            errors.add(line, "identity: another charger has just taken it at this address: import again.")
    outcomes = chargers_update(organization_id=organization.pk, rows=Charger.objects.all(), changes=plan.changes)
    for line, error in zip(plan.change_lines, outcomes, strict=True):
        if error is not None:
            errors.add(line, error.detail)
    if plan.new:
        nudge()


def _check_room(organization: Organization, created: int, *, dry_run: bool) -> None:
    """Refuse the whole file when the organization may not have so many chargers."""
    try:
        room_take(organization_id=organization.pk, asked=created, written=not dry_run)
    except ChargerLimitReached as refused:
        raise ImportFailed(f"{refused.detail} Nothing was imported.") from None
