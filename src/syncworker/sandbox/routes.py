"""Which handler answers which path, in HubSpot's old spelling (v3, v4) and its dated one?

A path's version is taken out before it is looked up, so that both spellings have one route and are counted as one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from syncworker.sandbox.answers import Reply
from syncworker.sandbox.api import account, associations, batches, forms, oauth, objects, properties, search
from syncworker.sandbox.call import Call
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.world import World

Handler = Callable[[World, Portal, Call], Reply]
OpenHandler = Callable[[World, Call], Reply]
_DATED = re.compile(r"20\d\d-(03|09)")
DATED = frozenset({"2026-03", "2026-09"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path. `{type}` in a template is an object type, `{id}` anything else that varies."""

    method: str
    template: str
    legacy: str
    """The undated version that serves it."""
    handler: Handler | None = None
    open_handler: OpenHandler | None = None
    """Instead of `handler`, where no token is needed."""
    scope: str | None = None
    """`objects` or `schemas` of each type in the path, or a scope's full name."""
    writes: bool = False
    search: bool = False
    dated: bool = True
    faults: bool = True

    def scopes(self, kinds: list[str]) -> Iterator[tuple[str, ...]]:
        """For each need, the scopes of which one must be granted."""
        right = "write" if self.writes else "read"
        if self.scope == "objects":
            for kind in kinds:
                yield (f"crm.objects.{kind}.{right}",)
        elif self.scope == "schemas":
            for kind in kinds:
                wanted = f"crm.schemas.{kind}.{right}"
                # Reading definitions is allowed to whoever may read the objects.
                yield (wanted,) if self.writes else (wanted, f"crm.objects.{kind}.read")
        elif self.scope:
            yield (self.scope,)


def _objects(method: str, rest: str, handler: Handler, *, writes: bool = False, search: bool = False) -> Route:
    return Route(
        method=method, template=f"crm/objects/{{type}}{rest}", legacy="v3", handler=handler, scope="objects",
        writes=writes, search=search,
    )  # fmt: skip


def _links(method: str, template: str, handler: Handler, *, writes: bool = False) -> Route:
    return Route(
        method=method,
        template=f"crm/{template}",
        legacy="v4",
        handler=handler,
        scope="objects",
        writes=writes,
    )


def _properties(method: str, rest: str, handler: Handler, *, writes: bool = False) -> Route:
    return Route(
        method=method, template=f"crm/properties/{{type}}{rest}", legacy="v3", handler=handler,
        scope="schemas", writes=writes,
    )  # fmt: skip


def _oauth(method: str, rest: str, handler: OpenHandler, legacy: str) -> Route:
    return Route(method=method, template=f"oauth/{rest}", legacy=legacy, open_handler=handler, writes=True)


_PAIR = "objects/{type}/{id}/associations"
_BATCH = "associations/{type}/{type}/batch"
_FORM = "submissions/integration"

TABLE = (
    _objects("GET", "", objects.list_records),
    _objects("POST", "", objects.create_record, writes=True),
    _objects("GET", "/{id}", objects.read_record),
    _objects("PATCH", "/{id}", objects.update_record, writes=True),
    _objects("DELETE", "/{id}", objects.delete_record, writes=True),
    _objects("POST", "/merge", objects.merge_records, writes=True),
    _objects("POST", "/gdpr-delete", objects.gdpr_delete, writes=True),
    _objects("POST", "/search", search.search_records, search=True),
    _objects("POST", "/batch/read", batches.batch_read),
    _objects("POST", "/batch/create", batches.batch_create, writes=True),
    _objects("POST", "/batch/update", batches.batch_update, writes=True),
    _objects("POST", "/batch/upsert", batches.batch_upsert, writes=True),
    _objects("POST", "/batch/archive", batches.batch_archive, writes=True),
    _links("GET", f"{_PAIR}/{{type}}", associations.list_associations),
    _links("PUT", f"{_PAIR}/default/{{type}}/{{id}}", associations.put_default, writes=True),
    _links("PUT", f"{_PAIR}/{{type}}/{{id}}", associations.put_labels, writes=True),
    _links("DELETE", f"{_PAIR}/{{type}}/{{id}}", associations.delete_pair, writes=True),
    _links("POST", f"{_BATCH}/read", associations.batch_read),
    _links("POST", f"{_BATCH}/create", associations.batch_create, writes=True),
    _links("POST", f"{_BATCH}/archive", associations.batch_archive, writes=True),
    _links("POST", f"{_BATCH}/associate/default", associations.batch_default, writes=True),
    _properties("GET", "", properties.list_properties),
    _properties("POST", "", properties.create_property, writes=True),
    _properties("POST", "/batch/create", properties.create_properties, writes=True),
    _properties("POST", "/batch/read", properties.read_properties),
    _properties("POST", "/batch/archive", properties.archive_properties, writes=True),
    _properties("GET", "/groups", properties.list_groups),
    _properties("POST", "/groups", properties.create_group, writes=True),
    _properties("GET", "/groups/{id}", properties.read_group),
    _properties("PATCH", "/groups/{id}", properties.update_group, writes=True),
    _properties("DELETE", "/groups/{id}", properties.delete_group, writes=True),
    _properties("GET", "/{id}", properties.read_property),
    _properties("PATCH", "/{id}", properties.update_property, writes=True),
    _properties("DELETE", "/{id}", properties.delete_property, writes=True),
    Route(method="GET", template="account-info/details", legacy="v3", handler=account.details),
    Route(method="GET", template="marketing/forms", legacy="v3", handler=forms.list_forms, scope="forms"),
    Route(method="GET", template="marketing/forms/{id}", legacy="v3", handler=forms.read_form, scope="forms"),
    Route(
        method="GET", template="form-integrations/submissions/forms/{id}", legacy="v1",
        handler=forms.submissions, scope="forms", dated=False,
    ),
    Route(
        method="POST", template=f"{_FORM}/submit/{{id}}/{{id}}", legacy="v3", open_handler=forms.submit_open,
        writes=True, dated=False, faults=False,
    ),
    Route(
        method="POST", template=f"{_FORM}/secure/submit/{{id}}/{{id}}", legacy="v3",
        handler=forms.submit_secure,
        scope="forms", writes=True, dated=False, faults=False,
    ),
    _oauth("POST", "token", oauth.issue_token, "v1 v3"),
    _oauth("POST", "token/introspect", oauth.introspect, "v3"),
    _oauth("POST", "token/revoke", oauth.revoke, "v3"),
    _oauth("GET", "access-tokens/{id}", oauth.legacy_info, "v1"),
    _oauth("GET", "refresh-tokens/{id}", oauth.legacy_info, "v1"),
    _oauth("DELETE", "refresh-tokens/{id}", oauth.legacy_revoke, "v1"),
)  # fmt: skip


class _Node:
    __slots__ = ("literal", "routes", "variable", "variable_is_type")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.variable: _Node | None = None
        self.variable_is_type = False
        self.routes: dict[str, Route] = {}


def _grow() -> _Node:
    root = _Node()
    for route in TABLE:
        node = root
        for part in route.template.split("/"):
            if part.startswith("{"):
                node.variable_is_type = part == "{type}"
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literal.setdefault(part, _Node())
        node.routes[route.method] = route
    return root


_ROOT = _grow()


@dataclass(frozen=True, slots=True)
class Match:
    """What was found for a path: routes by method, and the path's variable parts."""

    routes: dict[str, Route]
    version: str
    types: list[str]
    ids: list[str]


def match(path: str) -> Match | None:
    """Look a path up; None where nothing is served, be it the path or its version."""
    parts = path.strip("/").split("/")
    version = _take_version(parts)
    if version is None:
        return None
    node, types, ids = _ROOT, list[str](), list[str]()
    for part in parts:
        known = node.literal.get(part)
        if known is None:
            if node.variable is None or not part:
                return None
            (types if node.variable_is_type else ids).append(part)
            known = node.variable
        node = known
    routes = {
        method: route
        for method, route in node.routes.items()
        if version in route.legacy.split() or (route.dated and _is_dated(version, parts[0], parts[1]))
    }
    return Match(routes, version, types, ids) if routes else None


def _is_dated(version: str, first: str, second: str) -> bool:
    if (first, second) == ("marketing", "forms"):
        return version == "2026-09-beta"
    return version in DATED


def _take_version(parts: list[str]) -> str | None:
    """Remove the version from a path. Undated it is the second part; dated, the third, where the area has resources."""
    if len(parts) < 3:
        return None
    if parts[0] in ("crm", "marketing"):
        if parts[1].startswith("v"):
            return parts.pop(1)
        return parts.pop(2) if _DATED.match(parts[2]) else None
    return parts.pop(1)
