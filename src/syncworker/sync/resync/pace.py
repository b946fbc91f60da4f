"""How fast does a resync go, and how long is left of it?

Its row says how far it is, not since when. Whoever looks on notes what they see, and the last half minute of that is
its pace: a pause an hour ago makes it no slower.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncworker.sync.resync.resync import Resync, State

_OF = timedelta(seconds=30)
_MOST_SAMPLES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Records a second, and the seconds that are left; None where nobody can tell yet."""

    per_second: float | None
    left_s: float | None


class Paces:
    """What was seen of each portal's newest resync, in this process."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, deque[tuple[datetime, int]]]] = {}
        self._lock = threading.Lock()

    def of(self, resync: Resync, at: datetime) -> Pace:
        """Its pace, with what is seen of it now."""
        with self._lock:
            known, samples = self._seen.get(resync.hub_id, (0, deque[tuple[datetime, int]]()))
            if known != resync.id or resync.state is not State.RUNNING or (samples and samples[-1][1] > resync.listed):
                samples = deque(maxlen=_MOST_SAMPLES)
            samples.append((at, resync.listed))
            while samples[0][0] < at - _OF:
                samples.popleft()
            self._seen[resync.hub_id] = resync.id, samples
            first_at, first = samples[0]
        # Nobody looked on before: on the whole, which is right where it never was paused.
        if len(samples) == 1:
            first_at, first = resync.created_at, 0
        seconds = (at - first_at).total_seconds()
        if resync.state is not State.RUNNING or seconds < 1 or resync.listed <= first:
            return Pace(per_second=None, left_s=None)
        rate = (resync.listed - first) / seconds
        left = None if resync.total is None else max(resync.total - resync.listed, 0) / rate
        return Pace(per_second=rate, left_s=left)
