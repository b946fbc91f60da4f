"""What do the routes of one record answer: list, read, create, update, delete, merge, privacy-delete?"""

from __future__ import annotations

from syncworker.sandbox import lifecycle, links, records, tasks
from syncworker.sandbox.answers import (
    RefusedError,
    Reply,
    invalid,
    no_content,
    object_not_found,
    ok,
    record_not_found,
)
from syncworker.sandbox.call import Call, mapping, needed, record_id, text
from syncworker.sandbox.clock import now_ms
from syncworker.sandbox.object_types import COMPANY, CONTACT, TASK, ObjectType
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.records import Record, Source
from syncworker.sandbox.render import show, wish, wish_of_query
from syncworker.sandbox.values import normalise
from syncworker.sandbox.world import World
from syncworker.sandbox.writer import Writer


def api_writer(world: World, portal: Portal) -> Writer:
    """The app that calls the API, as history and webhooks name it: by its app id."""
    return Writer(world, portal, Source("INTEGRATION", str(portal.app_id)), now_ms())


def find(
    world: World,
    portal: Portal,
    kind: ObjectType,
    id_: str,
    *,
    id_property: str | None = None,
    archived: bool = False,
) -> Record:
    """The record that an id names; an id that a merge retired leads to the merged record.

    Raises RefusedError 404: an HTML page for a number, JSON for what cannot be an id (both observed in 2026-09).
    """
    database, hub_id = world.database, portal.hub_id
    if id_property and id_property != "hs_object_id":
        check_id_property(world, portal, kind, id_property)
        found = records.by_value(database, hub_id, kind, id_property, [id_]).get(id_.strip().lower())
        if found is None:
            raise record_not_found()
        return found
    number = record_id(id_)
    if number is None:
        raise object_not_found()
    one = records.by_id(database, hub_id, kind, number, archived=archived)
    if one is None:
        target = records.redirected(database, hub_id, kind, [number]).get(number)
        one = records.by_id(database, hub_id, kind, target, archived=archived) if target else None
    if one is None:
        raise record_not_found()
    return one


def check_id_property(world: World, portal: Portal, kind: ObjectType, name: str) -> None:
    """Raise RefusedError 400 where records cannot be named by this property."""
    unique = world.catalogue.schema(portal.hub_id, kind).unique
    if not (name in unique or (name == "email" and kind is CONTACT)):
        raise invalid(f"{name} is not a unique property of {kind.plural}, so it cannot be used as idProperty")


def list_records(world: World, portal: Portal, call: Call) -> Reply:
    """GET /{type}: by id, `after` being the last id seen. With history the page is 50 at most (the official SDK)."""
    kind = call.kinds[0]
    wanted = wish_of_query(world, portal, kind, call)
    limit = call.number("limit", default=10, most=50 if wanted.with_history else 100, least=1)
    after = call.number("after", default=0, most=2**63 - 1)
    found = records.page(world.database, portal.hub_id, kind, after=after, limit=limit + 1, archived=wanted.archived)
    body: dict[str, object] = {"results": show(world, portal, kind, found[:limit], wanted)}
    if len(found) > limit:
        last = str(found[limit - 1].id)
        body["paging"] = {"next": {"after": last, "link": f"https://api.hubapi.com{call.path}?after={last}"}}
    return ok(body)


def read_record(world: World, portal: Portal, call: Call) -> Reply:
    """GET /{type}/{id}."""
    kind = call.kinds[0]
    wanted = wish_of_query(world, portal, kind, call)
    one = find(world, portal, kind, call.ids[0], id_property=call.first("idProperty"), archived=wanted.archived)
    return ok(show(world, portal, kind, [one], wanted)[0])


def create_record(world: World, portal: Portal, call: Call) -> Reply:
    """POST /{type}, with associations to records that exist."""
    kind = call.kinds[0]
    refuse_fixed(kind)
    body = call.json()
    writer = api_writer(world, portal)
    schema = world.catalogue.schema(portal.hub_id, kind)
    given = normalise(schema, mapping(body, "properties"), portal=portal.hub_id)
    if kind is TASK:
        values = tasks.checked(given, body, lambda of, id_: find(world, portal, of, id_))
        made = writer.create(kind, values)
    else:
        made = writer.create(kind, given)
        associate_new(writer, kind, made, body)
    return ok(show(world, portal, kind, [made], wish(world, portal, kind, list(given)))[0], 201)


def associate_new(writer: Writer, kind: ObjectType, made: Record, body: dict[str, object]) -> None:
    """The `associations` of a create: `[{"to": {"id"}, "types": [{"associationCategory", "associationTypeId"}]}]`."""
    wanted = body.get("associations") or []
    if not isinstance(wanted, list):
        raise invalid("associations must be an array")
    for entry in wanted:
        if not isinstance(entry, dict) or kind not in (CONTACT, COMPANY):
            raise invalid("associations are supported between contacts and companies")
        other = COMPANY if kind is CONTACT else CONTACT
        target = find(writer.world, writer.portal, other, needed(mapping(entry, "to"), "id"))
        types = entry.get("types")
        type_ids = {one.get("associationTypeId") for one in types if isinstance(one, dict)} if types else set()
        pair = (made.id, target.id) if kind is CONTACT else (target.id, made.id)
        links.connect(writer, *pair, primary=bool(type_ids & {1, 2}))


def update_record(world: World, portal: Portal, call: Call) -> Reply:
    """PATCH /{type}/{id}: ids retired by a merge are accepted here (HubSpot's objects guide)."""
    kind = call.kinds[0]
    one = find(world, portal, kind, call.ids[0], id_property=call.first("idProperty"))
    schema = world.catalogue.schema(portal.hub_id, kind)
    given = normalise(schema, mapping(call.json(), "properties"), portal=portal.hub_id)
    changed = api_writer(world, portal).update(kind, one, given)
    return ok(show(world, portal, kind, [changed], wish(world, portal, kind, list(given)))[0])


def delete_record(world: World, portal: Portal, call: Call) -> Reply:
    """DELETE /{type}/{id}: 204 whether or not it was there."""
    kind = call.kinds[0]
    refuse_fixed(kind)
    try:
        one = find(world, portal, kind, call.ids[0])
    except RefusedError as refused:
        if refused.reply.status == 404 and record_id(call.ids[0]) is not None:
            return no_content()
        raise
    lifecycle.archive(api_writer(world, portal), kind, one)
    return no_content()


def merge_records(world: World, portal: Portal, call: Call) -> Reply:
    """POST /{type}/merge: answers the record that came of it, with its new id."""
    kind = call.kinds[0]
    refuse_fixed(kind)
    body = call.json()
    primary = find(world, portal, kind, needed(body, "primaryObjectId"))
    secondary = find(world, portal, kind, needed(body, "objectIdToMerge"))
    merged = lifecycle.merge(api_writer(world, portal), kind, primary, secondary)
    return ok(show(world, portal, kind, [merged], wish(world, portal, kind, ()))[0])


def gdpr_delete(world: World, portal: Portal, call: Call) -> Reply:
    """POST /contacts/gdpr-delete: for good. There is none for companies."""
    kind = call.kinds[0]
    if kind is not CONTACT:
        raise object_not_found(f"Privacy deletion is not available for {kind.plural}")
    body = call.json()
    id_ = needed(body, "objectId")
    try:
        one = find(world, portal, kind, id_, id_property=text(body, "idProperty"))
    except RefusedError as refused:
        if refused.reply.status != 404:
            raise
        number = record_id(id_)
        gone = records.by_id(world.database, portal.hub_id, kind, number, archived=True) if number else None
        if gone is None:
            # HubSpot puts an unknown email on a block list and says the same.
            return no_content()
        one = gone
    lifecycle.erase(api_writer(world, portal), one)
    return no_content()


def refuse_fixed(kind: ObjectType) -> None:
    """Partner clients and services can be read and updated only (HubSpot's API description)."""
    if kind.fixed:
        raise invalid(f"{kind.plural} do not support this operation")
