"""Which records has no event told about for a day?

A changed association, a lost webhook that no poll sees: every record that the ledger knows is looked at once a day,
the longest unseen first, a 24th of them an hour.
"""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import text

from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.wake import Bell, Ring

_OLDEST = text("""
    SELECT hub_id, kind, object_id FROM records
     WHERE presence = 'live' AND reconciled_at < CAST(:now AS timestamptz) - CAST('20 hours' AS interval)
     ORDER BY reconciled_at
     LIMIT (SELECT greatest(100, count(*) / 20) FROM records)
""")


def look(context: Context) -> int:
    """Mark an hour's share; return how many."""

    def work(tx: Tx) -> dict[tuple[int, Kind], set[str]]:
        found: dict[tuple[int, Kind], set[str]] = defaultdict(set)
        for row in tx.connection.execute(_OLDEST, {"now": tx.now}):
            found[row.hub_id, Kind(row.kind)].add(row.object_id)
        for (hub_id, kind), ids in sorted(found.items()):
            mark(tx, hub_id, kind, ids, priority=Priority.RESYNC, cause="daily look")
        return found

    found = context.database.run(work)
    context.waker.ring(*sorted({Ring(Bell.SERVE_BULK, hub_id) for hub_id, _ in found}, key=lambda r: r.hub_id))
    return sum(len(ids) for ids in found.values())
