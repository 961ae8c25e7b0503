"""Whether a process can do its work: the database answers and has this code's tables, the broker answers.

Asked with connections of its own and short timeouts, and at most once a second however many ask.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import psycopg
import structlog
from django.apps import apps
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ocpplab.common.database import parameters
from ocpplab.common.metrics.door import OK, Checks

log = structlog.get_logger(__name__)

#: seconds for all questions together, and for which an answer is good
TIMEOUT, GOOD_FOR = 2.0, 1.0
#: what is said of something that gives no answer, or not the right one
AWAY: Final = "away"

Check = Callable[[], str]


class Readiness:
    """Asks database and broker, and `own` checks of the process by name; a check returns "ok" or what is wrong."""

    def __init__(self, **own: Check) -> None:
        self._own = own
        self._lock = threading.Lock()
        self._checks: dict[str, str] = {}
        self._asked_at = -GOOD_FOR
        self._migrated = False

    def __call__(self) -> Checks:
        """Return "ok" or what is wrong, by the name of the check. Takes about TIMEOUT at most; call it in a thread."""
        with self._lock:
            if time.monotonic() - self._asked_at >= GOOD_FOR:
                checks = asyncio.run(self._ask()) | {name: check() for name, check in self._own.items()}
                if checks != self._checks and any(word != OK for word in checks.values()):
                    log.warning("not_ready", **checks)
                self._checks, self._asked_at = checks, time.monotonic()
            return self._checks

    async def _ask(self) -> dict[str, str]:
        (database, migrations), broker = await asyncio.gather(self._ask_database(), _ask_broker())
        return {"database": database, "migrations": migrations, "broker": broker}

    async def _ask_database(self) -> tuple[str, str]:
        try:
            async with asyncio.timeout(TIMEOUT):
                about = parameters() | {"application_name": "readiness"}
                async with await psycopg.AsyncConnection.connect(**about, autocommit=True) as connection:
                    await connection.execute("SELECT 1")
                    if not self._migrated:
                        self._migrated = await _migrated(connection)
        except (psycopg.Error, TimeoutError, OSError):
            return AWAY, OK if self._migrated else "unknown"
        return OK, OK if self._migrated else "missing: run `manage.py migrate`"


async def _migrated(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> bool:
    try:
        cursor = await connection.execute("SELECT app, name FROM django_migrations")
    except psycopg.errors.UndefinedTable:
        return False
    return _known_migrations() <= {(str(app), str(name)) for app, name in await cursor.fetchall()}


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """All migrations of this code, by their files' names: importing them would cost a simulator memory for nothing."""
    files = ((app.label, file) for app in apps.get_app_configs() for file in Path(app.path, "migrations").glob("*.py"))
    return frozenset((label, file.stem) for label, file in files if file.stem != "__init__")


async def _ask_broker() -> str:
    client = Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
    )
    try:
        async with asyncio.timeout(TIMEOUT):
            await client.ping()
    except (RedisError, TimeoutError, OSError):
        return AWAY
    finally:
        await client.aclose()
    return OK
