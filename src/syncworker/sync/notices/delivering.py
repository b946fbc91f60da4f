"""How do notices that are due get to people?

A claim takes a few, by the same marks as everything else: backoff, parked after the last failure with the reason in
words, a killed worker's taken up again. Before a notice is sent its delivery says that it begins, so that whoever comes
after a killed worker knows that it may have been sent: by email and webhook it is sent once more under the same key,
which the receiver can tell; a task, which HubSpot cannot tell from another, waits for a person instead.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy import text, update

from syncworker.languages import language
from syncworker.store.database import Tx
from syncworker.store.notice_tables import deliveries
from syncworker.store.secrets import WrongSecretKey
from syncworker.sync import claims
from syncworker.sync.claims import Claim, Key, Lane
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind
from syncworker.sync.notices import by_email, by_task, by_webhook
from syncworker.sync.notices.kinds import Channel, NoticeKind
from syncworker.sync.notices.look import look
from syncworker.sync.notices.sending import NotSent, Outgoing
from syncworker.sync.notices.switches import webhook_of
from syncworker.sync.notices.words import message
from syncworker.sync.watch import observed

log = structlog.get_logger(__name__)

# At worst each takes its timeouts: so many are over within a turn.
AT_ONCE = 10
# A mail takes a dozen exchanges, each of which may take its timeout: nobody else begins it meanwhile.
HELD_FOR = timedelta(minutes=3)

_PORTALS = text("""
    SELECT p.hub_id FROM portals AS p WHERE EXISTS (
        SELECT FROM marks AS m WHERE m.hub_id = p.hub_id AND m.kind = 'notice' AND m.priority = 0
           AND m.parked_at IS NULL AND m.not_before <= :now)
     ORDER BY p.hub_id
""")
_HOLD = text("""
    UPDATE marks SET not_before = :until
     WHERE hub_id = :hub_id AND kind = 'notice' AND object_id = :object_id AND claim_token = :token
""")
_DELIVERY = text("""
    SELECT d.id, d.channel, d.user_id, d.contact_id, d.began_at, n.hub_id, n.kind, n.at, n.facts,
           p.name AS portal, u.email, u.language
      FROM deliveries AS d
      JOIN notices AS n ON n.id = d.notice_id
      JOIN portals AS p ON p.hub_id = n.hub_id
      LEFT JOIN users AS u ON u.id = d.user_id
     WHERE d.id = :id AND d.sent_at IS NULL
""")


def tell(context: Context) -> bool:
    """Send what is due, look for what there is to tell, and send that; return whether there may be more.

    What was found before goes first: should looking fail, for whatever reason, it is sent all the same.
    """
    more = _send_everywhere(context)
    return bool(look(context) and _send_everywhere(context)) or more


def _send_everywhere(context: Context) -> bool:
    with context.database.transaction() as tx:
        due = list(tx.connection.execute(_PORTALS, {"now": tx.now}).scalars())
    more = [send_due(context, hub_id) for hub_id in due]
    return any(more)


def send_due(context: Context, hub_id: int) -> bool:
    """Send some of a portal's notices; return whether there may be more."""
    taken = context.database.run(lambda tx: claims.claim(tx, hub_id, Kind.NOTICE, lane=Lane.INTERACTIVE, limit=AT_ONCE))
    away: dict[Channel, NotSent] = {}
    for key in list(taken.marks):
        _deliver(context, taken, key, away)
    return len(taken.marks) == AT_ONCE


def _deliver(context: Context, taken: Claim, key: Key, away: dict[Channel, NotSent]) -> None:
    what = context.database.run(lambda tx: _begin(tx, taken, key, away))
    if what is None:
        return
    try:
        _send(context, what)
    except NotSent as failed:
        error = failed
        if failed.all_alike:
            away[what.channel] = failed
        log.warning("notice_not_sent", delivery=what.delivery_id, channel=what.channel, error=str(error))
        observed.NOTICES.labels(str(what.hub_id), what.channel.value, "failed").inc()
        context.database.run(lambda tx: _failed(tx, taken, key, what, error))
    else:
        observed.NOTICES.labels(str(what.hub_id), what.channel.value, "sent").inc()
        log.info("notice_sent", delivery=what.delivery_id, channel=what.channel, kind=what.kind, hub_id=what.hub_id)
        context.database.run(lambda tx: _sent(tx, taken, key, what))


def _begin(tx: Tx, taken: Claim, key: Key, away: dict[Channel, NotSent]) -> Outgoing | None:
    """What to send, noted as begun; None where it is no longer ours, or there is nobody left to send it to."""
    if key not in claims.renew(tx, taken):
        return None
    row = tx.connection.execute(_DELIVERY, {"id": int(key[1])}).one_or_none()
    if row is None:
        # Sent, or its reader's account is gone.
        claims.finish(tx, taken, [key])
        return None
    channel = Channel(row.channel)
    if channel in away:
        # The mail server that has just not answered keeps nobody waiting again.
        claims.fail(tx, taken, {key: str(away[channel])})
        return None
    kind = NoticeKind(row.kind)
    tx.connection.execute(update(deliveries).where(deliveries.c.id == row.id).values(began_at=tx.now))
    held = {"hub_id": taken.hub_id, "object_id": key[1], "token": taken.token, "until": tx.now + HELD_FOR}
    tx.connection.execute(_HOLD, held)
    return Outgoing(
        delivery_id=row.id,
        hub_id=row.hub_id,
        portal=row.portal,
        kind=kind,
        channel=channel,
        at=row.at,
        facts=row.facts,
        message=message(kind, row.facts, hub_id=row.hub_id, portal=row.portal, language=language(row.language)),
        user_id=row.user_id,
        email=row.email,
        contact_id=row.contact_id,
        tried_before=row.began_at is not None,
    )


def _send(context: Context, what: Outgoing) -> None:
    ways: dict[Channel, Callable[[], None]] = {
        Channel.EMAIL: lambda: by_email.send(context.settings, context.secrets, what),
        Channel.WEBHOOK: lambda: _post(context, what),
        Channel.TASK: lambda: by_task.send(context, what),
    }
    ways[what.channel]()


def _post(context: Context, what: Outgoing) -> None:
    try:
        with context.database.transaction() as tx:
            address = webhook_of(tx, context.secrets, what.user_id or 0)
    except WrongSecretKey as error:
        raise NotSent(str(error), all_alike=True) from None
    by_webhook.send(context.settings, context.secrets, what, address)


def _sent(tx: Tx, taken: Claim, key: Key, what: Outgoing) -> None:
    tx.connection.execute(update(deliveries).where(deliveries.c.id == what.delivery_id).values(sent_at=tx.now))
    claims.finish(tx, taken, [key])


def _failed(tx: Tx, taken: Claim, key: Key, what: Outgoing, failed: NotSent) -> None:
    if not failed.maybe_sent:
        tx.connection.execute(update(deliveries).where(deliveries.c.id == what.delivery_id).values(began_at=None))
    claims.fail(tx, taken, {key: str(failed)}, park=failed.for_good)
