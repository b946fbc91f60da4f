"""How is a batch of marks worked off?

Claim, read, decide and commit, write back what differs, finish. Level-triggered and idempotent: doing it twice
changes nothing, and where nothing differs nothing is written, which ends the echo of our own writes too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import structlog

from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.sync import claims, crm_requests, known_records
from syncworker.sync.claims import Claim, Key, Lane
from syncworker.sync.context import Context
from syncworker.sync.leads import read_companies, read_contacts, read_request_history
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.plan import Plan, as_json
from syncworker.sync.portal_failures import PortalFailure, block, failure_of_record, may_be_called, portal_failure
from syncworker.sync.reconcile_companies import commit_companies
from syncworker.sync.reconcile_contacts import commit_contacts
from syncworker.sync.reconcile_domains import commit_domains, find_records
from syncworker.sync.wake import Bell, Ring
from syncworker.sync.write_back import write_back

log = structlog.get_logger(__name__)

OLDEST_EVERY = 5
_claims_made = itertools.count(1)


class _NotOurs(Exception):
    """The lease was lost, or the portal paused, while HubSpot was asked."""


def reconcile(context: Context, hub_id: int, lane: Lane) -> bool:
    """Work off one batch of each kind of a portal's marks; return whether anything was claimed."""
    worked = False
    for kind in (Kind.CONTACT, Kind.COMPANY, Kind.DOMAIN):
        worked |= reconcile_kind(context, hub_id, kind, lane)
    return worked


def reconcile_kind(context: Context, hub_id: int, kind: Kind, lane: Lane) -> bool:
    """Work off one batch of marks of one kind; return whether there was one."""
    if not context.database.run(lambda tx: may_be_called(tx, hub_id) and claims.has_due(tx, hub_id, kind, lane)):
        return False
    # Before claiming: a claim that waits for quota would let its lease run out.
    wait = context.limiter.wait_for(hub_id, "api")
    if wait > 1:
        context.waker.ring(Ring(_bell(lane), hub_id, delay_ms=int(wait * 1000)))
        return False
    oldest = next(_claims_made) % OLDEST_EVERY == 0
    taken = context.database.run(lambda tx: claims.claim(tx, hub_id, kind, lane=lane, oldest_first=oldest))
    if not taken.marks:
        return False
    try:
        _work_off(context, taken)
    except (HubSpotError, RateLimited) as error:
        _failed_before_writing(context, taken, error)
    return True


def _work_off(context: Context, taken: Claim) -> None:
    commit = _read(context, taken)
    marks_before = dict(taken.marks)

    def settle(tx: Tx) -> Plan:
        # A transaction that runs again must not keep the companies that its first run claimed.
        taken.marks.clear()
        taken.marks.update(marks_before)
        portal = portals.get(tx, taken.hub_id)
        if portal.mode is Mode.PAUSED:
            raise _NotOurs
        plan = commit(tx, portal)
        # Last, because the partner is locked before the marks; and the lease starts anew with the commit that the
        # write-back follows. Who lost it keeps and writes nothing.
        if claims.renew(tx, taken) != taken.marks.keys():
            raise _NotOurs
        return plan

    try:
        plan = context.database.run(settle)
    except _NotOurs:
        taken.marks.clear()
        taken.marks.update(marks_before)
        context.database.run(lambda tx: claims.give_back(tx, taken))
        return
    if plan.rings:
        context.waker.ring(*plan.rings)
    _carry_out(context, taken, plan)


def _read(context: Context, taken: Claim) -> Callable[[Tx, Portal], Plan]:
    """Ask HubSpot what the marks need, and return what is to be done with it."""
    client = context.client(taken.hub_id)
    if taken.kind is Kind.CONTACT:
        contacts = read_contacts(client, context.names, taken.ids)
        return lambda tx, portal: commit_contacts(tx, context, portal, taken, contacts)
    if taken.kind is Kind.COMPANY:
        companies = read_companies(client, context.names, set(taken.ids))
        return lambda tx, portal: commit_companies(tx, context, portal, taken, companies)
    found = find_records(client, taken.ids)
    return lambda tx, portal: commit_domains(tx, portal, taken, found)


def _carry_out(context: Context, taken: Claim, plan: Plan) -> None:
    """Write what differs, and finish: each record by its own result."""
    client = context.client(taken.hub_id)
    written: set[Key] = set()
    failed: dict[Key, str] = {}
    failure: PortalFailure | None = None
    for kind in (Kind.CONTACT, Kind.COMPANY):
        if failure is not None:
            break
        try:
            result = write_back(client, kind, plan.of(kind))
        except (HubSpotError, RateLimited) as error:
            failure = portal_failure(error)
            if failure is None:
                failed |= {key: str(error) for key in plan.writes if key[0] is kind}
            continue
        written |= {(kind, object_id) for object_id in result.updated}
        for object_id, refused in result.failed.items():
            failure = failure or failure_of_record(refused)
            failed[kind, object_id] = str(refused)
    if failure is not None:
        failed.clear()  # no record did anything wrong: all that was not written goes back
    context.database.run(lambda tx: _finish(tx, taken, plan, written, failed, failure))
    _look_once_more(context, taken, plan, written)


def _finish(
    tx: Tx,
    taken: Claim,
    plan: Plan,
    written: set[Key],
    failed: dict[Key, str],
    failure: PortalFailure | None,
) -> None:
    for kind in (Kind.CONTACT, Kind.COMPANY):
        wanted = {key[1]: as_json(plan.writes[key].wanted) for key in written if key[0] is kind}
        known_records.note_written(tx, taken.hub_id, kind, wanted, counted=True)
    claims.finish(tx, taken, (plan.done | written) & taken.marks.keys())
    claims.fail(tx, taken, failed)
    claims.fail(tx, taken, plan.park, park=True)
    if failure is not None:
        block(tx, taken.hub_id, failure)
    claims.give_back(tx, taken, error=failure.detail if failure else None)


def _look_once_more(context: Context, taken: Claim, plan: Plan, written: set[Key]) -> None:
    """Read the history of the requests we cleared again: what was set meanwhile must not be lost."""
    cleared = {
        contact_id: handled
        for contact_id, handled in plan.cleared_requests.items()
        if (Kind.CONTACT, contact_id) in written
    }
    if not cleared:
        return
    try:
        history = read_request_history(context.client(taken.hub_id), context.names, list(cleared))
    except (HubSpotError, RateLimited) as error:
        # The records are marked instead, and read when HubSpot answers again.
        log.info("history_not_read", hub_id=taken.hub_id, error=str(error))
        context.database.run(lambda tx: _mark_again(tx, taken.hub_id, set(cleared)))
        return

    def keep(tx: Tx) -> bool:
        portal = portals.get(tx, taken.hub_id)
        asked = crm_requests.add_set_meanwhile(tx, portal, context.names.request, history, cleared)
        _mark_again(tx, taken.hub_id, asked)
        return bool(asked)

    if context.database.run(keep):
        context.waker.ring(Ring(Bell.SERVE_INTERACTIVE, taken.hub_id))


def _mark_again(tx: Tx, hub_id: int, contact_ids: set[str]) -> None:
    mark(tx, hub_id, Kind.CONTACT, contact_ids, priority=Priority.PERSON, cause="request set meanwhile")


def _failed_before_writing(context: Context, taken: Claim, error: HubSpotError | RateLimited) -> None:
    failure = portal_failure(error)

    def note(tx: Tx) -> None:
        if failure is None:
            claims.fail(tx, taken, dict.fromkeys(taken.marks, str(error)))
            return
        block(tx, taken.hub_id, failure)
        claims.give_back(tx, taken, error=failure.detail)

    context.database.run(note)


def _bell(lane: Lane) -> Bell:
    return Bell.SERVE_INTERACTIVE if lane is Lane.INTERACTIVE else Bell.SERVE_BULK
