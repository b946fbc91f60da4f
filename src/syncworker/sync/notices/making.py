"""How does a cause become a notice, and who gets it?

A notice is kept once for each cause, with a delivery for everybody who wants it and may see it, and a mark for each
delivery: all in the transaction that found the cause. So nobody is told twice of one cause, and whatever is told here
is sent some day.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from syncworker.store.database import Tx
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.notices.kinds import Channel, NoticeKind
from syncworker.sync.notices.switches import wanting

Facts = Mapping[str, object]
"""What words are made of when it is sent: numbers, dates in ISO 8601, domains, ids, codes; no person's fields."""

# So many items a notice names; of more it tells the number.
MOST_ITEMS = 20
# Kept for so long after it was sent, to be looked up.
KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """Something to tell."""

    kind: NoticeKind
    cause: str
    """What it is told once for, of its portal and kind."""
    facts: Facts
    contacts: Sequence[str] = ()
    """Whom it is about: their owners get the tasks."""


_ADD = text("""
    INSERT INTO notices (hub_id, kind, cause, at, facts)
    VALUES (:hub_id, :kind, :cause, :now, CAST(:facts AS jsonb))
    ON CONFLICT (hub_id, kind, cause) DO NOTHING RETURNING id
""")
_DELIVER = text("""
    INSERT INTO deliveries (notice_id, channel, user_id, contact_id)
    VALUES (:notice_id, :channel, :user_id, :contact_id) ON CONFLICT DO NOTHING RETURNING id
""")


def tell(tx: Tx, hub_id: int, new: Iterable[New]) -> int:
    """Keep these for everybody who wants them; return how many deliveries that makes."""
    return sum(_tell(tx, hub_id, one) for one in new)


def _tell(tx: Tx, hub_id: int, new: New) -> int:
    people = wanting(tx, hub_id, new.kind)
    whom: list[tuple[Channel, int | None, str | None]] = [
        (channel, user.id, None) for user, channel in people if channel is not Channel.TASK
    ]
    if any(channel is Channel.TASK for _, channel in people):
        whom += [(Channel.TASK, None, contact_id) for contact_id in _to_the_owners_of(new.contacts)]
    return deliver(tx, hub_id, new, whom) if whom else 0


def _to_the_owners_of(contacts: Sequence[str]) -> list[str]:
    """A task for each contact; of a flood, one for all."""
    distinct = list(dict.fromkeys(contacts))
    return distinct if len(distinct) <= MOST_ITEMS else distinct[:1]


def deliver(tx: Tx, hub_id: int, new: New, whom: Iterable[tuple[Channel, int | None, str | None]]) -> int:
    """Keep a notice for these: (channel, user id, contact id). Return how many deliveries are new."""
    facts = json.dumps(new.facts)
    row = {"hub_id": hub_id, "kind": new.kind.value, "cause": new.cause, "now": tx.now, "facts": facts}
    notice_id = tx.connection.execute(_ADD, row).scalar_one_or_none()
    if notice_id is None:
        return 0
    ids: list[str] = []
    for channel, user_id, contact_id in whom:
        to = {"notice_id": notice_id, "channel": channel.value, "user_id": user_id, "contact_id": contact_id}
        ids += [str(one) for one in tx.connection.execute(_DELIVER, to).scalars()]
    return mark(tx, hub_id, Kind.NOTICE, ids, priority=Priority.PERSON, cause=f"notice: {new.kind}")
