"""How is a claimed batch worked off? Read, decide and commit, write back what differs, finish."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from syncworker import tracing
from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.hubspot.records import PropertyVersion
from syncworker.registration.ledger.moves import recall_taken
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.sync import claims
from syncworker.sync.claims import Claim, Key
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals.failures import PortalFailure, block, failure_of_record, portal_failure
from syncworker.sync.reconcile import brake, known_records, merges
from syncworker.sync.reconcile.absent import to_confirm
from syncworker.sync.reconcile.companies import commit_companies
from syncworker.sync.reconcile.contacts import commit_contacts
from syncworker.sync.reconcile.domains import commit_domains, find_records
from syncworker.sync.reconcile.fan_out import mark_changes
from syncworker.sync.reconcile.leads import read_contacts, read_marked_companies, read_request_history
from syncworker.sync.reconcile.plan import Plan, as_json
from syncworker.sync.reconcile.write_back import write_back
from syncworker.sync.triggers import crm_requests
from syncworker.sync.wake import Ring
from syncworker.sync.watch import observed
from syncworker.sync.watch.observed import Finished

# So soon after it began, a lease need not be looked at.
SOON_S = 5.0


class NotOurs(Exception):
    """The lease was lost, or the portal's mode changed, meanwhile: nothing is kept, nothing written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """How a batch ended: records written, records that failed, calls that wrote."""

    written: int = 0
    failed: int = 0
    calls: int = 0


Note = Callable[[Tx, Worked], None]
"""Told in the transaction that ends a batch."""


def unheard(tx: Tx, worked: Worked) -> None:
    """For batches whose end nobody wants to hear of."""


def work_off(context: Context, taken: Claim, *, note: Note = unheard) -> None:
    """Work off a claim. Raises what went wrong before anything was written; what comes later is kept with the marks."""
    with tracing.span("read", portal=taken.hub_id, kind=taken.kind, marks=len(taken.marks)):
        commit = _read(context, taken)
    settle(context, taken, commit, note=note)


def settle(context: Context, taken: Claim, commit: Callable[[Tx, Portal], Plan], *, note: Note = unheard) -> None:
    """Decide and commit what was read, and write back what differs."""
    began = time.monotonic()
    plan = decide(context, taken, commit)
    if plan is not None:
        write_out(context, taken, plan, note=note, at_once=is_soon(began))


def is_soon(began: float) -> bool:
    """Whether a lease that counts from `began`, by the process's clock, is nearly whole."""
    return time.monotonic() - began < SOON_S


def decide(context: Context, taken: Claim, commit: Callable[[Tx, Portal], Plan]) -> Plan | None:
    """Decide and commit what was read, and say what is to be written; None where it is ours no more.

    `commit` may claim more than `taken` holds, and may raise NotOurs. It is run again from its start where its
    transaction lost against another one.
    """
    marks_before = dict(taken.marks)

    def forget_what_came_along() -> None:
        # The companies of a transaction that was rolled back were never claimed.
        taken.marks.clear()
        taken.marks.update(marks_before)

    def work(tx: Tx) -> Plan:
        forget_what_came_along()
        before = portals.get(tx, taken.hub_id)
        if before.mode is Mode.PAUSED:
            raise NotOurs
        plan = commit(tx, before)
        if not taken.marks:
            return plan  # a page of a list in which nothing differs
        # Last, because the partner is locked before the marks; and the lease starts anew with the commit that the
        # write-back follows. Who lost it keeps and writes nothing.
        if marks_before and claims.renew(tx, taken) != taken.marks.keys():
            raise NotOurs
        # Paused, or only observed, since this was begun: whoever said so was told that nothing is registered any more.
        portal = portals.get(tx, taken.hub_id)
        if portal.mode is not before.mode:
            raise NotOurs
        brake.hold_back(tx, portal, plan, context.names.status, context.names.domain)
        return plan

    try:
        with tracing.span("settle", portal=taken.hub_id, kind=taken.kind):
            plan = context.database.run(work)
    except NotOurs:
        forget_what_came_along()
        if taken.marks:
            context.database.run(lambda tx: claims.give_back(tx, taken))
        return None
    except BaseException:
        forget_what_came_along()
        raise
    context.waker.ring(*plan.rings)
    return plan


def write_out(context: Context, taken: Claim, plan: Plan, *, note: Note = unheard, at_once: bool = True) -> bool:
    """Write what differs, and finish; false where all of the portal failed, and the marks went back.

    `at_once`: soon after the transaction that decided it began, from where its lease counts, so that this need not be
    looked at before the first call.
    """
    if not taken.marks:
        return True
    with tracing.span("write back", portal=taken.hub_id, kind=taken.kind, records=len(plan.writes)):
        return _carry_out(context, taken, plan, note, at_once=at_once)


def _read(context: Context, taken: Claim) -> Callable[[Tx, Portal], Plan]:
    """Ask HubSpot what the marks need, and return what is to be done with it."""
    client = context.client(taken.hub_id)
    if taken.kind is Kind.CONTACT:
        with context.database.transaction() as tx:
            stopped = known_records.being_cleared(tx, taken.hub_id, taken.ids)
            known = to_confirm(tx, taken.hub_id, Kind.CONTACT, taken.ids)
            read_after = tx.now
        contacts = read_contacts(client, context.names, taken.ids, being_cleared=stopped, known=known)
        merges.follow(context, taken.hub_id, Kind.CONTACT, contacts.merged)
        return lambda tx, portal: commit_contacts(tx, context, portal, taken, contacts, read_after=read_after)
    if taken.kind is Kind.COMPANY:
        with context.database.transaction() as tx:
            known = to_confirm(tx, taken.hub_id, Kind.COMPANY, taken.ids)
        companies = read_marked_companies(client, context.names, set(taken.ids), known=known)
        merges.follow(context, taken.hub_id, Kind.COMPANY, companies.merged)
        return lambda tx, portal: commit_companies(tx, context, portal, taken, companies)
    found = find_records(client, taken.ids)
    return lambda tx, portal: commit_domains(tx, portal, taken, found)


def _carry_out(context: Context, taken: Claim, plan: Plan, note: Note, *, at_once: bool) -> bool:
    """Write what differs, and finish: each record by its own result."""
    client = context.client(taken.hub_id)
    written: set[Key] = set()
    failed = dict(plan.failed)
    failure: PortalFailure | None = None
    calls = 0
    history: dict[str, list[PropertyVersion]] = {}
    try:
        for kind in (Kind.CONTACT, Kind.COMPANY):
            result = write_back(client, kind, plan.of(kind), _lease(context, taken, kind, at_once=at_once))
            calls += result.calls
            written |= {(kind, object_id) for object_id in result.updated}
            for object_id, refused in result.failed.items():
                failure = failure or failure_of_record(refused)
                failed[kind, object_id] = str(refused)
        # What was set while we cleared would be lost under our clearing.
        cleared = [key[1] for key in written if key[0] is Kind.CONTACT and key[1] in plan.being_cleared]
        history = read_request_history(client, context.names, cleared)
    except (HubSpotError, RateLimited) as error:
        failure = portal_failure(error)
        if failure is None:
            failed |= {key: str(error) for key in plan.writes.keys() - written}
    if failure is not None:
        failed = dict(plan.failed)  # no record did anything wrong: all that was not written goes back
    worked = Worked(written=len(written), failed=len(failed) + len(plan.park), calls=calls)

    def finish(tx: Tx) -> tuple[set[Ring], list[Finished], datetime]:
        rings, finished = _finish(context, tx, taken, plan, written, failed, failure, history)
        note(tx, worked)
        return rings, finished, tx.now

    rings, finished, now = context.database.run(finish)
    observed.worked_off(taken.hub_id, finished, now=now)
    context.waker.ring(*rings)
    return failure is None


def _lease(context: Context, taken: Claim, kind: Kind, *, at_once: bool) -> Callable[[], frozenset[str]]:
    """Which records of a kind the lease still covers; it is renewed, but for the first call after the commit."""
    fresh = [True]

    def still_ours() -> frozenset[str]:
        if fresh.pop() if fresh else False:
            return frozenset(object_id for k, object_id in taken.marks if k is kind)
        ours = context.database.run(lambda tx: claims.renew(tx, taken))
        return frozenset(object_id for k, object_id in ours if k is kind)

    if kind is not taken.kind or not at_once:
        fresh.clear()  # the contacts, or something else, were written in between
    return still_ours


def _finish(
    context: Context,
    tx: Tx,
    taken: Claim,
    plan: Plan,
    written: set[Key],
    failed: dict[Key, str],
    failure: PortalFailure | None,
    history: dict[str, list[PropertyVersion]],
) -> tuple[set[Ring], list[Finished]]:
    notes: dict[tuple[Kind, bool], dict[str, str]] = {}
    for key in written:
        write = plan.writes[key]
        notes.setdefault((key[0], write.shows_something), {})[key[1]] = as_json(write.wanted)
    for (kind, counted), values in sorted(notes.items()):
        known_records.note_written(tx, taken.hub_id, kind, values, counted=counted)
    _hear_what_was_set_meanwhile(context, tx, taken.hub_id, plan.being_cleared, history)
    rings: set[Ring] = set()
    if plan.waiting_for:
        rings = mark_changes(tx, recall_taken(tx, plan.waiting_for), cause="domain taken", priority=Priority.PERSON)
    unheard = {(Kind.CONTACT, contact_id) for contact_id in plan.being_cleared.keys() - history.keys()}
    finished = claims.finish(tx, taken, ((plan.done | written) - unheard) & taken.marks.keys())
    claims.fail(tx, taken, {key: message for key, message in failed.items() if key in taken.marks})
    claims.fail(tx, taken, plan.park, park=True)
    if failure is not None:
        block(tx, taken.hub_id, failure)
    else:
        portals.note_success(tx, taken.hub_id)
    if failure is not None or len(finished) < len(taken.marks):
        claims.give_back(tx, taken, error=failure.detail if failure else None)
    return rings, finished


def _hear_what_was_set_meanwhile(
    context: Context,
    tx: Tx,
    hub_id: int,
    being_cleared: dict[str, datetime],
    history: dict[str, list[PropertyVersion]],
) -> None:
    portal = portals.find(tx, hub_id) if history else None
    if portal is None:
        return
    handled = {contact_id: being_cleared[contact_id] for contact_id in history}
    new = crm_requests.add_requests(tx, portal, context.names.request, history, handled=handled)
    known_records.note_being_cleared(tx, hub_id, dict.fromkeys(new))
    asked = {c for c in new if any(v.value and v.timestamp > handled[c] for v in history[c])}
    mark(tx, hub_id, Kind.CONTACT, asked, priority=Priority.PERSON, cause="request set meanwhile")
