"""How does one process keep to its share of the quota while Redis is away?"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from syncworker.hubspot.quota import DAILY_RESERVE, Bucket, Lane, Pace


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class _Day:
    limit: int
    left: int
    until: float


class LocalQuota:
    """The buckets of this process alone. Thread-safe; they begin empty, each time that Redis is away."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[int, Bucket], _Bucket] = {}
        self._days: dict[int, _Day] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Redis is there again."""
        if self._buckets:
            with self._lock:
                self._buckets.clear()

    def note_day(self, hub_id: int, *, limit: int, left: int, until: float) -> None:
        """What HubSpot told of the day's quota; believed until that time, by the clock of `wait`."""
        with self._lock:
            self._days[hub_id] = _Day(limit, left, until)

    def parked_s(self, hub_id: int, lane: Lane, *, now: float) -> float:
        """For how long bulk work leaves the rest of the day's quota to interactive work; 0: it need not."""
        day = self._days.get(hub_id)
        if day is None or lane is not Lane.BULK or day.left > day.limit * DAILY_RESERVE:
            return 0.0
        return max(0.0, day.until - now)

    def wait(self, hub_id: int, bucket: Bucket, *, lane: Lane, pace: Pace, now: float, take: bool) -> float:
        """Seconds until a call is free, 0 where it is (and is taken, if `take`)."""
        with self._lock:
            local = self._filled(hub_id, bucket, pace, now)
            needs = pace.needs(lane)
            if local.tokens + 1e-6 < needs:
                return max(0.001, (needs - local.tokens) / pace.rate)
            if take:
                local.tokens -= 1
            return 0.0

    def pause(self, hub_id: int, bucket: Bucket, *, pace: Pace, now: float, pause_s: float) -> None:
        """No call for so long."""
        with self._lock:
            local = self._filled(hub_id, bucket, pace, now)
            local.tokens = min(local.tokens, -pause_s * pace.rate)

    def _filled(self, hub_id: int, bucket: Bucket, pace: Pace, now: float) -> _Bucket:
        local = self._buckets.setdefault((hub_id, bucket), _Bucket(0.0, now))
        local.tokens = min(pace.burst, local.tokens + (now - local.at) * pace.rate)
        local.at = now
        return local
