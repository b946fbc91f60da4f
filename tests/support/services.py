"""How does a test get a real PostgreSQL and a real Valkey, quickly, and leave nothing of them behind?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from syncworker.up import postgres, valkey
from syncworker.up.guarded import Command, Guarded

START_SECONDS = 60.0
LARGE = 1_000_000
"""Bytes of a table."""
_GROWN = "SELECT relname FROM pg_class WHERE relkind = 'r' AND pg_relation_size(oid) > %s"
_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


class DidNotStartError(Exception):
    """A server of the tests did not answer in time; `log` is what it said."""

    def __init__(self, what: str, log: str) -> None:
        super().__init__(f"{what} did not start:\n{log}")


@contextmanager
def start_postgres(folder: Path, *, durable: bool = False) -> Iterator[str]:
    """Run a PostgreSQL in `folder`, as a rule fast and not durable; yield the address of its database `postgres`."""
    cluster = postgres.prepare(folder, durable=durable)
    url = cluster.url("postgres")
    with _running(cluster.command(durable=durable), folder.with_suffix(".log"), lambda: postgres.accepts(url)):
        yield url


@contextmanager
def start_valkey(folder: Path) -> Iterator[str]:
    """Run a Valkey in `folder`; yield its address."""
    server = valkey.prepare(folder)
    with _running(server.command(), folder / "valkey.log", lambda: valkey.accepts(server.url)):
        yield server.url


def create_database(server_url: str, name: str, *, template: str | None = None) -> str:
    """Make the database `name`, a copy of `template` if that is given, and return its address."""
    copied = sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template or "template1"))
    with psycopg.connect(postgres.plain(server_url), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}{}").format(sql.Identifier(name), copied))
    return address(server_url, name)


def address(server_url: str, name: str) -> str:
    """Return the address of the database `name` of a server."""
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def drop_database(server_url: str, name: str) -> None:
    """Drop the database `name`, ending the connections to it."""
    with psycopg.connect(postgres.plain(server_url), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def empty_database(url: str, tables: Iterable[str]) -> None:
    """Delete all rows of these tables, whatever rules they have; ids begin anew. Raises psycopg.Error where a table is
    held, or gone.
    """
    with psycopg.connect(postgres.plain(url)) as connection:
        connection.execute(_END_OTHERS)
        connection.execute("SET lock_timeout = '10s'")
        # Lets the append-only history be emptied, and the tables in any order.
        connection.execute("SET session_replication_role = replica")
        grown = {name for (name,) in connection.execute(_GROWN, [LARGE])}
        for table in tables:
            # Truncating a small table takes longer than deleting its rows. Nobody vacuums here: a large one stays so.
            empty = "TRUNCATE {} CASCADE" if table in grown else "DELETE FROM {}"
            connection.execute(sql.SQL(empty).format(sql.Identifier(table)))
        connection.execute("SELECT setval(seqrelid, seqstart, false) FROM pg_sequence")


@contextmanager
def _running(command: Command, log: Path, ready: Callable[[], bool]) -> Iterator[None]:
    with log.open("ab") as output:
        process = Guarded(command, output=output.fileno())
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if process.wait(seconds=0.02) or time.monotonic() > deadline:
                raise DidNotStartError(command.argv[0], log.read_text(errors="replace"))
        yield
    finally:
        process.stop()
