"""Pages of lists: `data`, `total`, `page`, `limit` (contract 2.4)."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.response import Response

DEFAULT_LIMIT = 50
MAX_LIMIT = 100

_M = TypeVar("_M", bound=Model)


class PageQuery(serializers.Serializer[Any]):
    """Query arguments of a paged list."""

    page = serializers.IntegerField(min_value=1, max_value=10_000_000, default=1, help_text="One based.")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)


def paged(rows: QuerySet[Any], present: Callable[[Any], dict[str, Any]], *, page: int, limit: int) -> Response:
    """Answer one page of ordered rows. A page past the end is empty and has the true total."""
    return page_of(rows, lambda found: [present(row) for row in found], page=page, limit=limit)


def page_of(
    rows: QuerySet[_M], present: Callable[[list[_M]], list[dict[str, Any]]], *, page: int, limit: int
) -> Response:
    """Do the same with rows that are presented together, such as with one query for what belongs to them."""
    start = (page - 1) * limit
    found = list(rows[start : start + limit])
    total = start + len(found) if found and len(found) < limit else rows.count()
    return Response({"data": present(found), "total": total, "page": page, "limit": limit})


def page_serializer(item: type[serializers.Serializer[Any]], name: str) -> type[serializers.Serializer[Any]]:
    """Make the envelope's serializer for the OpenAPI document."""
    return type(
        name,
        (serializers.Serializer,),
        {
            "__doc__": f"One page of {item.__name__}.",
            "data": item(many=True),
            "total": serializers.IntegerField(),
            "page": serializers.IntegerField(),
            "limit": serializers.IntegerField(),
        },
    )
