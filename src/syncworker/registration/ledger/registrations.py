"""Which domains are claimed, and how does a person give one up, or take it back?"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, select, text, update

from syncworker.program import Authority, Validity
from syncworker.registration.ledger import history
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Event, Happened
from syncworker.registration.rules.terms import Confirmation, EndReason, HoldKind, Source
from syncworker.registration.rules.validity import expires_on, today_in
from syncworker.store.arrays import among
from syncworker.store.database import Tx
from syncworker.store.tables import registrations


class NotRegistered(Exception):
    """The partner holds no registration on the domain."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        super().__init__(f"{domain} is not registered: see `syncworker registrations list`")


class TooLateToUndo(Exception):
    """No deregistration of the domain can be undone any more."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        super().__init__(f"the deregistration of {domain} cannot be undone any more: register it again")


class NothingToUndo(Exception):
    """The domain is registered: somebody has undone it, or it never was deregistered."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        super().__init__(f"there is no deregistration of {domain} to undo: it is registered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A claim as it stands."""

    id: int
    partner_id: int
    domain: str
    hub_id: int | None
    contact_id: str | None
    company_id: str | None
    source: Source
    registered_on: date
    expires_on: date
    expires_at: datetime
    renew_at_expiry: bool
    confirmation: Confirmation | None
    hold: HoldKind | None
    needs_person: str | None
    """What a person has to decide about it, in words; ids only, never a person's fields."""
    created_at: datetime
    deregistered_at: datetime | None
    undo_until: datetime | None
    ended_at: datetime | None
    end_reason: EndReason | None

    @property
    def is_active(self) -> bool:
        """Neither ended nor deregistered."""
        return self.ended_at is None and self.deregistered_at is None

    def is_over(self, now: datetime) -> bool:
        """Whether it is past its last valid day, also where that was not noted yet: it may be asked for anew."""
        return self.expires_at <= now

    def can_be_undone(self, now: datetime) -> bool:
        """Whether it was deregistered, and can still be had back."""
        return self.undo_until is not None and self.undo_until > now and self.expires_at > now


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRegistration:
    """A claim to be made."""

    domain: str
    hub_id: int
    contact_id: str | None
    company_id: str | None
    source: Source
    time_zone: str


def expires_at(last_valid_day: date, time_zone: str) -> datetime:
    """The moment after the last valid day, in the portal's time zone; of the calendar's last day, its beginning."""
    if last_valid_day == date.max:
        # What people write for never: no moment comes after it, and in no time zone may this one be beyond the last.
        return datetime.combine(date.max, time(), UTC)
    return datetime.combine(last_valid_day + timedelta(days=1), time(), ZoneInfo(time_zone)).astimezone(UTC)


def registration(row: Row[*tuple[object, ...]]) -> Registration:
    """The registration in a row of `query()`."""
    fields: dict[str, Any] = dict(zip(row._fields, row, strict=True))
    for name, words in _IN_WORDS.items():
        if fields[name] is not None:
            fields[name] = words(fields[name])
    return Registration(**fields)


_IN_WORDS: Mapping[str, Callable[[str], object]] = {
    "source": Source,
    "confirmation": Confirmation,
    "hold": HoldKind,
    "end_reason": EndReason,
}


def query() -> Select[*tuple[object, ...]]:
    """All registrations, to be narrowed."""
    return select(registrations)


def held_on(tx: Tx, domains: Collection[str]) -> dict[str, Registration]:
    """Who holds these domains, whoever it is."""
    narrowed = query().where(among(registrations.c.domain, domains), registrations.c.ended_at.is_(None))
    return {row.domain: registration(row) for row in tx.connection.execute(narrowed)}


def held_by(tx: Tx, partner_id: int) -> set[str]:
    """The domains that the partner holds."""
    narrowed = select(registrations.c.domain).where(
        registrations.c.partner_id == partner_id, registrations.c.ended_at.is_(None)
    )
    return set(tx.connection.execute(narrowed).scalars())


def insert_free(
    tx: Tx, partner_id: int, wanted: Sequence[NewRegistration], *, validity: Validity, authority: Authority
) -> dict[str, int]:
    """Claim these domains for the partner; return the ids of those that were free."""
    if not wanted:
        return {}
    rows = []
    # In order of domain: two partners that want the same domains then wait for each other in one direction only.
    for new in sorted(wanted, key=lambda w: w.domain):
        today = today_in(new.time_zone, tx.now)
        last_day = expires_on(today, validity)
        rows.append(
            {
                "domain": new.domain,
                "hub_id": new.hub_id,
                "contact_id": new.contact_id,
                "company_id": new.company_id,
                "source": new.source.value,
                "registered_on": today.isoformat(),
                "expires_on": last_day.isoformat(),
                "expires_at": expires_at(last_day, new.time_zone).isoformat(),
            }
        )
    confirmation = Confirmation.UNCONFIRMED.value if authority is Authority.HUBSPOT else None
    parameters = {
        "partner_id": partner_id,
        "rows": json.dumps(rows),
        "now": tx.now,
        "confirmation": confirmation,
    }
    return {row.domain: row.id for row in tx.connection.execute(_INSERT_FREE, parameters)}


# Rows as JSON: one statement however many there are, and compiled once. Somebody else's claim on a domain wins.
_INSERT_FREE = text("""
    INSERT INTO registrations (partner_id, domain, hub_id, contact_id, company_id, source, registered_on, expires_on,
                               expires_at, confirmation, created_at)
    SELECT :partner_id, r.domain, r.hub_id, r.contact_id, r.company_id, r.source, r.registered_on, r.expires_on,
           r.expires_at, CAST(:confirmation AS text), :now ::timestamptz
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (domain text, hub_id bigint, contact_id text,
           company_id text, source text, registered_on date, expires_on date, expires_at timestamptz)
     ORDER BY r.domain
    ON CONFLICT DO NOTHING
    RETURNING domain, id
""")


def deregister(tx: Tx, claims: Collection[Registration], *, who: str, source: Source, undo: timedelta) -> Changes:
    """End active claims: slots and domains are kept until it can no longer be undone. The partner is locked."""
    values: dict[str, object] = {"deregistered_at": tx.now, "undo_until": tx.now + undo}
    if not undo:
        values |= {"ended_at": tx.now, "end_reason": EndReason.DEREGISTERED.value}
    return _set(tx, claims, values, Happened.DEREGISTERED, who=who, source=source, why="commission eligibility lost")


def undo_deregistration(tx: Tx, partner_id: int, domain: str, *, who: str, source: Source) -> Changes:
    """Take a deregistration back within its undo time; raises TooLateToUndo, NothingToUndo. The partner is locked."""
    claim = held_on(tx, [domain]).get(domain)
    if claim is not None and claim.partner_id == partner_id and claim.is_active:
        raise NothingToUndo(domain)
    if claim is None or claim.partner_id != partner_id or not claim.can_be_undone(tx.now):
        raise TooLateToUndo(domain)
    return undo(tx, [claim], who=who, source=source)


def undo(tx: Tx, claims: Collection[Registration], *, who: str, source: Source) -> Changes:
    """Make deregistered claims that are still held active again. The partner is locked."""
    return _set(tx, claims, {"deregistered_at": None, "undo_until": None}, Happened.UNDONE, who=who, source=source)


def active_of(tx: Tx, partner_id: int, domain: str) -> Registration:
    """The partner's active registration on the domain; raises NotRegistered."""
    claim = held_on(tx, [domain]).get(domain)
    if claim is None or claim.partner_id != partner_id or not claim.is_active:
        raise NotRegistered(domain)
    return claim


def newest_of(tx: Tx, partner_id: int, domain: str) -> Registration:
    """The partner's latest registration on the domain, ended or not; raises NotRegistered."""
    narrowed = query().where(registrations.c.partner_id == partner_id, registrations.c.domain == domain)
    row = tx.connection.execute(narrowed.order_by(registrations.c.id.desc()).limit(1)).one_or_none()
    if row is None:
        raise NotRegistered(domain)
    return registration(row)


def set_renewal(tx: Tx, claims: Collection[Registration], *, renew: bool, who: str, source: Source) -> Changes:
    """Say whether claims renew themselves when they expire. No record shows that."""
    why = "on" if renew else "off"
    _set(tx, claims, {"renew_at_expiry": renew}, Happened.RENEWAL_SET, who=who, source=source, why=why)
    return Changes()


_CONFIRMED = {
    Confirmation.CONFIRMED: Happened.CONFIRMED,
    Confirmation.CONTRADICTED: Happened.CONTRADICTED,
    Confirmation.UNCONFIRMED: Happened.UNCONFIRMED,
}


def set_confirmation(
    tx: Tx, claims: Collection[Registration], to: Confirmation, *, who: str, source: Source
) -> Changes:
    """Say what HubSpot is known to say of claims, where HubSpot is the authority."""
    others = [claim for claim in claims if claim.confirmation is not to]
    return _set(tx, others, {"confirmation": to.value}, _CONFIRMED[to], who=who, source=source)


def _set(
    tx: Tx,
    claims: Collection[Registration],
    values: Mapping[str, object],
    happened: Happened,
    *,
    who: str,
    source: Source,
    why: str = "",
) -> Changes:
    """Change claims, however many, in a few statements."""
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


def event(claim: Registration, happened: Happened, *, who: str, source: str, why: str = "") -> Event:
    """What happened to a claim, for the history."""
    return Event(
        partner_id=claim.partner_id,
        hub_id=claim.hub_id,
        domain=claim.domain,
        event=happened,
        source=source,
        who=who,
        why=why,
        contact_id=claim.contact_id,
        company_id=claim.company_id,
        registration_id=claim.id,
    )


def touch(changes: Changes, claim: Registration) -> Changes:
    """Note that a claim began, changed or ended."""
    changes.registration(
        partner_id=claim.partner_id,
        domain=claim.domain,
        hub_id=claim.hub_id,
        contact_id=claim.contact_id,
        company_id=claim.company_id,
    )
    return changes
