"""When does a registration end, or a deregistration become final, and who gets the slot?"""

from __future__ import annotations

from sqlalchemy import select

from syncworker.registration.ledger import moves
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.deciding import lock_and_end_overdue
from syncworker.registration.ledger.registrations import is_overdue
from syncworker.store.database import Tx
from syncworker.store.tables import registrations
from syncworker.sync.context import Context
from syncworker.sync.fan_out import mark_changes
from syncworker.sync.marks import Priority
from syncworker.sync.wake import Ring


def end_overdue(context: Context) -> int:
    """End what is overdue, one partner a transaction; return how many domains changed."""
    with context.database.transaction() as tx:
        partners = _partners_with_overdue(tx)
    changed = 0
    for partner_id in partners:
        # What is left over is rung for again by the sweep.
        changes, rings = context.database.run(lambda tx: _end(tx, context, partner_id))  # noqa: B023 - run at once
        context.waker.ring(*rings)
        changed += len(changes.domains)
    lapsed, rings = context.database.run(_end_lapsed)
    context.waker.ring(*rings)
    return changed + len(lapsed.contacts)


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
