"""Who set a property, to what, when?

A record's first values are not stored as history: they follow from the record (its creation and its source), until the
property changes for the first time and both versions are written down. A million seeded contacts cost no history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncworker.sandbox.clock import iso
from syncworker.sandbox.database import Database, marks
from syncworker.sandbox.object_types import ObjectType
from syncworker.sandbox.records import Record, Source

_INSERT = "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FIRST = (
    "INSERT INTO history SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS "
    "(SELECT 1 FROM history WHERE portal = ? AND type = ? AND id = ? AND property = ?)"
)


@dataclass(frozen=True, slots=True)
class Version:
    """One value a property had, from `at` (ms) on."""

    at: int
    value: str
    source: Source

    def body(self) -> dict[str, object]:
        """The version as the objects API shows it."""
        shown: dict[str, object] = {
            "value": self.value,
            "timestamp": iso(self.at),
            "sourceType": self.source.type,
            "sourceId": self.source.id,
        }
        user = self.source.id.removeprefix("userId:")
        if user != self.source.id and user.isdigit():
            shown["updatedByUserId"] = int(user)
        return shown


def read(
    database: Database, portal: int, kind: ObjectType, records: Sequence[Record], names: Sequence[str]
) -> dict[int, dict[str, list[Version]]]:
    """The versions of `names`, newest first, for each record; a property that never had a value has none."""
    stored: dict[int, dict[str, list[Version]]] = {record.id: {} for record in records}
    if records and names:
        rows = database.execute(
            "SELECT id, property, at, value, source_type, source_id FROM history WHERE portal = ? AND "
            "type = ? "
            f"AND id IN ({marks(len(records))}) AND property IN ({marks(len(names))}) ORDER BY seq DESC",
            (portal, kind.number, *(record.id for record in records), *names),
        )
        for id_, name, at, value, source_type, source_id in rows:
            stored[id_].setdefault(name, []).append(Version(at, value, Source(source_type, source_id)))
    for record in records:
        versions = stored[record.id]
        for name in names:
            if name not in versions:
                value = record.properties.get(name)
                versions[name] = [] if value is None else [Version(record.created, value, record.source)]
    return stored


def append(
    database: Database,
    portal: int,
    kind: ObjectType,
    changes: Sequence[tuple[Record, Mapping[str, str]]],
    *,
    at: int,
    source: Source,
) -> None:
    """Write down changes ("" clears); each record is as it was before."""
    if not changes:
        return
    first: list[tuple[object, ...]] = []
    rows: list[tuple[object, ...]] = []
    for record, changed in changes:
        origin = record.source
        for name, value in changed.items():
            key = (portal, kind.number, record.id, name)
            present = record.properties.get(name)
            if present is not None:
                first.append((*key, 0, record.created, present, origin.type, origin.id, *key))
            rows.append((*key, database.next_number(), at, value, source.type, source.id))
    database.executemany(_FIRST, first)
    database.executemany(_INSERT, rows)


def move(
    database: Database,
    portal: int,
    kind: ObjectType,
    origins: Sequence[tuple[Record, Sequence[str]]],
    target: int,
) -> None:
    """Give the versions of some properties of some records to another record, and forget the rest.

    What followed from a record's creation is written down, since the new record was created at another time.
    """
    rows: list[tuple[int, int, int, str, int, int, str, str, str]] = []
    for origin, names in origins:
        for name, versions in read(database, portal, kind, [origin], names)[origin.id].items():
            rows += [
                (portal, kind.number, target, name, seq, one.at, one.value, one.source.type, one.source.id)
                for seq, one in enumerate(reversed(versions))
            ]
    for origin, _ in origins:
        database.execute(
            "DELETE FROM history WHERE portal = ? AND type = ? AND id = ?", (portal, kind.number, origin.id)
        )
    database.executemany(_INSERT, rows)
