"""Dataclasses as dictionaries, not deeper than their own fields: `dataclasses.asdict` copies all that hangs on them."""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any


def flattener(kind: type, *, without: frozenset[str] = frozenset()) -> Callable[[Any], dict[str, Any]]:
    """Make a function that gives the fields of one `kind` by name, but for some.

    What it gives shares the values with the object: write it out before the object changes.
    """
    names = tuple(field.name for field in fields(kind) if field.name not in without)
    values = attrgetter(*names)

    def flat(one: Any) -> dict[str, Any]:
        return dict(zip(names, values(one), strict=True))

    return flat
