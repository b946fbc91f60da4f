"""Which domains may nobody register, who said so, and when?

For whoever runs the deployment: holds are of all portals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select

from syncworker.registration.rules.terms import HoldKind
from syncworker.store.database import Tx
from syncworker.store.tables import holds
from syncworker.sync.lists import page_cursor
from syncworker.sync.lists.lists import MOST_LINES, like_pattern

_NAME = "holds"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLine:
    """A hold. `note` and `added_by` are what people typed."""

    domain: str
    kind: HoldKind
    note: str
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPage:
    """Lines by domain, how many match in all, and the cursor of the next page."""

    items: tuple[HoldLine, ...]
    total: int
    next: str | None


def hold_lines(tx: Tx, *, q: str | None = None, limit: int = 50, cursor: str | None = None) -> HoldPage:
    """Holds by domain; `q` is looked for in domain and note. Raises BadCursor."""
    of = holds.c
    pattern = like_pattern(q)
    matching = (
        [or_(of.domain.ilike(pattern), func.unicode_domain(of.domain).ilike(pattern), of.note.ilike(pattern))]
        if pattern
        else []
    )
    lines = max(1, min(limit, MOST_LINES))
    query = select(of.domain, of.kind, of.note, of.added_by, of.added_at).where(*matching)
    if cursor:
        query = query.where(of.domain > page_cursor.Key(_NAME, cursor, parts=1).text(0))
    rows = tx.connection.execute(query.order_by(of.domain).limit(lines + 1)).all()
    shown = tuple(
        HoldLine(domain=r.domain, kind=HoldKind(r.kind), note=r.note, added_by=r.added_by, added_at=r.added_at)
        for r in rows[:lines]
    )
    return HoldPage(
        items=shown,
        total=tx.connection.execute(select(func.count()).select_from(holds).where(*matching)).scalar_one(),
        next=page_cursor.encode(_NAME, shown[-1].domain) if len(rows) > len(shown) else None,
    )
