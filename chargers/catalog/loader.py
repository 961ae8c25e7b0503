"""The catalog's data files, one per brand, and how they come into the database.

Loading adds what is missing and leaves what is there alone, so that edits in the admin survive an upgrade;
`load_catalog --overwrite` sets the shipped rows back to the files. Nothing is ever deleted. Every `migrate` loads (see
`chargers/apps.py`), so there is no database without a catalog.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from chargers.catalog.layout import connector_count, connector_types, layout_problems
from chargers.catalog.models import Brand, ChargerModel
from chargers.choices import CurrentType

FOLDER = Path(__file__).parent / "data"
_BRAND_KEYS = {"slug", "name", "models"}
_MODEL_KEYS = {"slug", "name", "current_type", "power_ratings_kw", "max_power_w", "firmware_version", "evses"}


class CatalogBroken(Exception):
    """A data file breaks the rules; the message lists file and rule."""


@dataclass(frozen=True, slots=True)
class CatalogCounts:
    """How many brands and models were added, and set back to the files."""

    added: int
    changed: int


@cache
def catalog_read(folder: Path = FOLDER) -> tuple[dict[str, Any], ...]:
    """Return the brands of the data files, each with its `models`. Raises `CatalogBroken`."""
    brands: list[dict[str, Any]] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.json")):
        try:
            brand = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            problems.append(f"{path.name}: not JSON: {error}")
            continue
        brands.append(brand)
        problems += [f"{path.name}: {problem}" for problem in _brand_problems(brand, path.stem)]
    if problems:
        raise CatalogBroken("\n".join(problems))
    return tuple(brands)


@transaction.atomic
def catalog_load(
    *,
    overwrite: bool = False,
    folder: Path = FOLDER,
    brand_rows: type[Brand] = Brand,
    model_rows: type[ChargerModel] = ChargerModel,
) -> CatalogCounts:
    """Load the data files. Safe to run at any time, and by two processes at once. Raises `CatalogBroken`."""
    added = changed = 0
    for brand in catalog_read(folder):
        row, is_new = brand_rows.objects.get_or_create(slug=brand["slug"], defaults={"name": brand["name"]})
        added += is_new
        if overwrite and row.name != brand["name"]:
            changed += brand_rows.objects.filter(pk=row.pk).update(name=brand["name"])
        present = {model.slug: model for model in model_rows.objects.filter(brand=row)}
        wanted = {model["slug"]: _columns(model) for model in brand["models"]}
        new = [model_rows(brand=row, slug=slug, **wanted[slug]) for slug in wanted if slug not in present]
        model_rows.objects.bulk_create(new, ignore_conflicts=True)
        added += len(new)
        if overwrite:
            changed += sum(_set_back(present[slug], wanted[slug]) for slug in wanted if slug in present)
    return CatalogCounts(added=added, changed=changed)


def _columns(model: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a model beside brand and slug."""
    evses = model["evses"]
    derived = {"connector_types": connector_types(evses), "connector_count": connector_count(evses)}
    return {key: value for key, value in model.items() if key != "slug"} | derived


def _set_back(row: ChargerModel, columns: dict[str, Any]) -> bool:
    """Make a row what the file says; return whether it was not."""
    if all(getattr(row, name) == value for name, value in columns.items()):
        return False
    type(row)._default_manager.filter(pk=row.pk).update(**columns)
    return True


def _brand_problems(brand: Any, stem: str) -> Iterator[str]:
    if not isinstance(brand, dict) or set(brand) != _BRAND_KEYS or not isinstance(brand["models"], list):
        yield f"it must be an object with the keys {', '.join(sorted(_BRAND_KEYS))}"
        return
    if brand["slug"] != stem or slugify(stem) != stem:
        yield f"the slug {brand['slug']!r} must be the name of the file, in lower case"
    slugs = [model.get("slug") for model in brand["models"]]
    for slug in sorted({slug for slug in slugs if slugs.count(slug) > 1}):
        yield f"the model {slug!r} stands there twice"
    for model in brand["models"]:
        yield from (f"{model.get('slug')}: {problem}" for problem in _model_problems(model))


def _model_problems(model: dict[str, Any]) -> Iterator[str]:
    if set(model) != _MODEL_KEYS:
        yield f"it must have exactly the keys {', '.join(sorted(_MODEL_KEYS))}"
        return
    if slugify(model["slug"]) != model["slug"]:
        yield "the slug must be in lower case, of letters, digits and hyphens"
    if model["current_type"] not in CurrentType.values:
        yield f"current_type must be one of {', '.join(CurrentType.values)}"
    layout = layout_problems(model["evses"], model["current_type"])
    yield from layout
    ratings = model["power_ratings_kw"]
    if not ratings or not all(isinstance(rating, float) and rating > 0 for rating in ratings):
        yield "power_ratings_kw must be a list of positive numbers with a decimal point"
    if layout:
        return
    powers = [[connector["max_power_w"] for connector in evse] for evse in model["evses"]]
    most = max(map(max, powers))
    if not most <= model["max_power_w"] <= sum(map(max, powers)):
        yield "max_power_w must be at least that of the strongest connector and at most the sum of all EVSEs"
    if ratings and abs(max(ratings) * 1000 - most) > 1:
        yield f"the highest power rating must be that of the strongest connector, {most} W"
