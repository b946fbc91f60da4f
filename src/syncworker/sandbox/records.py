"""How is a record read from the database?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from syncworker.sandbox.database import Database, marks
from syncworker.sandbox.object_types import CONTACT, ObjectType

_COLUMNS = "id, created, modified, archived, props, source_type, source_id"


@dataclass(frozen=True, slots=True)
class Source:
    """Who changed something: HubSpot's `sourceType` and `sourceId`, in history and in webhooks alike."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Record:
    """A contact or company as it is now. `properties` holds what has a value, without the synthetic ones."""

    id: int
    created: int
    modified: int
    archived: int | None
    """Milliseconds at which it was archived."""
    properties: dict[str, str]
    source: Source


Row = tuple[int, int, int, int | None, str, str, str]


def record(row: Row) -> Record:
    """A record of a row with the columns in their order."""
    return Record(row[0], row[1], row[2], row[3], orjson.loads(row[4]), Source(row[5], row[6]))


def by_ids(
    database: Database, portal: int, kind: ObjectType, ids: Sequence[int], *, archived: bool = False
) -> dict[int, Record]:
    """The live (or the archived) records among `ids`."""
    state = "archived IS NOT NULL" if archived else "archived IS NULL"
    found: dict[int, Record] = {}
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        rows = database.execute(
            f"SELECT {_COLUMNS} FROM records WHERE portal = ? AND type = ? AND id IN ({marks(len(part))}) AND {state}",
            (portal, kind.number, *part),
        )
        for row in rows:
            found[row[0]] = record(row)
    return found


def by_id(database: Database, portal: int, kind: ObjectType, id_: int, *, archived: bool = False) -> Record | None:
    """One record."""
    return by_ids(database, portal, kind, (id_,), archived=archived).get(id_)


def by_value(database: Database, portal: int, kind: ObjectType, name: str, values: Iterable[str]) -> dict[str, Record]:
    """Live records by a unique property; keys are lower case. Emails and domains have an index, others are scanned."""
    wanted = list({value.strip().lower() for value in values if value.strip()})
    column = "email" if name == "email" and kind is CONTACT else "lower(json_extract(props, ?))"
    found: dict[str, Record] = {}
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        path = () if column == "email" else (f'$."{name}"',)
        rows = database.execute(
            f"SELECT {_COLUMNS}, {column} FROM records WHERE portal = ? AND type = ? AND archived IS NULL "
            f"AND {column} IN ({marks(len(part))}) ORDER BY id DESC",
            (*path, portal, kind.number, *path, *part),
        )
        for row in rows:
            found[row[7]] = record(row[:7])
    return found


def page(
    database: Database, portal: int, kind: ObjectType, *, after: int, limit: int, archived: bool = False
) -> list[Record]:
    """Up to `limit` records with a larger id than `after`, by id."""
    state = "archived IS NOT NULL" if archived else "archived IS NULL"
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM records WHERE portal = ? AND type = ? AND id > ? AND {state} ORDER BY id LIMIT ?",
        (portal, kind.number, after, limit),
    )
    return [record(row) for row in rows]


def redirected(database: Database, portal: int, kind: ObjectType, ids: Sequence[int]) -> dict[int, int]:
    """Ids among `ids` that a merge retired, and where they lead now."""
    rows = database.execute(
        f"SELECT id, target FROM redirects WHERE portal = ? AND type = ? AND id IN ({marks(len(ids))})",
        (portal, kind.number, *ids),
    )
    return dict(rows.fetchall())


def present(database: Database, portal: int, kind: ObjectType, ids: Sequence[int]) -> set[int]:
    """Which of `ids` are live records."""
    found: set[int] = set()
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        rows = database.execute(
            f"SELECT id FROM records WHERE portal = ? AND type = ? AND id IN ({marks(len(part))}) AND archived IS NULL",
            (portal, kind.number, *part),
        )
        found.update(row[0] for row in rows)
    return found
