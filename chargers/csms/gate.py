"""Which stations may come in: the database asked for many at once."""

import asyncio
from collections.abc import Callable, Collection

import structlog
from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

log = structlog.get_logger(__name__)

#: which of these identities are chargers of the lab; runs in a thread
KnownIdentities = Callable[[Collection[str]], Collection[str]]


class GateClosed(Exception):
    """The database cannot say now who is known."""


class Gate:
    """Looks identities up in batches.

    While one query runs, those who come meanwhile gather for the next: a thousand chargers that dial together cost a
    handful of queries instead of a thousand turns of the one thread that all database calls of a loop share.
    """

    def __init__(self, known: KnownIdentities) -> None:
        self._known = known
        self._waiting: dict[str, list[asyncio.Future[bool]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def knows(self, identity: str) -> bool:
        """Whether the lab has a charger of this identity. Raises GateClosed when the database is away."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(identity, []).append(future)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="csms gate")
        return await future

    async def _ask(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, {}
                known: Collection[str] | None = None
                try:
                    known = await database_sync_to_async(self._known)(list(batch))
                except DatabaseError as error:
                    log.warning("csms_lookup_failed", error=str(error), stations=len(batch))
                finally:  # whatever went wrong, nobody is left standing at the gate
                    _answer(batch, known)
        finally:
            self._asking = None
            _answer(self._waiting, None)
            self._waiting = {}


def _answer(batch: dict[str, list[asyncio.Future[bool]]], known: Collection[str] | None) -> None:
    for identity, futures in batch.items():
        for future in futures:
            if future.done():  # its station has hung up meanwhile
                continue
            if known is None:
                future.set_exception(GateClosed())
            else:
                future.set_result(identity in known)
