"""When did a portal's last webhook come, and how many events did they bring within the last hour?

It owns the table `heard`: sixty rows a portal, each the same minute of some hour, so that nothing has to be cleared.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import or_, select, text, update

from syncworker.store.database import Tx
from syncworker.store.tables import portals

_HEARD = text("""
    INSERT INTO heard AS h (hub_id, slot, minute, events)
    SELECT hub_id, extract(minute FROM CAST(:minute AS timestamptz)), CAST(:minute AS timestamptz), events
      FROM unnest(CAST(:hub_ids AS bigint[]), CAST(:events AS bigint[])) AS told (hub_id, events)
     WHERE hub_id IN (SELECT hub_id FROM portals)
     ORDER BY hub_id
    ON CONFLICT (hub_id, slot) DO UPDATE SET minute = excluded.minute,
        events = CASE WHEN h.minute = excluded.minute THEN h.events ELSE 0 END + excluded.events
""")
_OF_AN_HOUR = text("""
    SELECT coalesce(sum(events), 0) FROM heard
     WHERE hub_id = :hub_id AND minute > CAST(:now AS timestamptz) - INTERVAL '1 hour' AND minute <= :now
""")


def note(tx: Tx, events: Mapping[int, int]) -> None:
    """Note that webhooks of these portals came, with so many events.

    When the last one came is kept to the minute, so that a thousand of them are one write of the portal's row.
    """
    hub_ids = sorted(events)
    stale = or_(portals.c.webhook_at.is_(None), portals.c.webhook_at < tx.now - timedelta(minutes=1))
    tx.connection.execute(update(portals).where(portals.c.hub_id.in_(hub_ids), stale).values(webhook_at=tx.now))
    minute = tx.now.replace(second=0, microsecond=0)
    counts = {"minute": minute, "hub_ids": hub_ids, "events": [events[hub_id] for hub_id in hub_ids]}
    tx.connection.execute(_HEARD, counts)


def of_an_hour(tx: Tx, hub_id: int) -> int:
    """How many events webhooks brought of the portal within the last hour."""
    return int(tx.connection.execute(_OF_AN_HOUR, {"hub_id": hub_id, "now": tx.now}).scalar_one())


def last(tx: Tx, hub_id: int) -> datetime | None:
    """When the portal's last webhook came, to the minute; None where none ever did."""
    query = select(portals.c.webhook_at).where(portals.c.hub_id == hub_id)
    return tx.connection.execute(query).scalar_one_or_none()
