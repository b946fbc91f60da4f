"""Why does this domain, contact or email show what it shows? All that the ledger knows about it, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select

from syncworker.registration.ledger import holds
from syncworker.registration.ledger import registrations as claims
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.history import Entry
from syncworker.registration.ledger.registrations import NotRegistered, Registration
from syncworker.registration.ledger.requests import Stored
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.terms import HoldKind
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.tables import marks as marks_table
from syncworker.store.tables import records
from syncworker.store.tables import requests as requests_table
from syncworker.store.texts import storable
from syncworker.sync.context import Context
from syncworker.sync.lists import lists, mark_lists
from syncworker.sync.lists.finding import find
from syncworker.sync.lists.list_lines import MarkLine
from syncworker.sync.marks import Kind

_MOST_REQUESTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known about a domain or a record. Nothing of another partner is in it."""

    hub_id: int
    domain: str | None
    contact_id: str | None
    registration: Registration | None
    """The partner's newest on the domain, ended or not."""
    hold: HoldKind | None
    requests: tuple[Stored, ...]
    """The newest first."""
    marks: tuple[MarkLine, ...]
    """What is yet to be looked at, or parked."""
    history: tuple[Entry, ...]
    """Of the domain, the oldest first."""

    @property
    def answer(self) -> str:
        """The shortest answer that is true."""
        parked = [mark for mark in self.marks if mark.why is not None]
        if parked and parked[0].why is not None:
            return f"{parked[0].kind} {parked[0].object_id} is parked: {parked[0].why.meaning}"
        if self.registration is not None and self.registration.is_active:
            return f"{self.domain} is registered until {self.registration.expires_on}"
        if self.requests:
            last = self.requests[0]
            reason = f" ({last.reason})" if last.reason else ""
            return f"the newest request is {last.state}{reason}: {last.detail or 'see its history'}"
        if self.registration is not None:
            return f"the registration of {self.domain} is over: {self.registration.end_reason}"
        if self.hold is not None:
            return f"{self.domain} is on hold: {self.hold}"
        return "nobody has asked to register it: `syncworker register` does"


def why(context: Context, hub_id: int, text: str) -> Known:
    """What is known about what is meant: a domain, a contact's id or email, an address of HubSpot.

    Asks HubSpot only where the ledger does not know an email. Raises UnknownPortal, NotFound, and what HubSpot raises.
    """
    given = storable(text.strip())
    domain = registrable(given, context.domain_rules) if "@" not in given and not given.isdecimal() else None
    contact_id: str | None = None
    if not isinstance(domain, str) or "/contacts/" in given:
        with context.database.transaction() as tx:
            contact_id = given if given.isdecimal() else _of_email(tx, hub_id, given.lower())
        if contact_id is None:
            meant = find(context, hub_id, given)
            contact_id = meant.object_id if meant.kind is Kind.CONTACT else None
        domain = None
    with context.database.transaction() as tx:
        return known(tx, hub_id, domain if isinstance(domain, str) else None, contact_id)


def _of_email(tx: Tx, hub_id: int, email: str) -> str | None:
    query = select(records.c.object_id).where(
        records.c.hub_id == hub_id, records.c.kind == Kind.CONTACT.value, records.c.email == email
    )
    return tx.connection.execute(query.limit(1)).scalar_one_or_none()


def known(tx: Tx, hub_id: int, domain: str | None, contact_id: str | None = None) -> Known:
    """What the ledger knows about a domain, or a contact; asks nobody. Raises UnknownPortal."""
    partner = portals.get(tx, hub_id).partner
    of = requests_table.c
    meant = [of.domain == domain] if domain else []
    if contact_id:
        meant.append(of.contact_id == contact_id)
    query = asked.query().where(of.partner_id == partner.id, or_(*meant)) if meant else None
    found = (
        [asked.stored(row) for row in tx.connection.execute(query.order_by(of.id.desc()).limit(_MOST_REQUESTS))]
        if query is not None
        else []
    )
    if domain is None and contact_id is not None:
        of_record = select(records.c.domain).where(
            records.c.hub_id == hub_id, records.c.kind == Kind.CONTACT.value, records.c.object_id == contact_id
        )
        domain = tx.connection.execute(of_record).scalar_one_or_none()
        domain = domain or next((request.domain for request in found if request.domain), None)
    registration = _newest(tx, partner.id, domain) if domain else None
    touched: set[tuple[Kind, str | None]] = {(Kind.DOMAIN, domain)}
    for request in found:
        touched |= {(Kind.CONTACT, request.contact_id), (Kind.COMPANY, request.company_id)}
    if registration is not None:
        touched |= {(Kind.CONTACT, registration.contact_id), (Kind.COMPANY, registration.company_id)}
    touched.add((Kind.CONTACT, contact_id))
    return Known(
        hub_id=hub_id,
        domain=domain,
        contact_id=contact_id,
        registration=registration,
        hold=holds.on(tx, [domain]).get(domain) if domain else None,
        requests=tuple(found),
        marks=tuple(
            mark
            for kind, object_id in sorted((k, o) for k, o in touched if o)
            for mark in _mark(tx, hub_id, kind, object_id)
        ),
        history=tuple(lists.domain_history(tx, hub_id, domain)) if domain else (),
    )


def _newest(tx: Tx, partner_id: int, domain: str) -> Registration | None:
    try:
        return claims.newest_of(tx, partner_id, domain)
    except NotRegistered:
        return None


def _mark(tx: Tx, hub_id: int, kind: Kind, object_id: str) -> list[MarkLine]:
    of = marks_table.c
    return mark_lists.where(tx, hub_id, of.kind == kind.value, of.object_id == object_id)
