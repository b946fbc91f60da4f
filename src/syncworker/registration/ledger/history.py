"""What happened, when, by whom, why and from where? Append-only; holds ids, never a person's fields.

Who it was, if a person, stands in `persons`, where it can be erased.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum

from sqlalchemy import insert, select

from syncworker.redaction import without_emails
from syncworker.registration.ledger import people
from syncworker.store.database import Tx
from syncworker.store.tables import history, persons


class Happened(StrEnum):
    """What can happen to a request or a registration."""

    REQUESTED = "requested"
    PENDING = "pending"
    INVALID_DATA = "invalid_data"
    UNAVAILABLE = "unavailable"
    REGISTERED = "registered"
    JOINED = "joined"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"
    DEREGISTRATION_ASKED = "deregistration_asked"
    DEREGISTERED = "deregistered"
    UNDONE = "undone"
    RELEASED = "released"
    EXPIRED = "expired"
    RENEWED = "renewed"
    RENEWAL_SET = "renewal_set"
    IMPORTED = "imported"
    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    UNCONFIRMED = "unconfirmed"
    HOLD_CAME = "hold_came"
    HOLD_LIFTED = "hold_lifted"
    HAND_EDIT = "hand_edit"
    PAUSED = "paused"
    UNPAUSED = "unpaused"
    BRAKED = "braked"
    BRAKE_RELEASED = "brake_released"
    MERGED = "merged"
    NEEDS_PERSON = "needs_person"
    LEAD_CONTACT_CHOSEN = "lead_contact_chosen"
    LEAD_CONTACT_LEFT = "lead_contact_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of the history."""

    partner_id: int
    event: Happened
    source: str
    who: str
    why: str = ""
    hub_id: int | None = None
    domain: str | None = None
    contact_id: str | None = None
    company_id: str | None = None
    request_id: int | None = None
    registration_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Event):
    """An event as it was kept."""

    id: int
    at: datetime


def record(tx: Tx, events: Iterable[Event]) -> None:
    """Keep what happened."""
    told = list(events)
    ids = people.refer(tx, {event.who for event in told})
    rows = [
        {
            "at": tx.now,
            **asdict(event),
            "who": people.PERSON if event.who in ids else event.who,
            "person_id": ids.get(event.who),
            # A person may have typed it.
            "why": without_emails(event.why),
        }
        for event in told
    ]
    if rows:
        tx.connection.execute(insert(history), rows)


def of_domain(tx: Tx, domain: str, *, partner_ids: Iterable[int] | None = None) -> list[Entry]:
    """All that happened about a domain, oldest first; only what concerns these partners."""
    names = [field.name for field in fields(Entry) if field.name != "who"]
    query = (
        select(*(history.c[name] for name in names), people.shown().label("who"))
        .outerjoin_from(history, persons, history.c.person_id == persons.c.id)
        .where(history.c.domain == domain)
        .order_by(history.c.id)
    )
    if partner_ids is not None:
        query = query.where(history.c.partner_id.in_(list(partner_ids)))
    return [Entry(**{**row._mapping, "event": Happened(row.event)}) for row in tx.connection.execute(query)]
