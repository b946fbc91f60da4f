"""What does the control API answer, and where is the page? All of it without a token: a sandbox keeps no secrets.

Nothing under `/_sandbox` is limited, counted or broken by faults.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import asdict, fields, replace
from functools import lru_cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from syncworker.sandbox import faults
from syncworker.sandbox.answers import RefusedError, Reply, invalid, object_not_found, ok
from syncworker.sandbox.call import Call, record_id, text
from syncworker.sandbox.clock import iso, move, now_ms
from syncworker.sandbox.control import crm_user, seeding
from syncworker.sandbox.control.browsing import browse, inspect
from syncworker.sandbox.deliveries import Deliveries
from syncworker.sandbox.feed import News
from syncworker.sandbox.object_types import COMPANY, CONTACT, resolve
from syncworker.sandbox.portals import SETTABLE, Portal
from syncworker.sandbox.world import World

CONTROL_PREFIX = "/_sandbox"
PAGE = {
    "/": ("index.html", "text/html;charset=utf-8"),
    "/page.css": ("page.css", "text/css;charset=utf-8"),
    "/page.js": ("page.js", "text/javascript;charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
HEARTBEAT_S = 15.0


def answer_control(world: World, call: Call, deliveries: Deliveries) -> Reply:
    """Route a request for the sandbox itself; raises RefusedError."""
    if not call.path.startswith(CONTROL_PREFIX):
        return _page(call.path)
    parts = call.path.removeprefix(CONTROL_PREFIX).strip("/").split("/")
    match (call.method, parts):
        case ("GET", ["health"]):
            return ok({"status": "ok"})
        case ("GET", ["portals"]):
            return ok([portal.public() for portal in world.directory.by_id.values()])
        case ("GET", ["stats"]):
            return ok(_stats(world))
        case ("POST", ["stats", "reset"]):
            world.stats.reset()
            world.outbox.counts.clear()
            return ok(_stats(world))
        case ("GET", ["faults"]):
            return ok(_faults(world))
        case ("POST", ["faults"]):
            world.faults.set(faults.parse(_json(call)))
            return ok(_faults(world))
        case ("POST", ["clock"]):
            move(_count(_json(call), "ahead_s") * 1000)
            return ok({"now": iso(now_ms())})
        case ("POST", ["reset"]):
            world.reset(keep_properties=_json(call).get("keep_properties") is True)
            return ok({"status": "ok"})
        case ("POST", ["seed"]):
            return ok(_seed(world, _json(call)))
        case ("POST", ["mass-edit"]):
            return ok(_mass_edit(world, _json(call)))
        case (_, ["portals", hub_id, *rest]):
            return _portal(world, call, deliveries, _known(world, hub_id), rest)
    raise object_not_found(f"The control API has no {call.method} {call.path}")


async def stream(
    world: World,
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """GET /_sandbox/events: server-sent events, one per change, until the listener or the server goes."""
    queue: asyncio.Queue[News] = asyncio.Queue()
    world.feed.listeners.add(queue)
    gone = asyncio.create_task(_until_gone(receive))
    try:
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
        last = time.monotonic()
        while not gone.done() and not world.closing:
            try:
                async with asyncio.timeout(0.5):
                    news = [await queue.get()]
            except TimeoutError:
                if time.monotonic() - last > HEARTBEAT_S:
                    last = time.monotonic()
                    await send({"type": "http.response.body", "body": b": still here\n\n", "more_body": True})
                continue
            while not queue.empty():
                news.append(queue.get_nowait())
            chunk = "".join(f"data: {json.dumps(one)}\n\n" for one in news)
            await send({"type": "http.response.body", "body": chunk.encode(), "more_body": True})
            last = time.monotonic()
        await send({"type": "http.response.body", "body": b""})
    finally:
        world.feed.listeners.discard(queue)
        gone.cancel()


async def _until_gone(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _portal(world: World, call: Call, deliveries: Deliveries, portal: Portal, rest: list[str]) -> Reply:
    match (call.method, rest):
        case ("GET", []):
            return ok(portal.public())
        case ("POST", []):
            return ok(_change(world, deliveries, portal, _json(call)).public())
        case ("POST", ["associate"]):
            return crm_user.associate(world, portal, _json(call))
        case ("GET", ["properties", kind]):
            return ok({"results": list(world.catalogue.schema(portal.hub_id, resolve(kind)).definitions.values())})
        case ("GET", [kind]):
            return ok(browse(world, portal, resolve(kind), call))
        case ("GET", [kind, id_]):
            return ok(inspect(world, portal, resolve(kind), id_))
        case ("POST", [kind]):
            return crm_user.create(world, portal, resolve(kind), _json(call))
        case ("POST", [kind, "merge"]):
            return crm_user.merge(world, portal, resolve(kind), _json(call))
        case ("POST", [kind, id_]):
            return crm_user.edit(world, portal, resolve(kind), id_, _json(call))
        case ("POST", [kind, id_, "delete" | "restore" | "gdpr-delete" as action]):
            return crm_user.remove(world, portal, resolve(kind), id_, action)
    raise object_not_found(f"The control API has no {call.method} {call.path}")


def _known(world: World, hub_id: str) -> Portal:
    portal = world.directory.by_id.get(record_id(hub_id) or 0)
    if portal is None:
        raise object_not_found(f"No portal {hub_id[:30]} here; GET {CONTROL_PREFIX}/portals lists them")
    return portal


def _change(world: World, deliveries: Deliveries, portal: Portal, body: Mapping[str, object]) -> Portal:
    """Change a portal's settings; raises RefusedError 400 for an unknown one or a value of another type."""
    unknown = set(body) - SETTABLE
    if unknown:
        raise invalid(f"Unknown settings: {', '.join(sorted(unknown))}; known: {', '.join(sorted(SETTABLE))}")
    changed: dict[str, Any] = {}
    for field in fields(Portal):
        if field.name not in body:
            continue
        value, present = body[field.name], getattr(portal, field.name)
        if isinstance(present, tuple):
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise invalid(f"{field.name} must be an array of strings")
            changed[field.name] = tuple(value)
        elif field.name == "webhook_url":
            changed[field.name] = text(body, field.name) or None
        elif isinstance(present, bool):
            changed[field.name] = value is True
        elif isinstance(present, int | float):
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise invalid(f"{field.name} must be a number, 0 or more")
            changed[field.name] = type(present)(value)
        else:
            changed[field.name] = text(body, field.name) or ""
    if "time_zone" in changed:
        try:
            ZoneInfo(changed["time_zone"])
        except (KeyError, ValueError, OSError):
            raise invalid(f"{changed['time_zone'][:50]} is not a time zone") from None
    with world.transaction():
        world.directory.save(replace(portal, **changed))
    deliveries.wake(portal.hub_id)
    return world.directory.by_id[portal.hub_id]


def _stats(world: World) -> dict[str, object]:
    counts = world.outbox.counts
    names = ("events", "delivered", "failed", "lost", "duplicated", "posts", "attempts_failed")
    return {
        "calls": dict(world.stats.calls),
        "calls_by_portal": {str(hub_id): dict(calls) for hub_id, calls in world.stats.by_portal.items()},
        "rate_limited": world.stats.rate_limited,
        "faults": dict(world.stats.faults),
        "webhooks": {**{name: counts[name] for name in names}, "pending": world.outbox.pending()},
    }


def _faults(world: World) -> dict[str, object]:
    plan = world.faults.plan
    return {
        "seed": plan.seed,
        "http": dict(plan.http),
        "webhooks": {
            "lost": plan.lost, "duplicated": plan.duplicated, "reordered": plan.reordered,
            "delay_s": plan.delay_s,
        },
        "search_lag_s": plan.search_lag_s,
        "search": asdict(plan.search),
        "timeout_s": plan.timeout_s,
        "slow_s": plan.slow_s,
        "retry_after_s": plan.retry_after_s,
    }  # fmt: skip


def _chosen(world: World, body: Mapping[str, object]) -> Portal:
    given = text(body, "portal")
    return _known(world, given) if given else next(iter(world.directory.by_id.values()))


def _seed(world: World, body: Mapping[str, object]) -> dict[str, object]:
    portal = _chosen(world, body)
    contacts, companies = _count(body, "contacts"), _count(body, "companies")
    with world.transaction():
        made = seeding.seed(
            world, portal, contacts=contacts, companies=companies, seed=_count(body, "seed"),
            webhooks=body.get("webhooks") is True,
        )  # fmt: skip
    world.feed.note(hub_id=portal.hub_id, type="contacts", id="", what="seeded", properties={})
    world.feed.committed()
    return {
        "hub_id": portal.hub_id,
        "contacts": made.contacts,
        "companies": made.companies,
        "seconds": made.seconds,
    }


def _mass_edit(world: World, body: Mapping[str, object]) -> dict[str, object]:
    portal = _chosen(world, body)
    kind = resolve(text(body, "type") or "contacts")
    name = text(body, "property") or ("jobtitle" if kind is CONTACT else "city")
    if kind not in (CONTACT, COMPANY):
        raise invalid("mass-edit takes contacts or companies")
    limit = _count(body, "contacts") or _count(body, "count") or 2**40
    with world.transaction():
        count = seeding.mass_edit(world, portal, kind, name, text(body, "value") or "", limit)
    return {"hub_id": portal.hub_id, "changed": count}


def _count(body: Mapping[str, object], key: str) -> int:
    value = body.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10_000_000:
        raise invalid(f"{key} must be a whole number from 0 to 10000000")
    return value


def _json(call: Call) -> dict[str, object]:
    return call.json() if call.body.strip() else {}


def _page(path: str) -> Reply:
    known = PAGE.get(path)
    if known is None:
        raise RefusedError(Reply(404, b"Not found. The page is at /, HubSpot's routes are under /crm.", "text/plain"))
    name, content_type = known
    return Reply(200, _file(name), content_type, (("Cache-Control", "no-cache"),))


@lru_cache
def _file(name: str) -> bytes:
    return resources.files("syncworker.sandbox").joinpath("page", name).read_bytes()
