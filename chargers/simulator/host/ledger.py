"""Folding what chargers say to the ledger into few rows, and the statements that write them.

Every statement may be repeated: a start and a stop stay as they were first written, a register never falls, a message
that was accepted stays accepted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

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


@dataclass(slots=True)
class Entries:
    """Ledger events of one charger, folded: of samples the newest, of the same event the first."""

    started: dict[str, Row] = field(default_factory=dict)
    sampled: dict[str, Row] = field(default_factory=dict)
    stopped: dict[str, Row] = field(default_factory=dict)
    numbered: dict[str, Row] = field(default_factory=dict)
    messages: dict[tuple[str, int], Row] = field(default_factory=dict)

    def add(self, event: LedgerEvent) -> None:
        """Fold one event in. Raises ValueError when it cannot be written."""
        key, at = event.key, moment(event.at)
        match event:
            case MessageAccepted(_, action, sequence, _, accepted_at, number):
                row = {"id": key, "sequence": sequence, "action": writable(action), "at": at}
                self.messages[key, sequence] = row | {"accepted": moment(accepted_at), "dropped": ""}
                if number:
                    self.numbered[key] = {"id": key, "csms_id": writable(number)}
            case TransactionSampled(_, _, meter):
                self.sampled[key] = {"id": key, "at": at, "meter": meter}
            case TransactionStarted(_, connector, tag, _, meter, offline, reservation):
                row = {"id": key, "connector": connector, "id_tag": writable(tag), "reservation": reservation}
                self.started.setdefault(key, row | {"at": at, "meter": meter, "offline": offline})
            case TransactionStopped(_, _, meter, reason, offline):
                row = {"id": key, "at": at, "meter": meter, "reason": writable(reason), "offline": offline}
                self.stopped.setdefault(key, row)
            case MessageDropped(_, action, sequence, _, why):
                row = {"id": key, "sequence": sequence, "action": writable(action), "at": at, "dropped": why}
                self.messages.setdefault((key, sequence), row)


class Holder(NamedTuple):
    """Who holds a charger, as every statement wants to know it."""

    charger: int
    host: UUID
    epoch: int


async def write(connection: Connection, entries: Iterable[tuple[Holder, Entries]]) -> None:
    """Write the entries of chargers whose leases still hold; those of others are left out."""
    entries = list(entries)
    for statement, name in (
        (_START, "started"),
        (_SAMPLE, "sampled"),
        (_STOP, "stopped"),
        (_NUMBER, "numbered"),
        (_MESSAGE, "messages"),
    ):
        rows = [
            row | {"charger": charger, "host": host, "epoch": epoch}
            for (charger, host, epoch), of_charger in entries
            for row in getattr(of_charger, name).values()
        ]
        if rows:
            await connection.execute(statement, [orjson.dumps(rows).decode()])


def moment(seconds: float) -> datetime:
    """Seconds since the epoch as a datetime. Raises ValueError for what no calendar has: clocks are set by a CSMS."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds} is no moment") from error
