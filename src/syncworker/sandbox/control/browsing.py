"""What is really in a portal? The full truth, without search's lag: for the page and for tests."""

from __future__ import annotations

from syncworker.sandbox import history, links, records
from syncworker.sandbox.answers import RefusedError
from syncworker.sandbox.api.objects import find
from syncworker.sandbox.call import Call, record_id
from syncworker.sandbox.clock import iso
from syncworker.sandbox.database import marks
from syncworker.sandbox.object_types import COMPANY, CONTACT, ObjectType
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.records import Record
from syncworker.sandbox.world import World

Body = dict[str, object]
SCANNED = 50_000
"""Up to so many records, a search looks into all values; beyond, everybody would wait for it."""


def browse(world: World, portal: Portal, kind: ObjectType, call: Call) -> Body:
    """Records with all their values, last changed first.

    Of the query: `email` or `domain` exactly, or `q` somewhere (in a large portal: how the email or domain begins);
    `archived=true`; `limit`, `offset`.
    """
    limit = call.number("limit", default=50, most=100, least=1)
    offset = call.number("offset", default=0, most=10_000_000)
    state = "archived IS NOT NULL" if call.flag("archived") else "archived IS NULL"
    where, values = f"portal = ? AND type = ? AND {state}", [portal.hub_id, kind.number]
    given: list[str] = []
    for column in ("email", "domain"):
        if (wanted := call.first(column)) is not None:
            where += f" AND {column} = ?"
            given.append(wanted.strip().lower())
    if query := (call.first("q") or "").strip().lower():
        if world.database.count_issued(portal.hub_id, kind.number) > SCANNED:
            column = "domain" if kind is COMPANY else "email"
            where += f" AND (({column} >= ? AND {column} < ?) OR id = ?)"
            given += [query, query + "\U0010ffff", str(record_id(query) or 0)]
        else:
            where += " AND (instr(lower(props), ?) OR id = ?)"
            given += [query, str(record_id(query) or 0)]
    parameters = (*values, *given)
    total = world.database.execute(f"SELECT count(*) FROM records WHERE {where}", parameters).fetchone()[0]
    ids = [
        row[0]
        for row in world.database.execute(
            f"SELECT id FROM records WHERE {where} ORDER BY modified DESC, id DESC LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        )
    ]
    found = records.by_ids(world.database, portal.hub_id, kind, ids, archived=call.flag("archived"))
    shown = [_show(kind, found[id_]) for id_ in ids]
    for body, id_ in zip(shown, ids, strict=True):
        body["associations"] = []
        if kind in (CONTACT, COMPANY):
            body["associations"] = [
                {"id": str(link.target), "primary": link.primary}
                for link in links.read(world.database, portal.hub_id, kind, [id_], limit=20)
            ]
    return {"total": total, "results": shown}


def inspect(world: World, portal: Portal, kind: ObjectType, id_: str) -> Body:
    """One record with its associations and the history of every property, newest first."""
    try:
        record = find(world, portal, kind, id_)
    except RefusedError:
        record = find(world, portal, kind, id_, archived=True)
    body = _show(kind, record)
    names = sorted(record.properties)
    changed = [
        row[0]
        for row in world.database.execute(
            "SELECT DISTINCT property FROM history WHERE portal = ? AND type = ? AND id = ?",
            (portal.hub_id, kind.number, record.id),
        )
    ]
    versions = history.read(world.database, portal.hub_id, kind, [record], sorted({*names, *changed}))[record.id]
    entries = [{"property": name, **one.body()} for name, many in versions.items() for one in many]
    body["history"] = sorted(entries, key=lambda entry: str(entry["timestamp"]), reverse=True)
    body["associations"] = _associated(world, portal, kind, record)
    return body


def _associated(world: World, portal: Portal, kind: ObjectType, record: Record) -> list[Body]:
    if kind not in (CONTACT, COMPANY):
        return []
    other = COMPANY if kind is CONTACT else CONTACT
    found = links.read(world.database, portal.hub_id, kind, [record.id], limit=100)
    ids = [link.target for link in found]
    if not ids:
        return []
    rows = world.database.execute(
        "SELECT id, coalesce(json_extract(props, '$.name'), '', ''), coalesce(domain, email, ''), "
        "trim(coalesce(json_extract(props, '$.firstname'), '') || ' ' || coalesce(json_extract(props, "
        "'$.lastname'), '')) "
        f"FROM records WHERE portal = ? AND type = ? AND id IN ({marks(len(ids))})",
        (portal.hub_id, other.number, *ids),
    )
    names = {row[0]: (row[1] or row[3] or row[2], row[2]) for row in rows}
    return [
        {
            "id": str(link.target),
            "type": other.plural,
            "primary": link.primary,
            "name": names.get(link.target, ("", ""))[0],
            "note": names.get(link.target, ("", ""))[1],
        }
        for link in found
    ]


def _show(kind: ObjectType, record: Record) -> Body:
    return {
        "id": str(record.id),
        "properties": {
            **record.properties,
            "createdate": iso(record.created),
            kind.modified_property: iso(record.modified),
            "hs_object_id": str(record.id),
        },
        "createdAt": iso(record.created),
        "updatedAt": iso(record.modified),
        "archived": record.archived is not None,
    }
