"""What did people do to marks, resyncs, forms, holds, accounts and settings?"""

from __future__ import annotations

from fastapi import Request, Response

from syncworker.sync.lists import did_list
from syncworker.sync.lists.did_list import DidPage
from syncworker.sync.lists.event_words import EVENT_WORDS
from syncworker.sync.lists.page_cursor import BadCursor
from syncworker.web.pages import rendering
from syncworker.web.pages.operations import tabs
from syncworker.web.pages.route import pages
from syncworker.web.recognising import Held, Operator, ThePortal

router = pages()

LINES = 50


@router.get(tabs.HISTORY)
def history(request: Request, context: Held, reader: Operator, portal: ThePortal) -> Response:
    """Who did what, and when, the newest first."""
    cursor = request.query_params.get("cursor", "")[:1000] or None
    everywhere = reader.signed_in.user.every_portal
    with context.database.transaction() as tx:
        try:
            page: DidPage = did_list.what_people_did(
                tx, portal.hub_id, everywhere=everywhere, limit=LINES, cursor=cursor
            )
        except BadCursor:
            # A link of before an upgrade, or a mistyped one: the beginning is never wrong.
            cursor = None
            page = did_list.what_people_did(tx, portal.hub_id, everywhere=everywhere, limit=LINES)
    return tabs.show(
        request,
        reader,
        "history",
        page=page,
        words=EVENT_WORDS,
        first_link=tabs.HISTORY if cursor else "",
        next_link=rendering.address(tabs.HISTORY, {"cursor": page.next}) if page.next else "",
    )
