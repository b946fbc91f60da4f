"""Where is a resync, and whose is it to go on from there?

One worker at a time, for as long as its lease; whoever lost it finds that the place has moved, and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, text, update

from syncworker.store.arrays import joined
from syncworker.store.database import Tx, in_drivers_words
from syncworker.store.tables import resync_pages, resyncs
from syncworker.sync.portals.failures import may_be_called
from syncworker.sync.reconcile.work_off import Worked
from syncworker.sync.resync.scope import LISTED, Scope, read_scope

LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Place:
    """A stage, and where in it to go on; None at its beginning. What `after` means is the stage's own."""

    stage: str
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A resync that is ours to go on with, and the database's time when it was taken."""

    id: int
    hub_id: int
    scope: Scope
    place: Place
    total: int | None
    created_at: datetime
    now: datetime

    def following(self, place: Place, after: str | None) -> Place | None:
        """Where it goes on from there, given where what was read says that more is; None at its end."""
        if after is not None:
            return Place(place.stage, after)
        stage = self.scope.after(place.stage)
        return Place(stage) if stage is not None else None


_TAKE = text("""
    UPDATE resyncs SET leased_until = :lease
     WHERE id IN (SELECT id FROM resyncs WHERE hub_id = :hub_id AND state = 'running'
                     AND coalesce(leased_until <= :now, true) FOR UPDATE SKIP LOCKED)
    RETURNING id, scope, kind, after, total, created_at
""")


def take(tx: Tx, hub_id: int) -> Taken | None:
    """Take the portal's running resync, if there is one that nobody holds and the portal may be called."""
    if not may_be_called(tx, hub_id):
        return None
    row = tx.connection.execute(_TAKE, {"hub_id": hub_id, "now": tx.now, "lease": tx.now + LEASE}).one_or_none()
    if row is None:
        return None
    return Taken(
        id=row.id,
        hub_id=hub_id,
        scope=read_scope(row.scope),
        place=Place(row.kind, row.after),
        total=row.total,
        created_at=row.created_at,
        now=tx.now,
    )


# Put together with what it is to depend on; `stepped` makes its parameters.
MOVED = """
    UPDATE resyncs
       SET kind = :to_stage, after = :to_after, listed = listed + :listed, calls = calls + :calls,
           leased_until = :lease, last_error = NULL, state = :state, finished_at = :finished_at
     WHERE id = :id AND state = 'running' AND kind = :stage AND after IS NOT DISTINCT FROM :after
"""
PAGE_KEPT = "INSERT INTO resync_pages (resync_id, stage, ids) SELECT id, :stage, :page FROM moved"
_MOVE = text(MOVED)
_MOVE_FROM_A_PAGE = in_drivers_words(f"WITH moved AS ({MOVED} RETURNING id) {PAGE_KEPT}")


def move(
    tx: Tx, resync_id: int, at: Place, to: Place | None, *, listed: int, calls: int, page: Iterable[str] | None = None
) -> bool:
    """Go on to the next place (None: it is done), in the transaction that keeps what the page led to.

    `page`: the ids on it, where it is one of a list of all: what is on none is missing. False where the place has moved
    already, or the resync is paused or over: then this page is somebody else's.
    """
    parameters = stepped(resync_id, at, to, listed=listed, calls=calls, now=tx.now)
    if page is not None:
        return bool(tx.ask(_MOVE_FROM_A_PAGE, parameters | {"page": joined(page)}).rowcount)
    moved = bool(tx.connection.execute(_MOVE, parameters).rowcount)
    if moved and to is None:
        forget_pages(tx, resync_id)
    return moved


def stepped(
    resync_id: int, at: Place, to: Place | None, *, listed: int, calls: int, now: datetime
) -> dict[str, object]:
    """The parameters of MOVED; PAGE_KEPT takes the ids as `page` besides."""
    return {
        "id": resync_id,
        "stage": at.stage,
        "after": at.after,
        "to_stage": to.stage if to else at.stage,
        "to_after": to.after if to else at.after,
        "listed": listed,
        "calls": calls,
        "lease": now + LEASE if to else None,
        "state": "running" if to else "done",
        "finished_at": None if to else now,
    }


def forget_pages(tx: Tx, resync_id: int) -> None:
    """It is over: what it was shown is of no use any more."""
    tx.connection.execute(delete(resync_pages).where(resync_pages.c.resync_id == resync_id))


_COUNT = in_drivers_words("""
    UPDATE resyncs SET written = written + :written, failed = failed + :failed, calls = calls + :calls WHERE id = :id
""")


def count(tx: Tx, resync_id: int, worked: Worked) -> None:
    """Count how a batch ended."""
    parameters = {"id": resync_id, "written": worked.written, "failed": worked.failed, "calls": worked.calls}
    tx.ask(_COUNT, parameters)


def count_marked(tx: Tx, resync_id: int, marked: int) -> None:
    """Count what was handed to the marks."""
    if marked:
        row = update(resyncs).where(resyncs.c.id == resync_id)
        tx.connection.execute(row.values(marked=resyncs.c.marked + marked))


def note_total(tx: Tx, resync_id: int, total: int, *, calls: int) -> None:
    """Note how many records there are."""
    row = update(resyncs).where(resyncs.c.id == resync_id)
    tx.connection.execute(row.values(total=total, calls=resyncs.c.calls + calls))


def release(tx: Tx, resync_id: int) -> None:
    """Let anybody go on, at once."""
    tx.connection.execute(update(resyncs).where(resyncs.c.id == resync_id).values(leased_until=None))


def rest(tx: Tx, resync_id: int, *, error: str, wait: timedelta) -> None:
    """Let nobody go on for that long, and say why; unless it was paused or ended meanwhile."""
    row = update(resyncs).where(resyncs.c.id == resync_id, resyncs.c.state == "running")
    tx.connection.execute(row.values(leased_until=tx.now + wait, last_error=error[:500]))


def fail(tx: Tx, resync_id: int, *, error: str) -> None:
    """End it: what HubSpot refuses once it refuses again, and a person must look."""
    row = update(resyncs).where(resyncs.c.id == resync_id, resyncs.c.state == "running")
    tx.connection.execute(row.values(state="failed", finished_at=tx.now, leased_until=None, last_error=error[:500]))


def begin_stage_again(tx: Tx, resync_id: int, *, error: str) -> bool:
    """HubSpot does not know the place any more: once, its list begins again. What is right by then is not written.

    What the list has shown counts for nothing: it is shown, and counted, again.
    """
    row = update(resyncs).where(resyncs.c.id == resync_id, resyncs.c.after.is_not(None), resyncs.c.note.is_(None))
    note = f"HubSpot refused a page, so its list began again: {error}"[:500]
    again = row.values(after=None, leased_until=None, note=note).returning(resyncs.c.kind)
    stage = tx.connection.execute(again).scalar_one_or_none()
    if stage in LISTED:
        tx.connection.execute(_UNCOUNT, {"id": resync_id, "stage": stage})
    return stage is not None


_UNCOUNT = text("""
    WITH shown AS (DELETE FROM resync_pages WHERE resync_id = :id AND stage = :stage RETURNING ids)
    UPDATE resyncs
       SET listed = listed - (SELECT coalesce(sum(cardinality(string_to_array(ids, chr(31)))), 0) FROM shown)
     WHERE id = :id
""")
