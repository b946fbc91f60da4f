"""How often was each route called, by whom, with what outcome?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stats:
    """Counts since the start or the last reset. Keys are `METHOD route status`, the route without version and ids."""

    calls: Counter[str] = field(default_factory=Counter)
    by_portal: dict[int, Counter[str]] = field(default_factory=dict)
    rate_limited: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def count(self, key: str, hub_id: int | None) -> None:
        """Note one call."""
        self.calls[key] += 1
        if hub_id is not None:
            per_portal = self.by_portal.get(hub_id)
            if per_portal is None:
                per_portal = self.by_portal[hub_id] = Counter()
            per_portal[key] += 1

    def reset(self) -> None:
        """Start counting from zero."""
        self.calls.clear()
        self.by_portal.clear()
        self.faults.clear()
        self.rate_limited = 0
