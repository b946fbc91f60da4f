"""How does a test do something between two calls of a worker to HubSpot?

A second process beside the rig's: the same database, clock and sandbox, clients of its own, and somebody who is told
of each call as it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from support.rig import Rig, Unlimited
from syncworker.hubspot.rate_limit import RateLimiter
from syncworker.hubspot.records import CallMade
from syncworker.sync.context import Context


@dataclass(slots=True)
class Meanwhile:
    """Does `then` after the `nth` call whose route ends so, and counts those calls."""

    route_ends: str
    then: Callable[[], object]
    nth: int = 1
    calls: list[CallMade] = field(default_factory=list)

    def __call__(self, call: CallMade) -> None:
        if not call.route.endswith(self.route_ends):
            return
        self.calls.append(call)
        if len(self.calls) == self.nth:
            self.then()


@contextmanager
def second_worker(
    rig: Rig, on_call: Callable[[CallMade], None] | None = None, *, limiter: RateLimiter | None = None
) -> Iterator[Context]:
    """A context of its own on the rig's database; closed at the end."""
    made = Context(
        rig.settings, clock=rig.clock, waker=rig.waker, limiter=limiter or Unlimited(), on_call=on_call, pool_size=2
    )
    try:
        yield made
    finally:
        made.close()
