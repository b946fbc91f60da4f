"""What does the address of a table say: what is sought, in which order, which page?

The same for every table: `?q=&sort=&desc=1&page=`. What cannot be meant is as if it was not there.
"""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import Request

from syncworker.languages import Language
from syncworker.sync.lists.asked_list import AskedSort, AskedView
from syncworker.sync.lists.lead_list import Sort, View
from syncworker.sync.lists.line_query import MOST_Q_CHARACTERS, MOST_WORDS, words_of
from syncworker.web.pages import rendering

_MOST_PAGES = 1_000_000
S = TypeVar("S", Sort, AskedSort)


def view_of(request: Request, *, sort: Sort = Sort.DOMAIN, descending: bool = False, days: int | None = None) -> View:
    """How somebody looks at a table; `sort` and `descending` are how they do who do not say."""
    by, falling = _order(request, Sort, sort, descending=descending)
    return View(
        q=_sought(request),
        sort=by,
        descending=falling,
        page=_page(request),
        **({} if days is None else {"days": days}),
    )


def asked_view_of(request: Request, *, sort: AskedSort = AskedSort.PLACE, descending: bool = False) -> AskedView:
    """The same for a table of requests."""
    by, falling = _order(request, AskedSort, sort, descending=descending)
    return AskedView(q=_sought(request), sort=by, descending=falling, page=_page(request))


def _sought(request: Request) -> str:
    return request.query_params.get("q", "").strip()[:MOST_Q_CHARACTERS]


def _order(request: Request, of: type[S], otherwise: S, *, descending: bool) -> tuple[S, bool]:
    asked = request.query_params.get("sort", "")
    if asked not in {one.value for one in of}:
        return otherwise, descending
    return of(asked), request.query_params.get("desc") == "1"


def _page(request: Request) -> int:
    page = request.query_params.get("page", "1")
    return min(int(page), _MOST_PAGES) if page.isascii() and page.isdigit() and len(page) < 10 else 1


def shortened(request: Request, say: Language) -> str:
    """What is sought, in words, where more was typed than that; else nothing."""
    typed = request.query_params.get("q", "").strip()
    if len(words_of(typed)) > MOST_WORDS:
        return say.gettext("Only the first %(most)s words are searched.", most=MOST_WORDS)
    if len(typed) > MOST_Q_CHARACTERS:
        return say.gettext("Only the first %(most)s characters are searched.", most=MOST_Q_CHARACTERS)
    return ""


# Any: as the values of a template are.
def links(request: Request, view: View | AskedView, **kept: object) -> dict[str, Any]:
    """For a template: `sort_link(column)`, the other way round where it is sorted by it, and `page_link(number)`.

    What is `kept` stands in each of these addresses.
    """

    def to(**changed: object) -> str:
        now = {"q": view.q, "sort": view.sort.value, "desc": "1" if view.descending else None}
        return rendering.address(request.url.path, {**now, **kept, **changed})

    def sort_link(column: str) -> str:
        return to(sort=column, desc="1" if view.sort == column and not view.descending else None)

    def page_link(page: int) -> str:
        return to(page=page if page > 1 else None)

    return {"sort_link": sort_link, "page_link": page_link}


def is_for(request: Request, target: str) -> bool:
    """Whether htmx asks for this part of the page alone."""
    return request.headers.get("hx-target") == target and request.headers.get("hx-history-restore-request") != "true"
