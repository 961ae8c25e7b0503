"""Fields of commands."""

from typing import Any, Final

from rest_framework import serializers

from ocpplab.api.fields import Text, Whole

#: levels of nesting in a payload; OCPP's own have seven at most
_DEEPEST: Final = 20


class JsonObject(serializers.DictField):
    """A JSON object of any keys and values that PostgreSQL can keep: no NUL, and no bottomless nesting."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return it unchanged."""
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        fault = _fault(data, 1)
        if fault:
            raise serializers.ValidationError(fault, code="value_error")
        return data


def _fault(value: Any, level: int) -> str:
    if isinstance(value, str):
        return "Null characters are not allowed." if "\x00" in value else ""
    if not isinstance(value, (dict, list)):
        return ""
    if level > _DEEPEST:
        return f"More than {_DEEPEST} levels of nesting are not allowed."
    parts = [*value, *value.values()] if isinstance(value, dict) else value
    return next((fault for part in parts if (fault := _fault(part, level + 1))), "")


class IdTag(Text):
    """An id tag: 20 characters at most in OCPP 1.6, 36 in 2.0.1; how long it may be is for the charger to say."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=36, **options)


class Position(Whole):
    """Number of an EVSE or a connector, counted from 1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, min_value=1, max_value=32_767, **options)
