"""Which registrations are past their last valid day or their undo time, and how do they end or renew?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, case, func, select, union, union_all, update

from syncworker.program import Validity
from syncworker.registration.ledger import history
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Happened
from syncworker.registration.ledger.registrations import Registration, event, expires_at, query, registration, touch
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import EndReason
from syncworker.registration.rules.validity import expires_on, today_in
from syncworker.store.arrays import among
from syncworker.store.database import Tx
from syncworker.store.tables import portals, registrations, requests

OVERDUE_AT_ONCE = 1000
"""So many that the partner's lock is held for a second or two, not for minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """What a transaction is about: what is overdue of it ends there, however much else is overdue for longer."""

    domains: Collection[str] = ()
    hub_id: int | None = None
    contacts: Collection[str] = ()
    """Of that portal: what they stand for."""


NOBODY = Concerned()


def is_any_overdue(tx: Tx, partner_id: int, domains: Collection[str]) -> bool:
    """Whether a claim of the partner, or anybody's on one of these domains, should have ended by now."""
    return bool(_longest_overdue(tx, partner_id, at_most=1)) or bool(partners_with_overdue(tx, domains))


def partners_with_overdue(tx: Tx, domains: Collection[str]) -> set[int]:
    """Partners whose claim on one of these domains should have ended by now."""
    narrowed = select(registrations.c.partner_id).where(
        among(registrations.c.domain, domains), registrations.c.ended_at.is_(None), is_overdue(tx)
    )
    return set(tx.connection.execute(narrowed).scalars())


def end_overdue(
    tx: Tx,
    partner_id: int,
    *,
    concerned: Concerned,
    validity: Validity | None,
    time_zones: dict[int, str],
    may_end: Callable[[], bool],
) -> Changes:
    """End what is past its last valid day or its undo time; renew what is to be renewed. The partner is locked.

    Nothing of that where `may_end` says no, which is asked only if there is something; without a `validity` nothing is
    renewed, and what would be stays as it is.
    """
    overdue = _longest_overdue(tx, partner_id, at_most=OVERDUE_AT_ONCE)
    if len(overdue) >= OVERDUE_AT_ONCE:
        # More may be, and wait for its turn. But nobody joins, gives up or waits for a claim that is over.
        known = {claim.id for claim in overdue}
        overdue += [claim for claim in _overdue_and_concerned(tx, partner_id, concerned) if claim.id not in known]
    if validity is None:
        overdue = [claim for claim in overdue if not (claim.is_active and claim.renew_at_expiry)]
    changes = Changes()
    if overdue and not may_end():
        return changes
    ending = [claim for claim in overdue if not (claim.is_active and claim.renew_at_expiry)]
    for claim in overdue:
        if claim.is_active and claim.renew_at_expiry and validity is not None:
            _renew(tx, claim, validity=validity, time_zone=time_zones.get(claim.hub_id or 0, "UTC"))
        touch(changes, claim)
    _end(tx, ending)
    return changes


def is_overdue(tx: Tx) -> ColumnElement[bool]:
    """Past its last valid day or its undo time. What is of a paused portal ends when that is paused no more."""
    paused = select(portals.c.hub_id).where(portals.c.mode == "paused")
    # One whose portal is gone has no id, and NULL is in no set, nor out of one.
    stands_still = func.coalesce(registrations.c.hub_id, 0).in_(paused)
    return ((registrations.c.expires_at <= tx.now) | (registrations.c.undo_until <= tx.now)) & ~stands_still


def _renew(tx: Tx, claim: Registration, *, validity: Validity, time_zone: str) -> None:
    # From the day after its last one, however late that is noticed: a pause moves no date.
    today = today_in(time_zone, tx.now)
    begins = claim.expires_on + timedelta(days=1)
    last_day = expires_on(begins, validity)
    while last_day < today:
        begins = last_day + timedelta(days=1)
        last_day = expires_on(begins, validity)
    tx.connection.execute(
        update(registrations)
        .where(registrations.c.id == claim.id)
        .values(registered_on=begins, expires_on=last_day, expires_at=expires_at(last_day, time_zone))
    )
    _tell(tx, claim, Happened.RENEWED, who="syncworker", source=claim.source.value, why="renew_at_expiry")


def _end(tx: Tx, claims: Sequence[Registration]) -> None:
    """End these: expired, or deregistered and no longer to be undone."""
    if not claims:
        return
    dropped = registrations.c.deregistered_at.is_not(None)
    tx.connection.execute(
        update(registrations)
        .where(among(registrations.c.id, [claim.id for claim in claims]))
        .values(
            ended_at=case((dropped, registrations.c.undo_until), else_=registrations.c.expires_at),
            end_reason=case((dropped, EndReason.DEREGISTERED.value), else_=EndReason.EXPIRED.value),
        )
    )
    told = [
        event(
            claim,
            Happened.EXPIRED if claim.is_active else Happened.RELEASED,
            who="syncworker",
            source=claim.source.value,
        )
        for claim in claims
    ]
    history.record(tx, told)


def _longest_overdue(tx: Tx, partner_id: int, *, at_most: int) -> list[Registration]:
    """What of the partner's is overdue, the longest first."""
    of = registrations.c
    narrowed = query().where(of.partner_id == partner_id, of.ended_at.is_(None), is_overdue(tx))
    # Each by its own index, from its beginning. Asked for both at once, PostgreSQL reads all registrations there are.
    each = [
        narrowed.with_only_columns(of.id).where(since <= tx.now).order_by(since).limit(at_most).subquery()
        for since in (of.expires_at, of.undo_until)
    ]
    ids = set(tx.connection.execute(union_all(*(select(one.c.id) for one in each))).scalars())
    if not ids:
        return []
    found = query().where(among(of.id, ids)).order_by(of.expires_at).limit(at_most)
    return [registration(row) for row in tx.connection.execute(found)]


def _overdue_and_concerned(tx: Tx, partner_id: int, concerned: Concerned) -> list[Registration]:
    """What of the partner's is overdue on these domains, for these contacts, or where a request waits for it."""
    of = registrations.c
    held = select(of.id).where(of.partner_id == partner_id, of.ended_at.is_(None))
    waited_for = select(requests.c.domain).where(
        requests.c.partner_id == partner_id, requests.c.state == State.WAITING.value
    )
    which = union(
        held.where(among(of.domain, concerned.domains)),
        held.where(of.hub_id == concerned.hub_id, among(of.contact_id, concerned.contacts)),
        held.where(of.domain.in_(waited_for)),
    )
    found = query().where(of.id.in_(which), is_overdue(tx)).order_by(of.expires_at)
    return [registration(row) for row in tx.connection.execute(found)]


def _tell(tx: Tx, claim: Registration, happened: Happened, *, who: str, source: str, why: str = "") -> None:
    history.record(tx, [event(claim, happened, who=who, source=source, why=why)])
