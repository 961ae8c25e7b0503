"""Bodies of chargers."""

from typing import Any, cast

from django.conf import settings
from rest_framework import serializers

from chargers.choices import CONNECTION_STATES, MessageLog, OcppVersion
from chargers.fields import ConnectorTypeField, DisplayName, MessageLogField, OcppVersionField, WsUrl
from chargers.models import Charger
from chargers.services.configuration import Configuration
from ocpplab.api.fields import Choice, Text
from ocpplab.api.pagination import PageQuery, page_serializer
from ocpplab.common.choices import ProvisioningStatus


class ChargerResponse(serializers.Serializer[Any]):
    """A charger. From `connection_state` on these are keys of our own."""

    id = serializers.CharField(help_text="Deployment id, the one that paths and targets take.")
    identity = serializers.CharField(help_text="OCPP charge point identity.")
    name = serializers.CharField(allow_null=True)
    vendor_name = serializers.CharField()
    model = serializers.CharField()
    image_url = serializers.CharField(allow_null=True)
    ocpp_version = serializers.ChoiceField(OcppVersion.choices)
    number_of_connectors = serializers.IntegerField()
    max_charging_power = serializers.IntegerField(help_text="Watts.")
    connector_type = serializers.CharField()
    location_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    connection_state = serializers.ChoiceField(CONNECTION_STATES, help_text="Where it stands with its CSMS.")
    connection_error = serializers.CharField(help_text="Why it is not online; empty when there is nothing to say.")
    provisioning_status = serializers.ChoiceField(ProvisioningStatus.choices)
    ws_url = serializers.CharField()
    host = serializers.CharField(allow_null=True, help_text="Name of the simulator process that holds its session.")
    wanted = serializers.BooleanField(help_text="Whether it should have a session: false after stop-charger.")
    message_log = serializers.ChoiceField(MessageLog.choices, help_text="Which of its frames are kept.")


def charger_body(charger: Charger) -> dict[str, Any]:
    """Return the charger as the API shows it; read it through `selectors.chargers_with_related` or `…_of_many`.

    Built by hand because a job's result holds thousands of them.
    """
    model = charger.model
    return {
        "id": charger.public_id,
        "identity": charger.identity,
        "name": charger.name,
        "vendor_name": model.brand.name,
        "model": model.name,
        "image_url": model.image_url or model.brand.image_url,
        "ocpp_version": charger.ocpp_version,
        "number_of_connectors": model.connector_count,
        "max_charging_power": model.max_power_w,
        "connector_type": charger.connector_type,
        "location_id": None if charger.location_id is None else str(charger.location_id),
        "created_at": charger.created_at,
        "updated_at": charger.updated_at,
        "connection_state": charger.connection_state,
        "connection_error": charger.connection_error,
        "provisioning_status": charger.provisioning_status,
        "ws_url": charger.ws_url,
        "host": None if charger.host is None else charger.host.name,
        "wanted": charger.wanted,
        "message_log": charger.message_log,
    }


ChargerListResponse = page_serializer(ChargerResponse, "ChargerListResponse")


class ChargerListQuery(PageQuery):
    """Query arguments of the list of chargers."""

    location_id = serializers.CharField(required=False, help_text="Only of this location; an unknown one has none.")
    identity = serializers.CharField(required=False, help_text="Only those with this OCPP identity.")
    connection_state = Choice(CONNECTION_STATES, required=False)
    provisioning_status = Choice(ProvisioningStatus.choices, required=False)
    ws_url = serializers.CharField(required=False, help_text="Only those that dial this address.")
    host = serializers.CharField(required=False, help_text="Name or id of a simulator process.")


class LocationChargerListQuery(PageQuery):
    """Query arguments of the list of a location's chargers."""

    charger_ids = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Only these deployment ids; repeat the key."
    )


class LogQuery(serializers.Serializer[Any]):
    """Query arguments of a log."""

    start_date = serializers.DateTimeField(required=False, help_text="Inclusive.")
    end_date = serializers.DateTimeField(required=False, help_text="Inclusive.")
    event = serializers.CharField(required=False, help_text="OCPP action, for instance BootNotification.")
    limit = serializers.IntegerField(min_value=1, max_value=1000, default=100)
    offset = serializers.IntegerField(min_value=0, max_value=1_000_000_000, default=0, help_text="Zero based.")


class ChargerLogEntry(serializers.Serializer[Any]):
    """One frame."""

    direction = serializers.CharField(
        help_text="cp_to_csms or csms_to_cp; connection tells why one ended or never came to be."
    )
    action = serializers.CharField(help_text="For an answer the action of the call that it answers.")
    message = serializers.CharField(help_text="The raw frame.")
    timestamp = serializers.DateTimeField()


class ChargerLogListResponse(serializers.Serializer[Any]):
    """A part of a log, oldest first."""

    data = ChargerLogEntry(many=True)  # type: ignore[assignment]  # the contract's name, also DRF's
    total = serializers.IntegerField()
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()


class UpdateChargerRequest(serializers.Serializer[Any]):
    """New values; an absent key stays. Null clears what may be empty and leaves the rest as it is."""

    name = DisplayName(required=False, allow_null=True)
    charge_point_name = DisplayName(required=False, allow_null=True, help_text="Wins over name.")
    connector_type = ConnectorTypeField(required=False, allow_null=True)
    ocpp_version = OcppVersionField(required=False, allow_null=True)
    ws_url = WsUrl(required=False, allow_null=True)
    location_id = Text(required=False, allow_null=True)
    location_name = DisplayName(required=False, allow_null=True)
    message_log = MessageLogField(required=False, allow_null=True)


class UpdateLocationChargerItem(UpdateChargerRequest):
    """New values of one charger of the location."""

    charger_id = Text()


class UpdateLocationChargersRequest(serializers.Serializer[Any]):
    """New values of several chargers."""

    chargers = serializers.ListField(child=UpdateLocationChargerItem(), max_length=settings.BULK_MAX_CHARGERS)


class LocationChargerFailure(serializers.Serializer[Any]):
    """Why one charger was left as it is."""

    charger_id = serializers.CharField()
    error = serializers.CharField()
    code = serializers.CharField(help_text="Stable key of the error.")


class UpdateLocationChargersResponse(serializers.Serializer[Any]):
    """What became of each, in the order of the request."""

    updated_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    updated = ChargerResponse(many=True)
    failed = LocationChargerFailure(many=True)


class DeleteLocationChargersQuery(serializers.Serializer[Any]):
    """Which chargers to delete: never all, so the ids are required."""

    charger_ids = serializers.ListField(
        child=serializers.CharField(),
        allow_empty=False,
        max_length=settings.BULK_MAX_CHARGERS,
        help_text="Deployment ids; repeat the key.",
    )


class DeleteLocationChargersResponse(serializers.Serializer[Any]):
    """What became of each, in the order of the request."""

    deleted_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    deleted = serializers.ListField(child=serializers.CharField())
    failed = LocationChargerFailure(many=True)


class RuntimeResponse(serializers.Serializer[Any]):
    """The order was taken (QueuedCommandResponse of the contract)."""

    id = serializers.CharField(help_text="The charger's deployment id.")
    event_type = serializers.CharField()
    ocpp_version = serializers.CharField()
    payload = serializers.DictField()


#: what null does: these columns are cleared, all others stay as they are
CLEARED_BY_NULL = frozenset({"name", "location_id", "location_name"})


def configuration_of(validated: dict[str, Any]) -> Configuration:
    """Translate validated update fields into what the service takes."""
    values = {key: value for key, value in validated.items() if key not in {"charger_id", "charge_point_name"}}
    if "charge_point_name" in validated:
        values["name"] = validated["charge_point_name"]
    kept = {key: value for key, value in values.items() if value is not None or key in CLEARED_BY_NULL}
    return cast("Configuration", kept)
