"""How does a webhook become marks?

The web process commits one inbox row with the ids before it answers. A worker turns rows into marks and deletes them
in one transaction. The payload is a hint that a record changed, not data.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, text

from syncworker.hubspot.events import Event
from syncworker.hubspot.json_values import from_ms
from syncworker.store.database import Tx
from syncworker.store.loop_database import LoopDatabase
from syncworker.store.tables import portals
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.privacy import privacy
from syncworker.sync.triggers.cursors import hurry_forms
from syncworker.sync.wake import Bell, Ring
from syncworker.sync.watch import heard, observed

# One transaction's worth: a hundred POSTs of up to a hundred events.
ROWS = 100
# A new record may have come by a form: its submission, read meanwhile, marks it to be looked at once and at once.
FOR_ITS_FORM = timedelta(seconds=2)
# HubSpot sends an event again for a day; a signature is good for five minutes to either side.
SENT_AGAIN_FOR = timedelta(days=2)
CLOCKS_DIFFER = timedelta(minutes=10)
# What erases a person here.
_ERASED = ("contact", "privacyDeletion")
# Events after which a form may have a new submission: HubSpot has no event for the submission itself.
_FORM_HINTS = frozenset({"creation", "restore"})


def row(events: Iterable[Event]) -> str:
    """What events point at, as the JSON of one row; empty for no events."""
    # One entry for each record, however many of its properties the body names. Put together by hand, in a fifth of the
    # time: its words are our own, and its ids are digits.
    ids_between: dict[tuple[str, str], dict[str, None]] = {}
    for event in events:
        hints = event.kind == "contact" and _hints_at_form(event.event, event.property_name)
        moment = "" if event.occurred_ms is None else f",{event.occurred_ms}"
        around = f'[{event.hub_id},"{event.kind}","', f'","{"form" if hints else event.event}"{moment}]'
        ids_between.setdefault(around, {}).update(dict.fromkeys(event.object_ids))
    entries = [head + f"{tail},{head}".join(ids) + tail for (head, tail), ids in ids_between.items()]
    return f"[{','.join(entries)}]" if entries else ""


STORE = "INSERT INTO inbox (events) SELECT value FROM jsonb_array_elements(%(rows)s::jsonb)"
"""For the driver: `rows` is what `together` makes of them."""


def together(rows: Sequence[str]) -> str:
    """Many rows as one parameter."""
    return f"[{','.join(rows)}]"


async def store(database: LoopDatabase, rows: Sequence[str]) -> None:
    """Keep these rows, one for each POST: committed when this returns. Raises psycopg.Error."""
    await database.once(STORE, {"rows": together(rows)})


def expand(context: Context) -> bool:
    """Turn waiting rows into marks; return whether there may be more."""
    rings: set[Ring] = set()
    heard_of: Counter[int] = Counter()
    late: list[float] = []

    def work(tx: Tx) -> int:
        rings.clear()
        rows = tx.connection.execute(_TAKE, {"rows": ROWS}).all()
        entries = [entry[:4] for row in rows for entry in row.events]
        # By the webhook alone: HubSpot may be away for hours.
        privacy.erase_contacts(tx, context.secrets, _erased(rows))
        rings.update(_mark(tx, entries))
        heard_of.clear()
        heard_of.update(int(str(entry[0])) for entry in entries)
        late.clear()
        late.extend((tx.now - row.received_at).total_seconds() for row in rows)
        return len(rows)

    taken = context.database.run(work)
    for seconds in late:
        observed.INBOX_LAG.observe(max(0.0, seconds))
    context.waker.ring(*sorted(rings, key=lambda ring: (ring.bell, ring.hub_id)))
    if heard_of:
        # In a transaction of its own: a portal's row is locked by others who hold marks already.
        context.database.run(lambda tx: heard.note(tx, heard_of))
    return taken == ROWS


_TAKE = text("""
    DELETE FROM inbox WHERE id IN (SELECT id FROM inbox ORDER BY id LIMIT :rows FOR UPDATE SKIP LOCKED)
    RETURNING events, received_at
""")


def _erased(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[tuple[int, str], datetime]:
    """The contacts that were deleted for privacy, by hub id and id, and when.

    By HubSpot's word, where that is within the days in which it sends an event again; else when we heard of it.
    """
    erased: dict[tuple[int, str], datetime] = {}
    for row in rows:
        for hub_id, kind, object_id, event, *said in row.events:
            if (kind, event) == _ERASED:
                at = from_ms(said[0]) if said else None
                if at is None or not -CLOCKS_DIFFER < row.received_at - at < SENT_AGAIN_FOR:
                    at = row.received_at
                erased[int(hub_id), object_id] = at
    return erased


def _mark(tx: Tx, entries: Collection[list[object]]) -> set[Ring]:
    connected = set(tx.connection.execute(select(portals.c.hub_id)).scalars())
    ids: dict[tuple[int, Kind, bool], set[str]] = defaultdict(set)
    new: set[tuple[object, object, object]] = set()
    hints: set[int] = set()
    for hub_id, kind, object_id, event in entries:
        if event in {"form", "creation"}:
            new.add((hub_id, kind, object_id))
        if event == "form" and hub_id in connected:
            hints.add(int(str(hub_id)))
    delays = {hub_id: hurry_forms(tx, hub_id) for hub_id in sorted(hints)}
    for hub_id, kind, object_id, _ in entries:
        # A portal may have been removed since.
        if hub_id in connected:
            waits = (hub_id, kind, object_id) in new and delays.get(int(str(hub_id))) is not None
            ids[int(str(hub_id)), Kind(str(kind)), waits].add(str(object_id))
    rings = set()
    for (hub_id, kind, waits), some in sorted(ids.items()):
        delay = FOR_ITS_FORM if waits else timedelta(0)
        mark(tx, hub_id, kind, some, priority=Priority.WEBHOOK, cause="webhook", delay=delay)
        if not waits:
            rings.add(Ring(Bell.SERVE_INTERACTIVE, hub_id))
    for hub_id, delay_ms in delays.items():
        if delay_ms is not None:
            rings.add(Ring(Bell.SERVE_INTERACTIVE, hub_id, delay_ms=delay_ms))
    return rings


def _hints_at_form(event: str, property_name: str | None) -> bool:
    return event in _FORM_HINTS or (property_name is not None and property_name.endswith("conversion_date"))
