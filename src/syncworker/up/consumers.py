"""Do the worker processes take messages yet?

Dramatiq's workers say so nowhere that does not depend on how the process logs. But whoever looks into a queue
leaves a heartbeat under an id of its own: so many new ids, so many processes.
"""

from __future__ import annotations

import redis

_HEARTBEATS = "dramatiq:__heartbeats__"  # Dramatiq's default namespace; a sorted set of ids by time


class Consumers:
    """Waits for a number of new consumers; who had a heartbeat when it was first asked is not new."""

    def __init__(self, redis_url: str, *, processes: int) -> None:
        """Look nowhere yet."""
        self._url = redis_url
        self._processes = processes
        self._before: frozenset[bytes] | None = None

    def are_ready(self) -> bool:
        """Whether they all take messages. To be asked first before they can."""
        try:
            with redis.Redis.from_url(self._url, socket_connect_timeout=1, socket_timeout=1) as client:
                now = frozenset(client.zrange(_HEARTBEATS, 0, -1))
        except redis.RedisError:
            return False
        if self._before is None:
            self._before = now
        return len(now - self._before) >= self._processes
