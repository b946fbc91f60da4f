"""How late is what we do, and how long does writing take?

Counted in this process, in prometheus_client's default registry; `shared_counts` adds up what all processes counted.
Labels name portals, kinds and triggers: never a record, so that their number stays small.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter, Histogram

from syncworker.sync.marks import Priority

_UP_TO_A_DAY = (0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600, 6 * 3600, 24 * 3600)

LAG = Histogram(
    "syncworker_lag_seconds",
    "From a record's being marked to its showing what it should, by what marked it; rests after failures included.",
    ["portal", "trigger"],
    buckets=_UP_TO_A_DAY,
)
INBOX_LAG = Histogram(
    "syncworker_inbox_lag_seconds",
    "From a webhook's being stored to its having become marks.",
    buckets=_UP_TO_A_DAY[:10],
)
WRITE_BACK = Histogram(
    "syncworker_write_back_seconds",
    "How long one batch update of up to 100 records took, waiting for quota and short retries included.",
    ["portal", "kind"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40),
)
WRITTEN = Counter(
    "syncworker_records_written",
    "Records in batch updates, by what became of them: written, or refused.",
    ["portal", "kind", "outcome"],
)
NOTICES = Counter(
    "syncworker_notices",
    "Tries to tell somebody of something, by which way and how each ended: sent, or failed.",
    ["portal", "channel", "outcome"],
)
MISTAKES = Counter(
    "syncworker_mistakes",
    "Errors of ours that a process bore to go on: by what it was doing, and the error's name. Its log says where.",
    ["doing", "error"],
)

# What marks are caused by, in the words that `mark()` is given, for what is not clear from the priority.
_OF_CAUSE = {
    "webhook": "webhook",
    "merge": "webhook",
    "form submission": "form",
    "expiry": "expiry",
    "request lapsed": "expiry",
    "resync": "resync",
    "daily look": "daily_look",
    "ledger": "ledger",
    "domain taken": "ledger",
    "capacity": "ledger",
}
_OF_PRIORITY = {
    Priority.PERSON: "person",
    Priority.WEBHOOK: "webhook",
    Priority.POLL: "poll",
    Priority.RESYNC: "resync",
}


TRIGGERS = frozenset({*_OF_CAUSE.values(), *_OF_PRIORITY.values(), "ledger"})
"""All that the label `trigger` of `lag_seconds` can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A mark that was worked off."""

    cause: str
    priority: Priority
    marked_at: datetime


def trigger(cause: str, priority: Priority) -> str:
    """Which of a few triggers made a mark: webhook, poll, form, person, resync, expiry, ledger, daily_look."""
    if cause.startswith("domain "):
        return "ledger"
    return _OF_CAUSE.get(cause, _OF_PRIORITY[priority])


def worked_off(hub_id: int, finished: Collection[Finished], *, now: datetime) -> None:
    """Note how late these marks were worked off. Both times are the database's."""
    of_triggers: dict[str, Histogram] = {}  # a batch is mostly of one
    for one in finished:
        name = trigger(one.cause, one.priority)
        if name not in of_triggers:
            of_triggers[name] = LAG.labels(str(hub_id), name)
        of_triggers[name].observe(max(0.0, (now - one.marked_at).total_seconds()))


def wrote(hub_id: int, kind: str, *, seconds: float, written: int, refused: int) -> None:
    """Note a batch update that ended."""
    WRITE_BACK.labels(str(hub_id), kind).observe(seconds)
    WRITTEN.labels(str(hub_id), kind, "written").inc(written)
    WRITTEN.labels(str(hub_id), kind, "refused").inc(refused)
