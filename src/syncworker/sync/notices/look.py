"""Is there anything to tell of a portal? Looked for once a minute, where somebody wants to be told."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, text

from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.notice_tables import notices
from syncworker.sync.context import Context
from syncworker.sync.notices import events
from syncworker.sync.notices.digest import digest
from syncworker.sync.notices.expiring import expiring
from syncworker.sync.notices.levels import capacity_crossed, capacity_of, stands_still
from syncworker.sync.notices.making import KEPT, tell

_EVERY = timedelta(minutes=1)

_DUE = text("""
    SELECT DISTINCT w.hub_id FROM notice_switches AS w
      LEFT JOIN notice_states AS s ON s.hub_id = w.hub_id AND s.kind = 'look'
     WHERE s.at IS NULL OR s.at <= CAST(:now AS timestamptz) - CAST(:every AS interval) OR s.at > :now
     ORDER BY w.hub_id
""")
# Whoever moves the time looks; anybody else finds it moved.
_TAKE = text("""
    INSERT INTO notice_states AS s (hub_id, kind, at) VALUES (:hub_id, 'look', :now)
    ON CONFLICT (hub_id, kind) DO UPDATE SET at = excluded.at
     WHERE s.at <= CAST(:now AS timestamptz) - CAST(:every AS interval) OR s.at > :now
    RETURNING hub_id
""")


def look(context: Context) -> int:
    """Look at every portal whose minute is over; return how many deliveries there are to send."""
    with context.database.transaction() as tx:
        due = list(tx.connection.execute(_DUE, {"now": tx.now, "every": _EVERY}).scalars())
    return sum(context.database.run(lambda tx: _look(tx, context, hub_id)) for hub_id in due)  # noqa: B023 - run at once


def _look(tx: Tx, context: Context, hub_id: int) -> int:
    if tx.connection.execute(_TAKE, {"hub_id": hub_id, "now": tx.now, "every": _EVERY}).one_or_none() is None:
        return 0
    portal = portals.find(tx, hub_id)
    if portal is None:
        return 0
    picture = capacity_of(tx, context, hub_id)
    found = [
        *(capacity_crossed(tx, hub_id, picture) if picture else []),
        *stands_still(tx, portal),
        *expiring(tx, portal),
        *digest(tx, portal, picture, hour=context.settings.notice_digest_hour),
    ]
    for kind in events.KINDS:
        found += events.happened(tx, hub_id, kind)
    tx.connection.execute(delete(notices).where(notices.c.hub_id == hub_id, notices.c.at < tx.now - KEPT))
    return tell(tx, hub_id, found)
