"""What was a merged record's is the survivor's, which has an id of its own and is looked at next."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import update

from syncworker.store.database import Tx
from syncworker.store.tables import records, registrations, requests
from syncworker.sync import known_records
from syncworker.sync.marks import Kind, Priority, mark


def follow_merges(tx: Tx, hub_id: int, kind: Kind, moved: Mapping[str, str]) -> None:
    """Re-point requests, registrations and what we keep from the old ids to the new ones."""
    if not moved:
        return
    column = "contact_id" if kind is Kind.CONTACT else "company_id"
    tables = (requests, registrations) if kind is Kind.CONTACT else (requests, registrations, records)
    for old, new in sorted(moved.items()):
        for table in tables:
            named = update(table).where(table.c.hub_id == hub_id, table.c[column] == old)
            tx.connection.execute(named.values({column: new}))
    known_records.forget(tx, hub_id, kind, moved)
    mark(tx, hub_id, kind, moved.values(), priority=Priority.WEBHOOK, cause="merge")
