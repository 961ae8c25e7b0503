"""Writes what sessions report, in batches: the message log by COPY, connection states by one UPDATE.

A session only appends to a queue in memory; a thread of its own empties it. (Not the sessions' loop: when thousands of
sockets have something to read, one turn of it takes seconds, and nothing would be written in between.) When the
database is away, states are kept (the newest of each charger, so they cannot overflow) and messages are kept as far as
the bound goes; what does not fit is counted and the count is logged.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

import psycopg
import structlog

from chargers.protocol.secrets import hidden_in_lines, may_tell_secret, without_secrets
from chargers.protocol.timestamps import instant
from chargers.simulator.effects import ConnectionState, Direction
from chargers.simulator.host import leases
from chargers.simulator.host.database import TROUBLE, Connection
from chargers.simulator.host.text import writable
from chargers.simulator.host.writer import Writer

log = structlog.get_logger(__name__)

#: seconds between two looks at the queue, rows of a batch at most, and rows and characters that may wait
FLUSH_EVERY: Final = 0.2
BATCH_ROWS: Final = 5_000
MAX_ROWS: Final = 100_000
MAX_CHARACTERS: Final = 64 * 2**20
#: characters that are written of one message: a frame may have a million, most of them of no use to a reader
MAX_MESSAGE: Final = 100_000
#: the same with the words about what was cut, so that nothing is cut twice
_MAX_ROW: Final = MAX_MESSAGE + 40
MAX_ACTION: Final = 50
MAX_DETAIL: Final = 500
#: seconds between tries when the database is away
RETRY_FIRST, RETRY_MOST = 0.5, 5.0

_COPY = "COPY chargers_message (charger_id, at, direction, action, message) FROM STDIN"
_ESCAPES: Final = {ord(raw): f"\\{letter}" for raw, letter in zip("\\\b\f\n\r\t\v", "\\bfnrtv", strict=True)}
_SPECIAL: Final = (*map(chr, _ESCAPES), "\x00")
# The host is a column of the batch, not a condition on the charger alone: statistics are stale just when many chargers
# were claimed, and from stale ones the planner takes that condition for one that leaves a single row, and compares each
# charger with each row of the batch (1,000 rows: 10 s instead of 0.05 s [measured]). `IS NOT DISTINCT FROM` keeps it
# off the index on hosts, which finds all chargers of the host.
_STATES = """
    UPDATE chargers_charger AS charger
    SET connection_state = news.state, connection_error = news.detail, connection_changed_at = news.at
    FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[])
        AS news (id, host, epoch, state, detail, at)
    WHERE charger.id = news.id AND charger.lease_epoch = news.epoch AND charger.host_id IS NOT DISTINCT FROM news.host
"""


class Row(NamedTuple):
    """One frame for the message log, in the order of the COPY; `at` is seconds since the epoch."""

    charger_id: int
    at: float
    direction: str
    action: str
    message: str


def presentable(rows: Sequence[Row]) -> Sequence[Row]:
    """The same rows as anybody may read them: without secrets, and no longer than MAX_MESSAGE."""
    if may_tell_secret("".join([row.message for row in rows])):
        rows = [row._replace(message=without_secrets(row.message)) for row in rows]
    if any(len(row.message) > _MAX_ROW for row in rows):
        rows = [row._replace(message=_cut(row.message)) for row in rows]
    return rows


def _cut(text: str) -> str:
    """The beginning of a text; what could tell a secret only as a whole must be hidden before."""
    return text if len(text) <= _MAX_ROW else f"{text[:MAX_MESSAGE]}… [{len(text) - MAX_MESSAGE} more characters]"


def lines_of(rows: Sequence[Row]) -> str:
    """Rows as lines of COPY's text format (psycopg's own way costs several times as much)."""
    plain = _is_plain("".join([row.message for row in rows])) and all(map(_is_plain, {row.action for row in rows}))
    texts = rows if plain else [row._replace(action=_field(row.action), message=_field(row.message)) for row in rows]
    parts = [
        "\t".join((str(charger_id), _stamp(at), direction, action, message))
        for charger_id, at, direction, action, message in texts
    ]
    return "\n".join([*parts, ""])


def _is_plain(text: str) -> bool:
    """Whether a field is written as it is; asked of all texts of a batch at once, since JSON seldom needs escapes."""
    return text.isascii() and not any(one in text for one in _SPECIAL)


def _field(text: str) -> str:
    text = writable(text)
    return text.translate(_ESCAPES) if any(one in text for one in _SPECIAL) else text


def _stamp(at: float) -> str:
    """Seconds since the epoch as PostgreSQL reads it."""
    second, micro = instant(at)
    return f"{second}.{micro:06d}+00"


class StateNews(NamedTuple):
    """Where one charger stands, by the host's lease of epoch `epoch`."""

    epoch: int
    state: str
    detail: str
    at: datetime


class Recorder(Writer):
    """The one writer of a host's message log and connection states.

    The sessions' thread appends and the writer's thread takes away, each with counters that only it changes; what they
    share are two deques.
    """

    def __init__(self) -> None:
        super().__init__("recorder")
        #: the host under whose leases states are written; None writes none, and what waits is forgotten
        self.host_id: UUID | None = None
        self._rows: deque[Row] = deque()
        self._news: deque[tuple[int, StateNews]] = deque()
        self._taken_in = 0
        self._dropped = 0
        # The writer's own.
        self._written = 0
        self._rows_written = 0
        self._told = 0
        self._states: dict[int, StateNews] = {}
        self._flushing = asyncio.Lock()

    # --- what sessions call: no waiting, no failing -----------------------------------------------------------------

    def message(self, charger_id: int, at: float, direction: Direction, action: str, message: str) -> None:
        """Log one frame; `at` is seconds since the epoch."""
        if len(self._rows) >= MAX_ROWS or self._taken_in - self._written >= MAX_CHARACTERS:
            self._dropped += 1
            return
        if len(message) > _MAX_ROW and not may_tell_secret(message):
            message = _cut(message)
        self._taken_in += len(message)
        self._rows.append(Row(charger_id, at, direction, action[:MAX_ACTION], message))

    def state(self, charger_id: int, epoch: int, state: ConnectionState, detail: str, at: float) -> None:
        """Report where a charger stands; only the last report of a batch is written."""
        shown = hidden_in_lines(detail)[:MAX_DETAIL]
        self._news.append((charger_id, StateNews(epoch, state, shown, datetime.fromtimestamp(at, UTC))))

    # --- what is counted, for whoever asks ---------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Rows that are not yet written."""
        return len(self._rows)

    @property
    def written(self) -> int:
        """Rows that were written since the start."""
        return self._rows_written

    @property
    def dropped(self) -> int:
        """Rows that were lost since the start because there was no room for them."""
        return self._dropped

    # --- the writer, in its own thread ------------------------------------------------------------------------------

    async def _write_for_ever(self) -> None:
        wait = FLUSH_EVERY
        while True:
            await asyncio.sleep(wait)
            try:
                # Shielded: a batch that is given up in the middle may be written, and would be written once more.
                await asyncio.shield(asyncio.ensure_future(self._flush()))
            except TROUBLE as error:
                wait = min(max(RETRY_FIRST, wait * 2), RETRY_MOST)
                log.warning("records_wait", error=str(error) or repr(error), messages=len(self._rows))
            else:
                wait = FLUSH_EVERY

    async def _flush(self) -> None:
        async with self._flushing:
            self._collect_states()
            await self._flush_states()
            left = len(self._rows)
            while left > 0:
                left -= await self._flush_rows()
            if self._dropped > self._told:
                log.error(
                    "messages_dropped", count=self._dropped - self._told, reason="the database is too slow or away"
                )
                self._told = self._dropped

    def _collect_states(self) -> None:
        while self._news:
            charger_id, news = self._news.popleft()
            self._states[charger_id] = news

    async def _flush_states(self) -> None:
        states, self._states = self._states, {}
        host_id = self.host_id  # the sessions' thread may take it away in between
        if not states or host_id is None:
            return
        rows = [(key, host_id, *news._replace(detail=writable(news.detail))) for key, news in states.items()]
        columns = [list(column) for column in zip(*rows, strict=True)]

        async def update(connection: Connection) -> None:
            await leases.lock(connection, list(states))
            await connection.execute(_STATES, columns)

        try:
            await self._line.run(update)
        except psycopg.DataError:
            log.exception("states_refused", count=len(states))
        except TROUBLE:
            self._states = states
            raise

    async def _flush_rows(self) -> int:
        batch = [self._rows.popleft() for _ in range(min(BATCH_ROWS, len(self._rows)))]
        try:
            await self._write(batch)
        except BaseException:
            self._rows.extendleft(reversed(batch))
            raise
        self._written += sum(len(row.message) for row in batch)
        self._rows_written += len(batch)
        return len(batch)

    async def _write(self, batch: list[Row]) -> None:
        """COPY a batch; a row that PostgreSQL refuses, or that cannot be put into words, costs that row only."""

        async def copy(connection: Connection) -> None:
            async with connection.cursor() as cursor, cursor.copy(_COPY) as sink:
                await sink.write(lines)

        try:
            lines = lines_of(presentable(batch))
            await self._line.run(copy)
        except (psycopg.DataError, ValueError, TypeError, RecursionError) as error:
            if len(batch) == 1:
                log.exception("message_refused", charger_id=batch[0].charger_id, error=str(error))
                return
            middle = len(batch) // 2
            await self._write(batch[:middle])
            await self._write(batch[middle:])
