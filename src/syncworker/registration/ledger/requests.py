"""Who asked for what, and how far has it come?

A request is the one thing that is an event: a row with a unique key, so that the same submission seen three ways
counts once. `processing`, `invalid_data`, `waiting`, `confirming` and `unresolved` are open; the rest is consumed or
over, and is never decided again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ARRAY, Row, Select, Text, any_, cast, select, text, update

from syncworker.registration.ledger import history
from syncworker.registration.ledger.history import Event, Happened
from syncworker.registration.rules.terms import Action, Reason, Source
from syncworker.store.arrays import among, joined, split
from syncworker.store.database import Tx, in_drivers_words
from syncworker.store.tables import requests
from syncworker.store.texts import storable


class State(StrEnum):
    """How far a request has come."""

    PROCESSING = "processing"
    INVALID_DATA = "invalid_data"
    WAITING = "waiting"
    CONFIRMING = "confirming"
    """A deregistration asked for in the CRM, until a manager confirms it."""
    UNRESOLVED = "unresolved"
    """A submission whose contact was never found: waits for a person."""
    REGISTERED = "registered"
    UNAVAILABLE = "unavailable"
    DEREGISTERED = "deregistered"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"
    """The record is gone, or the data was not mended within 30 days."""


OPEN = (State.PROCESSING, State.INVALID_DATA, State.WAITING, State.CONFIRMING, State.UNRESOLVED)
CONSUMED = (State.REGISTERED, State.UNAVAILABLE, State.DEREGISTERED)


class NotOpen(Exception):
    """The request is over, or there is none of that id."""

    def __init__(self, request_id: int) -> None:
        self.request_id = request_id
        super().__init__(f"request {request_id} is not open: see `syncworker requests list`")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """What is asked. Either the contact is known, or the email it will be found by."""

    key: str
    action: Action
    source: Source
    who: str
    requested_at: datetime
    contact_id: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A request as it stands."""

    id: int
    partner_id: int
    hub_id: int
    action: Action
    source: Source
    who: str
    requested_at: datetime
    contact_id: str | None
    state: State
    reason: Reason | None
    detail: str
    domain: str | None
    company_id: str | None
    confirmed_by: str | None
    decided_at: datetime | None
    registration_id: int | None


_STORED = select(
    requests.c.id,
    requests.c.partner_id,
    requests.c.hub_id,
    requests.c.action,
    requests.c.source,
    requests.c.who,
    requests.c.requested_at,
    requests.c.contact_id,
    requests.c.state,
    requests.c.reason,
    requests.c.detail,
    requests.c.domain,
    requests.c.company_id,
    requests.c.confirmed_by,
    requests.c.decided_at,
    requests.c.registration_id,
)


_NAMES = tuple(column.name for column in _STORED.selected_columns)


def stored(row: Row[*tuple[object, ...]]) -> Stored:
    """The request in a row of `query()`, whatever columns were added to it."""
    of = row._mapping
    fields = {name: of[name] for name in _NAMES}
    return Stored(
        **{
            **fields,
            "action": Action(fields["action"]),
            "source": Source(fields["source"]),
            "state": State(fields["state"]),
            "reason": reason(row.reason),
        }
    )


def reason(value: str | None) -> Reason | None:
    """The reason in a column."""
    return Reason(value) if value else None


def query() -> Select[*tuple[object, ...]]:
    """All requests, to be narrowed."""
    return _STORED


def get(tx: Tx, request_id: int) -> Stored:
    """The request, or NotOpen if there is none."""
    row = tx.connection.execute(_STORED.where(requests.c.id == request_id)).one_or_none()
    if row is None:
        raise NotOpen(request_id)
    return stored(row)


def of_key(tx: Tx, hub_id: int, key: str) -> Stored | None:
    """The request with this key, if it was made."""
    narrowed = _STORED.where(requests.c.hub_id == hub_id, requests.c.key == key)
    row = tx.connection.execute(narrowed).one_or_none()
    return stored(row) if row is not None else None


def add(tx: Tx, *, partner_id: int, hub_id: int, new: Iterable[NewRequest], held: bool = False) -> list[int]:
    """Keep requests whose key was not seen before; return the ids of those that are new.

    Those that are `held` get no contact, and so are not decided, before `release`: somebody may have asked earlier.
    """
    asked = {storable(request.key): request for request in new}
    if not asked:
        return []
    rows = [
        {
            "key": storable(request.key),
            "action": request.action.value,
            "source": request.source.value,
            "who": storable(request.who),
            "requested_at": request.requested_at.isoformat(),
            "contact_id": request.contact_id,
            "email": request.email if request.contact_id is None else None,
        }
        for request in sorted(asked.values(), key=lambda r: (r.requested_at, r.key))
    ]
    parameters = {"partner_id": partner_id, "hub_id": hub_id, "now": tx.now, "rows": json.dumps(rows), "held": held}
    added = tx.connection.execute(_ADD, parameters).all()
    history.record(
        tx,
        [
            Event(
                partner_id=partner_id,
                hub_id=hub_id,
                event=Happened.REQUESTED,
                source=asked[row.key].source.value,
                who=storable(asked[row.key].who),
                why=asked[row.key].action.value,
                contact_id=row.contact_id,
                request_id=row.id,
            )
            for row in added
        ],
    )
    return [row.id for row in added]


# Rows as JSON: one statement however many there are, and compiled once.
_ADD = text("""
    INSERT INTO requests (partner_id, hub_id, key, action, source, who, requested_at, created_at, contact_id, email,
                          resolve_after, state, reason)
    SELECT :partner_id, :hub_id, r.key, r.action, r.source, r.who, r.requested_at, :now ::timestamptz, r.contact_id,
           r.email, CASE WHEN r.contact_id IS NULL AND NOT CAST(:held AS boolean) THEN :now ::timestamptz END,
           'processing', 'processing'
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (key text, action text, source text, who text,
           requested_at timestamptz, contact_id text, email text)
    ON CONFLICT (hub_id, key) DO NOTHING
    RETURNING id, key, contact_id
""")


def release(tx: Tx, hub_id: int, *, who: str) -> None:
    """Let what is held be given its contact, those first who asked first. `who` asked, in words of NewRequest."""
    tx.connection.execute(_RELEASE, {"hub_id": hub_id, "who": storable(who), "now": tx.now})


_RELEASE = text("""
    UPDATE requests SET resolve_after = least(requested_at, :now)
     WHERE hub_id = :hub_id AND contact_id IS NULL AND state = 'processing' AND resolve_after IS NULL AND who = :who
""")


def asked_before(tx: Tx, hub_id: int, contact_ids: Collection[str]) -> dict[str, bool]:
    """Which of these contacts have ever had a request, and whether one of each is open."""
    rows = tx.ask(_ASKED_BEFORE, {"hub_id": hub_id, "ids": joined(contact_ids), "open": _OPEN}).rows
    return {row[0]: row[1] for row in rows}


_ASKED_BEFORE = in_drivers_words(f"""
    SELECT contact_id, bool_or(state = ANY({split("open")})) FROM requests
     WHERE hub_id = :hub_id AND contact_id = ANY({split("ids")}) GROUP BY contact_id
""")
_OPEN = joined(state.value for state in OPEN)


def look_again(tx: Tx, hub_id: int, emails: Collection[str]) -> None:
    """Contacts of these emails, in lower case, are there: submissions that wait for one of them are due at once."""
    if emails:
        waiting = update(requests).where(
            requests.c.hub_id == hub_id,
            requests.c.contact_id.is_(None),
            requests.c.state == State.PROCESSING.value,
            requests.c.resolve_after > tx.now,
            among(requests.c.email, {storable(email) for email in emails}),
        )
        tx.connection.execute(waiting.values(resolve_after=tx.now))


def open_of(tx: Tx, hub_id: int, contact_ids: Collection[str], *, lock: bool = False) -> Mapping[str, list[Stored]]:
    """The open requests of contacts, each in the order in which they were made."""
    # Arrays and no lists of parameters: compiled once, whatever the number of contacts.
    narrowed = _STORED.where(
        requests.c.hub_id == hub_id,
        requests.c.contact_id == any_(cast(list(contact_ids), ARRAY(Text))),
        requests.c.state == any_(cast([state.value for state in OPEN], ARRAY(Text))),
    ).order_by(requests.c.requested_at, requests.c.id)
    found: dict[str, list[Stored]] = defaultdict(list)
    for row in tx.connection.execute(narrowed.with_for_update() if lock else narrowed):
        request = stored(row)
        found[str(request.contact_id)].append(request)
    return found
