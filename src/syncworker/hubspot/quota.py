"""What do we know of HubSpot's limits for a portal, and how are calls spread over them?

Words that the limiter, the client and whoever shows the quota share; and the arithmetic of it, without Redis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

Bucket = Literal["api", "search"]


class Lane(StrEnum):
    """Whose work it is: what somebody waits for (forms, webhooks, people), or what may take its time."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


# HubSpot usage guidelines: 100 per 10 s is the lowest limit of any account; the headers tell the real one.
DEFAULT_LIMIT = 100
# The same: a rolling window of ten seconds. Some answers say so (X-HubSpot-RateLimit-Interval-Milliseconds).
WINDOW_S = 10.0
# The same: five searches a second, apart from the limit of ten seconds, and without headers.
SEARCH_LIMIT = 5
SEARCH_WINDOW_S = 1.0
# Ours. Requests that left apart may arrive closer together, and HubSpot counts arrivals.
JITTER_S = 0.2
# Ours. Of each day's calls, what is left for forms, webhooks and people once bulk work has used up the rest.
DAILY_RESERVE = 0.1
# Ours. Our clock and HubSpot's may differ: a day that we begin too early would be over at once for bulk work.
DAY_MARGIN_S = 30
# Ours. More than this is no header of HubSpot's.
_MOST = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How calls are spread over a window: `rate` a second, at most `burst` at once.

    Burst and a window's worth of rate stay within the limit, so no rolling window ever holds more; the burst is
    small, because what it takes is lost to the rate. Bulk work calls only from a fuller bucket than interactive
    work: so whoever waits interactively is always first, and finds a call left when bulk work has just called.
    """

    rate: float
    burst: float

    @classmethod
    def of(cls, limit: float, window_s: float, *, least_burst: float, burst_share: float) -> Pace:
        """The pace of `limit` calls in `window_s` seconds. The script of the shared bucket reckons alike."""
        # More than one, whatever the limit, or neither lane would come before the other.
        burst = min(max(least_burst, limit * burst_share), limit * 0.65)
        return cls(rate=(limit - burst) / (window_s + JITTER_S), burst=burst)

    def part(self, share: float) -> Pace:
        """That share of it. A call must always fit, or a small share could never call at all."""
        return Pace(rate=self.rate * share, burst=max(1.2, self.burst * share))

    def needs(self, lane: Lane) -> float:
        """How full the bucket must be for one call of this lane."""
        return 1.0 if lane is Lane.INTERACTIVE else (1.0 + self.burst) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How the calls of a bucket are spread, whatever its limit turns out to be."""

    limit: int
    """Until an answer tells the real one."""
    window_s: float
    least_burst: float
    burst_share: float = 0.02


# A search's window is so short that a burst of two would halve its rate.
SPREADS: Mapping[Bucket, Spread] = {
    "api": Spread(limit=DEFAULT_LIMIT, window_s=WINDOW_S, least_burst=2.0),
    "search": Spread(limit=SEARCH_LIMIT, window_s=SEARCH_WINDOW_S, least_burst=1.3),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the headers of one answer said; None where they did not. `window_s` is of `limit` and `left`."""

    limit: int | None = None
    left: int | None = None
    window_s: float | None = None
    daily_limit: int | None = None
    daily_left: int | None = None


def told_by(headers: Mapping[str, str]) -> Told | None:
    """What an answer's headers (lower-case names) say of the limits; None where they say nothing.

    HubSpot usage guidelines: searches carry none of them, OAuth apps get no daily pair.
    """
    interval = _number(headers, "interval-milliseconds")
    daily_limit, daily_left = _number(headers, "daily"), _number(headers, "daily-remaining")
    limit, left = _number(headers, "max"), _number(headers, "remaining")
    # A limit of another window than the one we know would be spent ten times too fast, or too slow.
    of_window = limit is not None and limit >= 2 and (interval is None or 1000 <= interval <= 600_000)
    told = Told(
        limit=limit if of_window else None,
        left=left if of_window else None,
        window_s=(interval or WINDOW_S * 1000) / 1000 if of_window else None,
        daily_limit=daily_limit or None,
        daily_left=daily_left if daily_limit else None,
    )
    return None if told == Told() else told


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(f"x-hubspot-ratelimit-{name}", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 12 and int(value) <= _MOST else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What is known of a portal's limits now. None: HubSpot has not told (OAuth apps have no daily limit)."""

    limit: int
    """Calls in a window of (mostly) ten seconds, of the whole app."""
    left: int
    daily_limit: int | None = None
    daily_left: int | None = None
    spent_today: int = 0
    """By this deployment, since midnight in the account's time zone or the last flush of Redis."""


def utc_offset_s(time_zone: str, at: datetime) -> int:
    """The seconds that this time zone is ahead of UTC at that time."""
    offset = at.astimezone(ZoneInfo(time_zone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def until_new_day(time_zone: str, at: datetime) -> timedelta:
    """How long until midnight in the account's time zone: the daily quota is new then (HubSpot usage guidelines)."""
    local = at.astimezone(ZoneInfo(time_zone))
    midnight = datetime(local.year, local.month, local.day, tzinfo=local.tzinfo) + timedelta(days=1)
    return midnight.astimezone(UTC) - at.astimezone(UTC)
