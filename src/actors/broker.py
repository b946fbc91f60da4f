"""Which broker carries the messages, and how soon is one seen?"""

from __future__ import annotations

from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, Callbacks, CurrentMessage, Retries, ShutdownNotifications, TimeLimit
from periodiq import PeriodiqMiddleware

from syncworker.settings import load

# An idle consumer of Dramatiq rests up to a second between two looks at its queue. A form passes three queues on its
# way to the CRM, and somebody may be watching.
IDLE_MS = 50


class PromptRedisBroker(RedisBroker):
    """Dramatiq's Redis broker, looking at empty queues more often."""

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Any:
        """Consume, resting at most `IDLE_MS` while there is nothing."""
        return super().consume(queue_name, prefetch, min(timeout, IDLE_MS))


def make() -> PromptRedisBroker:
    """The broker of this process. Messages carry no work: none is kept for long, none is retried for its own sake."""
    settings = load()
    settings.require("redis_url")
    broker = PromptRedisBroker(  # type: ignore[no-untyped-call] # Dramatiq's
        url=settings.redis_url,
        middleware=[
            AgeLimit(),
            TimeLimit(),
            ShutdownNotifications(),
            Callbacks(),
            Retries(),
            CurrentMessage(),
            PeriodiqMiddleware(skip_delay=30),
        ],
    )
    dramatiq.set_broker(broker)
    return broker
