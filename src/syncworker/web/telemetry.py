"""What does the web process count?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from prometheus_client import CollectorRegistry, Counter

Outcome = Literal["accepted", "unsigned", "malformed", "too_large", "unavailable", "busy", "cut_off"]


class Telemetry:
    """Counters in a registry of their own: two apps in one process, as in tests, do not add up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "syncworker_webhook_requests",
            "Webhook requests by what became of them.",
            ["outcome"],
            registry=self.registry,
        )
        self._events = Counter(
            "syncworker_webhook_events",
            "Events in webhook requests that were accepted: taken, or ignored for this reason.",
            ["outcome"],
            registry=self.registry,
        )
        # Looked up once: nearly all are these.
        self._accepted = self._requests.labels("accepted")
        self._accepted_events = self._events.labels("accepted")

    def webhook(self, outcome: Outcome) -> None:
        """Count a request."""
        (self._accepted if outcome == "accepted" else self._requests.labels(outcome)).inc()

    def events(self, *, accepted: int, ignored: Mapping[str, int]) -> None:
        """Count the events of a request."""
        self._accepted_events.inc(accepted)
        for reason, number in ignored.items():
            self._events.labels(f"ignored_{reason}").inc(number)
