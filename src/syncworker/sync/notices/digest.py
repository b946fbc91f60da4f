"""How does a portal stand, once a day?

From the hour of the settings on, in the portal's time zone, also late: a digest that nobody sent at eight comes when
the workers do. Of a day without workers there is none.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text

from syncworker.registration.ledger.capacity import Capacity
from syncworker.registration.ledger.history import Happened
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.notices.kinds import NoticeKind
from syncworker.sync.notices.levels import capacity_facts, level, set_level
from syncworker.sync.notices.making import New

# What is counted of the last day, by what it is called in the notice.
COUNTED = {
    "registered": (Happened.REGISTERED,),
    "pending": (Happened.PENDING,),
    "refused": (Happened.UNAVAILABLE, Happened.INVALID_DATA),
    "deregistered": (Happened.DEREGISTERED,),
    "expired": (Happened.EXPIRED,),
    "renewed": (Happened.RENEWED,),
}
_OF_THE_DAY = text("""
    SELECT event, count(*) AS number FROM history
     WHERE at > CAST(:now AS timestamptz) - INTERVAL '1 day' AND at <= :now AND partner_id = :partner_id
       AND hub_id = :hub_id GROUP BY event
""")
_STANDING = text("""
    SELECT (SELECT count(*) FROM registrations WHERE partner_id = :partner_id AND coalesce(hub_id, :hub_id) = :hub_id
               AND ended_at IS NULL AND deregistered_at IS NULL AND NOT renew_at_expiry
               AND expires_at <= CAST(:now AS timestamptz) + INTERVAL '30 days') AS expiring,
           (SELECT count(*) FROM requests WHERE partner_id = :partner_id AND state = 'confirming'
               AND hub_id = :hub_id) AS confirming,
           (SELECT count(*) FROM marks WHERE hub_id = :hub_id AND parked_at IS NOT NULL) AS parked
""")


def digest(tx: Tx, portal: Portal, picture: Capacity | None, *, hour: int) -> list[New]:
    """The day's digest, where it is time for it: from this hour on in the portal's time zone."""
    since = begins(portal.time_zone, hour, tx.now)
    _, last = level(tx, portal.hub_id, NoticeKind.DIGEST)
    if since is None or (last is not None and since <= last <= tx.now):
        return []
    set_level(tx, portal.hub_id, NoticeKind.DIGEST, 0, at=tx.now)
    of = {"hub_id": portal.hub_id, "partner_id": portal.partner.id, "now": tx.now}
    counts = {row.event: row.number for row in tx.connection.execute(_OF_THE_DAY, of)}
    standing = tx.connection.execute(_STANDING, of).one()
    facts: dict[str, object] = {
        **{name: sum(counts.get(event.value, 0) for event in events) for name, events in COUNTED.items()},
        **(capacity_facts(picture, picture.used * 100 // max(1, picture.limit)) if picture else {}),
        "expiring": standing.expiring,
        "confirming": standing.confirming,
        "parked": standing.parked,
        "mode": portal.mode.value,
        "blocked": portal.blocked_reason if portal.is_blocked(tx.now) else None,
    }
    return [New(kind=NoticeKind.DIGEST, cause=since.date().isoformat(), facts=facts)]


def begins(time_zone: str, hour: int, now: datetime) -> datetime | None:
    """Since when today's digest is due, in the portal's time zone; None before."""
    here = now.astimezone(ZoneInfo(time_zone))
    since = datetime.combine(here.date(), time(hour), tzinfo=here.tzinfo)
    return since if here >= since and here - since < timedelta(days=1) else None
