"""How is a batch of marks reconciled, and what if something is wrong with it?

Level-triggered and idempotent: doing it twice changes nothing, and where nothing differs nothing is written, which
ends the echo of our own writes too. A batch that fails as a whole is split in halves until the bad record is alone:
one bad record never harms its neighbours. A failure of the whole portal is nobody's: the claim goes back.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from syncworker import tracing
from syncworker.hubspot.errors import HubSpotError, RetryLater
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.store.database import Tx
from syncworker.store.portals import UnknownPortal
from syncworker.sync import claims
from syncworker.sync.claims import BATCH, Claim, Lane
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind
from syncworker.sync.portals.failures import (
    WRONG_SETTINGS,
    PortalFailure,
    block,
    may_be_called,
    of_settings,
    portal_failure,
)
from syncworker.sync.reconcile.work_off import Note, Worked, unheard, work_off
from syncworker.sync.wake import Bell, Ring

log = structlog.get_logger(__name__)

OLDEST_EVERY = 5
# Searching for the records of a domain takes HubSpot's slowest quota: a batch has to end well inside its lease.
DOMAINS = 20
_claims_made = itertools.count(1)


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
    wait = context.limiter.wait_for(hub_id, "api", lane=context.lane)
    if wait > 1:
        bell = Bell.SERVE_INTERACTIVE if lane is Lane.INTERACTIVE else Bell.SERVE_BULK
        # Where the day's quota is waited for, the sweep is soon enough.
        context.waker.ring(Ring(bell, hub_id, delay_ms=int(min(wait, 10) * 1000)))
        return False
    oldest = next(_claims_made) % OLDEST_EVERY == 0
    limit = DOMAINS if kind is Kind.DOMAIN else BATCH
    with tracing.span("batch", portal=hub_id, kind=kind, lane=lane):
        with tracing.span("claim", portal=hub_id, kind=kind):
            taken = context.database.run(
                lambda tx: claims.claim(tx, hub_id, kind, lane=lane, limit=limit, oldest_first=oldest)
            )
        tracing.add(marks=len(taken.marks))
        work(context, taken)
    return bool(taken.marks)


def work(context: Context, taken: Claim, *, note: Note = unheard) -> None:
    """Work off what was claimed, and keep what fails with its mark. `note` is told how each part of it ended."""
    if taken.marks:
        _isolate(context, taken, _work_off(context, taken, note), note)


def _work_off(context: Context, taken: Claim, note: Note) -> Exception | None:
    return attempt(context, taken, lambda: work_off(context, taken, note=note))


def attempt(context: Context, taken: Claim, do: Callable[[], object]) -> Exception | None:
    """Do it; return what went wrong with it, the portal's failures excepted: those are dealt with."""
    try:
        do()
    except (OperationalError, InterfaceError, UnknownPortal):
        # The database is away, or the portal is gone with all its marks: nothing can be kept. The lease runs out.
        raise
    except WRONG_SETTINGS as error:
        _give_back(context, taken, of_settings(error))
    except (HubSpotError, RateLimited) as error:
        failure = portal_failure(error)
        if failure is None or _may_be_a_records(error):
            return error
        _give_back(context, taken, failure)
    except Exception as error:
        # The outermost loop of a record's work: whatever is wrong with it is kept with its mark, for a person to see.
        log.exception("batch_failed", hub_id=taken.hub_id, kind=taken.kind)
        return error
    return None


def _isolate(context: Context, taken: Claim, error: Exception | None, note: Note) -> None:
    """Find out whose error it is: split what failed in halves, for as long as one half goes well."""
    if error is None:
        return
    if len(taken.marks) == 1:

        def blame(tx: Tx) -> None:
            claims.fail(tx, taken, dict.fromkeys(taken.marks, _said(error)))
            note(tx, Worked(failed=1))

        context.database.run(blame)
        return
    halves = taken.halves()
    errors = [_work_off(context, half, note) for half in halves]
    if all(isinstance(of, HubSpotError) and _may_be_a_records(of) for of in errors):
        # Neither half: then it is HubSpot's trouble, and all of them would be blamed for it one by one.
        failure = portal_failure(error) if isinstance(error, HubSpotError | RateLimited) else None
        if failure is not None:
            _give_back(context, taken, failure)
            return
    for half, of in zip(halves, errors, strict=True):
        _isolate(context, half, of, note)


def _may_be_a_records(error: HubSpotError | RateLimited) -> bool:
    """Trouble with one call may come from one of its records, or from HubSpot."""
    return isinstance(error, RetryLater) and error.scope == "call"


def _give_back(context: Context, taken: Claim, failure: PortalFailure) -> None:
    def note(tx: Tx) -> None:
        block(tx, taken.hub_id, failure)
        claims.give_back(tx, taken, error=failure.detail)

    context.database.run(note)


def _said(error: Exception) -> str:
    if isinstance(error, HubSpotError):
        return str(error)
    # Some say nothing but what they are.
    return ": ".join([type(error).__name__, *str(error).splitlines()[:1]])
