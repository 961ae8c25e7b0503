"""Bodies of the command routes: the contract's events and answers (4.7), and those of our own."""

from typing import Any

from rest_framework import serializers

from chargers.api.commands_fields import IdTag, JsonObject, Position
from chargers.api.commands_targets import ChargerCommandTarget, CommandTarget
from chargers.choices import CommandStatus
from chargers.fields import OcppVersionField
from chargers.simulator.model.charging import FaultKind
from ocpplab.api.fields import Number, Text, Whole

# --- events of the single routes ---


class EmptyEvent(serializers.Serializer[Any]):
    """Nothing to say."""


class ProxyMessageEvent(serializers.Serializer[Any]):
    """One OCPP message, as a charger would send it."""

    action = Text(max_length=100, help_text="OCPP action in snake_case, such as status_notification.")
    ocpp_version = OcppVersionField(help_text="ocpp1.6 or ocpp2.0.1; the charger's own.")
    payload = JsonObject(help_text="The request's payload; keys may be in snake_case or in OCPP's spelling.")


class ConfigurationUpdateEvent(serializers.Serializer[Any]):
    """Configuration keys and their new values."""

    configuration = serializers.DictField(
        child=Text(allow_blank=True, trim_whitespace=False, max_length=2500), allow_empty=False
    )

    def validate_configuration(self, value: dict[str, str]) -> dict[str, str]:
        """Keep the keys within what a charger could have."""
        if len(value) > 500:
            raise serializers.ValidationError("At most 500 keys at a time.", code="too_long")
        for key in value:
            if not 1 <= len(key) <= 200 or "\x00" in key:
                raise serializers.ValidationError(
                    "A key has 1 to 200 characters, none of them null.", code="value_error"
                )
        return value


class LocalAuthListEntry(serializers.Serializer[Any]):
    """One id tag of the list. `status` is a key of our own."""

    id_tag = IdTag()
    expiry_date = serializers.DateTimeField(required=False, allow_null=True)
    parent_id_tag = IdTag(required=False, allow_null=True)
    status = serializers.ChoiceField(
        ["Accepted", "Blocked", "Expired", "Invalid"], required=False, allow_null=True, help_text="Accepted by default."
    )


class LocalAuthListEvent(serializers.Serializer[Any]):
    """A whole list, which replaces the one that the charger has."""

    list_version = Whole(min_value=1, max_value=2_147_483_647, help_text="Must grow.")
    entries = serializers.ListField(child=LocalAuthListEntry(), max_length=10_000)

    def validate_entries(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Refuse a tag given twice; id tags know no letter case."""
        seen: set[str] = set()
        for entry in value:
            tag = entry["id_tag"].casefold()
            if tag in seen:
                raise serializers.ValidationError(f"{entry['id_tag']} is given twice.", code="value_error")
            seen.add(tag)
        return value


class ConnectorCommandEvent(serializers.Serializer[Any]):
    """A connector; the first one by default."""

    evse_id = Position(help_text="EVSE number.")
    connector_id = Position(help_text="Connector number.")


class InjectFaultEvent(ConnectorCommandEvent):
    """What breaks, and where."""

    fault_type = serializers.ChoiceField([kind.value for kind in FaultKind])


class ClearFaultEvent(ConnectorCommandEvent):
    """What is repaired."""


# --- events of the fan-out routes ---


class StartTransactionCommandEvent(ConnectorCommandEvent):
    """Who charges, and where."""

    id_tag = IdTag()


class StopTransactionCommandEvent(serializers.Serializer[Any]):
    """Which transaction; the only one that runs by default."""

    transaction_id = Text(
        required=False, allow_null=True, max_length=64, help_text="The CSMS's id, or the charger's own."
    )


class StartSessionCommandEvent(ConnectorCommandEvent):
    """Who charges, where, and until when: whichever comes first."""

    id_tag = IdTag()
    duration_seconds = Whole(required=False, allow_null=True, min_value=1, max_value=31_536_000)
    target_energy_kwh = Number(required=False, allow_null=True, min_value=0.001, max_value=1_000_000)


class StopSessionCommandEvent(ConnectorCommandEvent):
    """Where charging ends and the car leaves."""


class AuthorizeIdTagCommandEvent(serializers.Serializer[Any]):
    """Who is asked for."""

    id_tag = IdTag()


class PowerUpdateCommandEvent(ConnectorCommandEvent):
    """What the car draws."""

    power_w = Whole(min_value=0, max_value=100_000_000, help_text="Watts.")


# --- answers ---


class QueuedCommandResponse(serializers.Serializer[Any]):
    """A command that stands."""

    id = serializers.CharField(help_text="12 hex digits; see GET /ocpp/commands/{id}.")
    event_type = serializers.CharField()
    ocpp_version = serializers.CharField(help_text="ocpp1.6 or ocpp2.0.1.")
    payload = serializers.DictField()


class LocationQueuedCommandResult(serializers.Serializer[Any]):
    """The command of one charger."""

    charger_id = serializers.CharField()
    identity = serializers.CharField()
    command = QueuedCommandResponse()


class LocationCommandFailure(serializers.Serializer[Any]):
    """Why one charger was not ordered. `charger_id` and `code` are keys of our own."""

    identity = serializers.CharField(required=False, help_text="Absent for an id that is not in the location.")
    error = serializers.CharField()
    charger_id = serializers.CharField()
    code = serializers.CharField(help_text="Stable key of the error.")


class LocationCommandResponse(serializers.Serializer[Any]):
    """What became of a fan-out: `targeted_count` is `queued_count` and `failed_count` together."""

    targeted_count = serializers.IntegerField()
    queued_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    results = LocationQueuedCommandResult(many=True)
    failed = LocationCommandFailure(many=True)


class ConfigurationChangeResponse(serializers.Serializer[Any]):
    """What became of a change of configuration. `results` is a key of our own."""

    status = serializers.ChoiceField(
        ["Accepted", "RebootRequired", "Rejected"], help_text="Rejected when any key was; the others are set."
    )
    configured = serializers.ListField(child=serializers.CharField(), help_text="The keys that are set.")
    msg = serializers.CharField()
    results = serializers.DictField(child=serializers.CharField(), help_text="The charger's answer, key by key.")


class CacheResetResponse(serializers.Serializer[Any]):
    """The cache is empty."""

    msg = serializers.CharField()
    cleared_entries = serializers.IntegerField()


class LocalListMutationResponse(serializers.Serializer[Any]):
    """What became of the local list; which keys are there depends on the route."""

    status = serializers.CharField(required=False)
    list_version = serializers.IntegerField(required=False)
    entries_received = serializers.IntegerField(required=False)
    msg = serializers.CharField(required=False)
    entries_deleted = serializers.IntegerField(required=False)


class FaultOperationResponse(serializers.Serializer[Any]):
    """Where a fault came or went, and the connector's status now."""

    msg = serializers.CharField()
    fault_type = serializers.CharField(allow_null=True)
    evse_id = serializers.IntegerField()
    connector_id = serializers.IntegerField()
    status = serializers.CharField()


class CommandResponse(serializers.Serializer[Any]):
    """A command and what became of it."""

    id = serializers.CharField()
    charger_id = serializers.CharField()
    identity = serializers.CharField()
    kind = serializers.CharField(help_text="What the charger was ordered to do, in the simulator's word.")
    ocpp_version = serializers.CharField()
    payload = serializers.DictField(help_text="Its arguments.")
    status = serializers.ChoiceField(
        CommandStatus.choices,
        help_text="queued: not yet taken by the simulator. running: no outcome yet. done, failed: by the charger's own "
        "word. lost: the simulator ended before it told the outcome; it is never carried out again.",
    )
    code = serializers.CharField(allow_null=True, help_text="Stable key of the outcome; null while there is none.")
    detail = serializers.CharField(allow_null=True, help_text="Why it failed; null unless it did.")
    data = serializers.DictField(  # type: ignore[assignment]  # a good name, also DRF's
        allow_null=True, help_text="What the charger said."
    )
    created_at = serializers.DateTimeField()
    taken_at = serializers.DateTimeField(allow_null=True)
    settled_at = serializers.DateTimeField(allow_null=True)


def command_request(
    name: str, event: type[serializers.Serializer[Any]], *, fan_out: bool, optional: bool = False
) -> type[serializers.Serializer[Any]]:
    """Make the serializer of a route's body: `target` and `event`, which may be missing when it is `optional`."""
    given: dict[str, Any] = {"required": False, "allow_null": True} if optional else {}
    target = CommandTarget() if fan_out else ChargerCommandTarget()
    return type(
        f"{name}Request",
        (serializers.Serializer,),
        {"__doc__": f"Target and {event.__name__}.", "target": target, "event": event(**given)},
    )
