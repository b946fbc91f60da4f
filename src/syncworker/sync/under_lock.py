"""How is something done to the ledger at a person's word?"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TypeVar

from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.deciding import lock_and_end_overdue
from syncworker.registration.ledger.overdue import Concerned
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.marks import Priority
from syncworker.sync.reconcile.fan_out import mark_changes
from syncworker.sync.wake import Ring

T = TypeVar("T")


def under_lock(
    context: Context,
    hub_id: int,
    work: Callable[[Tx, Portal, Changes], T],
    *,
    cause: str,
    domains: Collection[str] = (),
) -> T:
    """Do it under the partner's lock, with what is overdue ended first; mark what it changed. Raises UnknownPortal.

    `domains`: what it is about. A single word of a person is kept in a paused portal, too; the CRM shows it afterwards.
    """

    def change(tx: Tx) -> tuple[T, set[Ring]]:
        changes = Changes()
        portal = locked(tx, context, hub_id, changes, domains=domains)
        done = work(tx, portal, changes)
        return done, mark_changes(tx, changes, cause=cause, priority=Priority.PERSON)

    done, rings = context.database.run(change)
    context.waker.ring(*rings)
    return done


def locked(tx: Tx, context: Context, hub_id: int, changes: Changes, *, domains: Collection[str]) -> Portal:
    """Lock the partner and end what is overdue; return the portal and the partner as they are from then on.

    Raises UnknownPortal.
    """
    portal = portals.get(tx, hub_id)
    # A command, or a web process, has not asked HubSpot what time it is: where nobody knows, this is no reason to end
    # anything. The workers ask, and do it within seconds.
    conditions = context.conditions(tx, if_time_unknown=False)
    partner = lock_and_end_overdue(tx, portal.partner.id, conditions, changes, concerned=Concerned(domains=domains))
    # Whoever held the lock may have changed the capacity, or paused the portal. Of a portal that got another partner
    # meanwhile it is done as before that: this one's row is locked.
    return replace(portals.get(tx, hub_id), partner=partner)
