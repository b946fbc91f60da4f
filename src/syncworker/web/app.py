"""What does the web process serve?

`uvicorn --factory syncworker.web.app:create_app`, or `syncworker web`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

from anyio import CapacityLimiter
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from prometheus_client import REGISTRY, CollectorRegistry

from syncworker import logs, long_lived, tracing
from syncworker import settings as settings_module
from syncworker.settings import Settings
from syncworker.store import portals
from syncworker.store.loop_database import LoopDatabase
from syncworker.sync.context import Context
from syncworker.sync.lists import changes
from syncworker.sync.resync.pace import Paces
from syncworker.sync.triggers import inbox
from syncworker.sync.wake import Bell, Ring
from syncworker.sync.watch.shared_counts import Beating, CountsCollector, SharedCounts
from syncworker.sync.watch.state_metrics import StateCollector
from syncworker.web import errors, health, metrics, static_files
from syncworker.web.api import api, description
from syncworker.web.held import Held
from syncworker.web.intake import Intake
from syncworker.web.live import Live
from syncworker.web.pages import all_pages
from syncworker.web.ringing import Ringing
from syncworker.web.telemetry import Telemetry
from syncworker.web.webhook_secrets import WebhookSecrets
from syncworker.web.webhooks import Webhooks

# Connections to the database, of which as many again are opened in a rush.
POOL_SIZE = 10
# Of webhooks, each with a connection of its own: one or two, unless they hang.
COMMITS = 10
# For reading the secrets of webhooks, and for ringing.
WEBHOOK_THREADS = 20
HEALTH_THREADS = 4
# Passwords that are hashed at once, 64 MiB each.
SIGN_IN_THREADS = 2
# That are checked at once. HubSpot hardly ever sends one.
LARGE_BODIES = 2

_ABOUT = (
    "Registers leads of a HubSpot portal with a partner program. Needs the token of `SYNCWORKER_API_TOKEN`; "
    "where more than one portal is connected, `?portal=` names one."
)


def create_app(settings: Settings | None = None, *, context: Context | None = None) -> FastAPI:
    """The app. Without settings it reads them; a given context is used and left open.

    Raises SettingsError, naming every setting that is wrong or missing. Needs no database to start:
    `/health/ready` says what is missing, and everything works once it is there.
    """
    if context is None:
        if settings is None:
            # Started by a server of the user's choice: nobody else has set up logging.
            logs.configure()
            settings = settings_module.load()
        settings.require("database_url", "redis_url", "secret_key")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = context or Context(settings or settings_module.load(), pool_size=POOL_SIZE)
        holds = app.state.held = hold(opened)
        beating = Beating(holds.counts, "web")
        beating.start()
        tracing.begin("web")
        long_lived.settle_in()
        try:
            yield
        finally:
            await run_in_threadpool(beating.stop)
            await run_in_threadpool(tracing.end)
            await holds.loop_database.close()
            if opened is not context:
                opened.close()

    app = FastAPI(
        title="syncworker",
        description=_ABOUT,
        version=version("syncworker"),
        lifespan=lifespan,
        # See `api/description.py`.
        openapi_url=None,
    )
    errors.install(app)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(api.router)
    app.include_router(description.router)
    app.include_router(static_files.router)
    app.include_router(all_pages.router)
    # The last one added is the first that sees a request.
    app.add_middleware(Webhooks)
    return app


def hold(context: Context) -> Held:
    """All that requests find in the app."""
    telemetry = Telemetry()
    counts = SharedCounts(str(context.settings.redis_url), registries=(REGISTRY, telemetry.registry))
    # Neither describes itself before it is asked: that would need the database, which a start does not.
    told = CollectorRegistry(auto_describe=False)
    told.register(StateCollector(context))
    told.register(CountsCollector(counts))
    webhook_threads = CapacityLimiter(WEBHOOK_THREADS)
    loop_database = LoopDatabase(context.database)
    ringing = Ringing(lambda: context.waker.ring(Ring(Bell.EXPAND_INBOX)), threads=webhook_threads)

    async def keep(rows: Sequence[str]) -> None:
        await inbox.store(loop_database, rows)
        await ringing.ring()

    return Held(
        context=context,
        telemetry=telemetry,
        counts=counts,
        metrics=told,
        secrets=WebhookSecrets(lambda: _secrets(context)),
        loop_database=loop_database,
        intake=Intake(keep, commits=COMMITS),
        webhook_threads=webhook_threads,
        large_bodies=asyncio.Semaphore(LARGE_BODIES),
        large_body_threads=CapacityLimiter(LARGE_BODIES),
        health_threads=CapacityLimiter(HEALTH_THREADS),
        sign_in_threads=CapacityLimiter(SIGN_IN_THREADS),
        live=Live(lambda hub_id, topic: changes.digest(context, hub_id, topic)),
        paces=Paces(),
    )


def _secrets(context: Context) -> dict[int, str]:
    with context.database.transaction() as tx:
        return portals.secrets_of(tx, context.secrets)
