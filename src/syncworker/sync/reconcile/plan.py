"""What is to be written for a batch, and which of its marks are done without?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from syncworker.sync.claims import Key
from syncworker.sync.marks import Kind
from syncworker.sync.reconcile.known_records import KnownRecord
from syncworker.sync.reconcile.shown import Properties
from syncworker.sync.wake import Ring

DOES_NOT_KEEP = (
    "the CRM does not keep our values: something there sets them back each time. Find the workflow or app that changes "
    "the partner registration properties, stop it, then retry"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A record's properties that differ, and all that it should show."""

    changes: Properties
    wanted: Properties
    current: Mapping[str, str | None]
    """What the CRM showed when it was read."""

    @property
    def shows_something(self) -> bool:
        """Whether one of the properties that we keep differs: clearing a request is no sign that they do not stay."""
        return bool(self.changes.keys() & self.wanted.keys())


@dataclass(slots=True)
class Plan:
    """What a transaction decided, to be carried out after its commit."""

    writes: dict[Key, Write] = field(default_factory=dict)
    done: set[Key] = field(default_factory=set)
    """Marks that need no write."""
    park: dict[Key, str] = field(default_factory=dict)
    failed: dict[Key, str] = field(default_factory=dict)
    """Records that nothing could be decided about, and why."""
    being_cleared: dict[str, datetime] = field(default_factory=dict)
    """Contacts whose request property is being cleared, and up to when its history is handled."""
    waiting_for: set[str] = field(default_factory=set)
    """Domains that requests of this batch wait for."""
    rings: set[Ring] = field(default_factory=set)

    def settle(
        self,
        key: Key,
        *,
        changes: Properties,
        wanted: Properties,
        current: Mapping[str, str | None],
        known: KnownRecord | None,
        now: datetime,
    ) -> None:
        """Plan a record: nothing differs, or it is written, or writing it again is pointless."""
        write = Write(changes=changes, wanted=wanted, current=current)
        if not changes:
            self.done.add(key)
        elif write.shows_something and known is not None and known.does_not_keep(wanted, now):
            self.park[key] = DOES_NOT_KEEP
        else:
            self.writes[key] = write

    def of(self, kind: Kind) -> dict[str, Properties]:
        """What to write of one kind, by id."""
        return {object_id: write.changes for (k, object_id), write in self.writes.items() if k is kind}


def as_json(wanted: Mapping[str, str]) -> str:
    """What a record should show, as the database keeps it."""
    return orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS).decode()
