"""What has happened that is not told yet: refusals, hand edits, parked marks?

Each is in `untold` since the transaction in which it happened. They are told together: at once, and after that once in
a quarter of an hour, so that a thousand refusals are a few notices with a number.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from syncworker.store.database import Tx
from syncworker.sync.notices.kinds import NoticeKind
from syncworker.sync.notices.levels import level, set_level
from syncworker.sync.notices.making import MOST_ITEMS, New
from syncworker.sync.watch import runbook

# What comes together is told together.
SETTLES = timedelta(seconds=20)
AT_MOST_EVERY = timedelta(minutes=15)
KINDS = (NoticeKind.REFUSED, NoticeKind.HAND_EDITS, NoticeKind.PARKED)

_OLDEST = text("SELECT min(at) FROM untold WHERE hub_id = :hub_id AND kind = :kind")
# Those of a contact twice are one: it was looked at twice.
_TAKE = text("""
    WITH taken AS (
        DELETE FROM untold WHERE hub_id = :hub_id AND kind = :kind
        RETURNING id, history_id, record_kind, object_id
    ), items AS (
        SELECT DISTINCT ON (h.domain, coalesce(h.contact_id, t.object_id), coalesce(h.company_id, ''), t.record_kind)
               t.id, h.event, h.domain, h.why, h.contact_id, h.company_id, r.reason, t.record_kind, t.object_id,
               m.last_error, m.parked_at
          FROM taken AS t
          LEFT JOIN history AS h ON h.id = t.history_id
          LEFT JOIN requests AS r ON r.id = h.request_id
          LEFT JOIN marks AS m ON (m.hub_id, m.kind, m.object_id) = (:hub_id, t.record_kind, t.object_id)
         -- One that was tried again since needs nobody.
         WHERE t.record_kind IS NULL OR m.parked_at IS NOT NULL
         ORDER BY h.domain, coalesce(h.contact_id, t.object_id), coalesce(h.company_id, ''), t.record_kind, t.id DESC
    )
    SELECT *, count(*) OVER () AS number, max(id) OVER () AS last FROM items ORDER BY id LIMIT :most
""")
# The contacts of a flood get one task for all, so that no more of them need be known.
_MOST_READ = MOST_ITEMS + 1


def happened(tx: Tx, hub_id: int, kind: NoticeKind) -> list[New]:
    """A notice of all of a kind that happened and was not told, where it is time for one."""
    oldest = tx.connection.execute(_OLDEST, {"hub_id": hub_id, "kind": kind.value}).scalar_one()
    _, last = level(tx, hub_id, kind)
    too_soon = last is not None and tx.now - AT_MOST_EVERY < last <= tx.now
    if oldest is None or too_soon or tx.now - SETTLES < oldest <= tx.now:
        return []
    rows = tx.connection.execute(_TAKE, {"hub_id": hub_id, "kind": kind.value, "most": _MOST_READ}).all()
    if not rows:
        return []
    set_level(tx, hub_id, kind, 0, at=tx.now)
    items: list[dict[str, object]] = [
        {
            "domain": row.domain,
            "status": row.event,
            "reason": row.reason,
            "contact_id": row.contact_id,
            "company_id": row.company_id,
        }
        if row.record_kind is None
        else {
            "kind": row.record_kind,
            "id": row.object_id,
            "section": runbook.of_parked(row.last_error).section.name.lower(),
        }
        for row in rows
    ]
    contacts = [row.contact_id for row in rows if row.contact_id is not None]
    facts = {"count": rows[0].number, "items": items[:MOST_ITEMS]}
    return [New(kind=kind, cause=str(rows[0].last), facts=facts, contacts=contacts)]
