"""Which records has no event told about for a day?

A changed association, a lost webhook that no poll sees: every record that the ledger knows is looked at again before it
was unseen for a day, the longest unseen first. What is unseen for twenty hours is spread over the four that are left.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from sqlalchemy import text

from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.jobs import lead_file
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.resync.scope import WHOLE
from syncworker.sync.wake import Bell, Ring

# After that a record is due.
UNSEEN = timedelta(hours=20)
# Marks in one transaction.
BATCH = 5_000
# Of each portal that can be worked on: a quarter of what has four hours left, a third of what has three. A resync of
# all has looked at each record, and leaves those alone that are as they were.
_SHARES = text(f"""
    SELECT p.hub_id,
           greatest(least(100, of.h20), (of.h20 + 3) / 4, (of.h21 + 2) / 3, (of.h22 + 1) / 2, of.h23) AS share
      FROM portals AS p
     CROSS JOIN LATERAL (SELECT max(created_at) AS at FROM resyncs WHERE hub_id = p.hub_id AND {WHOLE}) AS whole
     CROSS JOIN LATERAL (
        SELECT count(*) AS h20,
               count(*) FILTER (WHERE unseen >= CAST('21 hours' AS interval)) AS h21,
               count(*) FILTER (WHERE unseen >= CAST('22 hours' AS interval)) AS h22,
               count(*) FILTER (WHERE unseen >= CAST('23 hours' AS interval)) AS h23
          FROM (SELECT CAST(:now AS timestamptz) - greatest(r.reconciled_at, whole.at) AS unseen FROM records AS r
                 WHERE r.hub_id = p.hub_id AND r.presence = 'live' AND r.reconciled_at <= :due) AS each
         WHERE unseen >= CAST('20 hours' AS interval)
     ) AS of
     WHERE p.mode <> 'paused' AND coalesce(p.blocked_until <= :now, true) AND of.h20 > 0
""")
# What is marked already, or parked, is on its way.
_OLDEST = text("""
    SELECT r.kind, r.object_id FROM records AS r
     WHERE r.hub_id = :hub_id AND r.presence = 'live' AND r.reconciled_at <= :due
       AND NOT EXISTS (SELECT FROM marks AS m
            WHERE m.hub_id = r.hub_id AND m.kind = r.kind AND m.object_id = r.object_id)
     ORDER BY r.reconciled_at LIMIT :most
""")


def look(context: Context) -> int:
    """Mark an hour's share; return how many. Files of leads that are old enough are forgotten on the way."""
    context.database.run(lead_file.forget_old)
    shares = context.database.run(_shares)
    marked = 0
    for hub_id, share in shares.items():
        for begun in range(0, share, BATCH):
            most = min(BATCH, share - begun)
            marked += context.database.run(lambda tx: _mark(tx, hub_id, most))  # noqa: B023 - run at once
    context.waker.ring(*(Ring(Bell.SERVE_BULK, hub_id) for hub_id in shares))
    return marked


def _shares(tx: Tx) -> dict[int, int]:
    return {row.hub_id: row.share for row in tx.connection.execute(_SHARES, _times(tx)).all()}


def _mark(tx: Tx, hub_id: int, most: int) -> int:
    found: dict[Kind, set[str]] = defaultdict(set)
    for row in tx.connection.execute(_OLDEST, {**_times(tx), "hub_id": hub_id, "most": most}):
        found[Kind(row.kind)].add(row.object_id)
    for kind, ids in sorted(found.items()):
        mark(tx, hub_id, kind, ids, priority=Priority.RESYNC, cause="daily look")
    return sum(map(len, found.values()))


def _times(tx: Tx) -> dict[str, object]:
    return {"now": tx.now, "due": tx.now - UNSEEN}
