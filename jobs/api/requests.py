"""From a validated body to groups: the rules that look at more than one field."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from rest_framework.request import Request

from chargers.catalog.models import Brand, ChargerModel
from chargers.choices import MessageLog, OcppVersion
from chargers.rules import identity_clean
from chargers.selectors import models_by_slug
from jobs.groups import SUFFIX_DIGITS, Group, group_size
from ocpplab.common.errors import Invalid, Problem, Refused

KEY_MAX = 255
#: problems in one answer; a list of ten thousand helps nobody
PROBLEMS_MAX = 50


class UnknownModel(Refused):
    """The catalog has no such model."""

    code = "model_unknown"


def idempotency_key(request: Request) -> str | None:
    """Return the request's Idempotency-Key. Raises `Invalid` when it is too long."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > KEY_MAX or not key.isprintable():
        message = f"The key may have {KEY_MAX} printable characters at most."
        raise Invalid(Problem(("Idempotency-Key",), message, "value_error", source="header"))
    return key or None


def model_of(asked: dict[str, Any]) -> ChargerModel:
    """Return the catalog's model for a single create. Raises `UnknownModel`."""
    pair = asked["brand_slug"], asked["model_slug"]
    model = models_by_slug([pair]).get(pair)
    if model is None:
        raise UnknownModel(_unknown(*pair)[1])
    return model


def groups_of(asked: Sequence[dict[str, Any]]) -> list[Group]:
    """Turn validated groups into those of a job. Raises `Invalid` with the path of everything that is wrong."""
    _check_numbers(asked)
    models = models_by_slug({_slugs(group) for group in asked})
    problems: list[Problem] = []
    groups: list[Group] = []
    seen: dict[tuple[str, str], tuple[int, int]] = {}
    for index, entry in enumerate(asked):
        model = models.get(_slugs(entry))
        if model is None:
            field, message = _unknown(*_slugs(entry))
            problems.append(Problem((index, "template", field), message, "not_found"))
            continue
        group = _group(entry, model)
        problems += _identity_problems(index, group, seen)
        groups.append(group)
        if len(problems) > PROBLEMS_MAX:
            break
    if problems:
        raise Invalid(*problems[:PROBLEMS_MAX])
    return groups


def _slugs(entry: dict[str, Any]) -> tuple[str, str]:
    return entry["template"]["brand_slug"], entry["template"]["model_slug"]


def _unknown(brand_slug: str, model_slug: str) -> tuple[str, str]:
    """Return which slug is wrong, and the sentence about it."""
    if Brand.objects.filter(slug=brand_slug).exists():
        path = f"GET /ocpp/catalog/brands/{brand_slug}/models"
        return "model_slug", f"The brand {brand_slug!r} has no model {model_slug!r}: see {path}."
    return "brand_slug", f"The catalog has no brand {brand_slug!r}: see GET /ocpp/catalog/brands."


def _check_numbers(asked: Sequence[dict[str, Any]]) -> None:
    """Raise `Invalid` for a group of no size and for a request that is too large."""
    problems: list[Problem] = []
    total, limit = 0, settings.BULK_MAX_CHARGERS
    for index, entry in enumerate(asked):
        ids, number = entry.get("charger_ids") or [], entry.get("chargers_number")
        if not ids and number is None:
            problems.append(
                Problem((index, "chargers_number"), "Give chargers_number, or charger_ids, or both.", "missing")
            )
            continue
        field = "charger_ids" if number is None else "chargers_number"
        size = group_size(ids, number)
        total += size
        if total > limit >= total - size:
            message = f"One request may ask for {limit} chargers at most; up to this group it asks for {total}."
            problems.append(Problem((index, field), message, "too_many"))
        elif len(ids) > limit:
            message = f"One request may give {limit} ids at most; this group gives {len(ids)}."
            problems.append(Problem((index, "charger_ids"), message, "too_many"))
    if problems:
        raise Invalid(*problems[:PROBLEMS_MAX])


def _group(entry: dict[str, Any], model: ChargerModel) -> Group:
    template, ids = entry["template"], entry.get("charger_ids") or []
    return Group(
        model_id=str(model.id),
        connector_type=str(template["connector_type"]),
        ocpp_version=str(template.get("ocpp_version") or OcppVersion.V16),
        ws_url=template["ws_url"],
        prefix=template.get("identity_prefix") or "",
        name=template.get("template_name") or None,
        location_name=None,
        ids=ids,
        number=group_size(ids, entry.get("chargers_number")),
        message_log=str(template.get("message_log") or MessageLog.ALL),
    )


def _identity_problems(index: int, group: Group, seen: dict[tuple[str, str], tuple[int, int]]) -> list[Problem]:
    """Check the identities that a group makes, and remember in `seen` where each was given."""
    problems: list[Problem] = []
    prefix, url = group["prefix"], group["ws_url"]
    for position, suffix in enumerate(group["ids"]):
        identity, where = prefix + suffix, (index, "charger_ids", position)
        try:
            identity_clean(identity)
        except ValueError as error:
            problems.append(Problem(where, str(error), "value_error", suffix[:100]))
        first = seen.setdefault((url, identity), (index, position))
        if first != (index, position):
            message = f"The identity {identity!r} is given twice: first in group {first[0]} at {first[1]}."
            problems.append(Problem(where, message, "duplicate", suffix[:100]))
        if len(problems) > PROBLEMS_MAX:
            break
    if group["number"] > len(group["ids"]):
        try:
            identity_clean(prefix + "0" * SUFFIX_DIGITS)
        except ValueError as error:
            message = f"With a random suffix of {SUFFIX_DIGITS} digits: {error}"
            problems.append(Problem((index, "template", "identity_prefix"), message, "value_error", prefix))
    return problems
