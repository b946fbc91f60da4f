"""What do the bytes of a webhook say, and who says it?

What a body says is a hint that a record changed; it is believed in nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from syncworker.hubspot.events import parse_events
from syncworker.hubspot.signature import verify
from syncworker.sync.triggers import inbox
from syncworker.web.webhook_secrets import WebhookSecrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook as it came in."""

    body: bytes
    headers: Mapping[str, str]
    uri: str
    """The address that HubSpot was given, with the query."""
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What is to be kept of a webhook."""

    row: str
    """For the inbox; empty if there is nothing to keep."""
    accepted: int
    """Events that are kept."""
    ignored: Mapping[str, int]
    """How many were left out, by reason."""


def understand(secrets: WebhookSecrets, delivery: Delivery, *, ask: bool) -> Understood:
    """Verify a webhook, then read it.

    Raises BadSignature, NotWebhookJson; NotKept unless the database may be asked for secrets (`ask`), else
    SQLAlchemyError and WrongSecretKey.
    """

    def signed_by(candidates: Mapping[str, str]) -> str:
        return verify(
            secrets=candidates,
            method="POST",
            uri=delivery.uri,
            body=delivery.body,
            headers=delivery.headers,
            now=delivery.received_at,
        )

    secret, hub_ids = secrets.signer(signed_by, ask=ask)
    read = parse_events(delivery.body)
    named = {event.hub_id for event in read.events}
    if not named <= hub_ids:
        hub_ids = secrets.newest_portals(secret, ask=ask)
    # Whoever holds one app's secret speaks for the portals of that app alone.
    ours = read.events if named <= hub_ids else [event for event in read.events if event.hub_id in hub_ids]
    ignored = Counter[str](read.ignored)
    accepted = sum(event.times for event in ours)
    if len(ours) < len(read.events):
        ignored["other_portal"] = sum(event.times for event in read.events) - accepted
    return Understood(row=inbox.row(ours), accepted=accepted, ignored=dict(ignored))
