"""When does a registration end, or a deregistration become final, and who gets the slot?"""

from __future__ import annotations

import structlog
from sqlalchemy import select

from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.registration.ledger import moves
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.deciding import lock_and_end_overdue
from syncworker.registration.ledger.overdue import is_overdue
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.secrets import WrongSecretKey
from syncworker.store.tables import registrations
from syncworker.sync.context import Context
from syncworker.sync.marks import Priority
from syncworker.sync.portals.failures import WRONG_SETTINGS, may_be_called
from syncworker.sync.reconcile.fan_out import mark_changes
from syncworker.sync.wake import Ring

log = structlog.get_logger(__name__)


def end_overdue(context: Context) -> int:
    """End what is overdue, one partner a transaction; return how many domains changed.

    Nothing of a partner of a tier or a program that is not there, and nothing while HubSpot's clock and the database's
    are apart.
    """
    with context.database.transaction() as tx:
        partners = _partners_with_overdue(tx)
    # For requests that lapse, too.
    if context.hubspot_clock.now() is None:
        _ask_the_time(context)
    with context.database.transaction() as tx:
        if not context.conditions(tx).may_end():
            return 0
    changed = 0
    for partner_id in partners:
        # What is left over is rung for again by the sweep.
        try:
            changes, rings = context.database.run(lambda tx: _end(tx, context, partner_id))  # noqa: B023 - run at once
        except WRONG_SETTINGS as error:
            # Of this partner alone: its portals are blocked for it, which says so, and all others go on.
            log.warning("nothing_ended", partner_id=partner_id, error=str(error))
            continue
        context.waker.ring(*rings)
        changed += len(changes.domains)
    lapsed, rings = context.database.run(_end_lapsed)
    context.waker.ring(*rings)
    return changed + len(lapsed.contacts)


def _ask_the_time(context: Context) -> None:
    """Hear from HubSpot what time it is: a machine that has just started may have a wrong clock, and nobody to tell."""
    with context.database.transaction() as tx:
        hub_ids = [portal.hub_id for portal in portals.everyone(tx) if may_be_called(tx, portal.hub_id)]
    for hub_id in hub_ids:
        try:
            context.client(hub_id).account_info()
        except (HubSpotError, RateLimited, WrongSecretKey) as error:
            # Of another portal it may be known. Where HubSpot is away, the database's clock is all there is.
            log.info("time_not_known", hub_id=hub_id, error=str(error))
            continue
        return


def _end(tx: Tx, context: Context, partner_id: int) -> tuple[Changes, set[Ring]]:
    changes = Changes()
    lock_and_end_overdue(tx, partner_id, context.conditions(tx), changes)
    return changes, mark_changes(tx, changes, cause="expiry", priority=Priority.WEBHOOK)


def _end_lapsed(tx: Tx) -> tuple[Changes, set[Ring]]:
    changes = moves.end_lapsed(tx)
    return changes, mark_changes(tx, changes, cause="request lapsed", priority=Priority.POLL)


def _partners_with_overdue(tx: Tx) -> list[int]:
    query = select(registrations.c.partner_id).where(registrations.c.ended_at.is_(None), is_overdue(tx))
    return sorted(set(tx.connection.execute(query.distinct()).scalars()))
