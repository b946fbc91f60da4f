"""Which registrations come to expire in 30, 14 or 7 days, and were not told of yet?

Each once for each of the three, and anew for each new last day. One that renews itself does not expire.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from sqlalchemy import Row, text

from syncworker.registration.rules.validity import today_in
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.notices.kinds import NoticeKind
from syncworker.sync.notices.levels import level, set_level
from syncworker.sync.notices.making import MOST_ITEMS, New

DAYS = (7, 14, 30)
# A day has so many looks that a late worker makes nothing late.
EVERY = timedelta(hours=1)

# A registration whose portal was removed is told to the partner's others.
_NEW = text("""
    WITH near AS (
        SELECT id, expires_on, CASE WHEN expires_on - CAST(:today AS date) <= 7 THEN 7
                                    WHEN expires_on - CAST(:today AS date) <= 14 THEN 14 ELSE 30 END AS days
          FROM registrations
         WHERE partner_id = :partner_id AND coalesce(hub_id, :hub_id) = :hub_id AND ended_at IS NULL
           AND deregistered_at IS NULL AND NOT renew_at_expiry AND expires_at > :now
           AND expires_on <= CAST(:today AS date) + 30
    ), told AS (
        INSERT INTO notice_expiries AS e (hub_id, registration_id, days, expires_on)
        SELECT :hub_id, id, days, expires_on FROM near ORDER BY id
        ON CONFLICT (hub_id, registration_id) DO UPDATE SET days = excluded.days, expires_on = excluded.expires_on
         WHERE e.expires_on <> excluded.expires_on OR e.days > excluded.days
        RETURNING registration_id, days
    )
    SELECT told.days, r.domain, r.expires_on, r.contact_id, r.hub_id
      FROM told JOIN registrations AS r ON r.id = told.registration_id
     ORDER BY told.days, r.expires_on, r.domain
""")


def expiring(tx: Tx, portal: Portal) -> list[New]:
    """A notice for each number of days, of all registrations that came within it."""
    hub_id = portal.hub_id
    _, last = level(tx, hub_id, NoticeKind.EXPIRING)
    if last is not None and tx.now - EVERY < last <= tx.now:
        return []
    set_level(tx, hub_id, NoticeKind.EXPIRING, 0, at=tx.now)
    today = today_in(portal.time_zone, tx.now)
    parameters = {"hub_id": hub_id, "partner_id": portal.partner.id, "now": tx.now, "today": today}
    within: dict[int, list[Row[*tuple[object, ...]]]] = defaultdict(list)
    for row in tx.connection.execute(_NEW, parameters).all():
        within[row.days].append(row)
    return [
        New(
            kind=NoticeKind.EXPIRING,
            cause=f"{days}:{tx.now.isoformat()}",
            facts={
                "days": days,
                "count": len(rows),
                "items": [
                    {"domain": row.domain, "expires_on": row.expires_on.isoformat()} for row in rows[:MOST_ITEMS]
                ],
            },
            contacts=[row.contact_id for row in rows if row.contact_id and row.hub_id == hub_id][: MOST_ITEMS + 1],
        )
        for days, rows in sorted(within.items())
    ]
