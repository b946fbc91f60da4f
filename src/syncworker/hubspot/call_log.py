"""How do the calls to HubSpot go: how many, how fast, with what outcome, and which failed?

Counted in this process, in prometheus_client's default registry; whoever serves metrics collects it there.
"""

from __future__ import annotations

import structlog
from prometheus_client import Counter, Histogram

from syncworker.hubspot.errors import FixCredentials, FixRequest, Gone, HubSpotError, RetryLater
from syncworker.hubspot.records import CallMade

_log = structlog.get_logger(__name__)

_LABELS = ["portal", "method", "route"]

CALLS = Counter(
    "syncworker_hubspot_calls",
    "Calls to HubSpot by route (without ids), lane and outcome; a call that is tried again counts again.",
    [*_LABELS, "lane", "outcome"],
)
SECONDS = Histogram(
    "syncworker_hubspot_call_seconds",
    "From a call's being sent to its whole answer; waiting for quota not included.",
    _LABELS,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0),
)
WAITED = Histogram(
    "syncworker_hubspot_quota_wait_seconds",
    "How long calls waited for quota before they were sent.",
    ["portal", "lane"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)

_OUTCOMES = {FixRequest: "fix_request", FixCredentials: "fix_credentials", Gone: "gone"}

OUTCOMES = ("ok", "rate_limited", "no_answer", "retry_later", *_OUTCOMES.values())
"""All that the label `outcome` can be."""


def outcome(status: int | None, error: HubSpotError | None) -> str:
    """One of OUTCOMES."""
    if status is None:
        return "no_answer"
    if error is None:
        return "ok"
    if status == 429:
        return "rate_limited"
    return _OUTCOMES.get(type(error), "retry_later")


def note(made: CallMade, error: HubSpotError | None, *, attempt: int) -> None:
    """Count a call that ended, and log it if it failed: never with HubSpot's words, which may name a person."""
    method, _, path = made.route.partition(" ")
    CALLS.labels(str(made.hub_id), method, path, made.lane, outcome(made.status, error)).inc()
    SECONDS.labels(str(made.hub_id), method, path).observe(made.seconds)
    WAITED.labels(str(made.hub_id), made.lane).observe(made.waited_s)
    if error is None:
        return
    # What is gone was deleted, or never was: nothing went wrong with the call.
    say = _log.info if isinstance(error, Gone) else _log.warning
    say(
        "hubspot_call_failed",
        hub_id=made.hub_id,
        route=made.route,
        status=made.status,
        outcome=outcome(made.status, error),
        category=error.category,
        correlation_id=made.correlation_id,
        attempt=attempt,
        lane=made.lane,
        seconds=round(made.seconds, 3),
        retry_after_s=error.retry_after_s if isinstance(error, RetryLater) else None,
    )
