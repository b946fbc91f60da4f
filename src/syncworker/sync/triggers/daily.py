"""Which records has no event told about for a day?

A changed association, a lost webhook that no poll sees: every record that the ledger knows is looked at once a day,
the longest unseen first, a 24th of them an hour.
"""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import text

from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.jobs import lead_file
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.resync.scope import WHOLE
from syncworker.sync.wake import Bell, Ring

# Of each portal that can be worked on its own share; what is marked already, or parked, is on its way.
_OLDEST = text(f"""
    SELECT of_portal.hub_id, of_portal.kind, of_portal.object_id
      FROM portals AS p
     CROSS JOIN LATERAL (
        SELECT r.hub_id, r.kind, r.object_id FROM records AS r
         WHERE r.hub_id = p.hub_id AND r.presence = 'live'
           AND r.reconciled_at < CAST(:now AS timestamptz) - CAST('20 hours' AS interval)
           AND NOT EXISTS (SELECT FROM marks AS m
                WHERE m.hub_id = r.hub_id AND m.kind = r.kind AND m.object_id = r.object_id)
         ORDER BY r.reconciled_at
         LIMIT (SELECT greatest(100, count(*) / 20) FROM records WHERE records.hub_id = p.hub_id)
     ) AS of_portal
     WHERE p.mode <> 'paused' AND coalesce(p.blocked_until <= :now, true)
       -- A resync of all has looked at each of them.
       AND NOT EXISTS (SELECT FROM resyncs
            WHERE resyncs.hub_id = p.hub_id AND {WHOLE}
              AND resyncs.created_at >= CAST(:now AS timestamptz) - CAST('20 hours' AS interval))
""")


def look(context: Context) -> int:
    """Mark an hour's share; return how many. Files of leads that are old enough are forgotten on the way."""

    def work(tx: Tx) -> dict[tuple[int, Kind], set[str]]:
        found: dict[tuple[int, Kind], set[str]] = defaultdict(set)
        for row in tx.connection.execute(_OLDEST, {"now": tx.now}):
            found[row.hub_id, Kind(row.kind)].add(row.object_id)
        for (hub_id, kind), ids in sorted(found.items()):
            mark(tx, hub_id, kind, ids, priority=Priority.RESYNC, cause="daily look")
        return found

    context.database.run(lead_file.forget_old)
    found = context.database.run(work)
    context.waker.ring(*sorted({Ring(Bell.SERVE_BULK, hub_id) for hub_id, _ in found}, key=lambda r: r.hub_id))
    return sum(len(ids) for ids in found.values())
