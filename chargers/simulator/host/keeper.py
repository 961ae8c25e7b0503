"""Keeps what must not be lost: the chargers' memories, their ledger, and the outcomes of their commands.

Apart from the recorder, which writes much that may be lost. Sessions append in their thread; a thread of its own folds
what came and writes it in one transaction: memory and ledger of a charger are always of the same moment, and a command
is not said to be done before what it did is kept. Nothing is written for a lease that is over: a share lock on the
host's row keeps whoever buries the host waiting until the transaction has ended.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
import psycopg
import structlog

from chargers.simulator.effects import LedgerEvent
from chargers.simulator.host import ledger
from chargers.simulator.host.database import TROUBLE, Connection
from chargers.simulator.host.text import writable_json
from chargers.simulator.host.writer import Writer

log = structlog.get_logger(__name__)

#: seconds between two looks when nothing is urgent, and for which urgent things wait for company
EVERY, COMPANY = 0.2, 0.01
#: chargers written in one transaction
BATCH: Final = 1_000
#: seconds between tries when the database is away
RETRY_FIRST, RETRY_MOST = 0.5, 5.0
#: seconds for one transaction: chargers may wait for it before they speak on
TIMEOUT: Final = 5.0
#: characters of an outcome's data; a charger's whole state has some ten thousand
MAX_OUTCOME: Final = 1_000_000

_MEMORY = """
    INSERT INTO chargers_chargermemory (charger_id, lease_epoch, state, at)
    SELECT news.charger, news.epoch, news.state, news.at
    FROM json_to_recordset(%s::json) AS news (charger bigint, host uuid, epoch bigint, state jsonb, at timestamptz)
    JOIN chargers_charger AS charger ON charger.id = news.charger
        AND charger.lease_epoch = news.epoch AND charger.host_id IS NOT DISTINCT FROM news.host
    ON CONFLICT (charger_id) DO UPDATE
    SET lease_epoch = excluded.lease_epoch, state = excluded.state, at = excluded.at
"""
_OUTCOMES = """
    UPDATE chargers_command AS command SET status = news.status, outcome = news.outcome, settled_at = now()
    FROM json_to_recordset(%s::json) AS news (id text, status text, outcome jsonb)
    WHERE command.id = news.id AND command.status = 'running'
"""


Then = Callable[[], None]


class Kept(NamedTuple):
    """What a session wants kept, as `Keeper.keep` takes it."""

    at: float
    news: Sequence[LedgerEvent]
    memory: str
    then: Then | None


class Ending(NamedTuple):
    """What became of a command, as its columns."""

    id: str
    status: str
    outcome: str


class Outcome(NamedTuple):
    """What became of a command, as `Keeper.outcome` takes it."""

    id: str
    ok: bool
    code: str
    data: Any

    def ending(self) -> Ending:
        """As it is written. Raises TypeError or ValueError for data that JSON cannot hold."""
        text = writable_json({"code": self.code, "data": self.data})
        if len(text) > MAX_OUTCOME:
            text = writable_json({"code": self.code, "data": {"too_long": len(text)}})
        return Ending(self.id, "done" if self.ok else "failed", text)


class Bundle:
    """All that waits of one charger under one lease."""

    __slots__ = ("at", "endings", "entries", "holder", "memory", "then")

    def __init__(self, holder: ledger.Holder) -> None:
        self.holder = holder
        self.memory = ""
        self.at: datetime | None = None
        self.entries = ledger.Entries(holder)
        self.endings: list[Ending] = []
        self.then: list[Then] = []

    def fold(self, news: Kept | Outcome) -> None:
        """Take something in. Raises TypeError or ValueError for what cannot be written."""
        if isinstance(news, Outcome):
            self.endings.append(news.ending())
            return
        if news.memory:
            self.memory, self.at = news.memory, ledger.moment(news.at)
        if news.then is not None:
            self.then.append(news.then)
        for event in news.news:
            self.entries.add(event)

    def tell(self) -> None:
        """Those who waited for this wait no more."""
        for then in self.then:
            then()
        self.then.clear()


class Keeper(Writer):
    """The one writer of memories, ledger and outcomes of a host."""

    def __init__(self) -> None:
        super().__init__("keeper")
        self._host: str | None = None
        self._news: deque[tuple[ledger.Holder, Kept | Outcome]] = deque()
        self._signalled = False
        #: commands that were given an outcome
        self.settled = 0
        # The writer's own.
        self._bundles: dict[ledger.Holder, Bundle] = {}
        self._batch = BATCH
        self._flushing = asyncio.Lock()
        self._urgent = asyncio.Event()

    @property
    def host_id(self) -> UUID | None:
        """The host under whose leases is written; what came before a change is still written under the old one."""
        return None if self._host is None else UUID(self._host)

    @host_id.setter
    def host_id(self, host_id: UUID | None) -> None:
        self._host = None if host_id is None else str(host_id)  # a text knows its hash, a UUID computes it each time

    # --- what sessions call: no waiting, no failing -----------------------------------------------------------------

    def keep(
        self, charger_id: int, epoch: int, *, at: float, news: Sequence[LedgerEvent], memory: str, then: Then | None
    ) -> None:
        """Keep the memory (JSON, "" for none) instead of the one before, and write the news into the ledger.

        With `then` it is urgent: on its way to the disk at once, and `then` is called in the writer's thread when it is
        there, or is refused; not when the lease is over. While the database is away, `then` waits with it.
        """
        kept = Kept(at, news, memory, then)
        if not self._append(charger_id, epoch, kept, urgent=then is not None) and then is not None:
            then()

    def outcome(self, charger_id: int, epoch: int, command_id: str, *, ok: bool, code: str, data: Any) -> None:
        """Write what became of a command; somebody may be waiting for it."""
        self.settled += 1
        self._append(charger_id, epoch, Outcome(command_id, ok, code, data), urgent=True)

    def _append(self, charger_id: int, epoch: int, news: Kept | Outcome, *, urgent: bool) -> bool:
        if self._host is None:
            return False
        self._news.append((ledger.Holder(charger_id, self._host, epoch), news))
        if urgent and not self._signalled and self._aside is not None:
            self._signalled = True
            self._aside.soon(self._urgent.set)
        return True

    @property
    def waiting(self) -> int:
        """News that no writer has taken yet, and chargers whose news are on their way; from any thread."""
        return len(self._news) + len(self._bundles)

    # --- what the host calls ----------------------------------------------------------------------------------------

    async def flush(self) -> None:
        """See `Writer.flush`; without news or a thread there is nothing to do."""
        if self._aside is not None or self._news or self._bundles:
            await super().flush()

    # --- the writer, in its own thread ------------------------------------------------------------------------------

    async def _write_for_ever(self) -> None:
        wait = EVERY
        while True:
            try:
                async with asyncio.timeout(wait):
                    await self._urgent.wait()
                await asyncio.sleep(COMPANY if wait == EVERY else wait)
            except TimeoutError:
                pass
            self._urgent.clear()
            self._signalled = False  # before the news are taken: what comes from now on signals again
            try:
                # Shielded: a transaction that is given up in the middle may be committed, and would be written again.
                await asyncio.shield(asyncio.ensure_future(self._flush()))
            except TROUBLE as error:
                wait = min(max(RETRY_FIRST, wait * 2), RETRY_MOST)
                log.warning("memories_wait", error=str(error) or repr(error), chargers=len(self._bundles))
            else:
                wait = EVERY

    async def _flush(self) -> None:
        async with self._flushing:
            self._fold_news()
            while self._bundles:
                keys = list(self._bundles)[: self._batch]
                try:
                    await self._write({key: self._bundles[key] for key in keys})
                except TimeoutError:  # too many for so slow a database, if it is there at all
                    self._batch = max(1, self._batch // 2)
                    raise
                self._batch = min(BATCH, self._batch * 2)
                for key in keys:
                    self._bundles.pop(key).tell()

    def _fold_news(self) -> None:
        for _ in range(len(self._news)):
            holder, news = self._news.popleft()
            bundle = self._bundles.get(holder)
            if bundle is None:
                bundle = self._bundles[holder] = Bundle(holder)
            try:
                bundle.fold(news)
            except (ValueError, TypeError) as error:
                log.exception("news_refused", charger_id=holder.charger, error=str(error))

    async def _write(self, bundles: dict[ledger.Holder, Bundle]) -> None:
        """Write in one transaction; what JSON or PostgreSQL refuse of one charger costs that charger's news only."""
        try:
            await self._line.run(lambda connection: _write_all(connection, bundles), timeout=TIMEOUT)
        except (psycopg.DataError, psycopg.IntegrityError, TypeError) as error:
            if len(bundles) == 1:
                log.exception("memory_refused", charger_id=next(iter(bundles))[0], error=str(error))
                return
            keys = list(bundles)
            middle = len(keys) // 2
            for half in (keys[:middle], keys[middle:]):
                await self._write({key: bundles[key] for key in half})


async def _write_all(connection: Connection, bundles: dict[ledger.Holder, Bundle]) -> None:
    hosts = list({holder.host for holder in bundles})
    cursor = await connection.execute(
        "SELECT id::text FROM chargers_simulatorhost WHERE id = ANY(%s::uuid[]) AND status <> 'gone'"
        " ORDER BY id FOR SHARE",
        [hosts],
    )
    living = {row[0] for row in await cursor.fetchall()}
    held = [bundle for bundle in bundles.values() if bundle.holder.host in living]
    if len(held) < len(bundles):
        for bundle in bundles.values():
            if bundle.holder.host not in living:
                bundle.then.clear()  # whoever waits there must not speak any more
        log.warning("memories_too_late", chargers=len(bundles) - len(held), reason="the host was declared dead")
    await ledger.write(connection, (bundle.entries for bundle in held))
    memories = [
        {**bundle.holder._asdict(), "state": orjson.Fragment(bundle.memory), "at": bundle.at}
        for bundle in held
        if bundle.memory
    ]
    if memories:
        await connection.execute(_MEMORY, [orjson.dumps(memories).decode()])
    endings = [
        {"id": ending.id, "status": ending.status, "outcome": orjson.Fragment(ending.outcome)}
        for bundle in held
        for ending in bundle.endings
    ]
    if endings:
        await connection.execute(_OUTCOMES, [orjson.dumps(endings).decode()])
