"""Forgetting what commands and transactions left behind: old ones, and those of deleted chargers."""

import time
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

#: rows deleted in one transaction
BATCH: Final = 5000

_NO_CHARGER: Final = "NOT EXISTS (SELECT FROM chargers_charger AS charger WHERE charger.id = one.charger_id)"
_COMMANDS: Final = """
    DELETE FROM chargers_command WHERE id IN (
        SELECT one.id FROM chargers_command AS one WHERE {condition} LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    )
"""
_TRANSACTIONS: Final = """
    WITH old AS (
        SELECT one.id AS old_id FROM chargers_transaction AS one WHERE {condition} LIMIT %(batch)s
        FOR UPDATE SKIP LOCKED
    ), messages AS (
        DELETE FROM chargers_transactionmessage WHERE transaction_id IN (SELECT old_id FROM old)
    )
    DELETE FROM chargers_transaction WHERE id IN (SELECT old_id FROM old)
"""
_MEMORIES: Final = """
    DELETE FROM chargers_chargermemory WHERE charger_id IN (
        SELECT one.charger_id FROM chargers_chargermemory AS one WHERE {condition} LIMIT %(batch)s
        FOR UPDATE SKIP LOCKED
    )
"""


class OutOfTime(Exception):
    """The seconds given are over; what was deleted stays deleted."""


def books_prune(
    *, commands_before: datetime, transactions_before: datetime, seconds: float | None = None
) -> int | None:
    """Delete settled commands given before a moment, transactions that ended before one, and what chargers left.

    A running transaction is never deleted while its charger exists. Works in small transactions, and beside itself.
    Returns how many commands, transactions and memories were deleted, or None when `seconds` were not enough.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    settled = "one.created_at < %(before)s AND one.status NOT IN ('queued', 'running')"
    ended = "one.started_at < %(before)s AND one.stopped_at < %(before)s"
    # Transactions have up to thousands of messages each.
    few = max(1, BATCH // 50)
    try:
        return (
            _delete(_COMMANDS, settled, deadline, BATCH, before=commands_before)
            + _delete(_COMMANDS, _NO_CHARGER, deadline, BATCH)
            + _delete(_TRANSACTIONS, ended, deadline, few, before=transactions_before)
            + _delete(_TRANSACTIONS, _NO_CHARGER, deadline, few)
            + _delete(_MEMORIES, _NO_CHARGER, deadline, BATCH)
        )
    except OutOfTime:
        return None


def _delete(statement: str, condition: str, deadline: float | None, batch: int, **parameters: Any) -> int:
    count = 0
    while True:
        if deadline is not None and time.monotonic() > deadline:
            raise OutOfTime
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.format(condition=condition), parameters | {"batch": batch})
            deleted = int(cursor.rowcount)
        count += deleted
        if deleted < batch:
            return count
