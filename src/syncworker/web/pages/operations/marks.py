"""Which records are looked at next, which of them wait for a person, why, and what can be done about each?"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Form, Request, Response

from syncworker.registration.rules.terms import Source
from syncworker.sync import parked
from syncworker.sync.lists import mark_lists
from syncworker.sync.lists.changes import Topic
from syncworker.sync.lists.list_lines import MarkPage
from syncworker.sync.lists.page_cursor import BadCursor
from syncworker.sync.marks import Kind
from syncworker.web.pages import listening, rendering
from syncworker.web.pages.coming_back import Back, own
from syncworker.web.pages.operations import tabs
from syncworker.web.pages.route import is_htmx, pages
from syncworker.web.recognising import Held, Operator, ThePortal

router = pages()

LINES = 50
# A kind, and a record's id or a domain.
_NAMED = re.compile(r"(contact|company|domain|notice):([\x21-\x7e]{1,253})")

Ticked = Annotated[list[str], Form(max_length=500)]
Every = Annotated[bool, Form()]


@router.get(tabs.MARKS)
def marks(request: Request, context: Held, reader: Operator, portal: ThePortal) -> Response:
    """Parked marks, the newest first; with `?due=1` those that are looked at next."""
    listening.listen(request, portal, Topic.WORK)
    due = request.query_params.get("due") == "1"
    cursor = request.query_params.get("cursor", "")[:1000] or None
    with context.database.transaction() as tx:
        try:
            page: MarkPage | None = mark_lists.marks(tx, portal.hub_id, parked=not due, limit=LINES, cursor=cursor)
        except BadCursor:
            # A link of before an upgrade, or a mistyped one: the beginning is never wrong.
            page = None
        if page is None or (cursor and not page.items):
            cursor = None
            page = mark_lists.marks(tx, portal.hub_id, parked=not due, limit=LINES)
        counts = [one for one in mark_lists.mark_counts(tx) if one.hub_id == portal.hub_id]
    query = {"due": "1" if due else None}
    return tabs.show(
        request,
        reader,
        "marks",
        page=page,
        due=due,
        due_count=sum(one.due for one in counts),
        parked_count=sum(one.parked for one in counts),
        here=rendering.address(tabs.MARKS, {**query, "cursor": cursor}),
        first_link=rendering.address(tabs.MARKS, query) if cursor else "",
        next_link=rendering.address(tabs.MARKS, {**query, "cursor": page.next}) if page.next else "",
    )


@router.post("/operations/marks/retry")
def retry(
    request: Request,
    context: Held,
    portal: ThePortal,
    reader: Operator,
    mark: Ticked = [],  # noqa: B006 - FastAPI copies it
    every: Every = False,
    back: Back = tabs.MARKS,
) -> Response:
    """Try parked marks again, now."""
    count = parked.retry(context, portal.hub_id, None if every else _named(mark), who=reader.who, source=Source.APP)
    return tabs.done(request, tabs.MARKS, "retried", count, back=back)


@router.post("/operations/marks/dismiss")
def dismiss(
    request: Request,
    reader: Operator,
    mark: Ticked = [],  # noqa: B006 - FastAPI copies it
    every: Every = False,
    back: Back = tabs.MARKS,
) -> Response:
    """Ask: nothing is let go yet."""
    template = "dismiss_dialog" if is_htmx(request) else "dismiss"
    return tabs.show(
        request, reader, template, chosen=mark, count=len(_named(mark)), every=every, back=own(back, tabs.MARKS)
    )  # fmt: skip


@router.post("/operations/marks/dismiss/yes")
def do_dismiss(
    request: Request,
    context: Held,
    portal: ThePortal,
    reader: Operator,
    mark: Ticked = [],  # noqa: B006 - FastAPI copies it
    every: Every = False,
    back: Back = tabs.MARKS,
) -> Response:
    """Let parked marks go; the next change of a record marks it anew."""
    count = parked.dismiss(context, portal.hub_id, None if every else _named(mark), who=reader.who, source=Source.APP)
    return tabs.done(request, tabs.MARKS, "dismissed", count, back=back)


def _named(ticked: list[str]) -> list[tuple[Kind, str]]:
    """Those that are meant; what cannot be a mark's name names none."""
    return [(Kind(found[1]), found[2]) for found in map(_NAMED.fullmatch, ticked) if found]
