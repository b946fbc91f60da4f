"""What has just changed? A stream for the page, so that a person sees write-backs arrive."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

DEPTH = 1000
"""Changes kept for a slow listener; it misses what goes beyond."""

News = dict[str, object]


@dataclass(slots=True)
class Feed:
    """Listeners, and the changes of the transaction under way."""

    listeners: set[asyncio.Queue[News]] = field(default_factory=set)
    _fresh: list[News] = field(default_factory=list)

    def note(self, **news: object) -> None:
        """Remember a change until the commit."""
        if self.listeners:
            self._fresh.append(news)

    def committed(self) -> None:
        """Tell the listeners."""
        for news in self._fresh:
            for queue in self.listeners:
                if queue.qsize() < DEPTH:
                    queue.put_nowait(news)
        self._fresh.clear()

    def rolled_back(self) -> None:
        """Forget."""
        self._fresh.clear()
