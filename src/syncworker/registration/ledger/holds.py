"""Which domains may nobody register, and what does a hold that comes later change?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from syncworker.registration.ledger import history, moves
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Event, Happened
from syncworker.registration.ledger.registrations import held_on, touch
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import HoldKind
from syncworker.store.arrays import among
from syncworker.store.database import Tx
from syncworker.store.tables import holds, partners, registrations, requests


class NotHeld(Exception):
    """There is no hold on the domain."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        super().__init__(f"there is no hold on {domain}: see `syncworker holds list`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A reason why nobody may register a domain."""

    domain: str
    kind: HoldKind
    note: str = ""


def on(tx: Tx, domains: Collection[str]) -> Mapping[str, HoldKind]:
    """The holds on these domains."""
    query = select(holds.c.domain, holds.c.kind).where(among(holds.c.domain, domains))
    return {row.domain: HoldKind(row.kind) for row in tx.connection.execute(query)}


def add(tx: Tx, new: Collection[Hold], *, who: str) -> Changes:
    """Keep holds. One on a registered domain flags the registration for a person, and ends nothing."""
    changes = Changes()
    if not new:
        return changes
    # All partners first: a decision that has not seen the hold is committed then, and its registration is found below.
    tx.connection.execute(select(partners.c.id).order_by(partners.c.id).with_for_update(key_share=True))
    by_domain = {hold.domain: hold for hold in new}
    rows = [
        {"domain": h.domain, "kind": h.kind.value, "note": h.note, "added_by": who, "added_at": tx.now}
        for h in sorted(by_domain.values(), key=lambda h: h.domain)
    ]
    statement = insert(holds).values(rows)
    same = {"kind": statement.excluded.kind, "note": statement.excluded.note}
    tx.connection.execute(statement.on_conflict_do_update(index_elements=["domain"], set_=same))
    _flag_registrations(tx, by_domain, changes, who=who)
    _recall_waiting(tx, by_domain, changes)
    return changes


def remove(tx: Tx, domain: str, *, who: str) -> Changes:
    """Lift a hold; raises NotHeld. What was refused for it stays refused until it is asked for again."""
    locked = select(partners.c.id).order_by(partners.c.id).with_for_update(key_share=True)
    everybody = tx.connection.execute(locked).scalars().all()
    lifted = delete(holds).where(holds.c.domain == domain).returning(holds.c.kind)
    kind = tx.connection.execute(lifted).scalar_one_or_none()
    if kind is None:
        raise NotHeld(domain)
    changes = Changes()
    claim = held_on(tx, [domain]).get(domain)
    flagged = claim if claim is not None and claim.hold is not None else None
    if flagged is not None:
        tx.connection.execute(update(registrations).where(registrations.c.id == flagged.id).values(hold=None))
        touch(changes, flagged)
    # A hold was everybody's, and so is its end; the row that said who added it is gone.
    told = [
        Event(
            partner_id=partner_id,
            hub_id=flagged.hub_id if flagged and flagged.partner_id == partner_id else None,
            domain=domain,
            event=Happened.HOLD_LIFTED,
            source="app",
            who=who,
            why=kind,
            registration_id=flagged.id if flagged and flagged.partner_id == partner_id else None,
        )
        for partner_id in everybody
    ]
    history.record(tx, told)
    return changes


def _flag_registrations(tx: Tx, by_domain: Mapping[str, Hold], changes: Changes, *, who: str) -> None:
    for domain, claim in sorted(held_on(tx, by_domain).items()):
        kind = by_domain[domain].kind
        if claim.hold is kind:
            continue
        flagged = update(registrations).where(registrations.c.id == claim.id).values(hold=kind.value)
        tx.connection.execute(flagged)
        told = Event(
            partner_id=claim.partner_id,
            hub_id=claim.hub_id,
            domain=domain,
            event=Happened.HOLD_CAME,
            source="import",
            who=who,
            why=kind.value,
            registration_id=claim.id,
        )
        history.record(tx, [told])
        touch(changes, claim)


def _recall_waiting(tx: Tx, by_domain: Mapping[str, Hold], changes: Changes) -> None:
    # Left on the waiting list, the next free slot would register what must not be registered.
    line = asked.query().where(requests.c.state == State.WAITING.value, among(requests.c.domain, by_domain))
    waiting = [asked.stored(row) for row in tx.connection.execute(line.with_for_update())]
    moves.decide_again(tx, waiting)
    changes.contacts |= {(r.hub_id, str(r.contact_id)) for r in waiting}
