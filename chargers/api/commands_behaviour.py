"""How the people of chargers behave, as the API says it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from rest_framework import serializers

from chargers.api.commands_fields import IdTag
from chargers.simulator.model.behaviour import Behaviour, Tag
from ocpplab.api.fields import Flag, Number, Whole

_DEFAULTS: Final = {one.name: one.default for one in fields(Behaviour)}


class Chance(Number):
    """A probability."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, min_value=0, max_value=1, **options)


class TagShare(serializers.Serializer[Any]):
    """An id tag and how often it is used, relative to the others."""

    id = IdTag()
    weight = Number(required=False, allow_null=True, min_value=0, max_value=1_000_000, help_text="1 by default.")


class BehaviourEvent(serializers.Serializer[Any]):
    """Who comes how often and how they behave, or `off`."""

    off = Flag(required=False, allow_null=True, help_text="Nobody comes any more; who is there leaves in time.")
    arrivals_per_hour = Number(
        required=False, allow_null=True, min_value=0, max_value=3600, help_text="For each charger; needed unless off."
    )
    tags = serializers.ListField(
        child=TagShare(),
        required=False,
        allow_null=True,
        min_length=1,
        max_length=1000,
        help_text="The tags that people hold; needed unless off.",
    )
    mean_minutes = Number(
        required=False,
        allow_null=True,
        min_value=0.01,
        max_value=100_000,
        help_text=f"How long they charge on average, {_DEFAULTS['mean_minutes']:g} by default.",
    )
    mean_wish_kwh = Number(
        required=False,
        allow_null=True,
        min_value=0.001,
        max_value=10_000,
        help_text="The energy that they want on average; by default the car knows how full it wants to be.",
    )
    wrong_tag = Chance(help_text="Probability that somebody holds one of wrong_tags; 0 by default.")
    wrong_tags = serializers.ListField(child=IdTag(), required=False, allow_null=True, min_length=1, max_length=100)
    early_unplug = Chance(help_text="Probability that the car leaves in mid-charge; 0 by default.")
    tag_first = Chance(help_text=f"Probability of the tag before the plug; {_DEFAULTS['tag_first']} by default.")
    mean_idle_minutes = Number(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=100_000,
        help_text=f"How long cars stay after charging, {_DEFAULTS['mean_idle_minutes']:g} by default.",
    )
    seed = Whole(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=2**53,
        help_text="The same seed makes each charger behave in the same way again; every charger has its own way.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Want a rate and tags unless it is switched off."""
        if attrs.get("off"):
            return {"off": True}
        for name in ("arrivals_per_hour", "tags"):
            if attrs.get(name) is None:
                problem = serializers.ErrorDetail("Give this, or off: true.", code="required")
                raise serializers.ValidationError({name: [problem]})
        tags = attrs["tags"]
        if not any(_weight(tag) for tag in tags):
            problem = serializers.ErrorDetail("At least one tag needs a weight above 0.", code="value_error")
            raise serializers.ValidationError({"tags": [problem]})
        return attrs


def behaviour_data(event: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a validated event without nulls into what the session takes."""
    if event.get("off"):
        return {"off": True}
    data = {key: value for key, value in event.items() if key not in {"off", "tags", "mean_wish_kwh"}}
    if "mean_wish_kwh" in event:
        data["mean_wish_wh"] = event["mean_wish_kwh"] * 1000
    data["tags"] = [{"id": tag["id"], "weight": _weight(tag)} for tag in event["tags"]]
    return data


def _weight(tag: Mapping[str, Any]) -> float:
    weight: float | None = tag.get("weight")
    return Tag("").weight if weight is None else weight
