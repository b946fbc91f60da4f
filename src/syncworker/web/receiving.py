"""What is done with the bytes of a webhook?

Verified, read, and committed as one inbox row before the answer; then a worker is rung for. What a body says
is a hint that a record changed; it is believed in nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from syncworker.hubspot.events import parse_events
from syncworker.hubspot.signature import verify
from syncworker.sync import inbox
from syncworker.sync.context import Context
from syncworker.sync.wake import Bell, Ring
from syncworker.web.webhook_secrets import WebhookSecrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook as it came in."""

    body: bytes
    headers: Mapping[str, str]
    query: str
    """Without the question mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How many events were taken, and how many left out for which reason."""

    accepted: int
    ignored: Mapping[str, int]


def receive(context: Context, secrets: WebhookSecrets, delivery: Delivery, *, now: datetime) -> Taken:
    """Take a webhook. When this returns, its events are committed.

    Raises BadSignature, NotWebhookJson; SQLAlchemyError, WrongSecretKey where it cannot be verified or kept.
    """
    # HubSpot signs the address that it was given. A proxy may have made anything of host, scheme and path.
    uri = context.settings.webhook_url + (f"?{delivery.query}" if delivery.query else "")

    def signed_by(candidates: Mapping[str, str]) -> str:
        return verify(
            secrets=candidates,
            method="POST",
            uri=uri,
            body=delivery.body,
            headers=delivery.headers,
            now=now,
        )

    secret, hub_ids = secrets.signer(signed_by)
    read = parse_events(delivery.body)
    if any(event.hub_id not in hub_ids for event in read.events):
        hub_ids = secrets.newest_portals(secret)
    # Whoever holds one app's secret speaks for the portals of that app alone.
    ours = [event for event in read.events if event.hub_id in hub_ids]
    ignored = Counter[str](read.ignored)
    if len(ours) < len(read.events):
        ignored["other_portal"] = len(read.events) - len(ours)
    if ours:
        context.database.run(lambda tx: inbox.store(tx, ours))
        context.waker.ring(Ring(Bell.EXPAND_INBOX))
    return Taken(accepted=len(ours), ignored=dict(ignored))
