"""How does a transaction begin, what time is it in there, and when does it run again?"""

from __future__ import annotations

import copy
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar, cast

import psycopg.errors
from psycopg import generators
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Microseconds since 1970: how a time is written depends on the server's settings.
_NOW = "SELECT CAST(extract(epoch FROM now()) * 1000000 AS bigint)"
_SESSION = {"connect_timeout": 5, "options": "-c timezone=UTC -c lock_timeout=20s"}
# A conflict between two transactions resolves itself within a few tries; more would hide a wrong lock order.
TRIES = 6
# After so many seconds without use a connection may be gone.
IDLE_S = 1.0


class Clock(Protocol):
    """Where the time comes from."""

    def now(self, connection: Connection) -> datetime:
        """Return the time, aware, UTC."""


class DatabaseClock:
    """The database's clock: the one clock that all processes share."""

    def now(self, connection: Connection) -> datetime:
        """Begin the transaction, and return its time."""
        try:
            return _begin(_driver(connection))
        except psycopg.Error:
            # The same again, for an error that is SQLAlchemy's: what everybody listens for.
            return _EPOCH + timedelta(microseconds=connection.execute(text(_NOW)).scalar_one())


def _begin(driver: psycopg.Connection[Any]) -> datetime:
    """Begin a transaction and ask for its time, in one trip: the driver would take two, for each transaction there is.

    It begins none by itself where it finds one.
    """
    driver.pgconn.send_query(f"BEGIN; {_NOW}".encode())
    result = driver.wait(generators.execute(driver.pgconn))[-1]
    if result.status != ExecStatus.TUPLES_OK:
        raise psycopg.errors.error_from_result(result)
    return _EPOCH + timedelta(microseconds=int(result.get_value(0, 0) or 0))


@dataclass(slots=True)
class ManualClock:
    """A clock that stands until it is moved; for tests."""

    time: datetime

    def now(self, connection: Connection) -> datetime:  # noqa: ARG002 - the protocol's
        """Return the time it was set to."""
        return self.time


@dataclass(frozen=True, slots=True)
class Tx:
    """A transaction and its time, handed down to all that happens in it."""

    connection: Connection
    now: datetime

    def ask(self, statement: bytes, parameters: Mapping[str, object]) -> Asked:
        """Run a statement made by `in_drivers_words`: what each of many pages takes.

        SQLAlchemy takes longer over such a statement than all the rest of it. Raises SQLAlchemy's errors all the same.
        """
        return _ask(self.connection, statement, parameters)


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the driver of SYNCWORKER_DATABASE_URL
    return driver


def _ask(connection: Connection, statement: bytes, parameters: Mapping[str, object]) -> Asked:
    driver = _driver(connection)
    try:
        with driver.execute(statement, parameters) as cursor:
            return Asked(cursor.rowcount, cursor.fetchall() if cursor.rownumber is not None else [])
    except psycopg.Error as error:
        if driver.closed:
            # So that SQLAlchemy finds out, and opens others.
            connection.execute(text(_NOW))
        raised = DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True)
        raise cast(DBAPIError, raised) from error


def in_drivers_words(statement: str) -> bytes:
    """A statement with parameters as `text()` takes them, `:name`, for `Tx.ask`."""
    return _PARAMETER.sub(r"%(\1)s", statement.replace("%", "%%")).encode()


_PARAMETER = re.compile(r"(?<!:):(\w+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a statement came to."""

    rowcount: int
    rows: list[tuple[Any, ...]]


class Database:
    """An engine and a clock."""

    def __init__(self, url: str, *, clock: Clock | None = None, pool_size: int = 10) -> None:
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            # The last one back: what it has prepared is warm.
            pool_use_lifo=True,
            # An error's text is kept and logged: it must not name the values, which are persons' too.
            hide_parameters=True,
            connect_args=_SESSION,
        )
        event.listen(self.engine, "checkin", _note_use)
        event.listen(self.engine, "checkout", _ask_if_idle)
        self.clock = clock or DatabaseClock()

    def by(self, clock: Clock | None) -> Database:
        """The same connections, by another clock."""
        other = copy.copy(self)
        other.clock = clock or DatabaseClock()
        return other

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Commit what happens inside, or nothing of it."""
        with self.engine.begin() as connection:
            yield Tx(connection, self.clock.now(connection))

    def run(self, work: Callable[[Tx], T]) -> T:
        """Do `work` in a transaction, again from the start if it lost against another one."""

        def in_transaction() -> T:
            with self.transaction() as tx:
                return work(tx)

        return _again_if_lost(in_transaction)

    def ask(self, statement: bytes, parameters: Mapping[str, object]) -> Asked:
        """Run a statement made by `in_drivers_words` as a transaction of its own, in one trip, as `run` does."""

        def by_itself() -> Asked:
            with self.engine.connect() as connection:
                driver = _driver(connection)
                driver.autocommit = True
                try:
                    return _ask(connection, statement, parameters)
                finally:
                    if driver.pgconn.transaction_status == TransactionStatus.IDLE:
                        driver.autocommit = False
                    else:
                        # Gone, or somebody was interrupted while it worked.
                        connection.invalidate()

        return _again_if_lost(by_itself)

    @property
    def connect_arguments(self) -> dict[str, Any]:
        """What the driver's own `connect` is given to reach this database in the same way."""
        _, arguments = self.engine.dialect.create_connect_args(self.engine.url)
        return {**arguments, **_SESSION}

    def close(self) -> None:
        """Close all connections. Whoever goes on opens new ones."""
        self.engine.dispose()


def _again_if_lost(work: Callable[[], T]) -> T:
    for left in reversed(range(TRIES)):
        try:
            return work()
        except DBAPIError as error:
            if not left or not _lost_against_another(error):
                raise
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 - jitter, not a secret
    raise AssertionError("unreachable")


def _note_use(_: object, record: ConnectionPoolEntry) -> None:
    record.info["used"] = time.monotonic()


def _ask_if_idle(connection: psycopg.Connection[Any], record: ConnectionPoolEntry, _: object) -> None:
    """Ask a connection whether it is still there, unless it was a moment ago: that is a trip for each transaction."""
    if time.monotonic() - record.info.get("used", -IDLE_S) < IDLE_S:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error as error:
        # The pool opens another one, and trusts none of those that it had.
        raise InvalidatePoolError from error


def _lost_against_another(error: DBAPIError) -> bool:
    return isinstance(
        error.orig,
        psycopg.errors.SerializationFailure | psycopg.errors.DeadlockDetected | psycopg.errors.LockNotAvailable,
    )
