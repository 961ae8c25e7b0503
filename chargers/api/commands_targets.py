"""Whom a command is for: the contract's two kinds of target."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework import serializers

from chargers.selectors.commands import Targets, target_get, targets_of_location
from ocpplab.accounts.models import Organization
from ocpplab.api.fields import Text


class _Target(serializers.Serializer[Any]):
    """A target says exactly whom it means: a misspelled key must not widen it to a whole site."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse keys that mean nothing."""
        unknown = [key for key in data if key not in self.fields] if isinstance(data, Mapping) else []
        if unknown:
            known = ", ".join(self.fields)
            problem = serializers.ErrorDetail(f"A target takes {known} and nothing else.", code="extra_forbidden")
            raise serializers.ValidationError({str(key)[:100]: [problem] for key in unknown[:10]})
        return super().to_internal_value(data)


class ChargerCommandTarget(_Target):
    """One charger."""

    charger_id = Text(help_text="Deployment id.")


class CommandTarget(_Target):
    """One charger, a whole location, or the given chargers of a location."""

    charger_id = Text(required=False, allow_null=True, help_text="Deployment id; or give location_id.")
    location_id = Text(required=False, allow_null=True, help_text="Or give charger_id.")
    charger_ids = serializers.ListField(
        child=Text(),
        required=False,
        allow_null=True,
        allow_empty=False,
        max_length=settings.BULK_MAX_CHARGERS,
        help_text="Only these chargers of the location; null or absent means all of them.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Want exactly one of the two ids, and `charger_ids` only with a location."""
        given = {key: value for key, value in attrs.items() if value is not None}
        if ("charger_id" in given) == ("location_id" in given):
            raise serializers.ValidationError("Give exactly one of charger_id and location_id.", code="value_error")
        if "charger_ids" in given and "location_id" not in given:
            problem = serializers.ErrorDetail("Give charger_ids only together with location_id.", code="value_error")
            raise serializers.ValidationError({"charger_ids": [problem]})
        return given


def targets_of(organization: Organization, target: Mapping[str, Any]) -> Targets:
    """Find the chargers of a validated CommandTarget. Raises `ChargerNotFound` and `LocationNotFound`."""
    if "charger_id" in target:
        charger = target_get(organization=organization, charger_id=target["charger_id"])
        return Targets(chargers=[charger], missing=[])
    return targets_of_location(
        organization=organization, location_id=target["location_id"], charger_ids=target.get("charger_ids")
    )
