"""The schema: what the migrations make is what the tables say."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
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


def test_names_in_the_history_become_references_that_can_be_erased(empty_database_url: str) -> None:
    # Given a history from before there were persons
    engine = create_engine(empty_database_url, poolclass=NullPool)
    names = ("cli:marta", "form:1", "CRM_UI:userId:7", "syncworker", "cli:marta", "AUTOMATION_PLATFORM:workflow:1")
    told = "INSERT INTO history (at, partner_id, event, source, who) VALUES (now(), 1, 'requested', 'app', :who)"
    with engine.begin() as connection:
        migrate.upgrade_in(connection, "0007")
        connection.execute(text(told), [{"who": who} for who in names])
    migrate.upgrade(empty_database_url)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT who, name FROM history LEFT JOIN persons ON persons.id = person_id ORDER BY history.id")
        )
        assert [tuple(row) for row in rows] == [
            ("person", name) if name.startswith(("cli", "CRM")) else (name, None) for name in names
        ]
        assert connection.execute(text("SELECT count(*) FROM persons")).scalar_one() == 2
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text("UPDATE history SET who = 'me'"))
