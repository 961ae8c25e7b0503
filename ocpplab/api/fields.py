"""Strict fields: a number is no text, a text is no number, and no NUL gets through to PostgreSQL."""

import math
import uuid
from typing import Any

from rest_framework import serializers


class Text(serializers.CharField):
    """A JSON string, trimmed."""

    def to_internal_value(self, data: Any) -> str:
        """Refuse everything that is not a string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A JSON number without fraction."""

    def to_internal_value(self, data: Any) -> int:
        """Refuse strings, booleans and fractions."""
        if isinstance(data, bool) or not (isinstance(data, int) or (isinstance(data, float) and data.is_integer())):
            self.fail("invalid")
        return super().to_internal_value(int(data))


class Number(serializers.FloatField):
    """A finite JSON number."""

    def to_internal_value(self, data: Any) -> float:
        """Refuse strings, booleans, NaN and infinities."""
        if isinstance(data, bool) or not isinstance(data, (int, float)) or not math.isfinite(data):
            self.fail("invalid")
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    """One of a few words; the refusal names them all."""

    def __init__(self, choices: Any, **options: Any) -> None:
        super().__init__(choices, **options)
        known = ", ".join(str(choice) for choice in self.choices)
        self.error_messages["invalid_choice"] = f'"{{input}}" is not known here: use one of {known}.'


class Flag(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: Any) -> bool:
        """Refuse everything else, such as "yes" or 1."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


def as_uuid(text: str) -> uuid.UUID | None:
    """Return the UUID that a path segment spells, or None: a malformed id is an id that does not exist.

    Python would also take braces, `urn:uuid:`, missing hyphens and the digits of every script.
    """
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None
