"""Fields of a location's values."""

from typing import Any

from rest_framework import serializers

from locations.rules import country_code, country_problem, time_zone_problem
from ocpplab.api.fields import Number, Text


class Country(Text):
    """ISO 3166-1 alpha-2, in any letter case; upper case inside."""

    def to_internal_value(self, data: Any) -> str:
        """Refuse what is not in the list."""
        code = country_code(super().to_internal_value(data))
        if problem := country_problem(code):
            raise serializers.ValidationError(problem, code="country")
        return code


class TimeZone(Text):
    """IANA name."""

    def to_internal_value(self, data: Any) -> str:
        """Refuse what is not in the time zone database."""
        name = super().to_internal_value(data)
        if problem := time_zone_problem(name):
            raise serializers.ValidationError(problem, code="timezone")
        return name


class Coordinates(serializers.Serializer[Any]):
    """A place in decimal degrees (WGS 84)."""

    latitude = Number(min_value=-90, max_value=90)
    longitude = Number(min_value=-180, max_value=180)


class Slug(serializers.SlugField):
    """Letters, digits, hyphens and underscores."""

    def to_internal_value(self, data: Any) -> str:
        """Refuse everything that is not a string."""
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text
