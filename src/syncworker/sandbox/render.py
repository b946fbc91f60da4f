"""How is a record shown to whoever asked for it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncworker.sandbox import history, links
from syncworker.sandbox.call import Call, strings
from syncworker.sandbox.clock import iso
from syncworker.sandbox.database import marks
from syncworker.sandbox.object_types import COMPANY, CONTACT, ObjectType, resolve
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.records import Record
from syncworker.sandbox.world import World

Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller wants to see of records."""

    names: tuple[str, ...]
    """Stored properties and calculated ones, without the synthetic three, which are always shown."""
    with_history: tuple[str, ...] = ()
    associated: tuple[ObjectType, ...] = ()
    company_id: bool = False
    """`associatedcompanyid` was asked for: it follows from the associations."""
    archived: bool = False


def wish(
    world: World,
    portal: Portal,
    kind: ObjectType,
    names: Sequence[str],
    with_history: Sequence[str] = (),
    associated: Sequence[str] = (),
    *,
    archived: bool = False,
) -> Wish:
    """Keep of the wanted properties those that the portal knows; without any, HubSpot's defaults."""
    definitions = world.catalogue.schema(portal.hub_id, kind).definitions
    wanted = list(dict.fromkeys([*names, *with_history])) or list(kind.defaults)
    hidden = {*kind.synthetic, "associatedcompanyid"}
    return Wish(
        names=tuple(name for name in wanted if name in definitions and name not in hidden),
        with_history=tuple(name for name in dict.fromkeys(with_history) if name in definitions),
        associated=tuple(resolve(name) for name in associated),
        company_id=kind is CONTACT and "associatedcompanyid" in wanted,
        archived=archived,
    )


def wish_of_query(world: World, portal: Portal, kind: ObjectType, call: Call) -> Wish:
    """The wish in a GET's query."""
    return wish(
        world,
        portal,
        kind,
        call.names("properties"),
        call.names("propertiesWithHistory"),
        call.names("associations"),
        archived=call.flag("archived"),
    )


def wish_of_body(world: World, portal: Portal, kind: ObjectType, body: Body, *, archived: bool = False) -> Wish:
    """The wish in the body of a batch read or a search."""
    return wish(
        world,
        portal,
        kind,
        strings(body, "properties"),
        strings(body, "propertiesWithHistory"),
        archived=archived,
    )


def show(world: World, portal: Portal, kind: ObjectType, found: Sequence[Record], wanted: Wish) -> list[Body]:
    """Records as the objects API shows them, in the order given."""
    modified_name = kind.modified_property
    names = wanted.names
    shown: list[Body] = []
    for record in found:
        created, modified, id_ = iso(record.created), iso(record.modified), str(record.id)
        values = record.properties
        properties: dict[str, str | None] = {name: values.get(name) for name in names}
        properties["createdate"] = created
        properties[modified_name] = modified
        properties["hs_object_id"] = id_
        body: Body = {
            "id": id_,
            "properties": properties,
            "createdAt": created,
            "updatedAt": modified,
            "archived": record.archived is not None,
        }
        if record.archived is not None:
            body["archivedAt"] = iso(record.archived)
        shown.append(body)
    if wanted.with_history:
        versions = history.read(world.database, portal.hub_id, kind, found, wanted.with_history)
        for record, body in zip(found, shown, strict=True):
            of_record = versions[record.id]
            body["propertiesWithHistory"] = {
                name: [version.body() for version in of_record[name]] for name in wanted.with_history
            }
    if wanted.company_id:
        _company_ids(world, portal, found, shown)
    for target in wanted.associated:
        _associations(world, portal, kind, target, found, shown)
    return shown


def _company_ids(world: World, portal: Portal, found: Sequence[Record], shown: Sequence[Body]) -> None:
    rows = world.database.execute(
        f"SELECT contact, company FROM associations WHERE portal = ? AND contact IN ({marks(len(found))}) "
        "AND is_primary = 1 AND hidden = 0",
        (portal.hub_id, *(record.id for record in found)),
    )
    primary = dict(rows.fetchall())
    for record, body in zip(found, shown, strict=True):
        company = primary.get(record.id)
        properties = body["properties"]
        if isinstance(properties, dict):
            properties["associatedcompanyid"] = None if company is None else str(company)


def _associations(
    world: World,
    portal: Portal,
    kind: ObjectType,
    target: ObjectType,
    found: Sequence[Record],
    shown: Sequence[Body],
) -> None:
    """The v3 shape inside a record: one entry a label, each naming its type."""
    if {kind, target} != {CONTACT, COMPANY} or not found:
        return
    labelled = f"{kind.singular}_to_{target.singular}"
    results: dict[int, list[Body]] = {}
    for link in links.read(world.database, portal.hub_id, kind, [record.id for record in found]):
        entries = results.setdefault(link.origin, [])
        if link.primary:
            entries.append({"id": str(link.target), "type": labelled})
        entries.append({"id": str(link.target), "type": f"{labelled}_unlabeled"})
    for record, body in zip(found, shown, strict=True):
        if record.id in results:
            known = body.setdefault("associations", {})
            if isinstance(known, dict):
                known[target.plural] = {"results": results[record.id]}
