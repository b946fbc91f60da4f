"""The schema: what the migrations make is what the tables say."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from syncworker.store import migrate, portals
from syncworker.store.database import Database
from syncworker.store.portals import Mode
from syncworker.sync.sweep import due
from syncworker.sync.wake import Bell


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


# What the first release kept: a portal at work, one that is paused, and a row of each table, as that release wrote it.
OF_THE_FIRST_RELEASE = """
    INSERT INTO deployment (hubspot) VALUES ('sandbox');
    INSERT INTO partners (name, program, tier) VALUES ('Acme', 'hubspot-solutions-partner', 'gold');
    INSERT INTO portals (hub_id, partner_id, name, mode, time_zone, credentials, connected_at, blocked_until) VALUES
        (1, 1, 'ours', 'write', 'Europe/Stockholm', 'sealed', '2026-01-01', NULL),
        (2, 1, 'theirs', 'paused', 'UTC', 'sealed', '2026-01-01', '9999-01-01');
    INSERT INTO forms (hub_id, form_id, enabled_at) VALUES (1, 'f-1', '2026-01-01');
    INSERT INTO holds (domain, kind, added_by, added_at) VALUES ('own.se', 'own_or_affiliated', 'settings', now());
    INSERT INTO registrations (partner_id, domain, hub_id, contact_id, company_id, source, registered_on, expires_on,
                               expires_at, created_at)
        VALUES (1, 'fjordline-tools.se', 1, '7', '8', 'form', '2026-01-02', '2027-01-01', '2027-01-01 23:00Z', now());
    INSERT INTO requests (partner_id, hub_id, action, source, key, who, requested_at, created_at, contact_id, state,
                          domain, registration_id) VALUES
        (1, 1, 'register', 'form', 'form:f-1:c1', 'form:f-1', now(), now(), '7', 'registered', 'fjordline-tools.se', 1),
        (1, 1, 'register', 'crm', 'crm:9:1', 'CRM_UI:userId:5', now(), now(), '9', 'waiting', 'granlund-bygg.se', NULL);
    INSERT INTO requests (partner_id, hub_id, action, source, key, who, requested_at, created_at, email, state)
        VALUES (1, 1, 'register', 'form', 'form:f-1:c2', 'form:f-1', now(), now(), 'bo@granlund-bygg.se', 'processing');
    INSERT INTO history (at, partner_id, hub_id, domain, event, source, who, registration_id) VALUES
        ('2026-01-02', 1, 1, 'fjordline-tools.se', 'registered', 'form', 'form:f-1', 1),
        ('2026-01-03', 1, 1, 'fjordline-tools.se', 'renewal_set', 'app', 'cli:eva', 1);
    INSERT INTO marks (hub_id, kind, object_id, priority, cause, marked_at, not_before, parked_at, last_error)
        VALUES (1, 'contact', '7', 1, 'webhook', now(), now(), now(), 'HubSpot answered 400'),
               (1, 'company', '8', 2, 'ledger', now(), now(), NULL, NULL);
    INSERT INTO inbox (events) VALUES ('[[1, "contact", "7", "creation"]]');
    INSERT INTO cursors (hub_id, trigger, high_water, due_at) VALUES
        (1, 'contact.now', '2026-02-01', '2026-02-01'), (1, 'contact.late', '2026-02-01', '2026-02-01'),
        (1, 'company.now', '2026-02-01', '2026-02-01'), (1, 'company.late', '2026-02-01', '2026-02-01'),
        (1, 'form:f-1', '2026-02-01 12:00Z', '2026-02-01');
    INSERT INTO records (hub_id, kind, object_id, name, email, reconciled_at, written)
        VALUES (1, 'contact', '7', 'Ada Berg', 'ada@fjordline-tools.se', now(), '{"partner_registration_status": ""}');
    INSERT INTO resyncs (hub_id, scope, state, kind, after, listed, asked_by, created_at) VALUES
        (1, '{}', 'done', 'company', NULL, 100, 'cli:eva', now()),
        (1, '{}', 'running', 'contact', '700', 70, 'eva', now());
"""


def test_a_database_of_the_first_release_keeps_all_it_holds_and_is_worked_on(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url, poolclass=NullPool)
    names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
    with engine.begin() as connection:
        migrate.upgrade_in(connection, "0001")
        connection.execute(text(OF_THE_FIRST_RELEASE))
        tables = [name for name in connection.execute(text(names)).scalars() if name != "alembic_version"]
        before = {name: _rows(connection, name) for name in tables}
    assert all(before.values())
    migrate.upgrade(empty_database_url)
    database = Database(empty_database_url)
    try:
        with database.transaction() as tx:
            assert migrate.differences(tx.connection) == []
            after = {name: _rows(tx.connection, name) for name in tables}
            for name in tables:
                of_then = [
                    {column: row[column] for column in was} for row, was in zip(after[name], before[name], strict=False)
                ]
                # But for names in the history, and where a resync was, nothing is another
                if name not in {"history", "resyncs"}:
                    assert of_then == before[name], name
            assert {row["trigger"] for row in after["cursors"] if row["hub_id"] == 1} == {
                f"{kind}.{which}" for kind in ("contact", "company") for which in ("now", "late", "archived")
            } | {"form:f-1"}
            assert [(row["state"], row["kind"], row["after"]) for row in after["resyncs"]] == [
                ("done", "company", None),
                ("running", "company", None),
            ]
            assert [row["who"] for row in after["history"]] == ["form:f-1", "person"]
            paused = portals.get(tx, 2)
            assert paused.pause is not None
            assert (portals.get(tx, 1).pause, paused.pause.mode_before) == (None, Mode.OBSERVE)
            assert {ring.bell for ring in due(tx)} == {Bell.SERVE_INTERACTIVE, Bell.SERVE_BULK, Bell.EXPAND_INBOX}
    finally:
        database.close()


def _rows(connection: Connection, table: str) -> list[dict[str, object]]:
    """In the order of their first columns; polls that the first release did not know come last."""
    order = {"deployment": "1", "cursors": "trigger LIKE '%archived', 1, 2"}.get(table, "1, 2, 3")
    return [dict(row._mapping) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY {order}"))]
