"""What does a request find in the app?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from anyio import CapacityLimiter
from fastapi import Request
from prometheus_client import CollectorRegistry

from syncworker.store.loop_database import LoopDatabase
from syncworker.sync.context import Context
from syncworker.sync.resync.pace import Paces
from syncworker.sync.watch.shared_counts import SharedCounts
from syncworker.web.intake import Intake
from syncworker.web.live import Live
from syncworker.web.telemetry import Telemetry
from syncworker.web.webhook_secrets import WebhookSecrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the web process holds from its start to its end."""

    context: Context
    telemetry: Telemetry
    counts: SharedCounts
    metrics: CollectorRegistry
    """What a scrape tells."""
    secrets: WebhookSecrets
    loop_database: LoopDatabase
    """What `intake` commits with."""
    intake: Intake
    webhook_threads: CapacityLimiter
    """Webhooks have threads of their own: an operator's slow list delays none of them."""
    large_bodies: asyncio.Semaphore
    """How many bodies larger than HubSpot's are looked at: they may be a stranger's."""
    large_body_threads: CapacityLimiter
    """Their threads, which go on when nobody waits any more."""
    health_threads: CapacityLimiter
    """So has the readiness check, which must answer when everything else hangs."""
    sign_in_threads: CapacityLimiter
    """Hashing a password takes much memory."""
    live: Live
    """Who listens for changes."""
    paces: Paces
    """How fast resyncs were seen to go."""


def held(request: Request) -> Held:
    """What the app that this request came to holds."""
    found: Held = request.app.state.held
    return found


def context_of(request: Request) -> Context:
    """The context, for routes that need nothing else."""
    return held(request).context
