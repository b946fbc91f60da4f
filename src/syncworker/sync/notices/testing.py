"""Does a notice get through to somebody? Tried at once, by the same rows and the same code as any other."""

from __future__ import annotations

import uuid

from sqlalchemy import select, text

from syncworker.access import users
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.notice_tables import deliveries, notices
from syncworker.sync.context import Context
from syncworker.sync.notices.delivering import send_due
from syncworker.sync.notices.kinds import Channel, NoticeKind
from syncworker.sync.notices.making import New, deliver
from syncworker.sync.notices.switches import NoTaskForThat, NotYours

_MARK = text("SELECT last_error FROM marks WHERE hub_id = :hub_id AND kind = 'notice' AND object_id = :id")
_DROP = text("DELETE FROM marks WHERE hub_id = :hub_id AND kind = 'notice' AND object_id = :id AND claim_token IS NULL")


def send_test(context: Context, hub_id: int, email: str, *, channel: Channel) -> str | None:
    """Send somebody a test notice; return why it did not get through, or None.

    One that did not is let go: who asked has been told. Raises UnknownPortal, UnknownUser, NotYours, NoTaskForThat.
    """
    if channel is Channel.TASK:
        raise NoTaskForThat(NoticeKind.TEST)
    cause = str(uuid.uuid4())

    def make(tx: Tx) -> int:
        portals.get(tx, hub_id)
        user = users.get(tx, email)
        if not user.sees(hub_id):
            raise NotYours(user.email, hub_id)
        deliver(tx, hub_id, New(kind=NoticeKind.TEST, cause=cause, facts={}), [(channel, user.id, None)])
        made = select(deliveries.c.id).join_from(deliveries, notices)
        of_it = made.where(notices.c.hub_id == hub_id, notices.c.cause == cause)
        return int(tx.connection.execute(of_it).scalar_one())

    delivery_id = context.database.run(make)
    # Whatever else is due is sent with it: a few, and then those that follow.
    while send_due(context, hub_id) and _waits(context, hub_id, delivery_id):
        pass

    def outcome(tx: Tx) -> str | None:
        mark = {"hub_id": hub_id, "id": str(delivery_id)}
        why: str | None = tx.connection.execute(_MARK, mark).scalar_one_or_none()
        sent = tx.connection.execute(select(deliveries.c.sent_at).where(deliveries.c.id == delivery_id)).scalar()
        if sent is not None:
            return None
        tx.connection.execute(_DROP, mark)
        return why or "a worker is sending it at this moment: see `syncworker notices sent`"

    return context.database.run(outcome)


def _waits(context: Context, hub_id: int, delivery_id: int) -> bool:
    with context.database.transaction() as tx:
        row = tx.connection.execute(_MARK, {"hub_id": hub_id, "id": str(delivery_id)}).one_or_none()
    return row is not None and row.last_error is None
