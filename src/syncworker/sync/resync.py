"""How are many records looked at again at a person's word?

Named records are marked at once. A whole portal is listed page by page; each page is stored with the marks it leads
to, so a killed worker goes on from the page it was on. A resync re-reads and writes back: it creates no requests and
renews nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.hubspot.records import Record
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.tables import resyncs
from syncworker.sync import known_records
from syncworker.sync.context import Context
from syncworker.sync.interest import of_interest
from syncworker.sync.leads import properties_read
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portal_failures import block_if_of_portal, may_be_called
from syncworker.sync.wake import Bell, Ring

LEASE = timedelta(seconds=60)
# Pages of one turn: then the thread is given back, and the next turn is rung for.
PAGES_A_TURN = 20


class ResyncRuns(Exception):
    """A portal has one resync at a time."""

    def __init__(self, hub_id: int, resync_id: int) -> None:
        self.resync_id = resync_id
        super().__init__(
            f"resync {resync_id} of portal {hub_id} is running: see `syncworker resync --status {resync_id}`"
        )


class UnknownResync(Exception):
    """There is no resync of that id."""

    def __init__(self, resync_id: int) -> None:
        super().__init__(f"there is no resync {resync_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """How far a resync has come. `listed` and `marked` count records."""

    id: int
    hub_id: int
    state: str
    kind: str
    listed: int
    marked: int
    asked_by: str
    created_at: datetime
    finished_at: datetime | None
    last_error: str | None


_FIELDS = (
    resyncs.c.id,
    resyncs.c.hub_id,
    resyncs.c.state,
    resyncs.c.kind,
    resyncs.c.listed,
    resyncs.c.marked,
    resyncs.c.asked_by,
    resyncs.c.created_at,
    resyncs.c.finished_at,
    resyncs.c.last_error,
)


def mark_named(tx: Tx, hub_id: int, *, contacts: Collection[str] = (), companies: Collection[str] = ()) -> list[Ring]:
    """A person asks to look at these records again, now."""
    portals.get(tx, hub_id)
    mark(tx, hub_id, Kind.CONTACT, contacts, priority=Priority.PERSON, cause="resync")
    mark(tx, hub_id, Kind.COMPANY, companies, priority=Priority.PERSON, cause="resync")
    return [Ring(Bell.SERVE_INTERACTIVE, hub_id)]


def start(context: Context, hub_id: int, *, who: str) -> Resync:
    """Begin to look at all records of a portal; raises ResyncRuns."""

    def begin(tx: Tx) -> Resync:
        portals.get(tx, hub_id)
        row = insert(resyncs).values(
            hub_id=hub_id,
            scope={"all": True},
            state="running",
            kind=Kind.CONTACT.value,
            asked_by=who,
            created_at=tx.now,
        )
        made = tx.connection.execute(row.returning(*_FIELDS)).one()
        return Resync(**made._mapping)

    try:
        resync = context.database.run(begin)
    except IntegrityError:
        with context.database.transaction() as tx:
            running = select(resyncs.c.id).where(resyncs.c.hub_id == hub_id, resyncs.c.state == "running")
            resync_id = tx.connection.execute(running).scalar_one()
        raise ResyncRuns(hub_id, resync_id) from None
    context.waker.ring(Ring(Bell.SERVE_BULK, hub_id))
    return resync


def get(tx: Tx, resync_id: int) -> Resync:
    """How far it has come; raises UnknownResync."""
    row = tx.connection.execute(select(*_FIELDS).where(resyncs.c.id == resync_id)).one_or_none()
    if row is None:
        raise UnknownResync(resync_id)
    return Resync(**row._mapping)


_TAKE = text("""
    UPDATE resyncs SET leased_until = :lease
     WHERE id IN (SELECT id FROM resyncs WHERE hub_id = :hub_id AND state = 'running'
                     AND coalesce(leased_until <= :now, true) FOR UPDATE SKIP LOCKED)
    RETURNING id, kind, after
""")


def continue_resync(context: Context, hub_id: int) -> bool:
    """List some pages of the portal's running resync; return whether there was one."""
    taken = context.database.run(lambda tx: _take(tx, hub_id))
    if taken is None:
        return False
    kind, after = Kind(taken.kind), taken.after
    try:
        for _ in range(PAGES_A_TURN):
            following = _page(context, hub_id, taken.id, kind, after)
            if following is None:
                break
            kind, after = following
    except (HubSpotError, RateLimited) as error:
        of_portal = block_if_of_portal(context.database, hub_id, error)
        message, over = str(error), not of_portal
        context.database.run(lambda tx: _fail(tx, taken.id, error=message, over=over))
        return False
    context.database.run(lambda tx: _release(tx, taken.id))
    return True


def _take(tx: Tx, hub_id: int) -> Row[*tuple[object, ...]] | None:
    if not may_be_called(tx, hub_id):
        return None
    return tx.connection.execute(_TAKE, {"hub_id": hub_id, "now": tx.now, "lease": tx.now + LEASE}).one_or_none()


def _page(
    context: Context, hub_id: int, resync_id: int, kind: Kind, after: str | None
) -> tuple[Kind, str | None] | None:
    """Store one page with its marks; return where to go on, or None at the end."""
    page = context.client(hub_id).list_page(
        "contact" if kind is Kind.CONTACT else "company",
        properties=properties_read(context.names, kind),
        after=after,
        associations=("company",) if kind is Kind.CONTACT else (),
    )
    following: tuple[Kind, str | None] | None = (kind, page.after)
    if page.after is None:
        following = (Kind.COMPANY, None) if kind is Kind.CONTACT else None

    def store(tx: Tx) -> bool:
        portal = portals.get(tx, hub_id)
        interesting = of_interest(tx, context, portal, kind, page.records)
        if kind is Kind.CONTACT:
            interesting |= _at_another_company(tx, hub_id, page.records)
        values: dict[str, object] = {
            "listed": resyncs.c.listed + len(page.records),
            "marked": resyncs.c.marked + len(interesting),
            "leased_until": tx.now + LEASE,
        }
        if following is None:
            values |= {"state": "done", "finished_at": tx.now}
        else:
            values |= {"kind": following[0].value, "after": following[1]}
        # Somebody else's, or cancelled: then this page is theirs to store, or nobody's.
        mine = update(resyncs).where(
            resyncs.c.id == resync_id,
            resyncs.c.state == "running",
            resyncs.c.kind == kind.value,
            resyncs.c.after.is_not_distinct_from(after),
        )
        if not tx.connection.execute(mine.values(**values)).rowcount:
            return False
        mark(tx, hub_id, kind, interesting, priority=Priority.RESYNC, cause="resync")
        return True

    return following if context.database.run(store) else None


def _at_another_company(tx: Tx, hub_id: int, found: Collection[Record]) -> set[str]:
    """The known contacts whose primary company may not be the one we last saw: no property of theirs says so.

    Whether a list tells the primary from the others is not documented: one that is in doubt is read properly.
    """
    known = known_records.of(tx, hub_id, Kind.CONTACT, [record.id for record in found])
    moved = set()
    for record in found:
        if record.id in known and "company" not in record.associations_cut:
            primary = {one.to_id for one in record.associations.get("company", ()) if one.primary}
            if primary != {known[record.id].company_id} - {None}:
                moved.add(record.id)
    return moved


def _release(tx: Tx, resync_id: int) -> None:
    tx.connection.execute(update(resyncs).where(resyncs.c.id == resync_id).values(leased_until=None, last_error=None))


def _fail(tx: Tx, resync_id: int, *, error: str, over: bool) -> None:
    """Rest before the next try; `over`: what HubSpot refuses once it refuses again, and a person must look."""
    values: dict[str, object] = {"leased_until": tx.now + LEASE, "last_error": error[:500]}
    if over:
        values |= {"state": "failed", "finished_at": tx.now}
    tx.connection.execute(update(resyncs).where(resyncs.c.id == resync_id).values(**values))
