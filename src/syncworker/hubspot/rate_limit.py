"""May this process call HubSpot now, for this portal, or how long must it wait?

One token bucket per portal and kind of call, in Redis, shared by all processes: burst plus a window's worth
of rate stays within HubSpot's limit, so no rolling window ever holds more. A bucket that is not known (after
a flush, a restart, the first call ever) is empty: what was used in the window before is not known either.

Our own and not `limits` or `pyrate-limiter`: both take an unknown key as unused, so that after a flush the
whole limit can be spent twice in a window; neither shares one limit out between processes that cannot reach
Redis.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

Bucket = Literal["api", "search"]

_log = structlog.get_logger(__name__)

REDIS_TIMEOUT_S = 0.1
REDIS_AWAY_S = 2.0
PROCESS_LIFE_S = 30
# Requests taken apart may arrive closer together; HubSpot counts arrivals.
_JITTER_S = 0.2
# HubSpot usage guidelines: 100 per 10 s is the lowest limit of any account; the headers tell the real one.
DEFAULT_LIMIT = 100
_API_WINDOW_S = 10.0
# HubSpot usage guidelines: search has 5 per second, apart from the limit of ten seconds.
_SEARCH_LIMIT = 5

_SCRIPT = """
-- Keys:
--   KEYS[1] hubspot:bucket:{hub id}:{bucket}  hash: tokens, at (s, Redis time), limit; expires unused
--   KEYS[2] hubspot:processes                 sorted set: processes by the Redis time of their last call
-- Arguments: 1 known limit per window (0: not known), 2 default limit, 3 window (s), 4 burst share,
--   5 tokens to take, 6 seconds of pause to add, 7 process, 8 seconds it lives, 9 'probe': take nothing
-- Returns: seconds to wait (0: taken) as text, number of live processes
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'limit')
local limit = tonumber(ARGV[1])
if limit <= 0 then limit = tonumber(state[3]) or tonumber(ARGV[2]) end
local burst = math.max(1, math.floor(limit * tonumber(ARGV[4])))
local rate = (limit - burst) / tonumber(ARGV[3])
local tokens = tonumber(state[1]) or 0
local at = tonumber(state[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
local take, pause = tonumber(ARGV[5]), tonumber(ARGV[6])
local wait = 0
if pause > 0 then
  tokens = math.min(tokens, 0 - pause * rate)
elseif tokens + 0.000001 >= take then
  if ARGV[9] ~= 'probe' then tokens = tokens - take end
else
  -- Never so short that it would be written as 0, which means taken.
  wait = math.max(0.001, (take - tokens) / rate)
end
redis.call('HSET', KEYS[1], 'limit', limit,
  'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], 3600)
redis.call('ZADD', KEYS[2], now, ARGV[7])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[8]))
redis.call('EXPIRE', KEYS[2], ARGV[8])
return {string.format('%.6f', wait), redis.call('ZCARD', KEYS[2])}
"""


class RateLimited(Exception):
    """No call is free within the time the caller would wait; one is after `retry_after_s` seconds."""

    def __init__(self, hub_id: int, bucket: Bucket, retry_after_s: float) -> None:
        self.hub_id = hub_id
        self.bucket = bucket
        self.retry_after_s = retry_after_s
        super().__init__(
            f"portal {hub_id} has used its share of HubSpot's {bucket} limit; try in {retry_after_s:.2f} s"
        )


class RateLimiter(Protocol):
    """What the client asks before each request."""

    def take(self, hub_id: int, bucket: Bucket, *, wait_s: float) -> None:
        """Wait until a call is free and take it, or raise RateLimited where that is longer than `wait_s`."""

    def wait_for(self, hub_id: int, bucket: Bucket) -> float:
        """Seconds until a call would be free; takes nothing."""

    def learn(self, hub_id: int, limit_per_10s: int) -> None:
        """Note the limit that an answer of HubSpot told."""

    def penalise(self, hub_id: int, bucket: Bucket, *, pause_s: float) -> None:
        """HubSpot refused a call all the same: no process calls for `pause_s` seconds."""


@dataclass(slots=True)
class _Local:
    """The bucket of this process alone, for the time that Redis is away."""

    tokens: float
    at: float


class SharedRateLimiter:
    """The rate limit of all processes, in Redis. Thread-safe.

    While Redis is away, each process spends its share, 1 / (live processes last seen), out of a bucket of its
    own that begins empty. Processes that notice at different times can overspend by what the first of them
    takes meanwhile, at most `REDIS_AWAY_S` of rate: HubSpot's 429 and `penalise` are there for that.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        default_share: float = 0.25,
    ) -> None:
        """`client` must have short timeouts and no retries: take one from `connect()`."""
        self._script = client.register_script(_SCRIPT)
        self._sleep = sleep
        self._clock = clock
        self._share = default_share
        self._id = uuid.uuid4().hex
        self._limits: dict[int, int] = {}
        self._away_until = 0.0
        self._local: dict[tuple[int, Bucket], _Local] = {}
        self._lock = threading.Lock()

    def take(self, hub_id: int, bucket: Bucket, *, wait_s: float) -> None:
        """Wait until a call is free and take it.

        Raises RateLimited where the wait is longer than `wait_s` seconds; nothing is taken then.
        """
        deadline = self._clock() + wait_s
        while wait := self._ask(hub_id, bucket, take=1):
            # Asked again after the wait and not reserved ahead: a reservation would outlive a flush or a
            # pause.
            if self._clock() + wait > deadline:
                raise RateLimited(hub_id, bucket, wait)
            self._sleep(wait)

    def wait_for(self, hub_id: int, bucket: Bucket) -> float:
        """Seconds until a call would be free; takes nothing. 0 may be untrue a moment later."""
        return self._ask(hub_id, bucket, take=1, probe=True)

    def learn(self, hub_id: int, limit_per_10s: int) -> None:
        """Note the limit of `X-HubSpot-RateLimit-Max`; the next call of this process tells Redis."""
        if limit_per_10s >= 2:
            self._limits[hub_id] = limit_per_10s

    def penalise(self, hub_id: int, bucket: Bucket, *, pause_s: float) -> None:
        """Empty the bucket, and keep it empty for `pause_s` seconds."""
        self._ask(hub_id, bucket, take=0, pause_s=pause_s)

    def _ask(self, hub_id: int, bucket: Bucket, *, take: int, pause_s: float = 0.0, probe: bool = False) -> float:
        limit, window, burst_share = self._rule(hub_id, bucket)
        if self._clock() >= self._away_until:
            try:
                wait, live = self._script(
                    keys=[f"hubspot:bucket:{hub_id}:{bucket}", "hubspot:processes"],
                    args=[
                        limit,
                        DEFAULT_LIMIT,
                        window,
                        burst_share,
                        take,
                        pause_s,
                        # Dramatiq forks: the id that was made before the fork is the same in all children.
                        f"{self._id}:{os.getpid()}",
                        PROCESS_LIFE_S,
                        "probe" if probe else "",
                    ],
                )
            except redis.RedisError as error:
                # Redis owns nothing: calls go on, each process within its share. Asked again shortly.
                self._away_until = self._clock() + REDIS_AWAY_S
                _log.warning("rate_limit_without_redis", error=str(error), share=self._share)
            else:
                self._share = 1 / max(1, int(live))
                with self._lock:
                    # The next time that Redis is away begins empty again.
                    self._local.clear()
                return float(wait)
        return self._ask_here(hub_id, bucket, take=take, pause_s=pause_s, probe=probe)

    def _rule(self, hub_id: int, bucket: Bucket) -> tuple[int, float, float]:
        """The limit (0: not known here), the window in seconds, and the burst as a share of the limit."""
        if bucket == "search":
            return _SEARCH_LIMIT, 1.0 + _JITTER_S, 0.0
        return self._limits.get(hub_id, 0), _API_WINDOW_S + _JITTER_S, 0.05

    def _ask_here(self, hub_id: int, bucket: Bucket, *, take: int, pause_s: float, probe: bool) -> float:
        limit, window, burst_share = self._rule(hub_id, bucket)
        limit = limit or DEFAULT_LIMIT
        burst = max(1.0, limit * burst_share)
        rate = (limit - burst) / window * self._share
        now = self._clock()
        with self._lock:
            local = self._local.setdefault((hub_id, bucket), _Local(0.0, now))
            # A whole token must fit, or a small share could never call at all.
            local.tokens = min(max(1.0, burst * self._share), local.tokens + (now - local.at) * rate)
            local.at = now
            if pause_s:
                local.tokens = min(local.tokens, -pause_s * rate)
            elif local.tokens + 1e-6 < take:
                return max(0.001, (take - local.tokens) / rate)
            elif not probe:
                local.tokens -= take
        return 0.0


def connect(url: str) -> redis.Redis:
    """A connection for the rate limit: 100 ms for every answer, and no retries that would multiply them."""
    return redis.Redis.from_url(
        url,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
