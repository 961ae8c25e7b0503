"""Moves of a status column: a table of what is allowed, and a conditional UPDATE as the only writer."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

#: from which states a state may be entered
Moves = Mapping[str, frozenset[str]]


def move(rows: QuerySet[Any], moves: Moves, *, to: str, field: str = "status", **changes: Any) -> int:
    """Move rows to the state `to` from whichever state the table allows, and return how many were moved.

    For a single row 1 means that this caller won; 0 that someone else was there first, or that the move is not
    allowed from where the row stands. `changes` are further columns of the same UPDATE.
    """
    return rows.filter(**{f"{field}__in": moves[to]}).update(**{field: to}, **changes)
