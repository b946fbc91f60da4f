"""Does a transaction find a connection that is there?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from syncworker.store import database as module
from syncworker.store.database import Database

MANY = 5


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, pool_size=MANY)
    yield opened
    opened.close()


def use(database: Database, connections: int = 1) -> None:
    """So many transactions at once."""
    with ExitStack() as stack:
        for _ in range(connections):
            stack.enter_context(database.transaction())


def end_all(database: Database) -> None:
    """PostgreSQL was started again."""
    with database.transaction() as tx:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
        tx.connection.execute(text(f"{ended} pg_backend_pid()"))


def test_idle_connections_that_are_gone_are_never_noticed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    use(database, MANY)
    end_all(database)
    # As a second later
    monkeypatch.setattr(module, "IDLE_S", 0.0)
    use(database, MANY)


def test_the_time_is_the_transactions_and_the_databases(database: Database) -> None:
    with database.transaction() as tx:
        assert tx.connection.execute(text("SELECT now()")).scalar_one() == tx.now
