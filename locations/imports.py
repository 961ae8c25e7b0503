"""Rows of an import file, checked by the rules of the API. Writing them is `services.importing`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rest_framework import serializers

from locations.choices import LocationStatus
from locations.fields import Country, Slug, TimeZone
from ocpplab.api.fields import Choice, Number, Text
from ocpplab.api.rows import checked
from ocpplab.common.imports import ImportErrors, Row, read_rows

REQUIRED = frozenset({"name", "address", "city", "country", "latitude", "longitude"})
COLUMNS = REQUIRED | {"slug", "timezone", "owner_name", "public", "status"}


@dataclass(frozen=True, slots=True)
class LocationRow:
    """A checked row. `columns` holds only what the file says; an empty cell says nothing."""

    line: int
    columns: dict[str, Any]

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two rows the same location: the slug where it is given, else name and address."""
        slug = self.columns.get("slug")
        return (slug,) if slug else (self.columns["name"], self.columns["address"])


class Degrees(Number):
    """A number, or its text as it stands in a CSV."""

    def to_internal_value(self, data: Any) -> float:
        """Read `53.55` with a decimal point."""
        if isinstance(data, str):
            try:
                data = float(data)
            except ValueError:
                self.fail("invalid")
        return super().to_internal_value(data)


class ImportedLocation(serializers.Serializer[Any]):
    """One row of a file."""

    slug = Slug(max_length=120, required=False)
    name = Text(max_length=200)
    address = Text(max_length=300)
    city = Text(max_length=100)
    country = Country()
    latitude = Degrees(min_value=-90, max_value=90)
    longitude = Degrees(min_value=-180, max_value=180)
    timezone = TimeZone(required=False)
    owner_name = Text(max_length=200, required=False)
    public = serializers.BooleanField(required=False)
    status = Choice(LocationStatus.choices, required=False)


def location_rows(
    path: Path, errors: ImportErrors, *, advance: Callable[[int], None] = lambda _: None
) -> Iterator[LocationRow]:
    """Yield the valid rows of a file; what is wrong with the others goes to `errors`, also a row that is there twice.

    JSON may hold `coordinates` as in the API, or `latitude` and `longitude`.
    """
    lines: dict[tuple[str, ...], int] = {}
    for raw in read_rows(path, errors, columns=COLUMNS | {"coordinates"}, advance=advance):
        columns = checked(ImportedLocation, _flat(raw), errors)
        if columns is None:
            continue
        row = LocationRow(raw.line, columns)
        before = lines.setdefault(row.key, row.line)
        if before != row.line:
            errors.add(row.line, f"the same location stands in line {before}: {', '.join(row.key)}.")
            continue
        yield row


def _flat(row: Row) -> Row:
    place = row.data.get("coordinates")
    rest = {name: value for name, value in row.data.items() if name != "coordinates"}
    return Row(
        row.line, rest | {k: place.get(k) for k in ("latitude", "longitude")} if isinstance(place, dict) else rest
    )
