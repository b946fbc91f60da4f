"""What did people do that is about no one lead: who, when, to what? The newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text

from syncworker.registration.ledger import people
from syncworker.registration.ledger.history import Happened
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.sync.lists import page_cursor
from syncworker.sync.lists.lists import MOST_LINES

_NAME = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class DidLine:
    """What somebody did."""

    id: int
    at: datetime
    event: Happened
    who: str
    source: str
    hub_id: int | None
    """The portal; None for the whole deployment."""
    about: str | None
    """The person it was done to."""
    why: str
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DidPage:
    """Lines, and the cursor of the next page."""

    items: tuple[DidLine, ...]
    next: str | None


def what_people_did(
    tx: Tx, hub_id: int | None, *, everywhere: bool = True, limit: int = 50, cursor: str | None = None
) -> DidPage:
    """What was done in a portal, or in any (None), and in the deployment; the brake's stops stand between.

    `everywhere`: for whoever sees every portal; else of the deployment only the holds, which are everybody's. Raises
    UnknownPortal, BadCursor.
    """
    if hub_id is not None:
        portals.get(tx, hub_id)
    lines = max(1, min(limit, MOST_LINES))
    values = {
        "hub_id": hub_id,
        "everywhere": everywhere,
        "before": page_cursor.Key(_NAME, cursor, parts=1).number(0) if cursor else None,
        "lines": lines + 1,
        "erased": f"{people.ERASED} person ",
    }
    rows = tx.connection.execute(_LINES, values).all()
    shown = tuple(
        DidLine(**{**row._mapping, "event": Happened(row.event), "detail": row.detail or {}}) for row in rows[:lines]
    )
    return DidPage(items=shown, next=page_cursor.encode(_NAME, shown[-1].id) if len(rows) > lines else None)


# The first condition is that of an index which holds nothing else.
_LINES = text("""
    SELECT h.id, h.at, h.event, h.source, h.hub_id, h.why, h.detail,
           CASE WHEN h.person_id IS NULL THEN h.who ELSE coalesce(doer.name, :erased || h.person_id) END AS who,
           CASE WHEN h.about_id IS NOT NULL THEN coalesce(other.name, :erased || h.about_id) END AS about
      FROM history AS h
      LEFT JOIN persons AS doer ON doer.id = h.person_id
      LEFT JOIN persons AS other ON other.id = h.about_id
     WHERE h.domain IS NULL AND h.contact_id IS NULL AND h.company_id IS NULL AND h.request_id IS NULL
       AND h.registration_id IS NULL
       AND (CAST(:hub_id AS bigint) IS NULL OR h.hub_id = :hub_id
            OR (h.hub_id IS NULL AND (:everywhere OR h.event IN ('hold_added', 'hold_removed', 'holds_imported'))))
       AND h.id < coalesce(CAST(:before AS bigint), 9223372036854775807)
     ORDER BY h.id DESC LIMIT :lines
""")
