"""Bodies of the location routes (contract 4.3)."""

from typing import Any

from rest_framework import serializers

from locations.choices import LocationStatus
from locations.fields import Coordinates, Country, Slug, TimeZone
from locations.models import Location
from ocpplab.api.fields import Choice, Flag, Text

#: what null means in an update; null leaves every other column as it is (table 1b)
_CLEARED = {"owner_name": None, "timezone": "UTC"}


class CreateLocationRequest(serializers.Serializer[Any]):
    """A new site."""

    name = Text(max_length=200)
    address = Text(max_length=300)
    city = Text(max_length=100)
    country = Country(help_text="ISO 3166-1 alpha-2.")
    coordinates = Coordinates()
    timezone = TimeZone(required=False, allow_null=True, help_text="IANA name; UTC when absent.")
    owner_name = Text(max_length=200, required=False, allow_null=True, allow_blank=True)
    public = Flag(required=False, allow_null=True, help_text="false when absent.")


class UpdateLocationRequest(serializers.Serializer[Any]):
    """Only the keys that are there change. null clears `owner_name`, sets `timezone` to UTC, else changes nothing."""

    slug = Slug(max_length=120, required=False, allow_null=True)
    name = Text(max_length=200, required=False, allow_null=True)
    address = Text(max_length=300, required=False, allow_null=True)
    city = Text(max_length=100, required=False, allow_null=True)
    country = Country(required=False, allow_null=True)
    coordinates = Coordinates(required=False, allow_null=True)
    timezone = TimeZone(required=False, allow_null=True)
    owner_name = Text(max_length=200, required=False, allow_null=True, allow_blank=True)
    public = Flag(required=False, allow_null=True)
    status = Choice(LocationStatus.choices, required=False, allow_null=True)


class LocationResponse(serializers.Serializer[Any]):
    """A site."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    address = serializers.CharField()
    city = serializers.CharField()
    country = serializers.CharField()
    coordinates = Coordinates()
    timezone = serializers.CharField()
    owner_name = serializers.CharField(allow_null=True)
    public = serializers.BooleanField()
    status = serializers.ChoiceField(LocationStatus.choices)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


def columns_of(validated: dict[str, Any]) -> dict[str, Any]:
    """Turn a validated body into columns of a location: what is absent, or null without a meaning, is left out."""
    columns: dict[str, Any] = {}
    for key, value in validated.items():
        if key == "coordinates" and value is not None:
            columns |= value
        elif key == "owner_name":
            columns[key] = value or None
        elif value is not None:
            columns[key] = value
        elif key in _CLEARED:
            columns[key] = _CLEARED[key]
    return columns


def location_body(location: Location) -> dict[str, Any]:
    """Return a location as the contract has it."""
    return {
        "id": str(location.id),
        "slug": location.slug,
        "name": location.name,
        "address": location.address,
        "city": location.city,
        "country": location.country,
        "coordinates": {"latitude": location.latitude, "longitude": location.longitude},
        "timezone": location.timezone,
        "owner_name": location.owner_name,
        "public": location.public,
        "status": location.status,
        "created_at": location.created_at,
        "updated_at": location.updated_at,
    }
