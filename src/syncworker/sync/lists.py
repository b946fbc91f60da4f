"""What is there to see? Read-only lists for the API, the command line and pages.

Every list is one portal's: it shows what the ledger holds of the portal's partner, and what we keep of the records of
this portal alone. Nothing of another partner, and no person's name of another portal, is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select, text, tuple_

from syncworker.registration.ledger import capacity, history, registrations
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.capacity import Capacity
from syncworker.registration.ledger.history import Entry
from syncworker.registration.ledger.registrations import Registration
from syncworker.registration.ledger.requests import State, Stored
from syncworker.registration.rules.terms import Confirmation, HoldKind, Source, Status
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.tables import marks as marks_table
from syncworker.store.tables import requests as requests_table
from syncworker.sync import page_cursor
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority
from syncworker.sync.page_cursor import BadCursor

__all__ = ["BadCursor"]  # raised here, so looked for here

MOST_LINES = 200
MOST_Q_CHARACTERS = 200
STATUSES = (Status.REGISTERED, Status.EXPIRED, Status.DEREGISTERED)
REFUSED = "refused"
STATES = (*(state.value for state in State), REFUSED)


class UnknownFilter(ValueError):  # noqa: N818 - says what is so
    """A list is asked for by a value that nothing can have."""

    def __init__(self, name: str, value: str, known: tuple[str, ...]) -> None:
        super().__init__(f"{name} is one of {', '.join(known)}, not {value[:40]!r}")


class UnknownRequest(Exception):
    """The portal's partner has no request of that id."""

    def __init__(self, request_id: int) -> None:
        self.request_id = request_id
        super().__init__(f"there is no request {request_id}: see `syncworker requests list`")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationLine:
    """The newest registration of a domain. Names are None where its records are another portal's, or not kept."""

    domain: str
    status: Status
    hub_id: int | None
    """The portal of its records; a partner's other portals show the line too."""
    contact_id: str | None
    company_id: str | None
    contact_name: str | None
    company: str | None
    country: str | None
    registered_on: date
    expires_on: date
    renew_at_expiry: bool
    source: Source
    confirmation: Confirmation | None
    hold: HoldKind | None
    undo_until: datetime | None
    """Until when its deregistration can be undone; None where it cannot."""
    drift: bool
    """The lead's website is another domain by now; the registration stays with this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationPage:
    """Lines by domain, and the cursor of the next page."""

    items: tuple[RegistrationLine, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """A request. `position` is its place in the partner's waiting list (1: next); several for a domain share one."""

    request: Stored
    position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPage:
    """Lines, and the cursor of the next page."""

    items: tuple[RequestLine, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkLine:
    """A mark; `claimed`: somebody is looking at it now."""

    kind: Kind
    object_id: str
    priority: Priority
    cause: str
    attempts: int
    marked_at: datetime
    not_before: datetime
    claimed: bool
    last_error: str | None
    parked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkPage:
    """Lines, and the cursor of the next page."""

    items: tuple[MarkLine, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkCount:
    """How many marks of a portal, kind and priority there are; the age of the oldest due one in seconds."""

    hub_id: int
    kind: Kind
    priority: Priority
    due: int
    parked: int
    oldest_due_s: float


# A claim that is past its last valid day, and not to be renewed, is over; who notes that may be seconds late.
_REGISTRATIONS = text(r"""
    SELECT r.domain, r.status, r.hub_id, r.contact_id, r.company_id, r.registered_on, r.expires_on, r.renew_at_expiry,
           r.source, r.confirmation, r.hold,
           CASE WHEN r.ended_at IS NULL AND r.undo_until > :now THEN r.undo_until END AS undo_until,
           contact.name AS contact_name, coalesce(company.name, contact.company) AS company,
           coalesce(contact.country, company.country) AS country,
           coalesce(r.status = 'registered' AND contact.presence = 'live' AND contact.domain <> r.domain, false) AS drift
      FROM (SELECT DISTINCT ON (domain) *, CASE
                WHEN deregistered_at IS NOT NULL THEN 'deregistered'
                WHEN ended_at IS NOT NULL OR (expires_at <= :now AND NOT renew_at_expiry) THEN 'expired'
                ELSE 'registered' END AS status
              FROM registrations WHERE partner_id = :partner_id AND domain > :after
             ORDER BY domain, id DESC) AS r
      LEFT JOIN records AS contact ON r.hub_id = :hub_id AND contact.hub_id = :hub_id
           AND contact.kind = 'contact' AND contact.object_id = r.contact_id
      LEFT JOIN records AS company ON r.hub_id = :hub_id AND company.hub_id = :hub_id
           AND company.kind = 'company' AND company.object_id = r.company_id
     WHERE (CAST(:status AS text) IS NULL OR r.status = :status)
       AND (CAST(:pattern AS text) IS NULL
            OR concat_ws(E'\n', r.domain, company.name, contact.company, contact.name, contact.country,
                         company.country) ILIKE :pattern)
     ORDER BY r.domain LIMIT :lines
""")


def registrations_(
    tx: Tx, hub_id: int, *, status: str | None = None, q: str | None = None, limit: int = 50,
    cursor: str | None = None,
) -> RegistrationPage:  # fmt: skip
    """The partner's registrations by domain; `q` is looked for in domain, company, contact's name and country.

    Raises UnknownPortal, BadCursor, UnknownFilter.
    """
    if status is not None and status not in STATUSES:
        raise UnknownFilter("status", status, STATUSES)
    parameters = {
        "partner_id": portals.get(tx, hub_id).partner.id,
        "hub_id": hub_id,
        "now": tx.now,
        "after": page_cursor.Key("registrations", cursor, parts=1).text(0) if cursor else "",
        "status": status,
        "pattern": _pattern(q),
        "lines": _lines(limit) + 1,
    }
    rows = tx.connection.execute(_REGISTRATIONS, parameters).all()
    shown = rows[: _lines(limit)]
    return RegistrationPage(
        items=tuple(_registration_line(row) for row in shown),
        next=page_cursor.encode("registrations", shown[-1].domain) if len(rows) > len(shown) else None,
    )
