"""Importing a file of locations: all of it or nothing, and a second time without effect."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from django.db import transaction
from django.utils import timezone as clock

from locations.imports import LocationRow, location_rows
from locations.models import Location
from locations.services.writing import slug_draw
from ocpplab.accounts.models import Organization
from ocpplab.common.imports import ImportCounts, ImportErrors

_BATCH = 500


@transaction.atomic
def locations_import(
    *,
    organization: Organization,
    path: Path,
    dry_run: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> ImportCounts:
    """Make the locations of a file that are missing, and set those that are there to what the file says.

    A row is the location with its `slug` where it gives one, else that with its name and address. An empty cell
    leaves the column as it is. Raises `ImportFailed` with everything that is wrong; nothing is written then, nor with
    `dry_run`. Two imports into one organization wait for each other.
    """
    # Not FOR UPDATE: that would hold up everybody who adds a row with a foreign key to the organization.
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    errors = ImportErrors()
    counts = ImportCounts()
    planner = _Planner(organization, errors)
    rows = location_rows(path, errors, advance=advance)
    while batch := list(islice(rows, _BATCH)):
        plan = planner.plan(batch)
        counts += ImportCounts(created=len(plan.new), changed=len(plan.changed), unchanged=plan.unchanged)
        if not errors and not dry_run:
            _write(plan)
    errors.check()
    return counts


@dataclass(slots=True)
class _Plan:
    new: list[Location] = field(default_factory=list)
    changed: list[Location] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    unchanged: int = 0


class _Planner:
    """Compares rows with what is there, batch by batch."""

    def __init__(self, organization: Organization, errors: ImportErrors) -> None:
        self._organization = organization
        self._errors = errors
        self._lines: dict[uuid.UUID, int] = {}

    def plan(self, batch: list[LocationRow]) -> _Plan:
        """Return what has to be done for these rows."""
        plan = _Plan()
        present = _Present(self._organization, batch)
        for row in batch:
            self._plan_row(plan, row, present.same_as(row))
        return plan

    def _plan_row(self, plan: _Plan, row: LocationRow, candidates: list[Location]) -> None:
        if not candidates:
            plan.new.append(Location(organization=self._organization, **row.columns))
            return
        found = next((location for location in candidates if _fits(location, row)), None)
        if found is None and len(candidates) > 1:
            self._errors.add(row.line, f"{len(candidates)} locations have this name and address: give the slug of one.")
            return
        location = found or candidates[0]
        before = self._lines.setdefault(location.id, row.line)
        if before != row.line:
            self._errors.add(row.line, f"line {before} means the same location, {location.slug}.")
        elif found:
            plan.unchanged += 1
        else:
            for name, value in row.columns.items():
                setattr(location, name, value)
            plan.changed.append(location)
            plan.columns |= row.columns.keys()


def _write(plan: _Plan) -> None:
    now = clock.now()
    for location in plan.changed:
        location.updated_at = now
    _draw_slugs([location for location in plan.new if not location.slug])
    Location.objects.bulk_create(plan.new)
    if plan.changed:
        Location.objects.bulk_update(plan.changed, sorted({*plan.columns, "updated_at"}))


def _draw_slugs(locations: list[Location]) -> None:
    """Give each a slug that is free: among many thousands of one name even 8 random digits may meet twice."""
    given: set[str] = set()
    while locations:
        for location in locations:
            location.slug = slug_draw(location.name)
        drawn = {location.slug for location in locations}
        mine = Location.objects.filter(organization=locations[0].organization)
        taken = given | set(mine.filter(slug__in=drawn).values_list("slug", flat=True))
        again = []
        for location in locations:
            if location.slug in taken:
                again.append(location)
            taken.add(location.slug)
        given, locations = taken, again


class _Present:
    """The locations that rows of a batch may mean: two queries a batch."""

    def __init__(self, organization: Organization, batch: list[LocationRow]) -> None:
        mine = Location.objects.filter(organization=organization)
        slugs = [row.columns["slug"] for row in batch if "slug" in row.columns]
        names = [row.columns["name"] for row in batch if "slug" not in row.columns]
        self._by_key: dict[tuple[str, ...], list[Location]] = {}
        self._note(mine.filter(slug__in=slugs) if slugs else (), lambda row: (row.slug,))
        self._note(mine.filter(name__in=names) if names else (), lambda row: (row.name, row.address))

    def _note(self, rows: Iterable[Location], key: Callable[[Location], tuple[str, ...]]) -> None:
        for row in rows:
            self._by_key.setdefault(key(row), []).append(row)

    def same_as(self, row: LocationRow) -> list[Location]:
        return self._by_key.get(row.key, [])


def _fits(location: Location, row: LocationRow) -> bool:
    return all(getattr(location, name) == value for name, value in row.columns.items())
