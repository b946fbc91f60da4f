"""How does work of an hour outlast a minute in which HubSpot is away, or the quota used up?

For commands that a person waits for: workers block the portal instead, and go on with something else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from syncworker.hubspot.errors import RetryLater

# So long without an answer is not worth waiting for.
_PATIENCE = 60
_WAIT_S = 10.0

T = TypeVar("T")


def patiently(work: Callable[[], T]) -> T:
    """Do it, again for up to ten minutes while HubSpot asks to wait. Raises what else goes wrong."""
    for _ in range(_PATIENCE):
        try:
            return work()
        except RetryLater as error:
            if error.scope in {"daily", "migration"}:
                raise
            time.sleep(min(error.retry_after_s, _WAIT_S))
    return work()
