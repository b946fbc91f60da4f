"""What happened, when, by whom, why and from where? Append-only; holds ids, never a person's fields.

Who it was, if a person, stands in `persons`, where it can be erased.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from syncworker.redaction import without_emails
from syncworker.registration.ledger import people
from syncworker.store.database import Tx, in_drivers_words
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
    MOVED_IN_LINE = "moved_in_line"
    FORM_ENABLED = "form_enabled"
    FORM_DISABLED = "form_disabled"
    NOTICES_SWITCHED = "notices_switched"
    WEBHOOK_SET = "webhook_set"
    MARKS_RETRIED = "marks_retried"
    MARKS_DISMISSED = "marks_dismissed"
    REQUEST_RETRIED = "request_retried"
    RESYNC_STARTED = "resync_started"
    RESYNC_PAUSED = "resync_paused"
    RESYNC_RESUMED = "resync_resumed"
    RESYNC_CANCELLED = "resync_cancelled"
    RECORDS_MARKED = "records_marked"
    HOLD_ADDED = "hold_added"
    HOLD_REMOVED = "hold_removed"
    HOLDS_IMPORTED = "holds_imported"
    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    USER_REMOVED = "user_removed"
    LINK_MADE = "link_made"
    PORTAL_CONNECTED = "portal_connected"
    PORTAL_CHANGED = "portal_changed"
    PORTAL_REMOVED = "portal_removed"
    MODE_SET = "mode_set"
    UNBLOCKED = "unblocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of the history."""

    partner_id: int | None
    """None: of no portal."""
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
    detail: Mapping[str, object] | None = None
    """Of what is about no one lead: codes and numbers."""
    about: str | None = None
    """To whom, where it was done to an account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Event):
    """An event as it was kept."""

    id: int
    at: datetime


def record(tx: Tx, events: Iterable[Event]) -> None:
    """Keep what happened."""
    told = list(events)
    ids = people.refer(tx, {name for event in told for name in (event.who, event.about) if name is not None})
    rows = [
        {
            "partner_id": event.partner_id,
            "event": event.event,
            "source": event.source,
            "who": people.PERSON if event.who in ids else event.who,
            "person_id": ids.get(event.who),
            # A person may have typed it.
            "why": without_emails(event.why),
            "hub_id": event.hub_id,
            "domain": event.domain,
            "contact_id": event.contact_id,
            "company_id": event.company_id,
            "request_id": event.request_id,
            "registration_id": event.registration_id,
            "about_id": None if event.about is None else ids[event.about],
            "detail": event.detail,
        }
        for event in told
    ]
    if rows:
        record_rows = _RECORD_UNTOLD if any(event.event in TOLD for event in told) else _RECORD
        tx.ask(record_rows, {"at": tx.now, "rows": json.dumps(rows)})


# What somebody may want to be told of at once, by the kind of the notice. Noted in the same statement: a worker that is
# killed after it has told the history has told that there is something to tell, too.
TOLD = {
    Happened.UNAVAILABLE: "refused",
    Happened.INVALID_DATA: "refused",
    Happened.HAND_EDIT: "hand_edits",
}
# Rows as JSON: one statement however many there are, and compiled once.
_INSERT = """
    INSERT INTO history (at, partner_id, event, source, who, person_id, why, hub_id, domain, contact_id, company_id,
                         request_id, registration_id, about_id, detail)
    SELECT CAST(:at AS timestamptz), r.partner_id, r.event, r.source, r.who, r.person_id, r.why, r.hub_id, r.domain,
           r.contact_id, r.company_id, r.request_id, r.registration_id, r.about_id, r.detail
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (partner_id bigint, event text, source text,
           who text, person_id bigint, why text, hub_id bigint, domain text, contact_id text, company_id text,
           request_id bigint, registration_id bigint, about_id bigint, detail jsonb)
"""
_RECORD = in_drivers_words(_INSERT)
# Only where somebody is to be told: else nobody would ever take it away.
_RECORD_UNTOLD = in_drivers_words(f"""
    WITH told AS ({_INSERT} RETURNING id, at, hub_id, event)
    INSERT INTO untold (hub_id, kind, at, history_id)
    SELECT told.hub_id, kinds.kind, told.at, told.id
      FROM told
      JOIN (VALUES {", ".join(f"('{event.value}', '{kind}')" for event, kind in TOLD.items())}) AS kinds (event, kind)
        ON kinds.event = told.event
     WHERE told.hub_id IN (SELECT hub_id FROM notice_switches)
     ORDER BY told.id
""")


def of_domain(tx: Tx, domain: str, *, partner_ids: Iterable[int] | None = None) -> list[Entry]:
    """All that happened about a domain, oldest first; only what concerns these partners."""
    names = [field.name for field in fields(Entry) if field.name not in {"who", "about"}]
    query = (
        select(*(history.c[name] for name in names), people.shown().label("who"))
        .outerjoin_from(history, persons, history.c.person_id == persons.c.id)
        .where(history.c.domain == domain)
        .order_by(history.c.id)
    )
    if partner_ids is not None:
        query = query.where(history.c.partner_id.in_(list(partner_ids)))
    return [Entry(**{**row._mapping, "event": Happened(row.event)}) for row in tx.connection.execute(query)]
