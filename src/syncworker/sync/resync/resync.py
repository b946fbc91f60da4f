"""How are many records looked at again at a person's word, and how is that paused, resumed, cancelled?

Named records are marked at once. Everything else is a row that the workers go on with, page by page; each page is kept
with what it led to, so that a killed worker goes on from the page it was on. A resync re-reads and writes back: it
creates no requests and renews nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from psycopg.errors import UniqueViolation
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from syncworker.registration.ledger.history import Happened
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.store.tables import resync_pages, resyncs
from syncworker.sync.context import Context
from syncworker.sync.did import did
from syncworker.sync.lists.form_list import form_known
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.resync.place import forget_pages
from syncworker.sync.resync.scope import Scope, read_scope
from syncworker.sync.wake import Bell, Ring


class State(StrEnum):
    """How it is with a resync."""

    RUNNING = "running"
    PAUSED = "paused"
    """By a person: it keeps its place."""
    CANCELLED = "cancelled"
    DONE = "done"
    FAILED = "failed"
    """HubSpot refused it, and a person must look: it can be resumed."""


UNFINISHED = (State.RUNNING, State.PAUSED)
EVERYTHING = Scope()
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class ResyncRuns(Exception):
    """A portal has one resync at a time."""

    def __init__(self, hub_id: int, resync_id: int, state: str) -> None:
        self.resync_id = resync_id
        how = "see" if state == State.RUNNING else "resume or cancel it; see"
        super().__init__(
            f"resync {resync_id} of portal {hub_id} is {state}: {how} `syncworker resync show {resync_id}`"
        )


class UnknownResync(Exception):
    """There is no such resync."""

    def __init__(self, resync_id: int | None = None) -> None:
        super().__init__(
            "there is no resync yet: begin one with `syncworker resync --all`"
            if resync_id is None
            else f"there is no resync {resync_id}: see `syncworker resync list`"
        )


class TooLongAgo(ValueError):
    """HubSpot counts from 1970 on, and its search refuses what is before."""

    def __init__(self) -> None:
        super().__init__(f"nothing changed before {EARLIEST.year}: say a later day, or look at everything")


class NotYet(ValueError):
    """What changes from then on cannot be looked at now."""

    def __init__(self, since: datetime) -> None:
        super().__init__(f"{since.isoformat(timespec='seconds')} is still to come: say when the changes began")


# A portal has one at a time: another one would be refused for one that is paused.
_INSTEAD: dict[str, str] = {State.PAUSED: "resume or cancel it", State.FAILED: "resume it, or begin another one"}


class ResyncOver(Exception):
    """What is asked for cannot be done with a resync in this state."""

    def __init__(self, resync_id: int, state: str) -> None:
        how = _INSTEAD.get(state, "begin another one")
        super().__init__(f"resync {resync_id} is {state}: {how}; see `syncworker resync show {resync_id}`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """How far a resync has come. All but `calls` count records."""

    id: int
    hub_id: int
    scope: str
    state: State
    stage: str
    total: int | None
    """How many there were when it began, as far as HubSpot could tell."""
    listed: int
    marked: int
    """Handed to the marks: what needs a read of its own."""
    written: int
    failed: int
    calls: int
    """That read and that wrote, without the repeated ones."""
    asked_by: str
    created_at: datetime
    finished_at: datetime | None
    last_error: str | None
    note: str | None
    """What was unusual on the way."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it by itself."""
        return self.state is not State.RUNNING


_FIELDS = (
    resyncs.c.id,
    resyncs.c.hub_id,
    resyncs.c.scope,
    resyncs.c.state,
    resyncs.c.kind.label("stage"),
    resyncs.c.total,
    resyncs.c.listed,
    resyncs.c.marked,
    resyncs.c.written,
    resyncs.c.failed,
    resyncs.c.calls,
    resyncs.c.asked_by,
    resyncs.c.created_at,
    resyncs.c.finished_at,
    resyncs.c.last_error,
    resyncs.c.note,
)


def _resync(row: Row[*tuple[object, ...]]) -> Resync:
    return Resync(**{**row._mapping, "scope": str(read_scope(row.scope)), "state": State(row.state)})


def mark_named(
    tx: Tx,
    hub_id: int,
    *,
    contacts: Collection[str] = (),
    companies: Collection[str] = (),
    who: str,
    source: Source = Source.APP,
) -> list[Ring]:
    """A person asks to look at these records again, now; raises UnknownPortal."""
    counted = {"contacts": len(contacts), "companies": len(companies)}
    did(tx, Happened.RECORDS_MARKED, who=who, source=source, hub_id=hub_id, detail=counted)
    mark(tx, hub_id, Kind.CONTACT, contacts, priority=Priority.PERSON, cause="resync")
    mark(tx, hub_id, Kind.COMPANY, companies, priority=Priority.PERSON, cause="resync")
    return [Ring(Bell.SERVE_INTERACTIVE, hub_id)]


def held_up(portal: Portal, now: datetime) -> str | None:
    """Why nothing is looked at, or written, for now: for whoever asked for it. None in a portal that writes."""
    if portal.mode is Mode.PAUSED:
        return f"portal {portal.hub_id} is paused: nothing is looked at until it is not"
    if portal.is_blocked(now):
        why = f"is blocked ({portal.blocked_reason})"
        return f"portal {portal.hub_id} {why}: nothing is looked at until it is not: see `syncworker portals list`"
    if portal.mode is Mode.OBSERVE:
        return f"portal {portal.hub_id} is in mode observe: nothing is written"
    return None


def start(context: Context, hub_id: int, *, who: str, scope: Scope = EVERYTHING, source: Source = Source.APP) -> Resync:
    """Begin to look at records of a portal. In a paused one it waits for that to end.

    Raises UnknownPortal, ResyncRuns, TooLongAgo, NotYet; of a form NoSuchForm, FormsAlike, and what HubSpot raises.
    """
    with context.database.transaction() as tx:
        portals.get(tx, hub_id)
    scope = as_meant(context, hub_id, scope)

    def begin(tx: Tx) -> Resync:
        row = insert(resyncs).values(
            hub_id=hub_id,
            scope=scope.as_json(),
            state=State.RUNNING.value,
            kind=scope.stages[0],
            asked_by=who,
            created_at=tx.now,
        )
        begun = _resync(tx.connection.execute(row.returning(*_FIELDS)).one())
        # Of one that failed and was never resumed; should it be, it reads by id what it was shown before.
        others = select(resyncs.c.id).where(resyncs.c.hub_id == hub_id, resyncs.c.id != begun.id)
        tx.connection.execute(delete(resync_pages).where(resync_pages.c.resync_id.in_(others)))
        told = {"resync": begun.id, "scope": begun.scope}
        did(tx, Happened.RESYNC_STARTED, who=who, source=source, hub_id=hub_id, detail=told)
        return begun

    return _alone(context, hub_id, begin)


def as_meant(context: Context, hub_id: int, scope: Scope) -> Scope:
    """The scope with the id of the form that is named in it.

    Raises TooLongAgo, NotYet; of a form NoSuchForm, FormsAlike, HubSpotError.
    """
    if scope.since is not None:
        with context.database.transaction() as tx:
            now = tx.now
        if scope.since < EARLIEST:
            raise TooLongAgo
        if scope.since > now:
            raise NotYet(scope.since)
    return scope if scope.form is None else replace(scope, form=form_known(context, hub_id, scope.form))


def _alone(context: Context, hub_id: int, work: Callable[[Tx], Resync]) -> Resync:
    """Let a resync run, of which the workers are told; raises ResyncRuns where the portal has another one."""
    unfinished = select(resyncs.c.id, resyncs.c.state).where(
        resyncs.c.hub_id == hub_id, resyncs.c.state.in_(UNFINISHED)
    )
    while True:
        try:
            running = context.database.run(work)
        except IntegrityError as error:
            if not isinstance(error.orig, UniqueViolation):
                raise
            with context.database.transaction() as tx:
                other = tx.connection.execute(unfinished).one_or_none()
            if other is not None:
                raise ResyncRuns(hub_id, other.id, other.state) from None
            # The one that stood in the way is over since: there is room now.
            continue
        context.waker.ring(Ring(Bell.SERVE_BULK, hub_id))
        return running


def pause(context: Context, resync_id: int, *, who: str, source: Source = Source.APP) -> Resync:
    """Let it rest where it is, until it is resumed. Raises UnknownResync, ResyncOver."""
    return context.database.run(lambda tx: _turn(tx, resync_id, State.PAUSED, {State.RUNNING}, who=who, source=source))


def resume(context: Context, resync_id: int, *, who: str, source: Source = Source.APP) -> Resync:
    """Let it go on from the page it was on, after a pause or a failure.

    Raises UnknownResync, ResyncOver, ResyncRuns.
    """
    with context.database.transaction() as tx:
        hub_id = get(tx, resync_id).hub_id
    of = {State.PAUSED, State.FAILED, State.RUNNING}
    return _alone(context, hub_id, lambda tx: _turn(tx, resync_id, State.RUNNING, of, who=who, source=source))


def cancel(context: Context, resync_id: int, *, who: str, source: Source = Source.APP) -> Resync:
    """End it where it is; what it wrote stays. Raises UnknownResync, ResyncOver."""
    return context.database.run(
        lambda tx: _turn(tx, resync_id, State.CANCELLED, set(UNFINISHED), who=who, source=source)
    )


_TOLD = {
    State.PAUSED: Happened.RESYNC_PAUSED,
    State.RUNNING: Happened.RESYNC_RESUMED,
    State.CANCELLED: Happened.RESYNC_CANCELLED,
}


def _turn(tx: Tx, resync_id: int, state: State, of: set[State], *, who: str, source: Source) -> Resync:
    over = state is State.CANCELLED
    # What it waited for, or failed for, holds up no more: a person does, or nothing.
    values = {"state": state.value, "finished_at": tx.now if over else None, "leased_until": None, "last_error": None}
    turned = update(resyncs).where(resyncs.c.id == resync_id, resyncs.c.state.in_(of)).values(**values)
    row = tx.connection.execute(turned.returning(*_FIELDS)).one_or_none()
    if row is None:
        raise ResyncOver(resync_id, get(tx, resync_id).state)
    if over:
        forget_pages(tx, resync_id)
    did(tx, _TOLD[state], who=who, source=source, hub_id=row.hub_id, detail={"resync": resync_id})
    return _resync(row)


def get(tx: Tx, resync_id: int) -> Resync:
    """How far it has come; raises UnknownResync."""
    row = tx.connection.execute(select(*_FIELDS).where(resyncs.c.id == resync_id)).one_or_none()
    if row is None:
        raise UnknownResync(resync_id)
    return _resync(row)


def newest(tx: Tx, hub_id: int, *, most: int = 20) -> Sequence[Resync]:
    """The portal's resyncs, the newest first."""
    query = select(*_FIELDS).where(resyncs.c.hub_id == hub_id).order_by(resyncs.c.id.desc()).limit(most)
    return [_resync(row) for row in tx.connection.execute(query)]


def of_portal(tx: Tx, hub_id: int, resync_id: int | None = None) -> Resync:
    """A resync of the portal, by default its newest; raises UnknownResync."""
    if resync_id is None:
        found = newest(tx, hub_id, most=1)
        if not found:
            raise UnknownResync
        return found[0]
    one = get(tx, resync_id)
    if one.hub_id != hub_id:
        raise UnknownResync(resync_id)
    return one
