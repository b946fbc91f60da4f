"""Who wants to be told of what, by which way?

Nobody is told of anything before it is switched on. Somebody is told only of portals that they see, and of what their
role may see; if either is taken away, so is the notice.
"""

from __future__ import annotations

import secrets as random_secrets
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from syncworker.access import users
from syncworker.access.roles import NotAllowed
from syncworker.access.users import User
from syncworker.registration.ledger.history import Happened
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.notice_tables import notice_switches, notice_webhooks
from syncworker.store.secrets import Secrets
from syncworker.sync.did import did
from syncworker.sync.notices.kinds import AS_TASKS, SWITCHABLE, Channel, NoticeKind, needs

_MOST_URL_CHARACTERS = 2000
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class NoTaskForThat(ValueError):
    """A task is about a contact, and this notice is not."""

    def __init__(self, kind: NoticeKind) -> None:
        super().__init__(f"{kind} is about no contact, so it cannot be a task: use email or webhook")


class BadWebhookUrl(ValueError):
    """Notices are posted to https addresses only: their signature keeps nobody from reading them."""

    def __init__(self) -> None:
        super().__init__("the address must look like https://host/path (http only on this machine)")


class NotYours(Exception):
    """Somebody does not see the portal."""

    def __init__(self, email: str, hub_id: int) -> None:
        super().__init__(f"{email} does not see portal {hub_id}: `syncworker users set {email}` changes that")


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Somebody's notices of one kind, by one way, of one portal: on."""

    email: str
    kind: NoticeKind
    channel: Channel


def switch(
    tx: Tx,
    hub_id: int,
    email: str,
    kinds: Collection[NoticeKind],
    *,
    channel: Channel = Channel.EMAIL,
    on: bool,
    who: str,
) -> int:
    """Switch somebody's notices of these kinds on or off; return how many that changed.

    Raises UnknownPortal, UnknownUser, NotYours, NotAllowed, NoTaskForThat.
    """
    portals.get(tx, hub_id)
    user = users.get(tx, email)
    changed: list[str] = []
    for kind in kinds:
        row = {"user_id": user.id, "hub_id": hub_id, "kind": kind.value, "channel": channel.value}
        if on:
            _may(user, hub_id, kind, channel)
            added = insert(notice_switches).values(**row, switched_at=tx.now).on_conflict_do_nothing()
            changed += tx.connection.execute(added.returning(notice_switches.c.kind)).scalars()
        else:
            removed = delete(notice_switches).filter_by(**row).returning(notice_switches.c.kind)
            changed += tx.connection.execute(removed).scalars()
    if changed:
        # By number: the person stands beside it, and may be erased there.
        why = f"{'on' if on else 'off'} for user {user.id} by {channel}: {', '.join(changed)}"
        told = {"on": on, "by": channel.value, "kinds": changed}
        did(tx, Happened.NOTICES_SWITCHED, who=who, hub_id=hub_id, about=user.email, why=why, detail=told)
    return len(changed)


def _may(user: User, hub_id: int, kind: NoticeKind, channel: Channel) -> None:
    if not user.sees(hub_id):
        raise NotYours(user.email, hub_id)
    if not user.role.includes(needs(kind)):
        raise NotAllowed(needed=needs(kind), has=user.role)
    if channel is Channel.TASK and kind not in AS_TASKS:
        raise NoTaskForThat(kind)


def possible(user: User, channel: Channel) -> list[NoticeKind]:
    """What somebody may switch on, by this way."""
    return [
        kind for kind in SWITCHABLE
        if user.role.includes(needs(kind)) and (channel is not Channel.TASK or kind in AS_TASKS)
    ]  # fmt: skip


def switches(tx: Tx, hub_id: int) -> list[Switch]:
    """All that is switched on of a portal, by email."""
    return [
        Switch(email=user.email, kind=kind, channel=channel)
        for kind in SWITCHABLE
        for user, channel in _wanting(tx, hub_id, kind)
    ]


def wanting(tx: Tx, hub_id: int, kind: NoticeKind) -> list[tuple[User, Channel]]:
    """Who is to be told of this in the portal, and how: those who may still see it."""
    return [
        (user, channel)
        for user, channel in _wanting(tx, hub_id, kind)
        if user.sees(hub_id) and user.role.includes(needs(kind))
    ]


def _wanting(tx: Tx, hub_id: int, kind: NoticeKind) -> list[tuple[User, Channel]]:
    of = notice_switches.c
    query = select(of.user_id, of.channel).where(of.hub_id == hub_id, of.kind == kind.value)
    rows = tx.connection.execute(query.order_by(of.user_id, of.channel)).all()
    known = {user.id: user for user in users.everyone(tx)} if rows else {}
    return [(known[row.user_id], Channel(row.channel)) for row in rows if row.user_id in known]


def set_webhook(tx: Tx, secrets: Secrets, email: str, url: str | None, *, who: str) -> str | None:
    """Post somebody's notices to this address; return the secret that signs them, which is not shown again.

    None as address: post them nowhere. Raises UnknownUser, BadWebhookUrl.
    """
    user = users.get(tx, email)
    tx.connection.execute(delete(notice_webhooks).where(notice_webhooks.c.user_id == user.id))
    did(tx, Happened.WEBHOOK_SET, who=who, about=user.email, detail={"on": url is not None})
    if url is None:
        return None
    _check(url)
    secret = random_secrets.token_urlsafe(32)
    row = insert(notice_webhooks).values(user_id=user.id, url=url, secret=secrets.seal_text(secret))
    tx.connection.execute(row)
    return secret


def webhook_of(tx: Tx, secrets: Secrets, user_id: int) -> tuple[str, str] | None:
    """The address and the secret of somebody's webhook; None where there is none. Raises WrongSecretKey."""
    query = select(notice_webhooks.c.url, notice_webhooks.c.secret).where(notice_webhooks.c.user_id == user_id)
    row = tx.connection.execute(query).one_or_none()
    return (row.url, secrets.open_text(row.secret)) if row is not None else None


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise BadWebhookUrl from None
    plain = parts.scheme == "http" and host in _LOOPBACK
    if not host or not (parts.scheme == "https" or plain) or not url.isprintable() or len(url) > _MOST_URL_CHARACTERS:
        raise BadWebhookUrl
