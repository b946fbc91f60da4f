"""What does search answer? Its own limits, and the view of a moment ago."""

from __future__ import annotations

from syncworker.sandbox import unsteady
from syncworker.sandbox.answers import Reply, invalid, ok
from syncworker.sandbox.call import Call
from syncworker.sandbox.clock import now_ms
from syncworker.sandbox.finding import Finder
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.render import show, wish_of_body
from syncworker.sandbox.world import World

LONGEST_BODY = 3000
"""Characters (HubSpot's search guide)."""
MOST = 200
"""Results a page (same source)."""
CAP = 10_000
"""Results of one query that can be paged to (same source)."""


def search_records(world: World, portal: Portal, call: Call) -> Reply:
    """POST /{type}/search: `after` is an offset here, not an id."""
    kind = call.kinds[0]
    if len(call.body.decode(errors="replace")) > LONGEST_BODY:
        raise invalid(f"The request body is longer than {LONGEST_BODY} characters")
    body = call.json()
    limit, offset = _integer(body.get("limit"), "limit", 10), _integer(body.get("after"), "after", 0)
    if not 1 <= limit <= MOST:
        raise invalid(f"limit must be between 1 and {MOST}")
    if offset + limit > CAP:
        raise invalid(f"The maximum number of results that can be paged to is {CAP}")
    finder = Finder.parse(world, portal, kind, body)
    total, found = finder.run(offset=offset, limit=limit, now=now_ms())
    found, more = unsteady.disturb(world, portal, kind, found, limit=limit, more=offset + limit < total)
    answer: dict[str, object] = {
        "total": unsteady.miscounted(world, total),
        "results": show(world, portal, kind, found, wish_of_body(world, portal, kind, body)),
    }
    if more:
        answer["paging"] = {"next": {"after": str(offset + limit)}}
    return ok(answer)


def _integer(value: object, name: str, default: int) -> int:
    if value is None or value == "":
        return default
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    raise invalid(f"{name} must be a number, was: {str(value)[:50]}")
