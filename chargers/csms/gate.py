"""Questions of many stations put to the database together: who may come in, and what was kept of it."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

import structlog
from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

log = structlog.get_logger(__name__)

V = TypeVar("V")

#: which of these identities are chargers of the lab; runs in a thread
KnownIdentities = Callable[[Collection[str]], Collection[str]]


class GateClosed(Exception):
    """The database cannot answer now."""


class LookUp(Generic[V]):
    """Looks keys up in batches.

    While one query runs, those who come meanwhile gather for the next: a thousand chargers that dial together cost a
    handful of queries instead of a thousand turns of the one thread that all database calls of a loop share. `find`
    runs in that thread and has a value for each key.
    """

    def __init__(self, find: Callable[[Collection[str]], Mapping[str, V]]) -> None:
        self._find = find
        self._waiting: dict[str, list[asyncio.Future[V]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def get(self, key: str) -> V:
        """The value of a key. Raises GateClosed when the database is away."""
        future: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="csms look-up")
        return await future

    async def _ask(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, {}
                found: Mapping[str, V] | None = None
                try:
                    found = await database_sync_to_async(self._find)(list(batch))
                except DatabaseError as error:
                    log.warning("csms_lookup_failed", error=str(error), stations=len(batch))
                finally:  # whatever went wrong, nobody is left standing at the gate
                    _answer(batch, found)
        finally:
            self._asking = None
            _answer(self._waiting, None)
            self._waiting = {}


def _answer(batch: Mapping[str, list[asyncio.Future[V]]], found: Mapping[str, V] | None) -> None:
    for key, futures in batch.items():
        for future in futures:
            if future.done():  # its station has hung up meanwhile
                continue
            if found is None:
                future.set_exception(GateClosed())
            else:
                future.set_result(found[key])


class Gate:
    """Which stations may come in."""

    def __init__(self, known: KnownIdentities) -> None:
        def find(identities: Collection[str]) -> dict[str, bool]:
            found = set(known(identities))
            return {identity: identity in found for identity in identities}

        self._look_up: LookUp[bool] = LookUp(find)

    async def knows(self, identity: str) -> bool:
        """Whether the lab has a charger of this identity. Raises GateClosed when the database is away."""
        return await self._look_up.get(identity)
