"""How is what a resync would write shown: as a table, as CSV, as JSON?"""

from __future__ import annotations

import csv as csv_format
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from syncworker.cli import output
from syncworker.cli.files import BY_EXCEL, opened_to_write

if TYPE_CHECKING:
    from syncworker.store.portals import Portal
    from syncworker.sync.context import Context
    from syncworker.sync.resync.preview import WouldWrite
    from syncworker.sync.resync.scope import Scope

HEADER = ("kind", "id", "property", "old", "new")
MOST_SHOWN = 1000
NOTHING_DIFFERS = "Nothing differs: nothing would be written."


def run(
    context: Context,
    portal: Portal,
    scope: Scope,
    named: tuple[list[str], list[str]] | None,
    *,
    csv: Path | None,
    as_json: bool,
) -> None:
    """Say what would be written, and write nothing."""
    rows = (one for page in _pages(context, portal, scope, named) for one in page)
    right = "Nothing would be written." if _parked_are_told(context, portal) else NOTHING_DIFFERS
    if csv is not None:
        _as_csv(csv, rows)
        return
    if as_json:
        output.show({"hub_id": portal.hub_id, "would_write": list(rows)}, as_json=True, people=lambda: None)
        return
    shown: list[WouldWrite] = []
    count, records = 0, set()
    for one in rows:
        count += 1
        records.add((one.kind, one.object_id))
        if len(shown) < MOST_SHOWN:
            shown.append(one)
    cells = [(one.kind.value, one.object_id, one.property_name, one.old, one.new) for one in shown]
    output.table("What would be written", HEADER, cells, empty=right)
    if count:
        more = f", the first {MOST_SHOWN} of them above; all of them: --csv FILE" if count > len(shown) else ""
        output.say(f"{len(records)} records, {count} properties{more}. Nothing was written.")


def _parked_are_told(context: Context, portal: Portal) -> bool:
    """Whether records wait for a person: a resync leaves them alone, whatever they show."""
    from syncworker.sync.lists import mark_lists

    with context.database.transaction() as tx:
        parked = mark_lists.parked_count(tx, portal.hub_id)
    if parked:
        waiting = mark_lists.waiting_in_words(parked)
        output.note(f"{waiting}: syncworker marks --parked --portal {portal.hub_id}; a resync leaves those alone")
    return parked > 0


def _pages(
    context: Context, portal: Portal, scope: Scope, named: tuple[list[str], list[str]] | None
) -> Iterator[list[WouldWrite]]:
    from syncworker.sync.marks import Kind
    from syncworker.sync.resync.preview import preview, preview_named

    if named is None:
        yield from preview(context, portal.hub_id, scope)
        return
    for kind, ids in zip((Kind.CONTACT, Kind.COMPANY), named, strict=True):
        yield preview_named(context, portal.hub_id, kind, ids)


def _as_csv(path: Path, rows: Iterator[WouldWrite]) -> None:
    from syncworker.sync.lists.csv_lists import defused

    with opened_to_write(path, encoding=BY_EXCEL) as file:
        writer = csv_format.writer(file)
        writer.writerow(HEADER)
        for one in rows:
            writer.writerow((one.kind.value, one.object_id, one.property_name, defused(one.old), defused(one.new)))
