"""What do the tabs of Operations have in common: which there are, and how each tells what was just done?"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request, Response

from syncworker.languages import Language, to_translate
from syncworker.web.pages import rendering
from syncworker.web.pages.coming_back import own, telling
from syncworker.web.pages.route import go_to
from syncworker.web.recognising import Reader

OVERVIEW = "/operations"
MARKS = "/operations/marks"
RESYNCS = "/operations/resyncs"
FORMS = "/operations/forms"
HOLDS = "/operations/holds"
HISTORY = "/operations/history"


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab; its title is translated where it is shown."""

    title: str
    path: str


TABS = (
    Tab(to_translate("Overview"), OVERVIEW),
    Tab(to_translate("Marks"), MARKS),
    Tab(to_translate("Resyncs"), RESYNCS),
    Tab(to_translate("Forms"), FORMS),
    Tab(to_translate("Holds"), HOLDS),
    Tab(to_translate("What people did"), HISTORY),
)

# What an address may say was done, in words: nothing else that somebody puts into a link is told.
_SAID = {
    "paused": to_translate("The portal is paused. All that comes in is kept."),
    "unpaused": to_translate("The portal goes on."),
    "resync-started": to_translate("The resync has begun."),
    "resync-paused": to_translate("The resync is paused. It keeps its place."),
    "resync-resumed": to_translate("The resync goes on."),
    "resync-cancelled": to_translate("The resync is ended. What it wrote stays."),
    "form-on": to_translate("The form registers leads from now on."),
    "form-off": to_translate("The form registers no more leads."),
    "hold-added": to_translate("Nobody can register the domain now."),
    "hold-lifted": to_translate("The hold is lifted."),
}


def show(
    request: Request, reader: Reader, template: str, *, refused: str = "", status: int = 200, **values: object
) -> Response:
    """A tab; `refused` is why something could not be done."""
    return rendering.page(
        request,
        reader,
        f"operations/{template}.html",
        status=status,
        tabs=TABS,
        # What is done in a tab has its address below it; the first tab's is above all of them.
        shown_tab=next(tab for tab in reversed(TABS) if request.url.path.startswith(tab.path)),
        toast_text=_told(request, reader.language),
        refused=refused,
        **values,
    )


def done(request: Request, path: str, what: str, count: int | None = None, *, back: str = "") -> Response:
    """Go to a tab, as it was looked at before, that tells what was done."""
    return go_to(request, telling(own(back, path), done=what, n=count))


def _told(request: Request, say: Language) -> str:
    what, many = request.query_params.get("done", ""), request.query_params.get("n", "")
    count = int(many) if many.isascii() and many.isdigit() and len(many) < 10 else 0
    if what == "retried":
        return say.ngettext("%(count)s mark is tried again now.", "%(count)s marks are tried again now.", count)
    if what == "dismissed":
        return say.ngettext("%(count)s mark is let go.", "%(count)s marks are let go.", count)
    return say.gettext(_SAID[what]) if what in _SAID else ""
