"""What the contract cannot read back: outcomes of commands, the state of a charger, the ledger."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chargers.api.commands_serializers import CommandResponse
from chargers.api.ledger_serializers import (
    ChargerTransactionQuery,
    StateResponse,
    TransactionListResponse,
    TransactionQuery,
    TransactionResponse,
    transaction_body,
)
from chargers.choices import CommandStatus
from chargers.models import Command, Transaction
from chargers.protocol import Version, hidden
from chargers.selectors import charger_get
from chargers.selectors.commands import command_get, target_get
from chargers.selectors.ledger import (
    TransactionFilter,
    transaction_get,
    transaction_messages,
    transactions_list,
)
from chargers.services.commands_orders import state_ask
from chargers.services.commands_words import sentence
from ocpplab.api.pagination import page_of
from ocpplab.api.schema import HttpError
from ocpplab.api.views import GatewayView, query


class CommandDetail(GatewayView):
    """`/ocpp/commands/{command_id}`."""

    @extend_schema(operation_id="commands_get", tags=["commands"], responses=CommandResponse)
    def get(self, request: Request, command_id: str) -> Response:
        """Return a command with its outcome."""
        return Response(command_body(command_get(organization=self.organization, command_id=command_id)))


def command_body(command: Command) -> dict[str, Any]:
    """Return the command as the API shows it; its charger comes with it."""
    outcome = command.outcome or {}
    code, data = outcome.get("code"), hidden(outcome.get("data"))
    unhappy = command.status in {CommandStatus.FAILED, CommandStatus.LOST}
    return {
        "id": command.pk,
        "charger_id": command.charger.public_id,
        "identity": command.charger.identity,
        "kind": command.kind,
        "ocpp_version": Version(command.charger.ocpp_version).subprotocol,
        "payload": hidden(command.payload),
        "status": command.status,
        "code": code,
        "detail": sentence(code, data) if unhappy and code else None,
        "data": data,
        "created_at": command.created_at,
        "taken_at": command.taken_at,
        "settled_at": command.settled_at,
    }


class ChargerState(GatewayView):
    """`/ocpp/chargers/{charger_id}/state`."""

    @extend_schema(operation_id="chargers_get_state", tags=["chargers"], responses={200: StateResponse, 400: HttpError})
    def get(self, request: Request, charger_id: str) -> Response:
        """Ask the running charger how it is: connectors, transactions, meters, configuration, lists, queue."""
        charger = target_get(organization=self.organization, charger_id=charger_id)
        state = state_ask(charger=charger)
        return Response({"charger_id": charger.public_id, "identity": charger.identity, **state})


class Transactions(GatewayView):
    """`/ocpp/transactions`."""

    @extend_schema(
        operation_id="transactions_list",
        tags=["transactions"],
        parameters=[TransactionQuery],
        responses=TransactionListResponse,
    )
    def get(self, request: Request) -> Response:
        """List transactions as the chargers know them, the newest first, with what the CSMS accepted of each."""
        return _page(self, query(TransactionQuery, request))


class ChargerTransactions(GatewayView):
    """`/ocpp/chargers/{charger_id}/transactions`."""

    @extend_schema(
        operation_id="chargers_list_transactions",
        tags=["chargers"],
        parameters=[ChargerTransactionQuery],
        responses=TransactionListResponse,
    )
    def get(self, request: Request, charger_id: str) -> Response:
        """List the charger's transactions, the newest first, with what the CSMS accepted of each."""
        charger = charger_get(organization=self.organization, charger_id=charger_id)
        return _page(self, query(ChargerTransactionQuery, request) | {"charger_id": charger.public_id})


class TransactionDetail(GatewayView):
    """`/ocpp/transactions/{transaction_id}`."""

    @extend_schema(operation_id="transactions_get", tags=["transactions"], responses=TransactionResponse)
    def get(self, request: Request, transaction_id: str) -> Response:
        """Return one transaction by the charger's own id of it."""
        row = transaction_get(organization=self.organization, transaction_id=transaction_id)
        return Response(transaction_body(row, transaction_messages([row.pk])[row.pk]))


def _page(view: GatewayView, asked: dict[str, Any]) -> Response:
    page, limit, with_messages = asked.pop("page"), asked.pop("limit"), asked.pop("messages")
    rows = transactions_list(organization=view.organization, where=TransactionFilter(**asked))

    def present(found: Sequence[Transaction]) -> list[dict[str, Any]]:
        messages = transaction_messages([row.pk for row in found]) if with_messages else None
        return [transaction_body(row, None if messages is None else messages[row.pk]) for row in found]

    return page_of(rows, present, page=page, limit=limit)
