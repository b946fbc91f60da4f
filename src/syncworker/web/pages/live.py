"""How does a page hear that what it shows has changed?

`/live?of=leads` is a stream of server-sent events, each a topic with its digest. A part of a page that says
`data-live="leads" data-from="/capacity?page=2"` is asked for again by `app.js` when the digest is another one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from syncworker.access.roles import Role
from syncworker.sync.lists.changes import Topic
from syncworker.web.held import held
from syncworker.web.pages.route import pages
from syncworker.web.recognising import ThePortal, Viewer

router = pages()

_RETRY_MS = 2000
_PING_S = 15


@router.get("/live")
async def live(
    request: Request, reader: Viewer, portal: ThePortal, of: Annotated[list[Topic], Query(max_length=5)]
) -> EventSourceResponse:
    """Tell of changes of the portal, until the browser leaves, for a minute at most: then it comes again."""
    if Topic.WORK in of:
        reader.require(Role.OPERATOR)

    async def told() -> AsyncIterator[ServerSentEvent]:
        async for topic, digest in held(request).live.listen(portal.hub_id, of):
            yield ServerSentEvent(event=topic.value, data=digest, retry=_RETRY_MS)

    return EventSourceResponse(told(), ping=_PING_S, sep="\n")
