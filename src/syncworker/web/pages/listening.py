"""What was a page of when it was made, so that it hears of all that changes after?

Between the making of a page and the begin of its stream of changes there is time for one. So a page says the digest
that each topic it listens to had before anything was read for it: a stream that begins with another one is news.
"""

from __future__ import annotations

from fastapi import Request

from syncworker.store.portals import Portal
from syncworker.sync.lists.changes import Topic, digest
from syncworker.web.held import context_of
from syncworker.web.pages.route import is_htmx


def listen(request: Request, portal: Portal, *topics: Topic) -> None:
    """Keep for the page how the topics are now. Call it before anything that the page shows is read."""
    # A part of a page comes into one that said it already.
    if not is_htmx(request):
        context = context_of(request)
        request.state.digests = {topic.value: digest(context, portal.hub_id, topic) for topic in topics}


def digests(request: Request) -> dict[str, str]:
    """The digest of each topic that the page listens to; none where it was not asked to."""
    found: dict[str, str] = getattr(request.state, "digests", {})
    return found
