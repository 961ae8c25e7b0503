"""Connections of the host to PostgreSQL: psycopg's own async ones, as Django's share one thread."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import psycopg
from psycopg import AsyncConnection

from ocpplab.common.database import parameters

Result = TypeVar("Result")
Connection = AsyncConnection[tuple[Any, ...]]
Work = Callable[[Connection], Awaitable[Result]]

#: seconds for one transaction, connecting included
TIMEOUT: Final = 15.0
#: what a loop survives by trying again: the database is away, busy, not migrated yet, or does not answer in time
TROUBLE: Final = (psycopg.Error, TimeoutError, OSError)


class Line:
    """One connection for one purpose: opened when needed, thrown away as soon as anything goes wrong on it.

    Beats, leases and records each have their own, so that a slow batch of one never holds up another.
    """

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()

    async def run(self, work: Work[Result], *, timeout: float = TIMEOUT) -> Result:  # noqa: ASYNC109 - of the whole
        """Run `work` in one transaction and return its result.

        Raises one of TROUBLE; when the database is away or does not answer in time, the transaction may have been
        committed or not.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(timeout):
                    connection = await self._open()
                    result = await work(connection)
                    await connection.commit()
                    return result
            except BaseException as error:
                await self._after(error)
                raise

    async def close(self) -> None:
        """Close the connection, if there is one."""
        async with self._lock:
            await self._drop()

    async def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await AsyncConnection.connect(
                **parameters(), application_name=f"simulator {self._purpose}"
            )
        return self._connection

    async def _after(self, error: BaseException) -> None:
        """A refusal by the database leaves the connection sound; anything else, in a state that nobody knows."""
        if (
            isinstance(error, psycopg.DatabaseError)
            and not isinstance(error, psycopg.OperationalError)
            and self._connection is not None
            and not self._connection.closed
        ):
            await self._connection.rollback()
        else:
            await self._drop()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
