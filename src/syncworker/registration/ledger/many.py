"""How are many claims given up, taken back or set to renew at once? In a few statements, however many they are.

The same rules as for one, which stand in `registrations.py`. The partner is locked.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import update

from syncworker.registration.ledger import history
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Happened
from syncworker.registration.ledger.registrations import Registration, event, touch
from syncworker.registration.rules.terms import Confirmation, EndReason, Source
from syncworker.store.arrays import among
from syncworker.store.database import Tx
from syncworker.store.tables import registrations


def deregister(tx: Tx, claims: Collection[Registration], *, who: str, source: Source, undo: timedelta) -> Changes:
    """End active claims: their slots and domains are kept until it can no longer be undone."""
    values: dict[str, object] = {"deregistered_at": tx.now, "undo_until": tx.now + undo}
    if not undo:
        values |= {"ended_at": tx.now, "end_reason": EndReason.DEREGISTERED.value}
    return _set(tx, claims, values, Happened.DEREGISTERED, who=who, source=source, why="commission eligibility lost")


def undo(tx: Tx, claims: Collection[Registration], *, who: str, source: Source) -> Changes:
    """Make deregistered claims that are still held active again."""
    return _set(tx, claims, {"deregistered_at": None, "undo_until": None}, Happened.UNDONE, who=who, source=source)


def set_renewal(tx: Tx, claims: Collection[Registration], *, renew: bool, who: str, source: Source) -> Changes:
    """Say whether claims renew themselves when they expire. No record shows that."""
    why = "on" if renew else "off"
    _set(tx, claims, {"renew_at_expiry": renew}, Happened.RENEWAL_SET, who=who, source=source, why=why)
    return Changes()


def set_confirmation(
    tx: Tx, claims: Collection[Registration], to: Confirmation, *, who: str, source: Source
) -> Changes:
    """Say what HubSpot is known to say of claims, where HubSpot is the authority."""
    happened = {
        Confirmation.CONFIRMED: Happened.CONFIRMED,
        Confirmation.CONTRADICTED: Happened.CONTRADICTED,
        Confirmation.UNCONFIRMED: Happened.UNCONFIRMED,
    }[to]
    return _set(tx, claims, {"confirmation": to.value}, happened, who=who, source=source)


def _set(
    tx: Tx,
    claims: Collection[Registration],
    values: dict[str, object],
    happened: Happened,
    *,
    who: str,
    source: Source,
    why: str = "",
) -> Changes:
    changes = Changes()
    if not claims:
        return changes
    which = among(registrations.c.id, [claim.id for claim in claims])
    tx.connection.execute(update(registrations).where(which).values(**values))
    in_order = sorted(claims, key=lambda claim: claim.domain)
    history.record(tx, [event(claim, happened, who=who, source=source.value, why=why) for claim in in_order])
    for claim in in_order:
        touch(changes, claim)
    return changes
