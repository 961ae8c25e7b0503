"""Bodies of chargers."""

from typing import Any

from rest_framework import serializers

from chargers.choices import CONNECTION_STATES, OcppVersion
from chargers.models import Charger
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


def charger_body(charger: Charger) -> dict[str, Any]:
    """Return the charger as the API shows it; read it through `selectors.chargers_with_related`.

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
    }
