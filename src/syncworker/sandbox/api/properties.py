"""What do the property and property-group routes answer?"""

from __future__ import annotations

import re
from collections.abc import Mapping

from syncworker.sandbox.answers import Reply, conflict, invalid, no_content, object_not_found, ok
from syncworker.sandbox.call import Call, needed, text
from syncworker.sandbox.catalogue import Definition, Group, Option
from syncworker.sandbox.clock import iso, now_ms
from syncworker.sandbox.object_types import ObjectType
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.world import World

FIELD_TYPES = {
    "bool": {"booleancheckbox", "calculation_equation"},
    "enumeration": {"booleancheckbox", "checkbox", "radio", "select", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
    "string": {"file", "text", "textarea", "html", "phonenumber", "calculation_equation"},
    "number": {"number", "calculation_equation"},
    "phone_number": {"phonenumber"},
}
"""Which field types go with which type (HubSpot's properties guide)."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
UNIQUE_LIMIT = 10
"""Properties with unique values per object (HubSpot's properties guide)."""


def list_properties(world: World, portal: Portal, call: Call) -> Reply:
    """GET /properties/{type}."""
    schema = world.catalogue.schema(portal.hub_id, call.kinds[0])
    return ok({"results": list(schema.definitions.values())})


def read_property(world: World, portal: Portal, call: Call) -> Reply:
    """GET /properties/{type}/{name}."""
    return ok(_known(world, portal, call.kinds[0], call.ids[0]))


def create_property(world: World, portal: Portal, call: Call) -> Reply:
    """POST /properties/{type}: 201; 409 where it exists (its exact words are unknown)."""
    return ok(_create(world, portal, call.kinds[0], call.json()), 201)


def create_properties(world: World, portal: Portal, call: Call) -> Reply:
    """POST /properties/{type}/batch/create: 201, and 200 in the dated spelling of 2026-09."""
    at = iso(now_ms())
    made = [_create(world, portal, call.kinds[0], entry) for entry in call.inputs()[1]]
    body = {"status": "COMPLETE", "results": made, "startedAt": at, "completedAt": iso(now_ms())}
    return ok(body, 200 if call.version == "2026-09" else 201)


def read_properties(world: World, portal: Portal, call: Call) -> Reply:
    """POST /properties/{type}/batch/read."""
    at = iso(now_ms())
    schema = world.catalogue.schema(portal.hub_id, call.kinds[0])
    names = [needed(entry, "name") for entry in call.inputs()[1]]
    found = [schema.definitions[name] for name in names if name in schema.definitions]
    body: dict[str, object] = {"status": "COMPLETE", "results": found, "startedAt": at, "completedAt": at}
    missing = [name for name in names if name not in schema.definitions]
    if missing:
        problem = {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": "Some properties were not found.",
            "context": {"name": missing},
        }
        return ok({**body, "numErrors": len(missing), "errors": [problem]}, 207)
    return ok(body)


def archive_properties(world: World, portal: Portal, call: Call) -> Reply:
    """POST /properties/{type}/batch/archive: 204."""
    for entry in call.inputs()[1]:
        _archive(world, portal, call.kinds[0], needed(entry, "name"))
    return no_content()


def update_property(world: World, portal: Portal, call: Call) -> Reply:
    """PATCH /properties/{type}/{name}: what is given replaces what was there."""
    kind = call.kinds[0]
    present = _known(world, portal, kind, call.ids[0])
    if present["modificationMetadata"]["readOnlyDefinition"]:
        raise invalid(f"Property {present['name']} is defined by HubSpot and cannot be changed")
    return ok(_define(world, portal, kind, {**present, **call.json(), "name": present["name"]}, present))


def delete_property(world: World, portal: Portal, call: Call) -> Reply:
    """DELETE /properties/{type}/{name}: 204."""
    _archive(world, portal, call.kinds[0], call.ids[0])
    return no_content()


def list_groups(world: World, portal: Portal, call: Call) -> Reply:
    """GET /properties/{type}/groups."""
    return ok({"results": list(world.catalogue.schema(portal.hub_id, call.kinds[0]).groups.values())})


def read_group(world: World, portal: Portal, call: Call) -> Reply:
    """GET /properties/{type}/groups/{name}."""
    return ok(_known_group(world, portal, call.kinds[0], call.ids[0]))


def create_group(world: World, portal: Portal, call: Call) -> Reply:
    """POST /properties/{type}/groups: 201; 409 where it exists."""
    kind, body = call.kinds[0], call.json()
    name, label = needed(body, "name"), needed(body, "label")
    if not _NAME.fullmatch(name):
        raise invalid(f"Group name {name[:100]} must be lower case letters, digits and underscores")
    if name in world.catalogue.schema(portal.hub_id, kind).groups:
        raise conflict(f"A property group named '{name}' already exists.")
    group = Group(name=name, label=label, displayOrder=_order(body), archived=False)
    world.catalogue.put_group(portal.hub_id, kind, group)
    return ok(group, 201)


def update_group(world: World, portal: Portal, call: Call) -> Reply:
    """PATCH /properties/{type}/groups/{name}."""
    kind, body = call.kinds[0], call.json()
    known = _known_group(world, portal, kind, call.ids[0])
    group = Group(
        name=known["name"],
        label=text(body, "label") or known["label"],
        displayOrder=_order(body) if "displayOrder" in body else known["displayOrder"],
        archived=False,
    )
    world.catalogue.put_group(portal.hub_id, kind, group)
    return ok(group)


def delete_group(world: World, portal: Portal, call: Call) -> Reply:
    """DELETE /properties/{type}/groups/{name}: 204; 400 while it has properties."""
    kind = call.kinds[0]
    group = _known_group(world, portal, kind, call.ids[0])
    definitions = world.catalogue.schema(portal.hub_id, kind).definitions.values()
    if any(one["groupName"] == group["name"] for one in definitions):
        raise invalid(f"Property group {group['name']} still has properties")
    world.catalogue.drop(portal.hub_id, kind, "group", group["name"])
    return no_content()


def _known(world: World, portal: Portal, kind: ObjectType, name: str) -> Definition:
    found = world.catalogue.schema(portal.hub_id, kind).definitions.get(name)
    if found is None:
        raise object_not_found(f'Property "{name[:100]}" does not exist')
    return found


def _known_group(world: World, portal: Portal, kind: ObjectType, name: str) -> Group:
    found = world.catalogue.schema(portal.hub_id, kind).groups.get(name)
    if found is None:
        raise object_not_found(f'Property group "{name[:100]}" does not exist')
    return found


def _archive(world: World, portal: Portal, kind: ObjectType, name: str) -> None:
    if _known(world, portal, kind, name)["hubspotDefined"]:
        raise invalid(f"Property {name} is defined by HubSpot and cannot be deleted")
    world.catalogue.drop(portal.hub_id, kind, "property", name)


def _create(world: World, portal: Portal, kind: ObjectType, body: Mapping[str, object]) -> Definition:
    name = needed(body, "name")
    if not _NAME.fullmatch(name):
        raise invalid(f"Property name {name[:100]} must be lower case letters, digits and underscores")
    if name in world.catalogue.schema(portal.hub_id, kind).definitions:
        raise conflict(f"A property named '{name}' already exists.")
    return _define(world, portal, kind, body, None)


def _define(
    world: World, portal: Portal, kind: ObjectType, body: Mapping[str, object], present: Definition | None
) -> Definition:
    schema = world.catalogue.schema(portal.hub_id, kind)
    type_, field_type, group = needed(body, "type"), needed(body, "fieldType"), needed(body, "groupName")
    if type_ not in FIELD_TYPES:
        raise invalid(f"Property type {type_[:50]} is not one of {', '.join(FIELD_TYPES)}")
    if field_type not in FIELD_TYPES[type_]:
        known = ", ".join(sorted(FIELD_TYPES[type_]))
        raise invalid(f"Field type {field_type[:50]} does not go with type {type_}; one of {known} does")
    if group not in schema.groups:
        raise invalid(f"Property group {group[:100]} does not exist")
    options = _options(body, needs=type_ == "enumeration")
    unique = body.get("hasUniqueValue") is True
    if unique and len(schema.unique - {needed(body, "name")}) >= UNIQUE_LIMIT:
        raise invalid(f"At most {UNIQUE_LIMIT} properties can have unique values")
    at = iso(now_ms())
    definition = Definition(
        name=needed(body, "name"),
        label=needed(body, "label"),
        type=type_,
        fieldType=field_type,
        description=text(body, "description") or "",
        groupName=group,
        options=options,
        displayOrder=_order(body),
        calculated=False,
        externalOptions=False,
        hasUniqueValue=unique,
        hidden=body.get("hidden") is True,
        hubspotDefined=False,
        formField=body.get("formField") is True,
        archived=False,
        dataSensitivity="non_sensitive",
        createdAt=present["createdAt"] if present else at,
        updatedAt=at,
        modificationMetadata={"archivable": True, "readOnlyDefinition": False, "readOnlyValue": False},
    )
    world.catalogue.put_property(portal.hub_id, kind, definition)
    world.feed.note(hub_id=portal.hub_id, type=kind.plural, id="", what="defined", properties={})
    return definition


def _options(body: Mapping[str, object], *, needs: bool) -> list[Option]:
    raw = body.get("options") or []
    if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
        raise invalid("options must be an array of objects")
    if needs and not raw:
        raise invalid("An enumeration needs options")
    options = [
        Option(
            label=needed(one, "label"),
            value=needed(one, "value"),
            displayOrder=_order(one, default=index),
            hidden=one.get("hidden") is True,
            description=text(one, "description") or "",
        )
        for index, one in enumerate(raw)
    ]
    for key in ("label", "value"):
        seen = [str(option.get(key)) for option in options]
        if len(set(seen)) < len(seen):
            raise invalid(f"Two options have the same {key}")
    return options


def _order(body: Mapping[str, object], default: int = -1) -> int:
    value = body.get("displayOrder", default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid("displayOrder must be a number")
    return value
