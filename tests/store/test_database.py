"""Does a transaction find a connection that is there?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError, OperationalError

from syncworker.store import database as module
from syncworker.store.database import Database, ManualClock, Tx, in_drivers_words

MANY = 5
ADD = in_drivers_words("INSERT INTO partners (name, program, tier) VALUES (:name, 'p', 't')")
# Every connection but the one that says so.
END_ALL = text("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
""")


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
        tx.connection.execute(END_ALL)


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
    def twice(tx: Tx) -> None:
        assert tx.ask(ADD, {"name": "100 %"}).rowcount == 1
        tx.ask(ADD, {"name": "100 %"})

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


def test_a_statement_by_itself_is_kept_at_once_and_the_next_transaction_is_whole(database: Database) -> None:
    def half(tx: Tx) -> None:
        tx.ask(ADD, {"name": "taken back"})
        raise ZeroDivisionError

    assert database.ask(ADD, {"name": "alone"}).rowcount == 1
    with pytest.raises(ZeroDivisionError):
        # By a clock that begins none.
        database.by(ManualClock(datetime(2026, 11, 22, tzinfo=UTC))).run(half)
    assert database.ask(b"SELECT name FROM partners", {}).rows == [("alone",)]


def test_a_statement_by_itself_fails_as_sqlalchemys_and_the_next_one_does_not(database: Database) -> None:
    database.ask(ADD, {"name": "once"})
    with pytest.raises(IntegrityError) as caught:
        database.ask(ADD, {"name": "once"})
    assert "once" not in str(caught.value).partition("[SQL")[2]
    use(database, 2)
    with database.transaction() as tx:
        tx.connection.execute(END_ALL)
        with pytest.raises(OperationalError):
            database.ask(b"SELECT 1", {})
    assert database.ask(b"SELECT 1", {}).rows == [(1,)]


def test_a_statement_by_itself_that_is_interrupted_ends_with_that_and_the_next_one_is_asked_elsewhere(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(connection: Connection, *_: object) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.pgconn.send_query(b"SELECT pg_sleep(60)")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "_ask", interrupted)
        with pytest.raises(KeyboardInterrupt):
            database.ask(b"SELECT 1", {})
    assert database.ask(b"SELECT 1", {}).rows == [(1,)]


def test_a_statement_by_itself_that_lost_against_another_transaction_is_run_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.ask(ADD, {"name": "wanted"})
    monkeypatch.setitem(module._SESSION, "options", "-c lock_timeout=1")
    waits = Database(database.engine.url.render_as_string(hide_password=False))
    lost: list[float] = []
    rename = b"UPDATE partners SET name = 'changed' WHERE name = 'wanted'"
    with ExitStack() as held:
        tx = held.enter_context(database.transaction())
        tx.ask(b"SELECT FROM partners FOR UPDATE", {})

        def let_go(seconds: float) -> None:
            lost.append(seconds)
            held.close()

        monkeypatch.setattr(module.time, "sleep", let_go)
        assert waits.ask(rename, {}).rowcount == 1
    waits.close()
    assert len(lost) == 1


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
