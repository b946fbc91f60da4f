"""How often is a worker woken for the webhooks that came?

At once for the first, and then once for all that come within a moment: a ring takes as long as half a webhook.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import anyio
from anyio import CapacityLimiter

# Too short for anybody to notice.
APART_S = 0.02


class Ringing:
    """Rings, but no more often than every `APART_S`. Of one event loop."""

    def __init__(self, ring: Callable[[], object], *, threads: CapacityLimiter) -> None:
        """`ring` is called in one of `threads`, and raises nothing for want of whom it rings for."""
        self._ring = ring
        self._threads = threads
        self.resting = False
        """It has just rung."""
        self._wanted = False
        self._late: asyncio.Task[None] | None = None
        """The event loop itself does not hold a task."""

    async def ring(self) -> None:
        """Return when it has rung; or at once, if it has just rung and will again in a moment."""
        if self.resting:
            self._wanted = True
            return
        self.resting = True
        try:
            await anyio.to_thread.run_sync(self._ring, limiter=self._threads)
        finally:
            asyncio.get_running_loop().call_later(APART_S, self._rested)

    def _rested(self) -> None:
        self.resting = False
        if self._wanted:
            self._wanted = False
            self._late = asyncio.create_task(self.ring())
