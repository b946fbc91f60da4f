"""How does a worker hear at once that there is something to do?

A ring is a Dramatiq message sent by actor name, after the commit. It carries no work: a lost ring costs seconds, not
data, because the sweep rings again for whatever is due. So a ring has 100 ms to be sent, at most one is outstanding
per actor and portal, and its failure is ignored.

Redis keys: `ring:{actor}:{hub_id}`: a ring is outstanding; ends by itself, should its message be lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import redis
import structlog
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import DramatiqError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

RING_SECONDS = 0.1
# As long as a message may wait in a busy queue before the sweep sends another one beside it.
OUTSTANDING_MS = 10_000


class Bell(StrEnum):
    """The actors that can be rung for."""

    EXPAND_INBOX = "expand_inbox"
    POLL_FORMS = "poll_forms"
    RECONCILE_INTERACTIVE = "reconcile_interactive"
    RECONCILE_BULK = "reconcile_bulk"
    POLL_RECORDS = "poll_records"
    CONTINUE_RESYNC = "continue_resync"
    END_OVERDUE = "end_overdue"


INTERACTIVE_QUEUE = "interactive"
BULK_QUEUE = "bulk"
QUEUES = {
    Bell.EXPAND_INBOX: INTERACTIVE_QUEUE,
    Bell.POLL_FORMS: INTERACTIVE_QUEUE,
    Bell.RECONCILE_INTERACTIVE: INTERACTIVE_QUEUE,
    Bell.END_OVERDUE: INTERACTIVE_QUEUE,
    Bell.RECONCILE_BULK: BULK_QUEUE,
    Bell.POLL_RECORDS: BULK_QUEUE,
    Bell.CONTINUE_RESYNC: BULK_QUEUE,
}


@dataclass(frozen=True, slots=True)
class Ring:
    """An actor to wake, for a portal (0: for none in particular)."""

    bell: Bell
    hub_id: int = 0
    delay_ms: int = 0


class Waker(Protocol):
    """What rings."""

    def ring(self, *rings: Ring) -> None:
        """Ring, and never raise for want of Redis."""

    def answered(self, ring: Ring) -> None:
        """The actor has begun: the next ring is a new one."""


class RedisWaker:
    """Rings through Dramatiq's Redis broker."""

    def __init__(self, url: str) -> None:
        self._client = connect_briefly(url)
        # No middleware: this broker only sends.
        self._broker = RedisBroker(client=connect_briefly(url), middleware=[])  # type: ignore[no-untyped-call]
        for queue in (INTERACTIVE_QUEUE, BULK_QUEUE):
            self._broker.declare_queue(queue)

    def ring(self, *rings: Ring) -> None:
        """Ring each that is not outstanding."""
        for ring in dict.fromkeys(rings):
            try:
                self._ring(ring)
            except (redis.RedisError, DramatiqError, OSError) as error:
                # Redis owns nothing: the sweep rings again.
                log.debug("ring_not_sent", bell=ring.bell, hub_id=ring.hub_id, error=str(error))

    def answered(self, ring: Ring) -> None:
        """Let the next ring through."""
        try:
            self._client.delete(_key(ring))
        except redis.RedisError as error:
            log.debug("ring_not_answered", bell=ring.bell, hub_id=ring.hub_id, error=str(error))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._broker.client.close()

    def _ring(self, ring: Ring) -> None:
        outstanding = OUTSTANDING_MS + ring.delay_ms
        if not ring.delay_ms and not self._client.set(_key(ring), 1, nx=True, px=outstanding):
            return
        message: Message[None] = Message(
            queue_name=QUEUES[ring.bell],
            actor_name=ring.bell.value,
            args=(ring.hub_id,) if ring.hub_id else (),
            kwargs={},
            options={},
        )
        self._broker.enqueue(message, delay=ring.delay_ms or None)


def connect_briefly(url: str) -> redis.Redis:
    """A connection that answers within 100 ms or not at all, and does not multiply that by retries."""
    return redis.Redis.from_url(
        url,
        socket_timeout=RING_SECONDS,
        socket_connect_timeout=RING_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def _key(ring: Ring) -> str:
    return f"ring:{ring.bell}:{ring.hub_id}"
