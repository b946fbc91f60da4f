"""How is something done to the ledger at a person's word?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.deciding import lock_and_end_overdue
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.marks import Priority
from syncworker.sync.reconcile.fan_out import mark_changes
from syncworker.sync.wake import Ring

T = TypeVar("T")


def under_lock(context: Context, hub_id: int, work: Callable[[Tx, Portal, Changes], T], *, cause: str) -> T:
    """Do it under the partner's lock, with what is overdue ended first; mark what it changed. Raises UnknownPortal."""

    def change(tx: Tx) -> tuple[T, set[Ring]]:
        portal = portals.get(tx, hub_id)
        changes = Changes()
        # A command, or a web process, has not asked HubSpot what time it is: where nobody knows, this is no reason
        # to end anything. The workers ask, and do it within seconds.
        lock_and_end_overdue(tx, portal.partner.id, context.conditions(tx, if_time_unknown=False), changes)
        done = work(tx, portal, changes)
        return done, mark_changes(tx, changes, cause=cause, priority=Priority.PERSON)

    done, rings = context.database.run(change)
    context.waker.ring(*rings)
    return done
