"""How is blocking work done without letting anybody wait for it too long?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import CapacityLimiter

T = TypeVar("T")


async def within(seconds: float, work: Callable[[], T], *, threads: CapacityLimiter) -> T:
    """The result of `work`, done in a thread; raises TimeoutError after so many seconds, queueing included.

    A thread cannot be stopped: late work goes on to its own timeout, and keeps its place in `threads` until
    then. So what runs here must do no harm when it succeeds after the caller was told that it failed.
    """
    with anyio.fail_after(seconds):
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=threads)
