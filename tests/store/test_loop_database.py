"""What does an event loop's own way to the database do when the database goes away, or says no?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text

from syncworker.store.database import Database
from syncworker.store.loop_database import LoopDatabase

INSERT = "INSERT INTO kept VALUES (%(value)s)"


@pytest.fixture
def database(empty_database_url: str) -> Iterator[Database]:
    made = Database(empty_database_url, pool_size=1)
    with made.transaction() as tx:
        tx.connection.execute(text("CREATE TABLE kept (value text PRIMARY KEY)"))
    yield made
    made.close()


def _kept(database: Database) -> list[str]:
    with database.transaction() as tx:
        return list(tx.connection.execute(text("SELECT value FROM kept ORDER BY value")).scalars())


def _others(database: Database, what: str) -> list[object]:
    with database.transaction() as tx:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return list(tx.connection.execute(text(f"SELECT {what} {others}")).scalars())


def test_what_was_done_is_committed_and_the_connection_is_used_again(database: Database) -> None:
    async def scenario() -> None:
        loop_database = LoopDatabase(database)
        await loop_database.once(INSERT, {"value": "a"})
        assert _kept(database) == ["a"]
        before = _others(database, "pid")
        await loop_database.once(INSERT, {"value": "b"})
        assert (_others(database, "pid"), _kept(database)) == (before, ["a", "b"])
        await loop_database.close()

    asyncio.run(scenario())


def test_connections_that_the_database_ended_meanwhile_are_replaced_and_nothing_is_lost(database: Database) -> None:
    async def scenario() -> None:
        loop_database = LoopDatabase(database)
        await asyncio.gather(*(loop_database.once(INSERT, {"value": value}) for value in "ab"))
        assert _others(database, "pg_terminate_backend(pid)") == [True, True]
        await loop_database.once(INSERT, {"value": "c"})
        assert _kept(database) == ["a", "b", "c"]
        await loop_database.close()

    asyncio.run(scenario())


def test_what_the_database_refuses_is_raised_and_the_next_one_is_done(database: Database) -> None:
    async def scenario() -> None:
        loop_database = LoopDatabase(database)
        await loop_database.once(INSERT, {"value": "a"})
        with pytest.raises(psycopg.errors.UniqueViolation):
            await loop_database.once(INSERT, {"value": "a"})
        await loop_database.once(INSERT, {"value": "b"})
        await loop_database.close()

    asyncio.run(scenario())
    assert _kept(database) == ["a", "b"]
