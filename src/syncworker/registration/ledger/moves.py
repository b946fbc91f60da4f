"""How does a request move from one state to the next, and what does the history hear of it?"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, text, update

from syncworker.registration.ledger import history
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Event, Happened
from syncworker.registration.ledger.requests import OPEN, NotOpen, State, Stored, query, stored
from syncworker.registration.rules.terms import Reason
from syncworker.store.arrays import among
from syncworker.store.database import Tx
from syncworker.store.tables import portals, registrations, requests

INVALID_OPEN_FOR = timedelta(days=30)


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
    quiet: bool = False
    """Not told to the history now: it may be over before the transaction is."""

    @property
    def changes(self) -> bool:
        """Whether the request is not there already, for the same reason and domain."""
        of = self.request
        return (of.state, of.reason, of.domain, of.detail, of.company_id) != (
            self.state, self.reason, self.domain, self.detail, self.company_id
        )  # fmt: skip

    @property
    def tells_something(self) -> bool:
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
    tell(tx, [move for move in moved if not move.quiet])
    return True


def tell(tx: Tx, moves: Iterable[Move]) -> None:
    """Tell the history of these."""
    history.record(tx, [_event(move) for move in moves if move.tells_something])


def still_waiting(tx: Tx, ids: Collection[int]) -> list[int]:
    """Which of these requests wait."""
    narrowed = select(requests.c.id).where(among(requests.c.id, ids), requests.c.state == State.WAITING.value)
    return list(tx.connection.execute(narrowed.order_by(requests.c.id)).scalars()) if ids else []


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


def try_again(tx: Tx, request_id: int, *, who: str) -> Changes:
    """Look for the contact of an unresolved submission again; raises NotOpen."""
    request = _open(tx, request_id)
    tried = tx.connection.execute(
        update(requests)
        .where(requests.c.id == request_id, requests.c.state == State.UNRESOLVED.value)
        .values(state=State.PROCESSING.value, resolve_after=tx.now, resolve_attempts=0)
    )
    if tried.rowcount:
        told = Move(
            request=request, state=State.PROCESSING, happened=Happened.REQUEST_RETRIED, domain=request.domain, who=who
        )
        history.record(tx, [_event(told)])
    return _again(request)


def end_lapsed(tx: Tx, *, limit: int = 500) -> Changes:
    """End requests whose data was not mended within 30 days, or whose contact nobody found in that time.

    The latter keep an email, which must not be kept for ever for somebody who may have been deleted since.
    """
    lapsed: list[Stored] = []
    for state in (State.INVALID_DATA, State.UNRESOLVED):
        narrowed = (
            query()
            .where(requests.c.state == state.value, requests.c.created_at <= tx.now - INVALID_OPEN_FOR)
            .where(requests.c.hub_id.not_in(select(portals.c.hub_id).where(portals.c.mode == "paused")))
            .order_by(requests.c.created_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        lapsed += [stored(row) for row in tx.connection.execute(narrowed)]
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
            among(requests.c.domain, domains),
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
    narrowed = query().where(among(requests.c.domain, domains), requests.c.state == State.WAITING.value, taken.exists())
    found = [stored(row) for row in tx.connection.execute(narrowed.order_by(requests.c.id).with_for_update())]
    decide_again(tx, found)
    changes = Changes()
    changes.contacts |= {(request.hub_id, str(request.contact_id)) for request in found}
    return changes


def _open(tx: Tx, request_id: int) -> Stored:
    narrowed = query().where(requests.c.id == request_id, requests.c.state.in_([s.value for s in OPEN]))
    row = tx.connection.execute(narrowed.with_for_update()).one_or_none()
    if row is None:
        raise NotOpen(request_id)
    return stored(row)


def _again(request: Stored) -> Changes:
    changes = Changes()
    if request.contact_id is not None:
        changes.contacts.add((request.hub_id, request.contact_id))
    return changes
