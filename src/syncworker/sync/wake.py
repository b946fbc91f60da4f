"""How does a worker hear at once that there is something to do?

A ring is a Dramatiq message sent by actor name, after the commit. It carries no work: a lost ring costs seconds, not
data, because the sweep rings again for whatever is due. So a ring has 100 ms to be sent, at most one is outstanding
per actor and portal, and its failure is ignored.

One turn of an actor for a portal runs at a time, in whichever process: what comes meanwhile is a batch for the next
turn, and not a batch of its own, so that HubSpot is called once for it. Two turns at once, after a flush, do no harm.

Redis keys, each of which ends by itself:
    `ring:{actor}:{hub_id}`   a ring is outstanding: it has been sent, and no turn has begun since
    `later:{actor}:{hub_id}`  the same of one that was sent with a delay
    `turn:{actor}:{hub_id}`   a turn runs
    `again:{actor}:{hub_id}`  somebody rang while it ran
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
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
# A killed process holds its turns no longer than this. A living one keeps them with every beat of its pulse.
TURN_MS = 6_000


class Bell(StrEnum):
    """The actors that can be rung for."""

    EXPAND_INBOX = "expand_inbox"
    SERVE_INTERACTIVE = "serve_interactive"
    SERVE_BULK = "serve_bulk"
    END_OVERDUE = "end_overdue"
    DO_JOBS = "do_jobs"
    TELL = "tell"


_TAKES_ITS_TIME = frozenset({Bell.SERVE_BULK, Bell.TELL})
INTERACTIVE_QUEUE = "interactive"
BULK_QUEUE = "bulk"


@dataclass(frozen=True, slots=True)
class Ring:
    """An actor to wake, for a portal (0: for none in particular)."""

    bell: Bell
    hub_id: int = 0
    delay_ms: int = 0


class Waker(Protocol):
    """What rings."""

    def ring(self, *rings: Ring) -> list[Ring]:
        """Ring, and never raise for want of Redis; return what nobody can hear, because it is away."""

    def keep_turns(self) -> None:
        """Hold the turns that run in this process for another while."""

    def turn(self, ring: Ring) -> AbstractContextManager[bool]:
        """A turn of the actor: true where it is ours. Whoever rang while it ran is heard at its end."""


class RedisWaker:
    """Rings through Dramatiq's Redis broker."""

    def __init__(self, url: str) -> None:
        self._client = connect_briefly(url)
        # No middleware: this broker only sends.
        self._broker = RedisBroker(client=connect_briefly(url), middleware=[])  # type: ignore[no-untyped-call]
        for queue in (INTERACTIVE_QUEUE, BULK_QUEUE):
            self._broker.declare_queue(queue)
        self._turns: Counter[str] = Counter()
        self._lock = threading.Lock()

    def ring(self, *rings: Ring) -> list[Ring]:
        """Ring each that is not outstanding; return those that could not be sent."""
        to_send = list(dict.fromkeys(rings))
        for number, ring in enumerate(to_send):
            try:
                self._ring(ring)
            except (redis.RedisError, DramatiqError, OSError) as error:
                # Redis owns nothing: the sweep rings again. Nor is it asked for each of the rest, a tenth of a second
                # every time that it hangs: with some hundred portals the sweep, and who serves them, would be late.
                log.debug("ring_not_sent", bell=ring.bell, hub_id=ring.hub_id, error=str(error))
                return to_send[number:]
        return []

    def keep_turns(self) -> None:
        """Hold the turns that run in this process for another while: one may take minutes."""
        with self._lock:
            running = [name for name, count in self._turns.items() if count]
        try:
            for name in running:
                self._client.pexpire(f"turn:{name}", TURN_MS)
        except redis.RedisError as error:
            log.debug("turns_not_kept", error=str(error))

    @contextmanager
    def turn(self, ring: Ring) -> Iterator[bool]:
        """A turn of the actor, unless another process has it. Without Redis, everybody has a turn."""
        name = f"{ring.bell}:{ring.hub_id}"
        try:
            self._client.delete(_key(ring))
            ours = self._take_turn(name)
        except redis.RedisError as error:
            log.debug("turn_not_taken", turn=name, error=str(error))
            yield True
            return
        if not ours:
            yield False
            return
        with self._lock:
            self._turns[name] += 1
        try:
            yield True
        finally:
            with self._lock:
                self._turns[name] -= 1
            self._end_turn(name, ring)

    def _take_turn(self, name: str) -> bool:
        if self._client.set(f"turn:{name}", 1, nx=True, px=TURN_MS):
            return True
        self._client.set(f"again:{name}", 1, px=TURN_MS)
        # It may have ended between the two, without having seen us.
        return bool(self._client.set(f"turn:{name}", 1, nx=True, px=TURN_MS))

    def _end_turn(self, name: str, ring: Ring) -> None:
        try:
            self._client.delete(f"turn:{name}")
            again = self._client.getdel(f"again:{name}")
        except redis.RedisError as error:
            log.debug("turn_not_ended", turn=name, error=str(error))
            return
        if again:
            self.ring(ring)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._broker.client.close()

    def _ring(self, ring: Ring) -> None:
        if ring.delay_ms:
            # One that rings later is no reason to be silent now, so it is outstanding apart.
            sent = self._client.set(f"later:{ring.bell}:{ring.hub_id}", 1, nx=True, px=ring.delay_ms)
        else:
            sent = self._client.set(_key(ring), 1, nx=True, px=OUTSTANDING_MS)
        if not sent:
            return
        message: Message[None] = Message(
            queue_name=BULK_QUEUE if ring.bell in _TAKES_ITS_TIME else INTERACTIVE_QUEUE,
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
