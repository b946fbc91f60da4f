"""May this request pass, and what do the rate limit's headers say?

190 requests in a rolling 10 s and 625 000 a day for a Professional account's private app; five searches a second, which
do not count in the 10 s and carry no headers (HubSpot's usage guidelines; settable per portal).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from syncworker.sandbox.answers import Reply, correlation_id, dumps
from syncworker.sandbox.portals import Portal

INTERVAL_MS = 10_000
SEARCH_INTERVAL_MS = 1000

Headers = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Usage:
    window: deque[int] = field(default_factory=deque)
    searches: deque[int] = field(default_factory=deque)
    forms: deque[int] = field(default_factory=deque)
    day: str = ""
    today: int = 0
    day_checked: int = 0


@dataclass(slots=True)
class Limits:
    """Usage of every portal, in memory: a restart forgets it, as a new window would."""

    _usage: dict[int, _Usage] = field(default_factory=dict)

    def reset(self) -> None:
        """Forget all usage."""
        self._usage.clear()

    def admit(self, portal: Portal, now: int, *, search: bool) -> Reply | None:
        """Count a request, or the 429 it gets. A refused request is not counted."""
        usage = self._of(portal.hub_id)
        self._turn_day(portal, usage, now)
        if portal.daily_limit and usage.today >= portal.daily_limit:
            return _too_many("You have reached your daily limit.", policyName="DAILY", errorType="RATE_LIMIT")
        if search:
            if _full(usage.searches, now - SEARCH_INTERVAL_MS, portal.search_limit):
                # Recorded: a search's 429 has no policyName, no errorType, no Retry-After.
                return _too_many("You have reached your secondly limit.", category="RATE_LIMITS")
            usage.searches.append(now)
        else:
            if _full(usage.window, now - INTERVAL_MS, portal.rate_limit):
                return _too_many(
                    "You have reached your ten_secondly_rolling limit.",
                    policyName="TEN_SECONDLY_ROLLING",
                    errorType="RATE_LIMIT",
                    groupName=f"publicapi:private-app-api-calls-ten-secondly:{portal.app_id}",
                )
            usage.window.append(now)
        usage.today += 1
        return None

    def admit_form(self, portal: Portal, now: int) -> bool:
        """Whether an unauthenticated submission may pass; counts it if so."""
        usage = self._of(portal.hub_id)
        if _full(usage.forms, now - INTERVAL_MS, portal.form_limit):
            return False
        usage.forms.append(now)
        return True

    def headers(self, portal: Portal, *, oauth: bool) -> Headers:
        """The headers of an answer outside search; OAuth apps get no daily pair (same source)."""
        usage = self._of(portal.hub_id)
        most = portal.rate_limit or 1_000_000
        shown: Headers = (
            ("X-HubSpot-RateLimit-Interval-Milliseconds", str(INTERVAL_MS)),
            ("X-HubSpot-RateLimit-Max", str(most)),
            ("X-HubSpot-RateLimit-Remaining", str(max(0, most - len(usage.window)))),
        )
        # Still sent, no longer enforced (same source).
        shown += (
            ("X-HubSpot-RateLimit-Secondly", str(max(1, most // 10))),
            ("X-HubSpot-RateLimit-Secondly-Remaining", str(max(0, most // 10 - 1))),
        )
        if oauth:
            return shown
        daily = portal.daily_limit or 1_000_000_000
        return (
            *shown,
            ("X-HubSpot-RateLimit-Daily", str(daily)),
            ("X-HubSpot-RateLimit-Daily-Remaining", str(max(0, daily - usage.today))),
        )

    def _of(self, hub_id: int) -> _Usage:
        usage = self._usage.get(hub_id)
        if usage is None:
            usage = self._usage[hub_id] = _Usage()
        return usage

    @staticmethod
    def _turn_day(portal: Portal, usage: _Usage, now: int) -> None:
        """The daily count starts over at midnight in the account's time zone."""
        if now - usage.day_checked < SEARCH_INTERVAL_MS:
            return
        usage.day_checked = now
        day = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(portal.time_zone)).date().isoformat()
        if day != usage.day:
            usage.day, usage.today = day, 0


def _full(times: deque[int], horizon: int, limit: int) -> bool:
    while times and times[0] <= horizon:
        times.popleft()
    return 0 < limit <= len(times)


def _too_many(message: str, **more: str) -> Reply:
    body = {"status": "error", "message": message, "correlationId": correlation_id(), **more}
    return Reply(429, dumps(body))
