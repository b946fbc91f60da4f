"""Which marks are there, which of them wait for a person, and why?

For whoever runs the deployment: of one portal, or of all. The one parked mark among a million is found by an index of
parked marks alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Row, and_, func, select, text, tuple_

from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.store.tables import marks as marks_table
from syncworker.store.tables import records
from syncworker.sync.lists import page_cursor
from syncworker.sync.lists.list_lines import MarkCount, MarkLine, MarkPage
from syncworker.sync.lists.lists import MOST_LINES
from syncworker.sync.marks import Kind, Priority

# These are not in HubSpot.
_NO_RECORDS = frozenset({Kind.DOMAIN, Kind.NOTICE})
_QUERY = select(marks_table, records.c.domain.label("domain")).outerjoin_from(
    marks_table,
    records,
    and_(
        records.c.hub_id == marks_table.c.hub_id,
        records.c.kind == marks_table.c.kind,
        records.c.object_id == marks_table.c.object_id,
    ),
)


def marks(
    tx: Tx, hub_id: int | None, *, parked: bool | None = None, limit: int = 50, cursor: str | None = None
) -> MarkPage:
    """Marks: first those that are due first; parked ones alone: the newest first. None: all, of all portals.

    Raises UnknownPortal, BadCursor.
    """
    known = {portal.hub_id: portal for portal in _portals(tx, hub_id)}
    of = marks_table.c
    when = of.parked_at if parked else of.not_before
    key = tuple_(when, of.kind, of.object_id)
    narrowed = _QUERY
    if hub_id is not None:
        narrowed = narrowed.where(of.hub_id == hub_id)
    if parked:
        _by_index(tx)
    if parked is not None:
        narrowed = narrowed.where(of.parked_at.is_not(None) if parked else of.parked_at.is_(None))
    name = f"marks {parked}"
    if cursor:
        given = page_cursor.Key(name, cursor, parts=3)
        last = tuple_(given.time(0), given.text(1), given.text(2))
        narrowed = narrowed.where(key < last if parked else key > last)
    order = (when, of.kind, of.object_id)
    narrowed = narrowed.order_by(*(column.desc() if parked else column.asc() for column in order))
    lines = max(1, min(limit, MOST_LINES))
    rows = tx.connection.execute(narrowed.limit(lines + 1)).all()
    shown = tuple(_line(row, known, tx.now) for row in rows[:lines])
    next_ = None
    if len(rows) > len(shown):
        end = shown[-1]
        at = end.parked_at if parked and end.parked_at else end.not_before
        next_ = page_cursor.encode(name, at, end.kind.value, end.object_id)
    return MarkPage(items=shown, next=next_)


def where(tx: Tx, hub_id: int, *conditions: ColumnElement[bool]) -> list[MarkLine]:
    """The marks of a portal of which all this is true; raises UnknownPortal."""
    known = {hub_id: portals.get(tx, hub_id)}
    rows = tx.connection.execute(_QUERY.where(marks_table.c.hub_id == hub_id, *conditions)).all()
    return [_line(row, known, tx.now) for row in rows]


def parked_count(tx: Tx, hub_id: int | None) -> int:
    """How many marks wait for a person."""
    _by_index(tx)
    query = select(func.count()).select_from(marks_table).where(marks_table.c.parked_at.is_not(None))
    if hub_id is not None:
        query = query.where(marks_table.c.hub_id == hub_id)
    return tx.connection.execute(query).scalar_one()


def waiting_in_words(parked: int) -> str:
    """How many parked marks there are, as a sentence without its full stop."""
    many = {0: "No mark waits", 1: "1 mark waits"}.get(parked, f"{parked} marks wait")
    return f"{many} for a person"


MOST_COUNTED = 100_000
# Each group of due ones is counted in its own range of an index, and no further than that; parked ones are few.
_COUNTS = text("""
    WITH waiting AS (
         SELECT hub_id, kind, priority, count(*) AS parked FROM marks
          WHERE parked_at IS NOT NULL GROUP BY hub_id, kind, priority)
    SELECT portals.hub_id, kinds.kind, priorities.priority, counted.due, coalesce(waiting.parked, 0) AS parked,
           coalesce(extract(epoch FROM CAST(:now AS timestamptz) - oldest.due_since), 0) AS oldest_due_s
      FROM portals CROSS JOIN unnest(CAST(:kinds AS text[])) AS kinds(kind)
     CROSS JOIN unnest(CAST(:priorities AS int[])) AS priorities(priority)
     CROSS JOIN LATERAL (
           SELECT count(*) AS due FROM (
                  SELECT FROM marks WHERE marks.hub_id = portals.hub_id AND marks.kind = kinds.kind
                     AND marks.priority = priorities.priority AND parked_at IS NULL AND not_before <= :now
                   LIMIT :most) AS these) AS counted
      LEFT JOIN waiting ON (waiting.hub_id, waiting.kind, waiting.priority)
                         = (portals.hub_id, kinds.kind, priorities.priority)
      LEFT JOIN LATERAL (
           SELECT not_before AS due_since FROM marks WHERE marks.hub_id = portals.hub_id AND marks.kind = kinds.kind
              AND marks.priority = priorities.priority AND parked_at IS NULL AND not_before <= :now
            ORDER BY not_before LIMIT 1) AS oldest ON true
     WHERE counted.due > 0 OR waiting.parked > 0
     ORDER BY 1, 2, 3
""")


def mark_counts(tx: Tx) -> list[MarkCount]:
    """How much is to be looked at, of all portals: for whoever runs the deployment, not for one partner.

    Of one portal, kind and priority no more than `MOST_COUNTED` are counted.
    """
    _by_index(tx)
    parameters = {
        "now": tx.now,
        "kinds": [kind.value for kind in Kind],
        "priorities": [priority.value for priority in Priority],
        "most": MOST_COUNTED,
    }
    return [
        MarkCount(
            hub_id=row.hub_id,
            kind=Kind(row.kind),
            priority=Priority(row.priority),
            due=row.due,
            parked=row.parked,
            oldest_due_s=float(row.oldest_due_s),
        )
        for row in tx.connection.execute(_COUNTS, parameters)
    ]


def _by_index(tx: Tx) -> None:
    """Parked marks lie in an index of their own, however many others there are.

    The planner reads the whole table instead when its statistics are of a time when it was small; and that it has grown
    by a million is when somebody asks.
    """
    tx.connection.execute(text("SET LOCAL enable_seqscan = off"))


def _portals(tx: Tx, hub_id: int | None) -> list[Portal]:
    return portals.everyone(tx) if hub_id is None else [portals.get(tx, hub_id)]


def _line(row: Row[*tuple[object, ...]], known: Mapping[int, Portal], now: datetime) -> MarkLine:
    kind = Kind(row.kind)
    return MarkLine(
        hub_id=row.hub_id,
        kind=kind,
        object_id=row.object_id,
        domain=row.object_id if kind is Kind.DOMAIN else row.domain,
        priority=Priority(row.priority),
        cause=row.cause,
        attempts=row.attempts,
        marked_at=row.marked_at,
        not_before=row.not_before,
        claimed=row.claim_token is not None and row.not_before > now,
        last_error=row.last_error,
        parked_at=row.parked_at,
        address=None if kind in _NO_RECORDS else known[row.hub_id].address(kind.value, row.object_id),
    )
