"""Transaction pooling: a connection that may belong to somebody else after each transaction."""

import asyncio

import pytest
from django.conf import settings
from psycopg import AsyncConnection

from ocpplab.common.database import parameters
from ocpplab.settings import database_from_url
from tests.support.processes import database_url


def test_nothing_is_asked_at_the_start_of_a_connection_that_a_pooler_would_refuse(db):
    pooled, direct = (database_from_url(database_url(), pooler=pooler) for pooler in (True, False))
    assert "options" not in pooled["OPTIONS"]
    assert "statement_timeout" in direct["OPTIONS"]["options"]


def test_django_uses_no_cursor_that_outlasts_a_transaction_of_a_pooler(db):
    assert database_from_url(database_url(), pooler=True)["DISABLE_SERVER_SIDE_CURSORS"] is True


@pytest.mark.parametrize("pooler", [True, False])
def test_a_host_leaves_prepared_statements_only_on_a_connection_of_its_own(transactional_db, monkeypatch, pooler):
    monkeypatch.setitem(settings.DATABASES, "default", database_from_url(database_url(), pooler=pooler))

    async def prepared() -> int:
        async with await AsyncConnection.connect(**parameters()) as connection:
            for number in range(20):
                await connection.execute("SELECT %s + 1", [number])
                await connection.commit()
            cursor = await connection.execute("SELECT count(*) FROM pg_prepared_statements")
            return int((await cursor.fetchone() or [0])[0])

    assert (asyncio.run(prepared()) == 0) is pooler
