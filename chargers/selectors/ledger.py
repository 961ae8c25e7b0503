"""Reading the ledger: transactions as the chargers lived them, with what the CSMS accepted of them."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from chargers.errors import TransactionNotFound
from chargers.models import Transaction, TransactionMessage
from ocpplab.accounts.models import Organization
from ocpplab.api.fields import as_uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFilter:
    """Conditions on the ledger; None is no condition.

    `transaction_id` is the CSMS's id or the charger's own; `started_from` and `started_to` are inclusive.
    """

    charger_id: str | None = None
    location_id: str | None = None
    state: str | None = None
    id_tag: str | None = None
    transaction_id: str | None = None
    started_from: datetime | None = None
    started_to: datetime | None = None


def transactions_list(*, organization: Organization, where: TransactionFilter) -> QuerySet[Transaction]:
    """Return an organization's transactions, the newest first. An unknown charger or location has none."""
    rows = Transaction.objects.select_related("charger").filter(charger__organization=organization)
    if where.charger_id is not None:
        rows = rows.filter(charger__public_id=where.charger_id)
    if where.location_id is not None:
        location = as_uuid(where.location_id)
        rows = rows.none() if location is None else rows.filter(charger__location_id=location)
    if where.state is not None:
        rows = rows.filter(state=where.state)
    if where.id_tag is not None:
        rows = rows.filter(id_tag__iexact=where.id_tag)
    if where.transaction_id is not None:
        own = as_uuid(where.transaction_id)
        rows = rows.filter(Q(csms_id=where.transaction_id) if own is None else Q(pk=own) | Q(csms_id=str(own)))
    if where.started_from is not None:
        rows = rows.filter(started_at__gte=where.started_from)
    if where.started_to is not None:
        rows = rows.filter(started_at__lte=where.started_to)
    return rows.order_by("-started_at", "-id")


def transaction_get(*, organization: Organization, transaction_id: str) -> Transaction:
    """Return one transaction by the charger's own id. Raises `TransactionNotFound`, also for an id that is no UUID."""
    own = as_uuid(transaction_id)
    rows = Transaction.objects.select_related("charger").filter(charger__organization=organization)
    found = None if own is None else rows.filter(pk=own).first()
    if found is None:
        raise TransactionNotFound
    return found


def transaction_messages(ids: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Return the settled messages of transactions, in the order in which the charger made them: one query."""
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    rows = TransactionMessage.objects.filter(transaction__in=ids).order_by("transaction_id", "sequence")
    columns = ("sequence", "action", "at", "accepted_at", "dropped")
    for transaction_id, *values in rows.values_list("transaction_id", *columns):
        found[transaction_id].append(dict(zip(columns, values, strict=True)))
    return found
