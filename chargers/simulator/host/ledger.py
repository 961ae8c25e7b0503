"""Folding what chargers say to the ledger into few rows, and the statements that write them.

Every statement may be repeated: a start and a stop stay as they were first written, a register never falls, a message
that was accepted stays accepted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

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

# The lease is a condition of each statement, in the form that stale statistics cannot ruin (see recorder.py).
_HELD: Final = """
    JOIN chargers_charger AS charger ON charger.id = news.charger
        AND charger.lease_epoch = news.epoch AND charger.host_id IS NOT DISTINCT FROM news.host
"""
_START: Final = f"""
    INSERT INTO chargers_transaction (id, charger_id, csms_id, connector, id_tag, reservation_id, state, started_at,
        meter_start, started_offline, meter_wh, reason)
    SELECT news.id, news.charger, '', connector, id_tag, reservation, 'running', at, meter, offline, meter, ''
    FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::uuid[], %s::int[], %s::text[], %s::bigint[],
        %s::timestamptz[], %s::bigint[], %s::bool[])
        AS news (charger, host, epoch, id, connector, id_tag, reservation, at, meter, offline) {_HELD}
    ON CONFLICT (id) DO NOTHING
"""  # noqa: S608 - a constant
_SAMPLE: Final = f"""
    UPDATE chargers_transaction AS one SET meter_wh = greatest(one.meter_wh, news.meter), sampled_at = news.at
    FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::uuid[], %s::timestamptz[], %s::bigint[])
        AS news (charger, host, epoch, id, at, meter) {_HELD}
    WHERE one.id = news.id AND one.charger_id = news.charger AND one.state = 'running'
"""  # noqa: S608 - a constant
_STOP: Final = f"""
    UPDATE chargers_transaction AS one SET state = 'stopped', stopped_at = news.at, meter_stop = news.meter,
        meter_wh = news.meter, reason = news.reason, stopped_offline = news.offline
    FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::uuid[], %s::timestamptz[], %s::bigint[], %s::text[],
        %s::bool[]) AS news (charger, host, epoch, id, at, meter, reason, offline) {_HELD}
    WHERE one.id = news.id AND one.charger_id = news.charger AND one.state = 'running'
"""  # noqa: S608 - a constant
_NUMBER: Final = f"""
    UPDATE chargers_transaction AS one SET csms_id = news.csms_id
    FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::uuid[], %s::text[])
        AS news (charger, host, epoch, id, csms_id) {_HELD}
    WHERE one.id = news.id AND one.charger_id = news.charger AND one.csms_id <> news.csms_id
"""  # noqa: S608 - a constant
_MESSAGE: Final = f"""
    INSERT INTO chargers_transactionmessage AS old (transaction_id, sequence, action, at, accepted_at, dropped)
    SELECT one.id, news.sequence, news.action, news.at, news.accepted, news.dropped
    FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::uuid[], %s::int[], %s::text[], %s::timestamptz[],
        %s::timestamptz[], %s::text[])
        AS news (charger, host, epoch, id, sequence, action, at, accepted, dropped) {_HELD}
    JOIN chargers_transaction AS one ON one.id = news.id AND one.charger_id = news.charger
    ON CONFLICT (transaction_id, sequence) DO UPDATE
    SET accepted_at = excluded.accepted_at, dropped = ''
    WHERE old.accepted_at IS NULL AND excluded.accepted_at IS NOT NULL
"""  # noqa: S608 - a constant

Row = tuple[Any, ...]


@dataclass(slots=True)
class Entries:
    """Ledger events of one charger, folded: of samples the newest, of the same event the first."""

    started: dict[UUID, Row] = field(default_factory=dict)
    sampled: dict[UUID, Row] = field(default_factory=dict)
    stopped: dict[UUID, Row] = field(default_factory=dict)
    numbered: dict[UUID, Row] = field(default_factory=dict)
    messages: dict[tuple[UUID, int], Row] = field(default_factory=dict)

    def add(self, event: LedgerEvent) -> None:
        """Fold one event in. Raises ValueError when it cannot be written."""
        key = UUID(event.key)
        at = moment(event.at)
        match event:
            case TransactionStarted(_, connector, tag, _, meter, offline, reservation):
                self.started.setdefault(key, (key, connector, writable(tag), reservation, at, meter, offline))
            case TransactionSampled(_, _, meter):
                self.sampled[key] = (key, at, meter)
            case TransactionStopped(_, _, meter, reason, offline):
                self.stopped.setdefault(key, (key, at, meter, writable(reason), offline))
            case MessageAccepted(_, action, sequence, _, accepted_at, number):
                self.messages[key, sequence] = (key, sequence, writable(action), at, moment(accepted_at), "")
                if number:
                    self.numbered[key] = (key, writable(number))
            case MessageDropped(_, action, sequence, _, why):
                self.messages.setdefault((key, sequence), (key, sequence, writable(action), at, None, why))


Lease = tuple[int, UUID, int]  #: charger, host, epoch


async def write(connection: Connection, entries: Iterable[tuple[Lease, Entries]]) -> None:
    """Write the entries of chargers whose leases still hold; those of others are left out."""
    entries = list(entries)
    for statement, name in (
        (_START, "started"),
        (_SAMPLE, "sampled"),
        (_STOP, "stopped"),
        (_NUMBER, "numbered"),
        (_MESSAGE, "messages"),
    ):
        rows = [(*lease, *row) for lease, of_charger in entries for row in getattr(of_charger, name).values()]
        if rows:
            await connection.execute(statement, [list(column) for column in zip(*rows, strict=True)])


def moment(seconds: float) -> datetime:
    """Seconds since the epoch as a datetime. Raises ValueError for what no calendar has: clocks are set by a CSMS."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds} is no moment") from error
