"""The schema: what the migrations make is what the tables say."""

from __future__ import annotations

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from syncworker.store import migrate


def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        assert migrate.is_current(connection)
        assert migrate.differences(connection) == []


def test_a_database_without_a_schema_is_not_current_and_becomes_so(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url, poolclass=NullPool)
    with engine.connect() as connection:
        assert not migrate.is_current(connection)
    migrate.upgrade(empty_database_url)
    # A second start has nothing to do
    migrate.upgrade(empty_database_url)
    with engine.connect() as connection:
        assert migrate.is_current(connection)
