"""How does work of an hour outlast a minute in which HubSpot is away, or the quota used up?

For commands that a person waits for: workers block the portal instead, and go on with something else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from syncworker.hubspot.errors import RetryLater
from syncworker.hubspot.rate_limit import RateLimited

# So long without an answer is not worth waiting for.
PATIENCE = 60
_WAIT_S = 10.0

T = TypeVar("T")


def in_its_turn(work: Callable[[], T]) -> T:
    """Do it, again for up to ten minutes while our own share of the quota goes to others first. Raises what else goes
    wrong, and at once where the rest of the day's quota is kept for them."""
    for _ in range(PATIENCE):
        try:
            return work()
        except RetryLater as error:
            limited = error.__cause__
            if not isinstance(limited, RateLimited) or limited.daily:
                raise
            time.sleep(min(error.retry_after_s, _WAIT_S))
    return work()


def patiently(work: Callable[[], T], *, again: int = PATIENCE) -> T:
    """Do it, again for up to ten minutes while HubSpot asks to wait, or `again` times. Raises what else goes wrong."""
    for _ in range(again):
        try:
            return work()
        except RetryLater as error:
            if error.scope in {"daily", "migration"}:
                raise
            time.sleep(min(error.retry_after_s, _WAIT_S))
    return work()
