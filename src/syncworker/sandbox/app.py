"""What happens between a request's arrival and its answer?"""

from __future__ import annotations

import sqlite3
import sys
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from syncworker.sandbox.answers import (
    RefusedError,
    Reply,
    error,
    method_not_allowed,
    missing_scopes,
    object_not_found,
    token_expired,
    too_large,
    unauthenticated,
)
from syncworker.sandbox.breaking import AbandonedError, hit, route_class
from syncworker.sandbox.call import Call
from syncworker.sandbox.clock import now_ms
from syncworker.sandbox.control.routes import CONTROL_PREFIX, answer_control, stream
from syncworker.sandbox.deliveries import Deliveries
from syncworker.sandbox.object_types import resolve
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.routes import Route, match
from syncworker.sandbox.world import World

# ASGI's own types: its messages are open dictionaries.
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_BYTES = 10 * 1024 * 1024
"""Of a request to HubSpot's routes; the real bound is unknown."""
MOST_CONTROL_BYTES = 64 * 1024 * 1024


_CALLERS_FAULT = (sqlite3.OperationalError, OverflowError, UnicodeEncodeError)
"""What SQLite makes of a LIKE pattern that is too long, a number beyond 64 bits, half a surrogate pair."""


class CutError(Exception):
    """The caller gets half of `reply`, then the connection is dropped."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__("the answer is cut in the middle")


class App:
    """The ASGI application: HubSpot's routes, the control API and the page."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.deliveries = Deliveries(world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or the server's start and stop."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path == f"{CONTROL_PREFIX}/events":
            await stream(self.world, receive, send)
            return
        control = path.startswith(CONTROL_PREFIX) or not _is_api(path)
        try:
            call = await _read(scope, receive, MOST_CONTROL_BYTES if control else MOST_BYTES)
            reply = self._control(call) if control else await self._api(call)
        except RefusedError as refused:
            reply = refused.reply
        except AbandonedError:
            scope["extensions"]["sandbox.abort"]()
            return
        except CutError as cut:
            await _send(send, cut.reply, date=self._date(), call_method=scope["method"], share=0.5)
            scope["extensions"]["sandbox.abort"]()
            return
        await _send(send, reply, date=self._date(), call_method=scope["method"])

    def _date(self) -> bytes:
        return _http_date(int(now_ms() / 1000 + self.world.faults.plan.clock_s))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.deliveries.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.deliveries.stop()
                self.world.database.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _control(self, call: Call) -> Reply:
        try:
            return answer_control(self.world, call, self.deliveries)
        except RefusedError as refused:
            return refused.reply
        except _CALLERS_FAULT as failure:
            return error(400, f"The request cannot be handled: {failure}", "VALIDATION_ERROR").reply
        except Exception:  # noqa: BLE001 - the outermost loop: log it, answer 500
            return _crashed(call)

    async def _api(self, call: Call) -> Reply:
        found = match(call.path)
        if found is None:
            self.world.stats.count(f"{call.method} (unknown) 404", None)
            raise object_not_found("Unable to find a route for this path")
        route = found.routes.get(call.method)
        if route is None:
            self.world.stats.count(f"{call.method} (unknown) 405", None)
            return method_not_allowed(list(found.routes))
        call.version, call.ids = found.version, found.ids
        fault = self.world.faults.next_http(route_class(route)) if route.faults else None
        portal: Portal | None = None
        try:
            if fault is not None:
                self.world.stats.faults[fault] += 1
                await hit(self.world, fault)
            if route.open_handler is not None:
                reply = self._run(route, call, None, partial=False)
            else:
                portal, oauth = self._authenticate(call)
                reply = self._admitted(route, call, portal, found.types, partial=fault == "partial_batch", oauth=oauth)
        except RefusedError as refused:
            reply = refused.reply
        except AbandonedError:
            self._count(route, call, portal, fault or "dropped")
            raise
        self._count(route, call, portal, str(reply.status))
        if fault == "lost_answer":
            raise AbandonedError
        if fault == "cut":
            raise CutError(reply)
        return reply

    def _admitted(
        self, route: Route, call: Call, portal: Portal, types: list[str], *, partial: bool, oauth: bool
    ) -> Reply:
        """Scopes and limits, then the handler; the answer carries the limit's headers."""
        refused = self.world.limits.admit(portal, now_ms(), search=route.search)
        if refused is not None:
            reply = refused
        else:
            try:
                call.kinds = [resolve(name) for name in types]
                for needs in route.scopes([kind.scope for kind in call.kinds]):
                    if not any(scope in portal.scopes for scope in needs):
                        raise missing_scopes(needs)
                reply = self._run(route, call, portal, partial=partial)
            except RefusedError as refusal:
                reply = refusal.reply
        if route.search:
            return reply
        headers = (*reply.headers, *self.world.limits.headers(portal, oauth=oauth))
        return Reply(reply.status, reply.body, reply.content_type, headers)

    def _run(self, route: Route, call: Call, portal: Portal | None, *, partial: bool) -> Reply:
        world = self.world
        world.partial = partial
        try:
            if not route.writes:
                return self._handle(route, call, portal)
            with world.transaction():
                return self._handle(route, call, portal)
        except RefusedError:
            raise
        except _CALLERS_FAULT as failure:
            raise error(400, f"The request cannot be handled: {failure}", "VALIDATION_ERROR") from None
        except Exception:  # noqa: BLE001 - the outermost loop: log it, answer 500
            return _crashed(call)

    def _handle(self, route: Route, call: Call, portal: Portal | None) -> Reply:
        if route.open_handler is not None:
            return route.open_handler(self.world, call)
        if route.handler is None or portal is None:
            raise unauthenticated()
        return route.handler(self.world, portal, call)

    def _authenticate(self, call: Call) -> tuple[Portal, bool]:
        """The portal of the token, and whether the token came by OAuth."""
        header = call.headers.get(b"authorization", b"").decode("latin-1")
        kind, _, token = header.partition(" ")
        holder = self.world.directory.tokens.get(token.strip()) if kind.lower() == "bearer" else None
        if holder is None:
            raise unauthenticated()
        hub_id, expires = holder
        if expires is not None and expires <= now_ms():
            raise token_expired()
        return self.world.directory.by_id[hub_id], expires is not None

    def _count(self, route: Route, call: Call, portal: Portal | None, outcome: str) -> None:
        template = route.template
        for kind in call.kinds:
            template = template.replace("{type}", kind.plural, 1)
        self.world.stats.count(f"{call.method} /{template} {outcome}", portal.hub_id if portal else None)
        if outcome == "429":
            self.world.stats.rate_limited += 1


def _is_api(path: str) -> bool:
    return path.lstrip("/").partition("/")[0] in _AREAS


_AREAS = frozenset({"crm", "oauth", "account-info", "marketing", "submissions", "form-integrations"})


async def _read(scope: Scope, receive: Receive, limit: int) -> Call:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    body = b""
    if scope["method"] not in ("GET", "HEAD"):
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            raise too_large(limit)
        message = await receive()
        body = message.get("body", b"")
        if message.get("more_body"):
            parts = [body]
            size = len(body)
            while message.get("more_body"):
                message = await receive()
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limit:
                    raise too_large(limit)
            body = b"".join(parts)
    return Call(
        method=scope["method"],
        path=scope["path"],
        query_string=scope["query_string"],
        headers=headers,
        body=body,
    )


@lru_cache(maxsize=2)
def _http_date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


async def _send(send: Send, reply: Reply, *, date: bytes, call_method: str, share: float = 1.0) -> None:
    """Send an answer, or this share of its body, which is then never ended."""
    headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in reply.headers]
    headers.append((b"date", date))
    if reply.status != 204:
        headers.append((b"content-type", reply.content_type.encode()))
        headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    body = b"" if call_method == "HEAD" else reply.body[: int(len(reply.body) * share)]
    await send({"type": "http.response.body", "body": body, "more_body": share < 1})


def _crashed(call: Call) -> Reply:
    print(f"sandbox: {call.method} {call.path} failed", file=sys.stderr)  # noqa: T201 - its log is stderr
    traceback.print_exc()
    return error(500, "internal error", "INTERNAL_ERROR").reply
