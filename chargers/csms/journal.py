"""The way of transactions into the database: gathered for a moment, written together, answered after that.

A station that has our answer to a StartTransaction, a StopTransaction or a MeterValues never tells it again, so the
answer waits until the row is safe: what is accepted is kept, even when the process is killed a moment later.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

import structlog
from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

from .transactions import Entry

log = structlog.get_logger(__name__)

_GATHER: Final = 0.02  #: seconds; one write for all that came meanwhile
MAX_ENTRIES: Final = 1_000  #: in one write


class NotKept(Exception):
    """The database did not take it."""


class Journal:
    """Writes by `write`, which runs in a thread and takes many entries, each transaction at most once."""

    def __init__(self, write: Callable[[Collection[Entry]], None]) -> None:
        self._write = write
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, entry: Entry) -> None:
        """Return when the entry is in the database. Raises NotKept when it did not take it."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._run(), name="csms journal")
        await future

    async def aclose(self) -> None:
        """Write what waits."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _run(self) -> None:
        try:
            await asyncio.sleep(_GATHER)
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_ENTRIES], self._waiting[MAX_ENTRIES:]
                kept = False
                try:
                    kept = await self._put(batch)
                finally:  # whatever went wrong, no station waits for ever
                    _answer(batch, kept=kept)
        finally:
            self._writing = None
            _answer(self._waiting, kept=False)
            self._waiting = []

    async def _put(self, batch: list[tuple[Entry, asyncio.Future[None]]]) -> bool:
        latest = {(entry.station, entry.columns["id"]): entry for entry, _ in batch}
        try:
            await database_sync_to_async(self._write)(list(latest.values()))
        except DatabaseError as error:
            log.warning("csms_transactions_not_kept", error=str(error), transactions=len(latest))
            return False
        return True


def _answer(batch: list[tuple[Entry, asyncio.Future[None]]], *, kept: bool) -> None:
    for _, future in batch:
        if future.done():  # its station has hung up meanwhile
            continue
        if kept:
            future.set_result(None)
        else:
            future.set_exception(NotKept())
