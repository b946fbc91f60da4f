"""How does a manager put a request at another place of the waiting list?

The list is in the order of (since when it waits, id), and stays so for those whom nobody moved: who is moved gets a
time between its new neighbours. Where these are less than a microsecond apart, who comes next is moved by as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from syncworker.registration.ledger import history
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.allocation import IN_LINE
from syncworker.registration.ledger.history import Event, Happened
from syncworker.registration.ledger.requests import NotOpen, State, Stored
from syncworker.store.arrays import among
from syncworker.store.database import Tx
from syncworker.store.tables import requests

_BEFORE_THE_FIRST = timedelta(seconds=1)
_BEHIND = timedelta(microseconds=1)


class NotWaiting(Exception):
    """The request waits no more: it was registered, refused or taken back meanwhile."""

    def __init__(self, request_id: int) -> None:
        self.request_id = request_id
        super().__init__(f"request {request_id} is not on the waiting list any more: look at the list again")


@dataclass(frozen=True, slots=True)
class _Place:
    """A domain that is waited for, and all requests for it: (since when, id), the first leads."""

    domain: str
    requests: tuple[tuple[datetime, int], ...]

    @property
    def at(self) -> datetime:
        return self.requests[0][0]


def move(tx: Tx, request: Stored, *, to: int, who: str, source: str) -> int:
    """Put the request, and all for its domain, at that place (1: next); one beyond the end is the last.

    Return the place. Raises NotWaiting. The partner is locked.
    """
    line = _line(tx, request.partner_id)
    mine = next((place for place in line if any(id_ == request.id for _, id_ in place.requests)), None)
    if mine is None:
        raise NotWaiting(request.id)
    others = [place for place in line if place is not mine]
    index = max(0, min(to - 1, len(others)))
    if line.index(mine) == index:
        return index + 1
    before, after = others[:index], others[index:]
    at = before[-1].at + _BEHIND if before else after[0].at - _BEFORE_THE_FIRST
    _set(tx, [id_ for _, id_ in mine.requests], at)
    for place in after:
        if place.at > at:
            break
        at += _BEHIND
        _set(tx, [id_ for since, id_ in place.requests if since < at], at)
    told = Event(
        partner_id=request.partner_id,
        hub_id=request.hub_id,
        domain=request.domain,
        event=Happened.MOVED_IN_LINE,
        source=source,
        who=who,
        why=str(index + 1),
        contact_id=request.contact_id,
        request_id=request.id,
    )
    history.record(tx, [told])
    return index + 1


def waiting(tx: Tx, partner_id: int, request_id: int) -> Stored:
    """The partner's waiting request; raises NotWaiting."""
    try:
        request = asked.get(tx, request_id)
    except NotOpen:
        raise NotWaiting(request_id) from None
    if request.partner_id != partner_id or request.state is not State.WAITING:
        raise NotWaiting(request_id)
    return request


def _line(tx: Tx, partner_id: int) -> list[_Place]:
    of = requests.c
    query = select(of.id, of.domain, IN_LINE).where(of.partner_id == partner_id, of.state == State.WAITING.value)
    found: dict[str, list[tuple[datetime, int]]] = {}
    for row in tx.connection.execute(query.order_by(IN_LINE, of.id)):
        found.setdefault(row.domain, []).append((row.in_line, row.id))
    return [_Place(domain, tuple(all_of)) for domain, all_of in found.items()]


def _set(tx: Tx, ids: Sequence[int], at: datetime) -> None:
    tx.connection.execute(update(requests).where(among(requests.c.id, ids)).values(line_at=at))
