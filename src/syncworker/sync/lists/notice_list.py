"""Of what was somebody told, by which way, and did it get there?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import text

from syncworker.store.database import Tx
from syncworker.sync.lists.lists import MOST_LINES


class DeliveryState(StrEnum):
    """How far a delivery came."""

    SENT = "sent"
    WAITS = "waits"
    PARKED = "parked"
    """It waits for a person."""
    DROPPED = "dropped"
    """A person let it go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeLine:
    """A notice to somebody. `why`: what went wrong the last time."""

    delivery_id: int
    kind: str
    channel: str
    at: datetime
    email: str | None
    """To whom; None for a task."""
    contact_id: str | None
    """Whose owner gets the task."""
    state: DeliveryState
    sent_at: datetime | None
    why: str | None


_LINES = text("""
    SELECT d.id, n.kind, d.channel, n.at, u.email, d.contact_id, d.sent_at, m.last_error, m.parked_at,
           m.object_id IS NOT NULL AS marked
      FROM notices AS n JOIN deliveries AS d ON d.notice_id = n.id
      LEFT JOIN users AS u ON u.id = d.user_id
      LEFT JOIN marks AS m ON m.hub_id = n.hub_id AND m.kind = 'notice' AND m.object_id = d.id::text
     WHERE n.hub_id = :hub_id AND (CAST(:email AS text) IS NULL OR u.email = :email) ORDER BY d.id DESC LIMIT :lines
""")


def notice_lines(tx: Tx, hub_id: int, *, limit: int = 50, email: str | None = None) -> list[NoticeLine]:
    """The newest deliveries of a portal's notices, the newest first; only those to an account, where one is named."""
    parameters = {"hub_id": hub_id, "email": email, "lines": max(1, min(limit, MOST_LINES))}
    return [
        NoticeLine(
            delivery_id=row.id,
            kind=row.kind,
            channel=row.channel,
            at=row.at,
            email=row.email,
            contact_id=row.contact_id,
            state=_state(sent=row.sent_at is not None, marked=row.marked, parked=row.parked_at is not None),
            sent_at=row.sent_at,
            why=row.last_error if row.sent_at is None else None,
        )
        for row in tx.connection.execute(_LINES, parameters)
    ]


def _state(*, sent: bool, marked: bool, parked: bool) -> DeliveryState:
    if sent:
        return DeliveryState.SENT
    if parked:
        return DeliveryState.PARKED
    return DeliveryState.WAITS if marked else DeliveryState.DROPPED
