"""A portal whose marks are all due, and all bulk, slows down neither the sweep nor whoever looks for a form's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from syncworker.store import portals
from syncworker.store.database import Database
from syncworker.store.portals import Mode
from syncworker.sync import claims, sweep
from syncworker.sync.claims import Lane
from syncworker.sync.marks import Kind

MARKS = 20_000


@pytest.fixture
def database(fresh_database_url: str) -> Iterator[Database]:
    made = Database(fresh_database_url)
    with made.transaction() as tx:
        partner = portals.ensure_partner(tx, name="p", program="p", tier="t", capacity=None)
        portals.add(
            tx, hub_id=1, partner=partner, name="", mode=Mode.WRITE, time_zone="UTC", ui_domain="", app_id=None,
            partner_company_id=None, sealed=b"",
        )  # fmt: skip
        all_due = text("""
            INSERT INTO marks (hub_id, kind, object_id, priority, cause, marked_at, not_before)
            SELECT 1, 'contact', n, 3, 'resync', now(), now() FROM generate_series(1, :marks) AS n
        """)
        tx.connection.execute(all_due, {"marks": MARKS})
        tx.connection.execute(text("ANALYZE marks"))
    yield made
    made.close()


def rows_read(database: Database, statement: str, **parameters: object) -> int:
    """How many rows of marks a statement reads, those that it finds not to be wanted included."""
    with database.engine.connect() as connection:
        explained = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        [of] = connection.execute(explained, parameters).scalar_one()
    return sum(of_plan(of["Plan"]))


def of_plan(node: dict[str, Any]) -> Iterator[float]:
    if node.get("Relation Name") == "marks":
        yield (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    for below in node.get("Plans", []):
        yield from of_plan(below)


def test_the_sweep_reads_a_few_marks_of_many(database: Database) -> None:
    assert rows_read(database, sweep._DUE.text, now=datetime.now(UTC)) < 100


@pytest.mark.parametrize("lane", Lane)
def test_a_claim_reads_what_it_takes(database: Database, lane: Lane) -> None:
    with database.transaction() as tx:
        priorities = [int(priority) for priority in claims.served_priorities(tx, 1, Kind.CONTACT, lane)]
    for statement in (claims._CLAIM_PRIORITY, claims._CLAIM_OLDEST):
        of = {"hub_id": 1, "kind": "contact", "priorities": priorities, "limit": 100, "token": None}
        now = datetime.now(UTC)
        assert rows_read(database, statement.text, now=now, lease=now, **of) <= 1000
