"""Rows of an import file, checked by the rules of the API. Writing them is `services.importing`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rest_framework import serializers

from chargers.fields import ConnectorTypeField, DisplayName, Identity, MessageLogField, OcppVersionField, WsUrl
from ocpplab.api.fields import Text
from ocpplab.api.rows import checked
from ocpplab.common.imports import ImportErrors, read_rows

REQUIRED = frozenset({"identity", "brand_slug", "model_slug", "connector_type", "ws_url"})
COLUMNS = REQUIRED | {"name", "ocpp_version", "location", "location_name", "message_log"}


@dataclass(frozen=True, slots=True)
class ChargerRow:
    """A checked row. `columns` holds only what the file says; an empty cell says nothing."""

    line: int
    columns: dict[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """What makes two rows of an organization the same charger: address and identity."""
        return self.columns["ws_url"], self.columns["identity"]

    @property
    def model(self) -> tuple[str, str]:
        """Slugs of brand and model."""
        return self.columns["brand_slug"], self.columns["model_slug"]


class ImportedCharger(serializers.Serializer[Any]):
    """One row of a file. `location` is a location's slug or id."""

    identity = Identity()
    brand_slug = Text()
    model_slug = Text()
    connector_type = ConnectorTypeField()
    ws_url = WsUrl()
    name = DisplayName(required=False)
    ocpp_version = OcppVersionField(required=False)
    location = Text(required=False)
    location_name = DisplayName(required=False)
    message_log = MessageLogField(required=False)


def charger_rows(
    path: Path, errors: ImportErrors, *, advance: Callable[[int], None] = lambda _: None
) -> Iterator[ChargerRow]:
    """Yield the valid rows of a file; what is wrong with others, also one that is there twice, goes to `errors`."""
    lines: dict[tuple[str, str], int] = {}
    for raw in read_rows(path, errors, columns=COLUMNS, advance=advance):
        columns = checked(ImportedCharger, raw, errors)
        if columns is None:
            continue
        row = ChargerRow(raw.line, columns)
        before = lines.setdefault(row.key, row.line)
        if before != row.line:
            errors.add(row.line, f"line {before} means the same charger: {row.key[1]} at {row.key[0]}.")
            continue
        yield row
