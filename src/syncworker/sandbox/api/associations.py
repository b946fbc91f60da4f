"""What do the association routes answer? (v4, and its dated twins.)"""

from __future__ import annotations

from collections.abc import Sequence

from syncworker.sandbox import links, records
from syncworker.sandbox.answers import Problem, Reply, invalid, no_content, ok, record_not_found
from syncworker.sandbox.api.objects import api_writer, find
from syncworker.sandbox.call import Call, mapping, needed, record_id, text
from syncworker.sandbox.clock import iso, now_ms
from syncworker.sandbox.object_types import COMPANY, CONTACT, ObjectType
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.world import World
from syncworker.sandbox.writer import Writer

PAGE = 500
"""Targets a page (observed)."""
READ_LIMIT = 1000
"""Inputs of a batch read (HubSpot's associations guide)."""
WRITE_LIMIT = 2000


def sides(call: Call) -> tuple[ObjectType, ObjectType]:
    """The two types of the path; raises RefusedError 400 for a pair that cannot be associated here."""
    origin, target = call.kinds
    if {origin, target} != {CONTACT, COMPANY}:
        raise invalid(f"Associations from {origin.plural} to {target.plural} are not supported")
    return origin, target


def _types(origin: ObjectType, *, primary: bool) -> list[dict[str, object]]:
    side = origin is CONTACT
    plain = {"category": "HUBSPOT_DEFINED", "typeId": links.PLAIN[side], "label": None}
    if not primary:
        return [plain]
    return [{"category": "HUBSPOT_DEFINED", "typeId": links.PRIMARY[side], "label": "Primary"}, plain]


def list_associations(world: World, portal: Portal, call: Call) -> Reply:
    """GET /objects/{from}/{id}/associations/{to}."""
    origin, _ = sides(call)
    one = find(world, portal, origin, call.ids[0])
    limit = call.number("limit", default=PAGE, most=PAGE, least=1)
    after = call.number("after", default=0, most=2**63 - 1)
    found = links.read(world.database, portal.hub_id, origin, [one.id], after=after, limit=limit + 1)
    body: dict[str, object] = {
        "results": [
            {"toObjectId": link.target, "associationTypes": _types(origin, primary=link.primary)}
            for link in found[:limit]
        ]
    }
    if len(found) > limit:
        last = str(found[limit - 1].target)
        body["paging"] = {"next": {"after": last, "link": f"https://api.hubapi.com{call.path}?after={last}"}}
    return ok(body)


def batch_read(world: World, portal: Portal, call: Call) -> Reply:
    """POST /associations/{from}/{to}/batch/read: an id without associations is left out of the results.

    More than 500 targets are paged: `paging.next.after` goes back in as the input's `after`.
    """
    origin, _ = sides(call)
    started = now_ms()
    _, inputs = call.inputs(limit=READ_LIMIT)
    numbers = {needed(entry, "id"): record_id(needed(entry, "id")) for entry in inputs}
    afters = {needed(entry, "id"): record_id(text(entry, "after") or "") or 0 for entry in inputs}
    known = [number for number in numbers.values() if number is not None]
    live = records.present(world.database, portal.hub_id, origin, known)
    plain = [number for id_, number in numbers.items() if number is not None and not afters[id_]]
    found: dict[int, list[links.Link]] = {}
    for link in links.read(world.database, portal.hub_id, origin, plain):
        found.setdefault(link.origin, []).append(link)
    for id_, number in numbers.items():
        if number is not None and afters[id_]:
            found[number] = links.read(
                world.database, portal.hub_id, origin, [number], after=afters[id_], limit=PAGE + 1
            )
    results: list[dict[str, object]] = []
    for id_, number in numbers.items():
        mine = found.get(number or 0)
        if not mine:
            continue
        result: dict[str, object] = {
            "from": {"id": id_},
            "to": [
                {"toObjectId": link.target, "associationTypes": _types(origin, primary=link.primary)}
                for link in mine[:PAGE]
            ],
        }
        if len(mine) > PAGE:
            last = str(mine[PAGE - 1].target)
            result["paging"] = {"next": {"after": last, "link": f"https://api.hubapi.com{call.path}?after={last}"}}
        results.append(result)
    missing = [id_ for id_, number in numbers.items() if number is None or number not in live]
    return _answer(results, _missing(origin, missing), started)


def put_default(world: World, portal: Portal, call: Call) -> Reply:
    """PUT .../associations/default/{to}/{toId}: the unlabelled association."""
    origin, target = sides(call)
    contact, company = _pair(world, portal, origin, target, call.ids[0], call.ids[1])
    links.connect(api_writer(world, portal), contact, company, primary=False)
    return ok({"status": "COMPLETE", "results": _created(origin, contact, company), **_times()})


def put_labels(world: World, portal: Portal, call: Call) -> Reply:
    """PUT .../associations/{to}/{toId}: the labels given replace those there."""
    origin, target = sides(call)
    wanted: object = call.json_list()
    primary = _primary(origin, wanted)
    contact, company = _pair(world, portal, origin, target, call.ids[0], call.ids[1])
    _label(api_writer(world, portal), contact, company, primary=primary)
    from_id, to_id = (contact, company) if origin is CONTACT else (company, contact)
    body = {
        "fromObjectTypeId": origin.type_id,
        "fromObjectId": from_id,
        "toObjectTypeId": target.type_id,
        "toObjectId": to_id,
        "labels": ["Primary"] if primary else [],
    }
    return ok(body, 201)


def delete_pair(world: World, portal: Portal, call: Call) -> Reply:
    """DELETE .../associations/{to}/{toId}: 204."""
    origin, _ = sides(call)
    first, second = record_id(call.ids[0]), record_id(call.ids[1])
    if first is not None and second is not None:
        contact, company = (first, second) if origin is CONTACT else (second, first)
        links.disconnect(api_writer(world, portal), contact, company)
    return no_content()


def batch_create(world: World, portal: Portal, call: Call) -> Reply:
    """POST /associations/{from}/{to}/batch/create, each input with its `types`."""
    return _batch_put(world, portal, call, labelled=True)


def batch_default(world: World, portal: Portal, call: Call) -> Reply:
    """POST /associations/{from}/{to}/batch/associate/default."""
    return _batch_put(world, portal, call, labelled=False)


def _batch_put(world: World, portal: Portal, call: Call, *, labelled: bool) -> Reply:
    origin, target = sides(call)
    started = now_ms()
    writer = api_writer(world, portal)
    results: list[dict[str, object]] = []
    missing: list[str] = []
    for entry in call.inputs(limit=WRITE_LIMIT)[1]:
        from_id, to_id = needed(mapping(entry, "from"), "id"), needed(mapping(entry, "to"), "id")
        numbers = record_id(from_id) or 0, record_id(to_id) or 0
        absent = [
            id_
            for id_, number, kind in zip((from_id, to_id), numbers, (origin, target), strict=True)
            if not records.present(world.database, portal.hub_id, kind, [number])
        ]
        if absent:
            missing += absent
            continue
        contact, company = numbers if origin is CONTACT else (numbers[1], numbers[0])
        if labelled:
            _label(writer, contact, company, primary=_primary(origin, entry.get("types")))
        else:
            links.connect(writer, contact, company, primary=False)
        results += _created(origin, contact, company)
    return _answer(results, _missing(origin, missing), started, whole=201 if labelled else 200)


def batch_archive(world: World, portal: Portal, call: Call) -> Reply:
    """POST /associations/{from}/{to}/batch/archive: `[{"from": {"id"}, "to": [{"id"}]}]`, 204."""
    origin, _ = sides(call)
    writer = api_writer(world, portal)
    for entry in call.inputs(limit=WRITE_LIMIT)[1]:
        first = record_id(needed(mapping(entry, "from"), "id"))
        targets = entry.get("to")
        for target in targets if isinstance(targets, list) else [mapping(entry, "to")]:
            if not isinstance(target, dict):
                raise invalid("`to` must hold objects")
            second = record_id(needed(target, "id"))
            if first is not None and second is not None:
                contact, company = (first, second) if origin is CONTACT else (second, first)
                links.disconnect(writer, contact, company)
    return no_content()


def _label(writer: Writer, contact: int, company: int, *, primary: bool) -> None:
    links.connect(writer, contact, company, primary=primary)
    if not primary:
        links.make_plain(writer, contact, company)


def _primary(origin: ObjectType, types: object) -> bool:
    """Whether the types given make the pair primary; raises RefusedError 400 for types of another pair."""
    side = origin is CONTACT
    allowed = {links.PRIMARY[side], links.PLAIN[side]}
    if not isinstance(types, list) or not types:
        raise invalid("Association types are required")
    ids = [one.get("associationTypeId") if isinstance(one, dict) else None for one in types]
    for id_ in ids:
        if id_ not in allowed:
            raise invalid(f"Association type {id_} does not exist for {origin.plural}; known: {sorted(allowed)}")
    return links.PRIMARY[side] in ids


def _pair(
    world: World, portal: Portal, origin: ObjectType, target: ObjectType, first: str, second: str
) -> tuple[int, int]:
    one, other = find(world, portal, origin, first), find(world, portal, target, second)
    if one.archived or other.archived:
        raise record_not_found()
    return (one.id, other.id) if origin is CONTACT else (other.id, one.id)


def _created(origin: ObjectType, contact: int, company: int) -> list[dict[str, object]]:
    def side(from_id: int, to_id: int, *, of_contact: bool) -> dict[str, object]:
        return {
            "from": {"id": str(from_id)},
            "to": {"id": str(to_id)},
            "associationSpec": {
                "associationCategory": "HUBSPOT_DEFINED",
                "associationTypeId": links.PLAIN[of_contact],
            },
        }

    both = [side(contact, company, of_contact=True), side(company, contact, of_contact=False)]
    return both if origin is CONTACT else both[::-1]


def _missing(origin: ObjectType, ids: Sequence[str]) -> list[Problem]:
    if not ids:
        return []
    message = f"Some {origin.plural} or their counterparts were not found."
    return [Problem(category="OBJECT_NOT_FOUND", message=message, context={"id": ids})]


def _times() -> dict[str, object]:
    at = iso(now_ms())
    return {"startedAt": at, "completedAt": at}


def _answer(results: list[dict[str, object]], problems: Sequence[Problem], started: int, *, whole: int = 200) -> Reply:
    body: dict[str, object] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": iso(started),
        "completedAt": iso(now_ms()),
    }
    if problems:
        body["numErrors"] = sum(len(problem.context["id"]) for problem in problems)
        body["errors"] = [problem.body() for problem in problems]
        return ok(body, 207)
    return ok(body, whole)
