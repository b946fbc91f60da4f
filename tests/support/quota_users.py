"""How do several worker processes use up a portal's quota together?

Each has a client and a limiter of its own, as worker processes have, and calls a real sandbox as fast as it may.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.credentials import StaticToken
from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.quota import Lane
from syncworker.hubspot.rate_limit import SharedRateLimiter, connect


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One process: where it calls, in which lane, and how long it rests between two calls."""

    base_url: str
    redis_url: str
    hub_id: int
    token: str
    lane: Lane = Lane.BULK
    rest_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What one process saw: the seconds of each call, waiting for quota included, and how many failed."""

    lane: Lane
    seconds: Sequence[float]
    failed: int


@contextmanager
def client(user: User) -> Iterator[HubSpotClient]:
    """A client such as a worker process holds."""
    with connect(user.redis_url) as redis:
        made = HubSpotClient(
            hub_id=user.hub_id,
            base_url=user.base_url,
            api_version="2026-09",
            credentials=StaticToken(user.token),
            limiter=SharedRateLimiter(redis),
        )
        try:
            yield made.in_lane(user.lane)
        finally:
            made.close()


def _use(user: User, ready: multiprocessing.Barrier, seconds: float, results: multiprocessing.Queue[Used]) -> None:  # type: ignore[valid-type] # a function by mypy's stubs
    took: list[float] = []
    failed = 0
    with client(user) as calls:
        # The first answer tells the limit.
        calls.account_info()
        ready.wait(60)
        end = time.monotonic() + seconds
        while (began := time.monotonic()) < end:
            try:
                calls.list_page("contact", properties=["email", "website"], limit=100)
            except HubSpotError:
                failed += 1
            took.append(time.monotonic() - began)
            time.sleep(user.rest_s)
    results.put(Used(lane=user.lane, seconds=took, failed=failed))


@contextmanager
def using(users: Sequence[User], *, seconds: float) -> Iterator[multiprocessing.Queue[Used]]:
    """The processes have begun; each puts what it saw at its end, `seconds` later."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[Used] = context.Queue()
    ready = context.Barrier(len(users) + 1)
    processes = [context.Process(target=_use, args=(user, ready, seconds, results)) for user in users]
    for process in processes:
        process.start()
    try:
        ready.wait(60)
        yield results
        for process in processes:
            process.join(seconds + 60)
    finally:
        for process in processes:
            process.kill()
            process.join()
        results.close()
        results.join_thread()
