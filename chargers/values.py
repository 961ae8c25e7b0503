"""Plain values: many are made, none is ever changed."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Made = TypeVar("Made")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[Made]) -> type[Made]:
    """Make a class a dataclass with slots that nobody may change, which the type checker sees to.

    `dataclass(frozen=True)` sees to it when the program runs, and pays with four times the time for each one that is
    made: too much for what every message makes several of.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
