"""The sandbox's webhooks, delivered signed to the real web app over the rig's database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from support.processes import eventually
from support.rig import Rig, Unlimited
from syncworker.sync.context import Context
from syncworker.web.app import create_app, hold
from web.serving import serving


@contextmanager
def hearing(rig: Rig) -> Iterator[None]:
    """Webhooks of the rig's first portal come in while this lasts; `heard` waits for them."""
    app = create_app(rig.settings)
    with serving(app) as client:
        address = str(client.base_url).rstrip("/")
        # The signature covers the address that HubSpot was given.
        settings = rig.settings.model_copy(update={"public_url": address})
        context = Context(settings, clock=rig.clock, waker=rig.waker, limiter=Unlimited(), pool_size=2)
        client.get("/health/live")
        holds = app.state.held = hold(context)
        rig.sandbox.settings(rig.hub, webhook_url=f"{address}/webhooks/hubspot")
        try:
            yield
        finally:
            rig.sandbox.settings(rig.hub, webhook_url=None)
            asyncio.run(holds.loop_database.close())
            context.close()


def heard(rig: Rig) -> None:
    """Wait until every webhook that is on its way has come in, and do what is due then."""
    eventually(lambda: rig.sandbox.stats()["webhooks"]["pending"] == 0)
    rig.settle()
