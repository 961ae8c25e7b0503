"""Writes what sessions report, in batches: the message log by COPY, connection states by one UPDATE.

A session only appends to a list in memory. When the database is away, states are kept (the newest of each charger,
so they cannot overflow) and messages are kept as far as the bound goes; what does not fit is counted and the count is
logged.
"""

import asyncio
import contextlib
from collections import deque
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

import psycopg
import structlog

from chargers.simulator.effects import ConnectionState, Direction
from chargers.simulator.host.database import TROUBLE, Connection, Line

log = structlog.get_logger(__name__)

#: seconds between two batches, rows of a batch at most, and rows and characters that may wait
FLUSH_EVERY: Final = 0.2
BATCH_ROWS: Final = 2_000
MAX_ROWS: Final = 100_000
MAX_CHARACTERS: Final = 64 * 2**20
#: characters kept of one message: a frame may have a million, most of them of no use to a reader
MAX_MESSAGE: Final = 100_000
MAX_ACTION: Final = 50
MAX_DETAIL: Final = 500
#: seconds between tries when the database is away
RETRY_FIRST, RETRY_MOST = 0.5, 5.0

_COPY = "COPY chargers_message (charger_id, at, direction, action, message) FROM STDIN"
_STATES = """
    UPDATE chargers_charger AS charger
    SET connection_state = news.state, connection_error = news.detail, connection_changed_at = news.at
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[])
        AS news (id, epoch, state, detail, at)
    WHERE charger.id = news.id AND charger.host_id = %s AND charger.lease_epoch = news.epoch
"""


class Row(NamedTuple):
    """One frame for the message log, in the order of the COPY."""

    charger_id: int
    at: datetime
    direction: str
    action: str
    message: str


class StateNews(NamedTuple):
    """Where one charger stands, by the host's lease of epoch `epoch`."""

    epoch: int
    state: str
    detail: str
    at: datetime


class Recorder:
    """The one writer of a host's message log and connection states."""

    def __init__(self) -> None:
        self._line = Line("recorder")
        self._rows: deque[Row] = deque()
        self._characters = 0
        self._states: dict[int, StateNews] = {}
        self._dropped = 0
        self._full = asyncio.Event()
        self._stopping = False
        self._flushing = asyncio.Lock()
        #: the host under whose leases states are written; None writes none
        self.host_id: UUID | None = None

    # --- what sessions call: no waiting, no failing -----------------------------------------------------------------

    def message(self, charger_id: int, at: float, direction: Direction, action: str, message: str) -> None:
        """Log one frame; `at` is seconds since the epoch."""
        if len(self._rows) >= MAX_ROWS or self._characters >= MAX_CHARACTERS:
            self._dropped += 1
            return
        if len(message) > MAX_MESSAGE:
            message = f"{message[:MAX_MESSAGE]}… [{len(message) - MAX_MESSAGE} more characters]"
        self._rows.append(Row(charger_id, datetime.fromtimestamp(at, UTC), direction, action[:MAX_ACTION], message))
        self._characters += len(message)
        if len(self._rows) >= BATCH_ROWS:
            self._full.set()

    def state(self, charger_id: int, epoch: int, state: ConnectionState, detail: str, at: float) -> None:
        """Report where a charger stands; only the last report of a batch is written."""
        moment = datetime.fromtimestamp(at, UTC)
        self._states[charger_id] = StateNews(epoch, state, _writable(detail)[:MAX_DETAIL], moment)

    def forget_states(self) -> None:
        """The leases are lost: what is not yet written about them is no longer ours to say."""
        self._states.clear()

    # --- the writer -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write batches until cancelled."""
        wait = FLUSH_EVERY
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._full.wait()
            self._full.clear()
            try:
                await self.flush()
            except TROUBLE as error:
                wait = min(max(RETRY_FIRST, wait * 2), RETRY_MOST)
                log.warning("records_wait", error=str(error), messages=len(self._rows), states=len(self._states))
                await asyncio.sleep(wait)  # a full queue must not turn the retries into a spin
            else:
                wait = FLUSH_EVERY

    async def flush(self) -> None:
        """Write everything that waits now. Raises one of `database.TROUBLE`; nothing is lost by that."""
        async with self._flushing:
            await self._flush_states()
            left = len(self._rows)
            while left > 0 and self._rows:
                left -= await self._flush_rows()
            if self._dropped:
                log.error("messages_dropped", count=self._dropped, reason="the database did not take them in time")
                self._dropped = 0

    async def close(self) -> None:
        """Let go of the database. Call `flush` before."""
        await self._line.close()

    async def _flush_states(self) -> None:
        states, self._states = self._states, {}
        if not states or self.host_id is None:
            return
        values = [list(column) for column in zip(*states.values(), strict=True)]
        host_id = self.host_id

        async def update(connection: Connection) -> None:
            await connection.execute(_STATES, [list(states), *values, host_id])

        try:
            await self._line.run(update)
        except psycopg.DataError:
            log.exception("states_refused", count=len(states))
        except TROUBLE:
            self._states = states | self._states
            raise

    async def _flush_rows(self) -> int:
        batch = [self._rows.popleft() for _ in range(min(BATCH_ROWS, len(self._rows)))]
        try:
            await self._write(batch)
        except BaseException:  # also when cancelled: the last flush of a stopping host still writes them
            self._rows.extendleft(reversed(batch))
            raise
        self._characters -= sum(len(row.message) for row in batch)
        return len(batch)

    async def _write(self, batch: list[Row]) -> None:
        """COPY a batch; a row that PostgreSQL refuses costs that row only."""

        async def copy(connection: Connection) -> None:
            async with connection.cursor() as cursor, cursor.copy(_COPY) as sink:
                for row in batch:
                    await sink.write_row(row._replace(action=_writable(row.action), message=_writable(row.message)))

        try:
            await self._line.run(copy)
        except (psycopg.DataError, ValueError) as error:
            if len(batch) == 1:
                log.exception("message_refused", charger_id=batch[0].charger_id, error=str(error))
                return
            middle = len(batch) // 2
            await self._write(batch[:middle])
            await self._write(batch[middle:])


def _writable(text: str) -> str:
    """The same text without what PostgreSQL cannot hold: NUL, and halves of surrogate pairs."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
