"""Bodies of the ledger and of a charger's state."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from chargers.choices import TransactionState
from chargers.models import Transaction
from ocpplab.api.pagination import PageQuery, page_serializer


class TransactionMessageResponse(serializers.Serializer[Any]):
    """A message of a transaction that has its end."""

    sequence = serializers.IntegerField(help_text="Counts the messages of the transaction as they were made.")
    action = serializers.CharField()
    at = serializers.DateTimeField(help_text="The message's own time, by the charger's clock.")
    accepted_at = serializers.DateTimeField(allow_null=True, help_text="When the CSMS answered it with a result.")
    dropped = serializers.CharField(help_text="Why it will never be sent (again); empty when it was accepted.")


class TransactionResponse(serializers.Serializer[Any]):
    """A transaction as the charger lived it. Registers and energy are in Wh, times are the charger's."""

    id = serializers.UUIDField(help_text="The charger's own id.")
    transaction_id = serializers.CharField(allow_null=True, help_text="The CSMS's id, once it gave one.")
    charger_id = serializers.CharField()
    identity = serializers.CharField()
    location_id = serializers.CharField(allow_null=True)
    connector_id = serializers.IntegerField()
    id_tag = serializers.CharField()
    reservation_id = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(TransactionState.choices)
    started_at = serializers.DateTimeField()
    meter_start = serializers.IntegerField()
    started_offline = serializers.BooleanField()
    sampled_at = serializers.DateTimeField(allow_null=True)
    meter_wh = serializers.IntegerField(help_text="The newest register that was told, or is to be told, to the CSMS.")
    stopped_at = serializers.DateTimeField(allow_null=True)
    meter_stop = serializers.IntegerField(allow_null=True)
    stopped_offline = serializers.BooleanField(allow_null=True)
    reason = serializers.CharField(allow_null=True, help_text="Why it stopped, in OCPP's word.")
    energy_wh = serializers.IntegerField()
    messages = TransactionMessageResponse(many=True, required=False, help_text="Absent with messages=false.")


TransactionListResponse = page_serializer(TransactionResponse, "TransactionListResponse")


def transaction_body(row: Transaction, messages: Sequence[dict[str, Any]] | None) -> dict[str, Any]:
    """Return the transaction as the API shows it; its charger comes with it, None leaves its messages out."""
    charger = row.charger
    body = {
        "id": str(row.pk),
        "transaction_id": row.csms_id or None,
        "charger_id": charger.public_id,
        "identity": charger.identity,
        "location_id": None if charger.location_id is None else str(charger.location_id),
        "connector_id": row.connector,
        "id_tag": row.id_tag,
        "reservation_id": row.reservation_id,
        "state": row.state,
        "started_at": row.started_at,
        "meter_start": row.meter_start,
        "started_offline": row.started_offline,
        "sampled_at": row.sampled_at,
        "meter_wh": row.meter_wh,
        "stopped_at": row.stopped_at,
        "meter_stop": row.meter_stop,
        "stopped_offline": row.stopped_offline,
        "reason": row.reason or None,
        "energy_wh": (row.meter_wh if row.meter_stop is None else row.meter_stop) - row.meter_start,
    }
    return body if messages is None else body | {"messages": messages}


class ChargerTransactionQuery(PageQuery):
    """Query arguments of a charger's transactions."""

    state = serializers.ChoiceField(TransactionState.choices, required=False)
    id_tag = serializers.CharField(required=False, help_text="In any letter case.")
    transaction_id = serializers.CharField(required=False, help_text="The CSMS's id, or the charger's own.")
    started_from = serializers.DateTimeField(required=False, help_text="Inclusive.")
    started_to = serializers.DateTimeField(required=False, help_text="Inclusive.")
    messages = serializers.BooleanField(default=True, help_text="false leaves the messages out.")


class TransactionQuery(ChargerTransactionQuery):
    """Query arguments of the ledger."""

    charger_id = serializers.CharField(required=False, help_text="Deployment id; an unknown one has none.")
    location_id = serializers.CharField(required=False, help_text="An unknown one has none.")


class ConnectorState(serializers.Serializer[Any]):
    """A connector now. Extra keys may be there."""

    connector = serializers.IntegerField()
    status = serializers.CharField(help_text="In OCPP's word.")
    error = serializers.CharField(help_text="In OCPP's word; NoError when there is none.")
    meter_wh = serializers.IntegerField()
    power_w = serializers.FloatField()
    limit_w = serializers.FloatField(help_text="What it may give at most.")
    soc = serializers.FloatField(allow_null=True, help_text="Percent; null without a car.")
    transaction = serializers.DictField(allow_null=True)


class StateResponse(serializers.Serializer[Any]):
    """A charger now, by its own word. Extra keys may be there."""

    charger_id = serializers.CharField()
    identity = serializers.CharField()
    connection = serializers.CharField()
    connectors = ConnectorState(many=True)
    configuration = serializers.DictField(child=serializers.CharField())
    local_list_version = serializers.IntegerField()
    queue_length = serializers.IntegerField(help_text="Messages that wait to be sent.")
    reservations = serializers.ListField(child=serializers.DictField())
    behaviour = serializers.DictField(allow_null=True)
