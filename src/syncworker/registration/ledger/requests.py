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
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Row, Select, select, text, update

from syncworker.registration.ledger import history
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Event, Happened
from syncworker.registration.rules.terms import Action, Reason, Source
from syncworker.store.database import Tx
from syncworker.store.tables import registrations, requests
from syncworker.store.texts import storable

INVALID_OPEN_FOR = timedelta(days=30)


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


def stored(row: Row[*tuple[object, ...]]) -> Stored:
    """The request in a row of `query()`, whatever columns were added to it."""
    fields = {column.name: row._mapping[column.name] for column in _STORED.selected_columns}
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


def add(tx: Tx, *, partner_id: int, hub_id: int, new: Iterable[NewRequest]) -> list[int]:
    """Keep requests whose key was not seen before; return the ids of those that are new."""
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
    parameters = {"partner_id": partner_id, "hub_id": hub_id, "now": tx.now, "rows": json.dumps(rows)}
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


def open_of(tx: Tx, hub_id: int, contact_ids: Collection[str], *, lock: bool = False) -> Mapping[str, list[Stored]]:
    """The open requests of contacts, each in the order in which they were made."""
    narrowed = _STORED.where(
        requests.c.hub_id == hub_id,
        requests.c.contact_id.in_(sorted(contact_ids)),
        requests.c.state.in_([state.value for state in OPEN]),
    ).order_by(requests.c.requested_at, requests.c.id)
    found: dict[str, list[Stored]] = defaultdict(list)
    for row in tx.connection.execute(narrowed.with_for_update() if lock else narrowed):
        request = stored(row)
        found[str(request.contact_id)].append(request)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A request that is brought to a state, and why."""

    request: Stored
    state: State
    happened: Happened
    reason: Reason | None = None
    detail: str = ""
    domain: str | None = None
    company_id: str | None = None
    registration_id: int | None = None
    who: str = "syncworker"

    @property
    def changes(self) -> bool:
        """Whether the request is not there already, for the same reason and domain."""
        of = self.request
        return (of.state, of.reason, of.domain, of.detail, of.company_id) != (
            self.state, self.reason, self.domain, self.detail, self.company_id
        )  # fmt: skip

    @property
    def tells(self) -> bool:
        """Whether that is something for the history: other words for the same state are not."""
        of = self.request
        return (of.state, of.reason, of.domain) != (self.state, self.reason, self.domain)


def settle(tx: Tx, moves: Iterable[Move]) -> bool:
    """Bring requests to their states; return whether any of them moved."""
    moved = [move for move in moves if move.changes]
    if not moved:
        return False
    rows = [
        {
            "id": move.request.id,
            "was": move.request.state.value,
            "state": move.state.value,
            "reason": move.reason.value if move.reason else None,
            "detail": move.detail,
            "domain": move.domain,
            "company_id": move.company_id,
            "registration_id": move.registration_id,
        }
        for move in moved
    ]
    tx.connection.execute(_SETTLE, {"rows": json.dumps(rows), "now": tx.now})
    history.record(tx, [_event(move) for move in moved if move.tells])
    return True


def _event(move: Move) -> Event:
    return Event(
        partner_id=move.request.partner_id,
        hub_id=move.request.hub_id,
        event=move.happened,
        source=move.request.source.value,
        who=move.who,
        why=move.reason.value if move.reason else "",
        domain=move.domain,
        contact_id=move.request.contact_id,
        company_id=move.company_id,
        request_id=move.request.id,
        registration_id=move.registration_id,
    )


# Rows as JSON: one statement however many there are, and compiled once.
_ADD = text("""
    INSERT INTO requests (partner_id, hub_id, key, action, source, who, requested_at, created_at, contact_id, email,
                          resolve_after, state, reason)
    SELECT :partner_id, :hub_id, r.key, r.action, r.source, r.who, r.requested_at, :now ::timestamptz, r.contact_id,
           r.email, CASE WHEN r.contact_id IS NULL THEN :now ::timestamptz END, 'processing', 'processing'
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (key text, action text, source text, who text,
           requested_at timestamptz, contact_id text, email text)
    ON CONFLICT (hub_id, key) DO NOTHING
    RETURNING id, key, contact_id
""")
_SETTLE = text("""
    UPDATE requests AS q
       SET state = r.state, reason = r.reason, detail = r.detail, domain = r.domain, company_id = r.company_id,
           registration_id = r.registration_id, decided_at = :now, email = NULL
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (id bigint, was text, state text, reason text, detail text,
           domain text, company_id text, registration_id bigint)
     -- What somebody else has settled meanwhile stays as they left it.
     WHERE q.id = r.id AND q.state = r.was
""")


def preview(tx: Tx, of: Collection[Stored], *, would: str, domain: str | None) -> None:
    """Note on undecided requests what they would come to, in a portal that is only observed."""
    for request in of:
        # The domain that a request waits with was checked; a preview must not put another one in its place.
        waits = request.state is State.WAITING
        values: dict[str, object] = {"detail": would} if waits else {"detail": would, "domain": domain}
        if (request.detail, request.domain) != (would, request.domain if waits else domain):
            tx.connection.execute(update(requests).where(requests.c.id == request.id).values(**values))


def decide_again(tx: Tx, of: Collection[Stored]) -> None:
    """Take requests off the waiting list, to be decided anew."""
    settle(
        tx,
        [Move(request=one, state=State.PROCESSING, happened=Happened.PENDING, reason=Reason.PROCESSING) for one in of],
    )


def withdraw(tx: Tx, request_id: int, *, who: str) -> Changes:
    """Take back an open request; raises NotOpen."""
    request = _open(tx, request_id)
    gone = Move(request=request, state=State.WITHDRAWN, happened=Happened.WITHDRAWN, domain=request.domain, who=who)
    settle(tx, [gone])
    return _again(request)


def confirm(tx: Tx, request_id: int, *, who: str) -> Changes:
    """A manager confirms a deregistration that was asked for in the CRM; raises NotOpen."""
    request = _open(tx, request_id)
    if request.state is not State.CONFIRMING:
        raise NotOpen(request_id)
    tx.connection.execute(update(requests).where(requests.c.id == request_id).values(confirmed_by=who))
    return _again(request)


def try_again(tx: Tx, request_id: int) -> Changes:
    """Look for the contact of an unresolved submission again; raises NotOpen."""
    request = _open(tx, request_id)
    tx.connection.execute(
        update(requests)
        .where(requests.c.id == request_id, requests.c.state == State.UNRESOLVED.value)
        .values(state=State.PROCESSING.value, resolve_after=tx.now, resolve_attempts=0)
    )
    return _again(request)


def end_lapsed(tx: Tx, *, limit: int = 500) -> Changes:
    """End requests whose data was not mended within 30 days."""
    narrowed = (
        _STORED.where(requests.c.state == State.INVALID_DATA.value, requests.c.created_at <= tx.now - INVALID_OPEN_FOR)
        .order_by(requests.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    lapsed = [stored(row) for row in tx.connection.execute(narrowed)]
    changes = Changes()
    settle(
        tx,
        [
            Move(request=one, state=State.ENDED, happened=Happened.ENDED, reason=one.reason, domain=one.domain)
            for one in lapsed
        ],
    )
    for request in lapsed:
        changes.contacts |= _again(request).contacts
    return changes


def contacts_waiting_elsewhere(tx: Tx, partner_id: int, domains: Collection[str]) -> set[tuple[int, str]]:
    """The contacts for whom other partners wait for these domains: they must hear that one was taken."""
    rows = tx.connection.execute(
        select(requests.c.hub_id, requests.c.contact_id).where(
            requests.c.domain.in_(sorted(domains)),
            requests.c.partner_id != partner_id,
            requests.c.state == State.WAITING.value,
        )
    )
    return {(row.hub_id, str(row.contact_id)) for row in rows}


def recall_taken(tx: Tx, domains: Collection[str]) -> Changes:
    """Have waiting requests decided again whose domain another partner holds.

    Two partners' transactions do not see each other: one may begin to wait for a domain while the other registers it.
    So both look once more after their commit, and whoever committed last sees the other.
    """
    taken = select(registrations.c.domain).where(
        registrations.c.domain == requests.c.domain,
        registrations.c.partner_id != requests.c.partner_id,
        registrations.c.ended_at.is_(None),
    )
    narrowed = _STORED.where(
        requests.c.domain.in_(sorted(domains)), requests.c.state == State.WAITING.value, taken.exists()
    )
    found = [stored(row) for row in tx.connection.execute(narrowed.order_by(requests.c.id).with_for_update())]
    decide_again(tx, found)
    changes = Changes()
    changes.contacts |= {(request.hub_id, str(request.contact_id)) for request in found}
    return changes


def _open(tx: Tx, request_id: int) -> Stored:
    narrowed = _STORED.where(requests.c.id == request_id, requests.c.state.in_([s.value for s in OPEN]))
    row = tx.connection.execute(narrowed.with_for_update()).one_or_none()
    if row is None:
        raise NotOpen(request_id)
    return stored(row)


def _again(request: Stored) -> Changes:
    changes = Changes()
    if request.contact_id is not None:
        changes.contacts.add((request.hub_id, request.contact_id))
    return changes
