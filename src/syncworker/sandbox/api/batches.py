"""What do the batch routes answer, whole or in part?

A part that fails is reported in `errors` beside the results, with 207. An invalid value fails the whole batch with 400.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncworker.sandbox import lifecycle, records
from syncworker.sandbox.answers import Problem, Reply, invalid, no_content, ok
from syncworker.sandbox.api.objects import api_writer, associate_new, check_id_property, refuse_fixed
from syncworker.sandbox.call import Call, mapping, needed, record_id, text
from syncworker.sandbox.clock import iso, now_ms
from syncworker.sandbox.object_types import CONTACT, ObjectType
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.records import Record
from syncworker.sandbox.render import Body, show, wish, wish_of_body
from syncworker.sandbox.values import normalise
from syncworker.sandbox.world import World

Inputs = list[dict[str, object]]


def batch_read(world: World, portal: Portal, call: Call) -> Reply:
    """POST /{type}/batch/read. Ids that a merge retired answer with the record they lead to.

    (That they do so when read one by one is documented; in a batch it is not: match by more than the id.)
    """
    kind, started = call.kinds[0], now_ms()
    body, inputs = call.inputs()
    inputs, broken = _spare(world, inputs)
    archived = call.flag("archived")
    wanted = wish_of_body(world, portal, kind, body, archived=archived)
    asked = [needed(entry, "id") for entry in inputs]
    found = _lookup(
        world, portal, kind, asked, text(body, "idProperty"), archived=archived, follow=portal.batch_follows_merges
    )
    missing = [id_ for id_ in asked if id_ not in found]
    results = list({record.id: record for record in found.values()}.values())
    return _answer(show(world, portal, kind, results, wanted), [*broken, *_not_found(kind, missing)], started)


def batch_create(world: World, portal: Portal, call: Call) -> Reply:
    """POST /{type}/batch/create. One failure fails all, unless each input has an `objectWriteTraceId`."""
    kind, started = call.kinds[0], now_ms()
    refuse_fixed(kind)
    inputs, broken = _spare(world, call.inputs()[1])
    writer = api_writer(world, portal)
    schema = world.catalogue.schema(portal.hub_id, kind)
    values = [normalise(schema, mapping(entry, "properties"), portal=portal.hub_id) for entry in inputs]
    emails = [one["email"] for one in values if one.get("email")] if kind is CONTACT else []
    holders = records.by_value(world.database, portal.hub_id, kind, "email", emails) if emails else {}
    traced = bool(inputs) and all(entry.get("objectWriteTraceId") for entry in inputs)
    problems, made = list(broken), []
    taken: set[str] = set()
    for entry, given in zip(inputs, values, strict=True):
        email = given.get("email", "") if kind is CONTACT else ""
        if traced and email and (email in holders or email in taken):
            existing = f" Existing ID: {holders[email].id}" if email in holders else ""
            problems.append(
                Problem(
                    category="CONFLICT",
                    message=f"Contact already exists.{existing}",
                    context={"objectWriteTraceId": [str(entry["objectWriteTraceId"])]},
                )
            )
            continue
        taken.add(email)
        record = writer.create(kind, given)
        associate_new(writer, kind, record, entry)
        made.append(record)
    names = sorted({name for given in values for name in given})
    return _answer(show(world, portal, kind, made, wish(world, portal, kind, names)), problems, started, whole=201)


def batch_update(world: World, portal: Portal, call: Call) -> Reply:
    """POST /{type}/batch/update. Ids that a merge retired are not accepted (HubSpot's objects guide)."""
    kind, started = call.kinds[0], now_ms()
    inputs, broken = _spare(world, call.inputs()[1])
    schema = world.catalogue.schema(portal.hub_id, kind)
    _refuse_twins(inputs)
    values = [normalise(schema, mapping(entry, "properties"), portal=portal.hub_id) for entry in inputs]
    found: dict[str, Record] = {}
    for id_property in {text(entry, "idProperty") for entry in inputs}:
        asked = [needed(entry, "id") for entry in inputs if text(entry, "idProperty") == id_property]
        found |= _lookup(world, portal, kind, asked, id_property)
    wanted = [
        (found[needed(entry, "id")], given)
        for entry, given in zip(inputs, values, strict=True)
        if needed(entry, "id") in found
    ]
    missing = [needed(entry, "id") for entry in inputs if needed(entry, "id") not in found]
    changed = api_writer(world, portal).update_many(kind, wanted)
    names = sorted({name for given in values for name in given})
    results = show(world, portal, kind, changed, wish(world, portal, kind, names))
    return _answer(results, [*broken, *_not_found(kind, missing)], started)


def batch_upsert(world: World, portal: Portal, call: Call) -> Reply:
    """POST /{type}/batch/upsert: update what `idProperty` finds, create the rest."""
    kind, started = call.kinds[0], now_ms()
    refuse_fixed(kind)
    inputs, broken = _spare(world, call.inputs()[1])
    schema = world.catalogue.schema(portal.hub_id, kind)
    _refuse_twins(inputs)
    writer = api_writer(world, portal)
    pairs: list[tuple[Record, bool]] = []
    names: set[str] = set()
    values = [normalise(schema, mapping(entry, "properties"), portal=portal.hub_id) for entry in inputs]
    for entry, given in zip(inputs, values, strict=True):
        id_, id_property = needed(entry, "id"), text(entry, "idProperty")
        known = _lookup(world, portal, kind, [id_], id_property).get(id_)
        names |= set(given)
        if known is not None:
            pairs.append((writer.update(kind, known, given), False))
        elif id_property in (None, "hs_object_id"):
            broken.extend(_not_found(kind, [id_]))
        else:
            pairs.append((writer.create(kind, {str(id_property): id_.strip().lower(), **given}), True))
    results = show(world, portal, kind, [record for record, _ in pairs], wish(world, portal, kind, sorted(names)))
    for result, (_, new) in zip(results, pairs, strict=True):
        result["new"] = new
    return _answer(results, broken, started)


def batch_archive(world: World, portal: Portal, call: Call) -> Reply:
    """POST /{type}/batch/archive: 204."""
    kind = call.kinds[0]
    refuse_fixed(kind)
    inputs = call.inputs()[1]
    writer = api_writer(world, portal)
    for record in _lookup(world, portal, kind, [needed(entry, "id") for entry in inputs], None).values():
        lifecycle.archive(writer, kind, record)
    return no_content()


def _lookup(
    world: World, portal: Portal, kind: ObjectType, asked: Sequence[str], id_property: str | None,
    *, archived: bool = False, follow: bool = False,
) -> dict[str, Record]:  # fmt: skip
    """Records by the ids as they were asked for."""
    database, hub_id = world.database, portal.hub_id
    if id_property and id_property != "hs_object_id":
        check_id_property(world, portal, kind, id_property)
        by_value = records.by_value(database, hub_id, kind, id_property, asked)
        return {id_: by_value[id_.strip().lower()] for id_ in asked if id_.strip().lower() in by_value}
    numbers = {id_: number for id_ in asked if (number := record_id(id_)) is not None}
    found = records.by_ids(database, hub_id, kind, list(numbers.values()), archived=archived)
    if follow and len(found) < len(numbers):
        lost = [number for number in numbers.values() if number not in found]
        targets = records.redirected(database, hub_id, kind, lost)
        if targets:
            merged = records.by_ids(database, hub_id, kind, list(set(targets.values())), archived=archived)
            found |= {old: merged[new] for old, new in targets.items() if new in merged}
    return {id_: found[number] for id_, number in numbers.items() if number in found}


def _refuse_twins(inputs: Inputs) -> None:
    """The same record twice in one write is refused. (HubSpot's exact words are not recorded.)"""
    ids = [needed(entry, "id") for entry in inputs]
    twins = sorted({id_ for id_ in ids if ids.count(id_) > 1}) if len(set(ids)) < len(ids) else []
    if twins:
        raise invalid(f"Duplicate IDs found in batch input: [{', '.join(twins)}]. IDs must be unique.")


def _spare(world: World, inputs: Inputs) -> tuple[Inputs, list[Problem]]:
    """By the fault `partial_batch`: leave out every second input and report it as failed."""
    if not world.partial or not inputs:
        return inputs, []
    spared = inputs[::2] if len(inputs) == 1 else inputs[1::2]
    kept = [] if len(inputs) == 1 else inputs[::2]
    ids = [str(entry.get("id") or entry.get("objectWriteTraceId") or "") for entry in spared]
    problem = Problem(category="INTERNAL_ERROR", message="There was a problem with the request.", context={"id": ids})
    return kept, [problem]


def _not_found(kind: ObjectType, ids: Sequence[str]) -> list[Problem]:
    """The words and the context's key are not confirmed; the category is."""
    if not ids:
        return []
    message = f"Could not get some {kind.plural}. Some of the ids provided were not found."
    return [Problem(category="OBJECT_NOT_FOUND", message=message, context={"id": ids})]


def _answer(results: list[Body], problems: Sequence[Problem], started: int, *, whole: int = 200) -> Reply:
    body: dict[str, object] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": iso(started),
        "completedAt": iso(now_ms()),
    }
    if problems:
        body["numErrors"] = sum(max(1, len(_ids(problem.context))) for problem in problems)
        body["errors"] = [problem.body() for problem in problems]
        return ok(body, 207)
    return ok(body, whole)


def _ids(context: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return context.get("id", ())
