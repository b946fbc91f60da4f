"""How does a resync go on, for a turn of a worker?

A list is read ahead, and written a page behind: HubSpot works while this process decides. The place is kept with
what the page led to, so a killed worker's page is read again, and nothing is written twice that is right.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncworker import tracing
from syncworker.hubspot.errors import HubSpotError, RetryLater
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.hubspot.records import Record
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync import claims
from syncworker.sync.claims import Claim
from syncworker.sync.context import Context
from syncworker.sync.marks import Priority, mark
from syncworker.sync.portals.failures import block_if_of_portal
from syncworker.sync.reconcile import reconcile
from syncworker.sync.reconcile.plan import Plan
from syncworker.sync.reconcile.work_off import Note, NotOurs, decide, is_soon, write_out
from syncworker.sync.resync import ahead, passing, settled
from syncworker.sync.resync import find as resync_find
from syncworker.sync.resync import page as resync_page
from syncworker.sync.resync import place as resync_place
from syncworker.sync.resync.ahead import Read
from syncworker.sync.resync.find import Found
from syncworker.sync.resync.place import LEASE, Place, Taken
from syncworker.sync.resync.scope import LISTED, kind_of
from syncworker.sync.triggers.changed import SearchContradictsItself

# A turn ends after about so long: then polls and other marks have theirs.
TURN_S = 2.0
# What reading a batch of marked contacts takes: contacts, associations, companies.
CALLS_OF_A_BATCH = 3


def continue_resync(context: Context, hub_id: int) -> bool:
    """Go on with the portal's running resync for a turn; return whether there is more of it to do now."""
    taken = context.database.run(lambda tx: resync_place.take(tx, hub_id))
    if taken is None:
        return False
    try:
        if taken.total is None:
            _count(context, taken)
        more = _list(context, taken) if taken.place.stage in LISTED else _find(context, taken)
    except (HubSpotError, RateLimited, SearchContradictsItself) as error:
        _rest(context, taken, error)
        return False
    context.database.run(lambda tx: resync_place.release(tx, taken.id))
    return more


def _count(context: Context, taken: Taken) -> None:
    found, calls = resync_find.total(context, taken)
    context.database.run(lambda tx: resync_place.note_total(tx, taken.id, found, calls=calls))


def _list(context: Context, taken: Taken) -> bool:
    """Pages of the list, until the turn or the list ends; return whether something is left to do."""
    until = time.monotonic() + TURN_S
    portal = context.database.run(lambda tx: portals.get(tx, taken.hub_id))
    writing: Future[bool] | None = None
    to: Place | None = taken.place
    with (
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="resync-write") as beside,
        ahead.pages(context, taken, until=until) as pages,
    ):
        for read in pages:
            stored = _store(context, portal, taken, read)
            if stored is None:
                return True
            if stored.claim.marks:
                if writing is not None and not writing.result():
                    # What was not written before will be no more now.
                    context.database.run(lambda tx: claims.give_back(tx, stored.claim))  # noqa: B023 - run at once
                    return False
                writing = beside.submit(_write, context, taken, stored)
            pages.known_time, to = stored.at or pages.known_time, read.to
    return (writing is None or writing.result()) and to is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """A page that is kept, and what is to be written of it."""

    at: datetime | None
    """The database's time; None where it was passed by."""
    began: float
    """When this was begun, by the process's clock."""
    claim: Claim
    plan: Plan


def _store(context: Context, portal: Portal, taken: Taken, read: Read) -> _Stored | None:
    """Keep a page and what it led to; None where it is not ours."""
    claim = Claim(hub_id=taken.hub_id, kind=kind_of(read.place.stage), token=uuid.uuid4())
    listed = read.listing.listed
    digests = settled.digests(context.names, claim.kind, read.listing, own_company_id=portal.partner_company_id)
    stored_at: list[datetime] = []
    plans: list[Plan | None] = []

    def go_on(tx: Tx) -> bool:
        stored_at[:] = [tx.now]
        return resync_place.move(tx, taken.id, read.place, read.to, listed=len(listed), calls=1, page=listed)

    # The row of the resync is locked last, here and where a page's end is counted: else what is written of one page
    # would wait for all that is decided of the next.
    def commit(tx: Tx, portal_now: Portal, left: Mapping[str, Record]) -> Plan:
        if portal_now.partner != portal.partner:
            raise NotOurs
        come = resync_page.commit_listed(
            tx, context, portal_now, claim, left, digests=digests, read_after=read.read_after
        )
        marked = mark(tx, taken.hub_id, claim.kind, come.to_mark, priority=Priority.RESYNC, cause=f"resync {taken.id}")
        if not go_on(tx):
            raise NotOurs
        resync_place.count_marked(tx, taken.id, marked)
        return come.plan

    def mark_all(tx: Tx) -> bool:
        if not go_on(tx):
            return False
        mark(tx, taken.hub_id, claim.kind, listed, priority=Priority.RESYNC, cause=f"resync {taken.id}")
        resync_place.count_marked(tx, taken.id, len(listed))
        return True

    def work() -> None:
        with tracing.span("recognise", portal=taken.hub_id, kind=claim.kind):
            left = passing.pass_by(context, portal, taken, read, digests)
        if left is None:
            plans.append(Plan())
        else:
            plans.append(decide(context, claim, lambda tx, portal_now: commit(tx, portal_now, left)))

    began = time.monotonic()
    error = reconcile.attempt(context, claim, work)
    if error is not None and context.database.run(mark_all):
        # One of these records is the trouble: by their marks they are read, and the bad one found, without us.
        plans[:] = [Plan()]
    plan = plans[0] if plans else None
    at = stored_at[0] if stored_at else None
    return _Stored(at=at, began=began, claim=claim, plan=plan) if plan is not None else None


def _write(context: Context, taken: Taken, stored: _Stored) -> bool:
    """Write back what differs of a page, while the next one is decided; false where all of the portal failed."""
    written: list[bool] = []

    def work() -> None:
        written.append(
            write_out(context, stored.claim, stored.plan, note=_counted(taken), at_once=is_soon(stored.began))
        )

    # What else goes wrong is logged, and the marks are read once their lease has run out.
    reconcile.attempt(context, stored.claim, work)
    return all(written)


def _find(context: Context, taken: Taken) -> bool:
    """Records found by id, a batch at a time: claimed, then read, like any that is marked."""
    began = time.monotonic()
    while True:
        found = resync_find.find(context, taken)
        to = taken.following(taken.place, found.after)
        claimed = context.database.run(lambda tx: _claim(tx, taken, to, found))  # noqa: B023 - run at once
        if claimed is None:
            return True
        reconcile.work(context, claimed, note=_counted(taken))
        if to is None or to.stage in LISTED or time.monotonic() - began > TURN_S:
            return to is not None
        taken = replace(taken, place=to)


def _claim(tx: Tx, taken: Taken, to: Place | None, found: Found) -> Claim | None:
    """Claim what was found, and go on: a mark is the promise that it will be looked at, whatever becomes of us."""
    calls = found.calls + CALLS_OF_A_BATCH * bool(found.ids)
    if not resync_place.move(tx, taken.id, taken.place, to, listed=len(found.ids), calls=calls):
        return None
    claim = Claim(hub_id=taken.hub_id, kind=kind_of(taken.place.stage), token=uuid.uuid4())
    cause = f"resync {taken.id}"
    claims.claim_also(tx, claim, claim.kind, found.ids, cause=cause, priority=Priority.RESYNC)
    resync_place.count_marked(tx, taken.id, len(set(found.ids)))
    return claim


def _counted(taken: Taken) -> Note:
    return lambda tx, worked: resync_place.count(tx, taken.id, worked)


def _rest(context: Context, taken: Taken, error: HubSpotError | RateLimited | SearchContradictsItself) -> None:
    asked_again = isinstance(error, SearchContradictsItself | RetryLater)
    of_portal = not isinstance(error, SearchContradictsItself) and block_if_of_portal(
        context.database, taken.hub_id, error
    )
    wait = LEASE
    if isinstance(error, RateLimited | RetryLater):
        wait = min(wait, timedelta(seconds=error.retry_after_s))

    def note(tx: Tx) -> None:
        if of_portal or asked_again:
            resync_place.rest(tx, taken.id, error=str(error), wait=wait)
        elif not resync_place.begin_stage_again(tx, taken.id, error=str(error)):
            resync_place.fail(tx, taken.id, error=str(error))

    context.database.run(note)
