"""How does a test get a real PostgreSQL and a real Valkey, quickly, and leave nothing of them behind?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from syncworker.up import postgres, valkey
from syncworker.up.guarded import Command, Guarded

START_SECONDS = 15.0


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
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def drop_database(server_url: str, name: str) -> None:
    """Drop the database `name`, ending the connections to it."""
    with psycopg.connect(postgres.plain(server_url), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


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
