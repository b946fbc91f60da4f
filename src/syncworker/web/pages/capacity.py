"""How much capacity is used, and by which leads?"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from syncworker.sync.lists import lists
from syncworker.web.pages import rendering
from syncworker.web.pages.route import pages
from syncworker.web.recognising import Held, ThePortal, Viewer

router = pages()


@router.get("/capacity")
def capacity(
    request: Request, context: Held, reader: Viewer, portal: ThePortal, q: Annotated[str, Query()] = ""
) -> Response:
    """The Capacity Manager."""
    with context.database.transaction() as tx:
        held = lists.capacity_of(context, tx, portal.hub_id)
        page = lists.registrations(tx, portal.hub_id, status="registered", q=q)
    return rendering.page(request, reader, "capacity.html", capacity=held, source=held.source, lines=page.items, q=q)
