"""Do HubSpot's clock and the database's tell the same time?

What a registration is worth ends by the database's clock. If that jumps, all of them end at once; so every answer of
HubSpot says in its `Date` header what time it is elsewhere, and while the two are more than five minutes apart nothing
ends and nothing renews. It goes on by itself once they agree.

Each process keeps the last few answers' dates against a clock of its own that no one sets, and judges by their median:
one odd answer, or a proxy's, says nothing. So the database's clock is compared at the moment at which something would
end, not when HubSpot was last asked. What a process sees is noted in the table `clock_skew`, at most every half minute,
for those that have not heard of HubSpot, for the doctor and for the metrics.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text

from syncworker.hubspot.records import CallMade
from syncworker.store.database import Database, Tx

log = structlog.get_logger(__name__)

APART = timedelta(minutes=5)
# So many answers, each so many seconds after the last, make a median that one odd answer does not move.
ANSWERS = 5
ENOUGH = 3
SPACED_S = 2.0
# A clock that nobody sets still drifts, and what was heard long ago may have been odd.
HEARD_FOR_S = 600.0
NOTE_EVERY_S = 30.0
# What another process has seen this long ago says nothing about now.
NOTE_LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """How far the clocks are apart: HubSpot's less the database's, by the median of so many answers."""

    apart: timedelta
    answers: int

    @property
    def too_far(self) -> bool:
        """Whether, by the median of however few answers, nothing may end now: waiting harms nobody."""
        return abs(self.apart) > APART

    @property
    def is_sure(self) -> bool:
        """Whether so many answers say it that it is to be said aloud."""
        return self.answers >= ENOUGH


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What some process has noted for all."""

    seconds: float
    """HubSpot's clock less the database's."""
    observed_at: datetime
    apart_since: datetime | None
    """Since when nothing ends for it; None while the clocks agree."""


def steady_s() -> float:
    """Seconds on a clock that nobody sets, and that goes on while the machine sleeps where it can tell."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)  # Linux
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class HubSpotClock:
    """What time it is at HubSpot, by its last answers to this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: deque[tuple[float, float]] = deque(maxlen=ANSWERS)
        self._noted_s = -NOTE_EVERY_S
        self._was_too_far = False

    def hear(self, call: CallMade) -> None:
        """Take in the date of an answer, if it has one that was made for us."""
        if call.answered_at is not None:
            self.heard(call.answered_at, at_s=steady_s())

    def heard(self, date: datetime, *, at_s: float) -> None:
        """An answer of this date came at this moment of the steady clock."""
        with self._lock:
            if not self._heard or at_s - self._heard[-1][0] >= SPACED_S:
                self._heard.append((at_s, date.timestamp() - at_s))

    def now(self, *, at_s: float | None = None) -> tuple[datetime, int] | None:
        """What time it is there, by how many answers; None where none came lately."""
        at_s = steady_s() if at_s is None else at_s
        with self._lock:
            offsets = [offset for heard_s, offset in self._heard if at_s - heard_s <= HEARD_FOR_S]
        if not offsets:
            return None
        return datetime.fromtimestamp(at_s + statistics.median_low(offsets), UTC), len(offsets)

    def skew(self, tx: Tx) -> Skew | None:
        """How far the database's clock is from it now; None where HubSpot has not answered lately."""
        here = self.now()
        if here is None:
            return None
        there = _database_time(tx)
        return Skew(apart=here[0] - there, answers=here[1])

    def is_due(self, skew: Skew, *, at_s: float) -> bool:
        """Whether it is time to note what is seen; the turn is taken."""
        with self._lock:
            due = skew.is_sure and (at_s - self._noted_s >= NOTE_EVERY_S or skew.too_far != self._was_too_far)
            if due:
                self._noted_s = at_s
                self._was_too_far = skew.too_far
        return due


def may_end(tx: Tx, clock: HubSpotClock, *, if_unknown: bool = True) -> bool:
    """Whether registrations may end or renew by the database's clock now.

    `if_unknown`: what is said where neither this process nor, lately, any other has heard what time it is.
    """
    seen = clock.skew(tx)
    if seen is not None:
        return not seen.too_far
    noted = last_noted(tx)
    if noted is None or abs(_database_time(tx) - noted.observed_at) > NOTE_LASTS:
        return if_unknown
    return noted.apart_since is None


def not_ahead(tx: Tx, clock: HubSpotClock) -> datetime:
    """The transaction's time; HubSpot's, where the database's clock is ahead of that.

    For whoever asks HubSpot what happened up to now, and takes that for all: what has not come yet would be passed by.
    """
    seen = clock.skew(tx)
    return tx.now if seen is None else tx.now + min(seen.apart, timedelta(0))


def note(database: Database, clock: HubSpotClock) -> Noted | None:
    """Note what this process sees, if it is time to; return it. Logs when it begins to be, or is no longer, apart."""
    if clock.now() is None:
        return None
    with database.transaction() as tx:
        seen = clock.skew(tx)
        if seen is None or not clock.is_due(seen, at_s=steady_s()):
            return None
        before = last_noted(tx)
        values = {"seconds": seen.apart.total_seconds(), "apart": seen.too_far}
        noted = Noted(**tx.connection.execute(_NOTE, values).one()._mapping)
    was_apart = before is not None and before.apart_since is not None
    if seen.too_far and not was_apart:
        log.error("clocks_apart", seconds=round(noted.seconds, 1), meaning="nothing ends and nothing renews")
    elif was_apart and not seen.too_far:
        log.warning("clocks_agree", seconds=round(noted.seconds, 1), meaning="registrations end and renew again")
    return noted


def last_noted(tx: Tx) -> Noted | None:
    """What was noted last, by whichever process."""
    row = tx.connection.execute(_LAST).one_or_none()
    return Noted(**row._mapping) if row is not None else None


def _database_time(tx: Tx) -> datetime:
    # The database's own time, whatever clock the transaction was given: it is its clock that is looked at.
    now: datetime = tx.connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now


_LAST = text("SELECT seconds, observed_at, apart_since FROM clock_skew")
_NOTE = text("""
    INSERT INTO clock_skew AS c (seconds, observed_at, apart_since)
    VALUES (:seconds, clock_timestamp(), CASE WHEN :apart THEN clock_timestamp() END)
    ON CONFLICT (one) DO UPDATE SET
        seconds = excluded.seconds,
        observed_at = excluded.observed_at,
        apart_since = CASE WHEN :apart THEN coalesce(c.apart_since, excluded.observed_at) END
    RETURNING seconds, observed_at, apart_since
""")
