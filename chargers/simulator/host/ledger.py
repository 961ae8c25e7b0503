"""Folding what chargers say to the ledger into few rows, and the statements that write them.

Every statement may be repeated: a start and a stop stay as they were first written, a register never falls, a message
that was accepted stays accepted.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Final, NamedTuple

import orjson

from chargers.simulator.effects import (
    LedgerEvent,
    MessageAccepted,
    MessageDropped,
    TransactionSampled,
    TransactionStarted,
    TransactionStopped,
)
from chargers.simulator.host.database import Connection
from chargers.simulator.host.text import writable

# The lease is a condition of each statement, in the form that stale statistics cannot ruin (see recorder.py). The rows
# come as one JSON text: psycopg makes an array parameter value by value in Python, which cost four times as much.
_HELD: Final = """
    JOIN chargers_charger AS charger ON charger.id = news.charger
        AND charger.lease_epoch = news.epoch AND charger.host_id IS NOT DISTINCT FROM news.host
"""
_START: Final = f"""
    INSERT INTO chargers_transaction (id, charger_id, csms_id, connector, id_tag, reservation_id, state, started_at,
        meter_start, started_offline, meter_wh, reason)
    SELECT news.id, news.charger, '', connector, id_tag, reservation, 'running', at, meter, offline, meter, ''
    FROM json_to_recordset(%s::json) AS news (charger bigint, host uuid, epoch bigint, id uuid, connector int,
        id_tag text, reservation bigint, at timestamptz, meter bigint, offline bool) {_HELD}
    ON CONFLICT (id) DO NOTHING
"""  # noqa: S608 - a constant
_SAMPLE: Final = f"""
    UPDATE chargers_transaction AS one SET meter_wh = greatest(one.meter_wh, news.meter), sampled_at = news.at
    FROM json_to_recordset(%s::json) AS news (charger bigint, host uuid, epoch bigint, id uuid, at timestamptz,
        meter bigint) {_HELD}
    WHERE one.id = news.id AND one.charger_id = news.charger AND one.state = 'running'
"""  # noqa: S608 - a constant
_STOP: Final = f"""
    UPDATE chargers_transaction AS one SET state = 'stopped', stopped_at = news.at, meter_stop = news.meter,
        meter_wh = news.meter, reason = news.reason, stopped_offline = news.offline
    FROM json_to_recordset(%s::json) AS news (charger bigint, host uuid, epoch bigint, id uuid, at timestamptz,
        meter bigint, reason text, offline bool) {_HELD}
    WHERE one.id = news.id AND one.charger_id = news.charger AND one.state = 'running'
"""  # noqa: S608 - a constant
_NUMBER: Final = f"""
    UPDATE chargers_transaction AS one SET csms_id = news.csms_id
    FROM json_to_recordset(%s::json) AS news (charger bigint, host uuid, epoch bigint, id uuid, csms_id text) {_HELD}
    WHERE one.id = news.id AND one.charger_id = news.charger AND one.csms_id <> news.csms_id
"""  # noqa: S608 - a constant
_MESSAGE: Final = f"""
    INSERT INTO chargers_transactionmessage AS old (transaction_id, sequence, action, at, accepted_at, dropped)
    SELECT one.id, news.sequence, news.action, news.at, news.accepted, news.dropped
    FROM json_to_recordset(%s::json) AS news (charger bigint, host uuid, epoch bigint, id uuid, sequence int,
        action text, at timestamptz, accepted timestamptz, dropped text) {_HELD}
    JOIN chargers_transaction AS one ON one.id = news.id AND one.charger_id = news.charger
    ON CONFLICT (transaction_id, sequence) DO UPDATE
    SET accepted_at = excluded.accepted_at, dropped = ''
    WHERE old.accepted_at IS NULL AND excluded.accepted_at IS NOT NULL
"""  # noqa: S608 - a constant

Row = dict[str, Any]


class Kind(IntEnum):
    """What happened to a transaction, in the order in which it is written."""

    STARTED = 0
    SAMPLED = 1
    STOPPED = 2
    NUMBERED = 3
    MESSAGE = 4


_STATEMENTS: Final = (_START, _SAMPLE, _STOP, _NUMBER, _MESSAGE)


class Holder(NamedTuple):
    """Who holds a charger, as every statement wants to know it. `host` is the text of its UUID."""

    charger: int
    host: str
    epoch: int


class Entries:
    """Ledger events of one charger, folded: of samples the newest, of a start and of a stop the first.

    A message that was accepted stays so, whatever else is said of it.
    """

    __slots__ = ("_holder", "_rows")

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        #: by kind, transaction and number of the message (0 for what is none)
        self._rows: dict[tuple[Kind, str, int], Row] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, event: LedgerEvent) -> None:
        """Fold one event in. Raises ValueError when it cannot be written."""
        charger, host, epoch = self._holder
        key, rows = event.key, self._rows
        row: Row = {"charger": charger, "host": host, "epoch": epoch, "id": key, "at": moment(event.at)}
        match event:
            case TransactionSampled():
                row["meter"] = event.meter_wh
                rows[Kind.SAMPLED, key, 0] = row
            case MessageAccepted():
                if event.transaction_id:
                    rows[Kind.NUMBERED, key, 0] = row | {"csms_id": writable(event.transaction_id)}
                row["sequence"], row["action"] = event.sequence, writable(event.action)
                row["accepted"], row["dropped"] = moment(event.accepted_at), ""
                rows[Kind.MESSAGE, key, event.sequence] = row
            case MessageDropped():
                row["sequence"], row["action"], row["dropped"] = event.sequence, writable(event.action), event.why
                rows.setdefault((Kind.MESSAGE, key, event.sequence), row)
            case TransactionStarted(_, connector, tag, _, meter, offline, reservation):
                row |= {"connector": connector, "id_tag": writable(tag), "reservation": reservation}
                row |= {"meter": meter, "offline": offline}
                rows.setdefault((Kind.STARTED, key, 0), row)
            case TransactionStopped(_, _, meter, reason, offline):
                row |= {"meter": meter, "reason": writable(reason), "offline": offline}
                rows.setdefault((Kind.STOPPED, key, 0), row)

    def sort_into(self, rows: Sequence[list[Row]]) -> None:
        """Append each row to the list of its kind."""
        for (kind, _, _), row in self._rows.items():
            rows[kind].append(row)


async def write(connection: Connection, entries: Iterable[Entries]) -> None:
    """Write the entries of chargers whose leases still hold; those of others are left out."""
    rows: tuple[list[Row], ...] = tuple([] for _ in _STATEMENTS)
    for of_charger in entries:
        of_charger.sort_into(rows)
    for statement, of_kind in zip(_STATEMENTS, rows, strict=True):
        if of_kind:
            await connection.execute(statement, [orjson.dumps(of_kind).decode()])


def moment(seconds: float) -> datetime:
    """Seconds since the epoch as a datetime. Raises ValueError for what no calendar has: clocks are set by a CSMS."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds} is no moment") from error
