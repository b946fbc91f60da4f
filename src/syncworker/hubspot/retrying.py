"""When is a call to HubSpot made again at once, and when is that left to the caller?

The one place where calls are repeated, reads and our idempotent writes alike. Short waits only: a mark's
claim lasts 45 s, and a call must end well inside it. Anything longer is the caller's to wait, without holding
a thread.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from syncworker.hubspot.errors import RetryLater

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBudget:
    """How often one call may be tried; no attempt starts later than `seconds` after the first one."""

    attempts: int = 3
    seconds: float = 8.0


def with_retries(
    attempt: Callable[[], T],
    *,
    budget: RetryBudget,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Run `attempt` until it succeeds; raise its last RetryLater when the next wait is out of the budget.

    Every other exception of `attempt` is raised at once.
    """
    started = clock()

    def wait_of(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        seconds = error.retry_after_s if isinstance(error, RetryLater) else 0.0
        # HubSpot asks for nothing here, so a growing wait, spread so that workers that failed together do not
        # come back together.
        spread = random.uniform(1.0, 1.2)  # noqa: S311 no secret depends on it
        return seconds * float(2 ** (state.attempt_number - 1)) * spread

    def too_late(state: RetryCallState) -> bool:
        return clock() - started + wait_of(state) > budget.seconds

    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, RetryLater) and error.scope in {"call", "portal"}),
        stop=lambda state: stop_after_attempt(budget.attempts)(state) or too_late(state),
        wait=wait_of,
        sleep=sleep,
        reraise=True,
    )
    return retrying(attempt)
