"""What is due that nobody rang for?

A row in the database is the only promise that work will happen; rings only make it prompt. So every few seconds all
that is due is looked for, and rung for: after a lost ring, a flushed Redis, a killed worker, a lease that ran out.
"""

from __future__ import annotations

from sqlalchemy import text

from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.wake import Bell, Ring
from syncworker.sync.watch import clock_back, clock_skew

# Ordered, though any one will do: a planner that does not know which kind, or which time, is asked for believes that
# the first row it meets will do, and reads a million rows to find that none does.
_DUE = text("""
    WITH workable AS (
        SELECT hub_id FROM portals
         WHERE mode <> 'paused' AND coalesce(blocked_until <= :now, true)
    ), paused AS (
        SELECT hub_id FROM portals WHERE mode = 'paused'
    )
    SELECT 'serve_interactive' AS bell, hub_id FROM workable AS p WHERE EXISTS (
        SELECT FROM (VALUES ('contact'), ('company'), ('domain')) AS k (kind), (VALUES (0), (1)) AS q (priority),
             LATERAL (SELECT FROM marks AS m WHERE m.hub_id = p.hub_id AND m.kind = k.kind
                AND m.priority = q.priority AND m.parked_at IS NULL AND m.not_before <= :now
              ORDER BY m.not_before LIMIT 1) AS due)
        OR EXISTS (SELECT FROM cursors WHERE cursors.hub_id = p.hub_id AND trigger LIKE 'form:%' AND due_at <= :now
           AND coalesce(leased_until <= :now, true))
        OR EXISTS (SELECT FROM requests WHERE requests.hub_id = p.hub_id AND contact_id IS NULL
           AND state = 'processing' AND resolve_after <= :now)
    UNION ALL
    SELECT 'serve_bulk', hub_id FROM workable AS p WHERE EXISTS (
        -- Webhook marks too: a flood of them counts as bulk.
        SELECT FROM (VALUES ('contact'), ('company'), ('domain')) AS k (kind), (VALUES (1), (2), (3)) AS q (priority),
             LATERAL (SELECT FROM marks AS m WHERE m.hub_id = p.hub_id AND m.kind = k.kind
                AND m.priority = q.priority AND m.parked_at IS NULL AND m.not_before <= :now
              ORDER BY m.not_before LIMIT 1) AS due)
        OR EXISTS (SELECT FROM cursors WHERE cursors.hub_id = p.hub_id AND trigger LIKE 'co%' AND due_at <= :now
           AND coalesce(leased_until <= :now, true))
        OR EXISTS (SELECT FROM resyncs WHERE resyncs.hub_id = p.hub_id AND state = 'running'
           AND coalesce(leased_until <= :now, true))
    UNION ALL
    -- The ledger's work alone: a portal that HubSpot refuses has its jobs done, a paused one not.
    SELECT DISTINCT 'do_jobs', hub_id FROM jobs WHERE finished_at IS NULL AND NOT held AND hub_id NOT IN (TABLE paused)
    UNION ALL
    SELECT 'expand_inbox', 0 WHERE EXISTS (SELECT FROM inbox)
    UNION ALL
    SELECT 'end_overdue', 0 WHERE EXISTS (
        SELECT FROM (
            SELECT FROM registrations
             WHERE ended_at IS NULL AND expires_at <= :now AND coalesce(hub_id, 0) NOT IN (TABLE paused)
             ORDER BY expires_at LIMIT 1) AS expired)
        OR EXISTS (SELECT FROM (
            SELECT FROM registrations
             WHERE ended_at IS NULL AND undo_until <= :now AND coalesce(hub_id, 0) NOT IN (TABLE paused)
             ORDER BY undo_until LIMIT 1) AS dropped)
        OR EXISTS (SELECT FROM (
            SELECT FROM requests
             WHERE state = 'invalid_data' AND created_at <= CAST(:now AS timestamptz) - CAST('30 days' AS interval)
               AND hub_id NOT IN (TABLE paused)
             ORDER BY created_at LIMIT 1) AS lapsed)
    UNION ALL
    -- Also of portals that are paused or blocked: that is what there is to tell.
    SELECT 'tell', 0 WHERE EXISTS (
        SELECT FROM portals AS p, LATERAL (
            SELECT FROM marks AS m WHERE m.hub_id = p.hub_id AND m.kind = 'notice' AND m.priority = 0
               AND m.parked_at IS NULL AND m.not_before <= :now ORDER BY m.not_before LIMIT 1) AS due)
        OR EXISTS (
            SELECT FROM notice_switches AS w LEFT JOIN notice_states AS s ON s.hub_id = w.hub_id AND s.kind = 'look'
             WHERE s.at IS NULL OR s.at <= CAST(:now AS timestamptz) - INTERVAL '1 minute' OR s.at > :now)
""")


def due(tx: Tx) -> list[Ring]:
    """Whom to wake."""
    return [Ring(Bell(row.bell), row.hub_id) for row in tx.connection.execute(_DUE, {"now": tx.now})]


def sweep(context: Context) -> list[Ring]:
    """Ring for all that is due, and note what time it is at HubSpot; return what nobody can hear: Redis is away."""
    clock_skew.note(context.database, context.hubspot_clock)
    with context.database.transaction() as tx:
        now = tx.now
        back = context.last_seen.gone_back(now) or clock_back.since_a_poll(tx)
    if back:
        clock_back.make_due(context.database, by=back)
    # Not before: if that failed, the next sweep must do it again.
    context.last_seen.saw(now)
    with context.database.transaction() as tx:
        rings = due(tx)
    return context.waker.ring(*rings)
