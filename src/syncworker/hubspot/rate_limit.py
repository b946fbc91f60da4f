"""May this process call HubSpot now, for this portal, or how long must it wait?

One token bucket per portal and kind of call, in Redis, shared by all processes: burst plus a window's worth of rate
stays within HubSpot's limit, so no rolling window ever holds more. A bucket that is not known (after a flush, a
restart, the first call ever) is empty. Interactive work calls before bulk work, which also leaves it the last tenth of
the day's quota.

Whoever must wait is told for how long, and asks again then. Nothing is reserved ahead: a reservation would outlive a
flush or a pause, and could not be overtaken by somebody interactive.

Our own and not `limits` or `pyrate-limiter`: both take an unknown key as unused, so that after a flush the whole limit
can be spent twice in a window; neither knows lanes, nor shares one limit out between processes that cannot reach Redis.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from syncworker.hubspot.local_quota import LocalQuota
from syncworker.hubspot.quota import (
    DAILY_RESERVE,
    DAY_MARGIN_S,
    JITTER_S,
    SPREADS,
    WINDOW_S,
    Bucket,
    Lane,
    Pace,
    Quota,
    Told,
    utc_offset_s,
)
from syncworker.hubspot.quota_script import ALIVE, SCRIPT

_log = structlog.get_logger(__name__)

# A busy machine answers late. Taking Redis for away then costs more than waiting: each process that does so spends its
# share beside the shared bucket.
REDIS_TIMEOUT_S = 0.25
REDIS_AWAY_S = 2.0
PROCESS_LIFE_S = 30
# How old what HubSpot told of the day may be for bulk work to stay parked by it: then one call asks.
LOOK_AGAIN_S = 3600.0


class RateLimited(Exception):
    """No call is free within the time the caller would wait; one is after `retry_after_s` seconds.

    `daily`: the rest of the day's quota is kept for interactive work; bulk work waits until it is new.
    """

    def __init__(
        self, hub_id: int, bucket: Bucket, retry_after_s: float, *, lane: Lane = Lane.INTERACTIVE, daily: bool = False
    ) -> None:
        self.hub_id = hub_id
        self.bucket = bucket
        self.retry_after_s = retry_after_s
        self.lane: Lane = lane
        self.daily = daily
        super().__init__(
            f"portal {hub_id}: what is left of the day's quota is kept for forms, webhooks and people; "
            f"bulk work goes on in {retry_after_s / 60:.0f} min"
            if daily
            else f"portal {hub_id} has used its share of HubSpot's {bucket} limit; try in {retry_after_s:.2f} s"
        )


class RateLimiter(Protocol):
    """What the client asks before each request, and tells after it."""

    def take(self, hub_id: int, bucket: Bucket, *, wait_s: float, lane: Lane = Lane.INTERACTIVE) -> None:
        """Wait until a call is free and take it, or raise RateLimited where that is longer than `wait_s`."""

    def wait_for(self, hub_id: int, bucket: Bucket, *, lane: Lane = Lane.INTERACTIVE) -> float:
        """Seconds until a call would be free; takes nothing."""

    def bulk_rests_s(self, hub_id: int) -> float:
        """Seconds for which bulk work leaves the rest of the day's quota to interactive work; 0 where it need not."""

    def learn(self, hub_id: int, told: Told) -> None:
        """Note what an answer of HubSpot told of the limits."""

    def penalise(self, hub_id: int, bucket: Bucket, *, pause_s: float) -> None:
        """HubSpot refused a call all the same: no process calls for `pause_s` seconds."""

    def quota(self, hub_id: int) -> Quota | None:
        """What is known of the portal's limits; None where that cannot be said."""

    def keep_alive(self) -> None:
        """Say that this process is there, though it may be making no calls."""


class SharedRateLimiter:
    """The rate limit of all processes, in Redis. Thread-safe.

    While Redis is away, each process spends its share, 1 / (live processes last seen), out of buckets of its own that
    begin empty. Processes that notice at different times can overspend by what the first of them takes meanwhile, at
    most `REDIS_AWAY_S` of rate: HubSpot's 429 and `penalise` are there for that.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        redis_time: Callable[[], float] | None = None,
        default_share: float = 0.25,
        share: float = 1.0,
        limit: int | None = None,
        daily_limit: int | None = None,
        time_zone_of: Callable[[int], str] = lambda _: "UTC",
    ) -> None:
        """`client` must have short timeouts and no retries: take one from `connect()`.

        `share` of all limits is ours, the rest other apps'; `limit` (of ten seconds) and `daily_limit` are what counts
        for as long as HubSpot's answers tell none. `redis_time` (seconds since 1970) replaces Redis' clock in tests.
        """
        self._client = client
        self._script = client.register_script(SCRIPT)
        self._alive = client.register_script(ALIVE)
        self._sleep = sleep
        self._clock = clock
        self._redis_time = redis_time
        self._part = default_share
        self._share = share
        self._limit = limit
        self._daily_limit = daily_limit
        self._time_zone_of = time_zone_of
        self._id = uuid.uuid4().hex
        self._limits: dict[int, tuple[int, float]] = {}
        self._news: dict[int, tuple[Told, float]] = {}
        self._parked: dict[int, float] = {}
        self._away_until = 0.0
        self._local = LocalQuota()
        self._lock = threading.Lock()

    def take(self, hub_id: int, bucket: Bucket, *, wait_s: float, lane: Lane = Lane.INTERACTIVE) -> None:
        """Wait until a call is free and take it.

        Raises RateLimited where the wait is longer than `wait_s` seconds; nothing is taken then.
        """
        deadline = self._clock() + wait_s
        while True:
            wait, daily = self._ask(hub_id, bucket, lane, action="take")
            if not wait:
                return
            if self._clock() + wait > deadline:
                raise RateLimited(hub_id, bucket, wait, lane=lane, daily=daily)
            self._sleep(wait)

    def wait_for(self, hub_id: int, bucket: Bucket, *, lane: Lane = Lane.INTERACTIVE) -> float:
        """Seconds until a call would be free; takes nothing. 0 may be untrue a moment later."""
        return self._ask(hub_id, bucket, lane, action="probe")[0]

    def bulk_rests_s(self, hub_id: int) -> float:
        """Seconds for which bulk work leaves the rest of the day's quota to interactive work; 0 where it need not.

        Whoever asks does not count as a process that calls.
        """
        seconds, daily = self._ask(hub_id, "api", Lane.BULK, action="look")
        return seconds if daily else 0.0

    def learn(self, hub_id: int, told: Told) -> None:
        """Note what an answer told; the next call of this process tells Redis."""
        now = self._clock()
        with self._lock:
            if told.limit is not None:
                self._limits[hub_id] = told.limit, told.window_s or WINDOW_S
            self._news[hub_id] = told, now
        if told.daily_limit is not None and told.daily_left is not None:
            until = now + min(LOOK_AGAIN_S, 86_400 - (time.time() + self._offset_s(hub_id)) % 86_400)
            self._local.note_day(hub_id, limit=told.daily_limit, left=told.daily_left, until=until)

    def penalise(self, hub_id: int, bucket: Bucket, *, pause_s: float) -> None:
        """Empty the bucket, and keep it empty for `pause_s` seconds."""
        self._ask(hub_id, bucket, Lane.INTERACTIVE, action="pause", pause_s=pause_s)

    def quota(self, hub_id: int) -> Quota | None:
        """What is known of the portal's limits, read from Redis; None while it is away."""
        try:
            pipe = self._client.pipeline(transaction=False)
            pipe.time()
            pipe.hmget(_bucket_key(hub_id, "api"), "limit", "window", "left", "left_at")
            pipe.hmget(_daily_key(hub_id), "day", "offset", "spent", "limit", "left")
            (seconds, micros), bucket, daily = pipe.execute()
        except redis.RedisError as error:
            _log.debug("quota_not_read", error=str(error))
            return None
        now = self._redis_time() if self._redis_time else seconds + micros / 1e6
        limit = int(bucket[0] or self._limit or SPREADS["api"].limit)
        # After a window without a call nothing of it is used.
        fresh = bucket[2] is not None and now - float(bucket[3]) < float(bucket[1] or WINDOW_S)
        today = daily[0] is not None and int(daily[0]) == int((now + int(daily[1])) // 86_400)
        daily_limit = int(daily[3]) if daily[3] else self._daily_limit
        spent = int(daily[2]) if today else 0
        left = int(daily[4]) if today and daily[4] else None
        if left is None and daily_limit is not None:
            left = max(0, daily_limit - spent)
        return Quota(
            limit=limit,
            left=int(bucket[2]) if fresh else limit,
            daily_limit=daily_limit,
            daily_left=left,
            spent_today=spent,
        )

    def keep_alive(self) -> None:
        """Count among the live processes, and see how many there are: those at rest work, too, while it is away.

        Does nothing while Redis is away.
        """
        if self._clock() < self._away_until:
            return
        now = "" if self._redis_time is None else self._redis_time()
        try:
            live = self._alive(keys=["hubspot:processes"], args=[self._process(), PROCESS_LIFE_S, now])
        except redis.RedisError as error:
            _log.debug("process_not_counted", error=str(error))
        else:
            self._part = 1 / max(1, int(live))

    def _process(self) -> str:
        # Dramatiq forks: the id that was made before the fork is the same in all children.
        return f"{self._id}:{os.getpid()}"

    def _ask(self, hub_id: int, bucket: Bucket, lane: Lane, *, action: str, pause_s: float = 0.0) -> tuple[float, bool]:
        """Seconds to wait, and whether it is the day's quota that is waited for."""
        if self._clock() >= self._away_until:
            news = self._take_news(hub_id) if bucket == "api" else None
            try:
                wait, live, daily = self._script(
                    keys=[_bucket_key(hub_id, bucket), "hubspot:processes", _daily_key(hub_id)],
                    args=[json.dumps(self._question(hub_id, bucket, lane, action, pause_s, news))],
                )
            except redis.RedisError as error:
                # Redis owns nothing: calls go on, each process within its share. Asked again shortly.
                self._away_until = self._clock() + REDIS_AWAY_S
                _log.warning("rate_limit_without_redis", error=str(error), share=self._part)
            else:
                self._part = 1 / max(1, int(live))
                # The next time that Redis is away begins empty again.
                self._local.forget()
                if daily:
                    self._say_parked(hub_id, float(wait))
                return float(wait), bool(daily)
        return self._ask_here(hub_id, bucket, lane, action=action, pause_s=pause_s)

    def _question(
        self, hub_id: int, bucket: Bucket, lane: Lane, action: str, pause_s: float, news: tuple[Told, float] | None
    ) -> dict[str, object]:
        limit, window = self._known(hub_id, bucket)
        spread = SPREADS[bucket]
        question: dict[str, object] = {
            "action": action, "lane": lane, "pause": pause_s,
            "limit": limit, "window": window, "jitter": JITTER_S,
            "least_burst": spread.least_burst, "burst_share": spread.burst_share,
            "share": self._share, "reserve": DAILY_RESERVE,
            "offset": self._offset_s(hub_id), "look_again": LOOK_AGAIN_S,
            "process": self._process(), "process_life": PROCESS_LIFE_S,
        }  # fmt: skip
        if self._daily_limit is not None:
            question["daily_limit"] = self._daily_limit
        if self._redis_time is not None:
            question["now"] = self._redis_time()
        if news is not None:
            told, at = news
            said = {
                "limit": told.limit, "left": told.left, "window": told.window_s,
                "daily_limit": told.daily_limit, "daily_left": told.daily_left,
                "age": max(0.0, self._clock() - at),
            }  # fmt: skip
            # Lua takes a null for something.
            question["told"] = {name: value for name, value in said.items() if value is not None}
        return question

    def _take_news(self, hub_id: int) -> tuple[Told, float] | None:
        with self._lock:
            return self._news.pop(hub_id, None)

    def _known(self, hub_id: int, bucket: Bucket) -> tuple[int, float]:
        """The limit and its window, in seconds, for where Redis does not know them."""
        spread = SPREADS[bucket]
        if bucket == "search":
            return spread.limit, spread.window_s
        return self._limits.get(hub_id, (self._limit or spread.limit, spread.window_s))

    def _offset_s(self, hub_id: int) -> int:
        """How far the account's day, begun a little late, is ahead of UTC's."""
        return utc_offset_s(self._time_zone_of(hub_id), datetime.now(UTC)) - DAY_MARGIN_S

    def _say_parked(self, hub_id: int, seconds: float) -> None:
        now = self._clock()
        if now >= self._parked.get(hub_id, 0.0):
            _log.warning("bulk_work_parked", hub_id=hub_id, reason="daily_quota", seconds=round(seconds))
            self._parked[hub_id] = now + seconds

    def _ask_here(self, hub_id: int, bucket: Bucket, lane: Lane, *, action: str, pause_s: float) -> tuple[float, bool]:
        limit, window = self._known(hub_id, bucket)
        spread = SPREADS[bucket]
        ours = max(2, int(limit * self._share))
        whole = Pace.of(ours, window, least_burst=spread.least_burst, burst_share=spread.burst_share)
        pace, now = whole.part(self._part), self._clock()
        if action == "pause":
            self._local.pause(hub_id, bucket, pace=pace, now=now, pause_s=pause_s)
            return 0.0, False
        parked = self._local.parked_s(hub_id, lane, now=now)
        if parked:
            return parked, True
        return self._local.wait(hub_id, bucket, lane=lane, pace=pace, now=now, take=action == "take"), False


def _bucket_key(hub_id: int, bucket: Bucket) -> str:
    return f"hubspot:bucket:{hub_id}:{bucket}"


def _daily_key(hub_id: int) -> str:
    return f"hubspot:daily:{hub_id}"


def connect(url: str) -> redis.Redis:
    """A connection for the rate limit: a quarter of a second an answer, and no retries that would multiply it."""
    return redis.Redis.from_url(
        url,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
