"""Does a transaction find a connection that is there?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from syncworker.store import database as module
from syncworker.store.database import Database, Tx, in_drivers_words

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


def test_what_is_asked_past_sqlalchemy_fails_as_if_it_was_not(database: Database) -> None:
    add = in_drivers_words("INSERT INTO partners (name, program, tier) VALUES (:name, 'p', 't')")

    def twice(tx: Tx) -> None:
        assert tx.ask(add, {"name": "100 %"}).rowcount == 1
        tx.ask(add, {"name": "100 %"})

    with pytest.raises(IntegrityError):
        database.run(twice)
    ask = in_drivers_words("SELECT name ::text FROM partners WHERE name LIKE '1%' AND name = :name")
    assert database.run(lambda tx: tx.ask(ask, {"name": "100 %"})).rows == []


def test_what_is_asked_past_sqlalchemy_finds_out_that_the_connection_is_gone(database: Database) -> None:
    ask = in_drivers_words("SELECT :one")

    def gone(tx: Tx) -> None:
        end_all(database)
        tx.ask(ask, {"one": 1})

    with pytest.raises(OperationalError):
        database.run(gone)
    assert database.run(lambda tx: tx.ask(ask, {"one": 1})).rows == [(1,)]


def test_a_transaction_that_cannot_begin_fails_as_sqlalchemys_and_the_next_one_begins(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody asks whether a connection is still there.
    monkeypatch.setattr(module, "IDLE_S", 60.0)
    use(database, 2)
    end_all(database)
    with pytest.raises(OperationalError):
        use(database, 2)
    use(database, 2)


def test_what_is_done_before_an_error_is_taken_back(database: Database) -> None:
    add = text("INSERT INTO partners (name, program, tier) VALUES ('half', 'p', 't')")

    def half(tx: Tx) -> None:
        tx.connection.execute(add)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.run(half)
    with database.transaction() as tx:
        assert tx.connection.execute(text("SELECT count(*) FROM partners WHERE name = 'half'")).scalar_one() == 0
