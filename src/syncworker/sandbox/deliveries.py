"""When are webhook events sent, and what happens when the receiver fails?

A short window gathers events into one POST of up to 100; ten POSTs in flight per portal; five seconds each; failed ones
come again, up to ten times, with growing random delays (HubSpot's webhooks guide; the exact delays are unknown).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from syncworker.sandbox import signing
from syncworker.sandbox.clock import now_ms
from syncworker.sandbox.outbox import Waiting
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.posting import Poster, PostFailedError
from syncworker.sandbox.world import World

MOST_EVENTS = 100
IDLE_S = 1.0


@dataclass(slots=True)
class Deliveries:
    """One loop per portal, and the POSTs it has in flight."""

    world: World
    poster: Poster = field(default_factory=Poster)
    _loops: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _bells: dict[int, asyncio.Event] = field(default_factory=dict)
    _flights: set[asyncio.Task[None]] = field(default_factory=set)

    def start(self) -> None:
        """Begin, with whatever an earlier run left undelivered."""
        self.world.outbox.wake = self.wake
        for hub_id in self.world.directory.by_id:
            self.wake(hub_id)

    async def stop(self) -> None:
        """Drop what is in flight; the next run sends it."""
        tasks = [*self._loops.values(), *self._flights]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.poster.close()

    def wake(self, hub_id: int) -> None:
        """A portal has something to send."""
        bell = self._bells.get(hub_id)
        if bell is None:
            bell = self._bells[hub_id] = asyncio.Event()
            self._loops[hub_id] = asyncio.get_running_loop().create_task(self._run(hub_id, bell))
        bell.set()

    async def _run(self, hub_id: int, bell: asyncio.Event) -> None:
        room: dict[str, int] = {"in_flight": 0}
        outbox = self.world.outbox
        while True:
            portal = self.world.directory.by_id.get(hub_id)
            if portal is None or portal.webhook_url is None:
                await self._rest(bell, IDLE_S)
                continue
            due = outbox.next_due(hub_id)
            now = now_ms()
            if due is None or due > now:
                await self._rest(bell, IDLE_S if due is None else min(IDLE_S, (due - now) / 1000))
                # The window in which events gather into one POST.
                await asyncio.sleep(portal.webhook_window_ms / 1000)
                continue
            if room["in_flight"] >= portal.webhook_concurrency:
                await self._rest(bell, 0.05)
                continue
            taken = outbox.take(hub_id, now, MOST_EVENTS)
            if taken:
                room["in_flight"] += 1
                flight = asyncio.get_running_loop().create_task(self._send(portal, taken, room, bell))
                self._flights.add(flight)
                flight.add_done_callback(self._flights.discard)

    @staticmethod
    async def _rest(bell: asyncio.Event, seconds: float) -> None:
        bell.clear()
        try:
            async with asyncio.timeout(seconds):
                await bell.wait()
        except TimeoutError:
            return

    async def _send(self, portal: Portal, events: Sequence[Waiting], room: dict[str, int], bell: asyncio.Event) -> None:
        outbox = self.world.outbox
        url = portal.webhook_url or ""
        body = ("[" + ",".join(event.json() for event in events) + "]").encode("utf-8", "surrogatepass")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "HubSpot Connect 2.0 (sandbox)",
            "Accept": "*/*",
            **signing.headers(portal.client_secret, uri=url, body=body, timestamp=now_ms()),
        }
        try:
            status = await self.poster.post(url, body, headers, portal.webhook_timeout_s)
            outbox.counts["posts"] += 1
            delivered = 200 <= status < 300
        except (PostFailedError, TimeoutError):
            delivered = False
        except asyncio.CancelledError:
            outbox.put_back(events)
            raise
        finally:
            room["in_flight"] -= 1
            bell.set()
        if delivered:
            outbox.done(events)
        else:
            outbox.again(events, [self._next(portal, event) for event in events], retries=portal.webhook_retries)

    @staticmethod
    def _next(portal: Portal, event: Waiting) -> int:
        delay = portal.webhook_retry_base_s * 2**event.attempt * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        return now_ms() + int(delay * 1000)
