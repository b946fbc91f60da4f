"""What does somebody in a browser see when there is no page to show?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response

from syncworker.languages import to_translate
from syncworker.web.pages import rendering
from syncworker.web.pages.route import is_htmx, takes_html
from syncworker.web.pages.wrong_fields import WrongField
from syncworker.web.recognising import Reader, stranger

# What machines ask for: they are answered in JSON, whatever they say they accept.
_OF_MACHINES = ("/api/", "/webhooks/", "/health/", "/metrics", "/static/", "/openapi.json")


@dataclass(frozen=True, slots=True)
class Said:
    """What is said about an error."""

    title: str
    text: str


_SAID = {
    403: Said(to_translate("This is not for your role"), to_translate("Ask an operator if you need it.")),
    404: Said(
        to_translate("There is nothing here"),
        to_translate("The address may be mistyped, or what it named may be gone."),
    ),
    405: Said(to_translate("There is nothing here"), to_translate("Go back, and do it from there.")),
    409: Said(
        to_translate("This cannot be done any more"),
        to_translate("Somebody was quicker, or it has changed meanwhile. Nothing was changed. Look at the list again."),
    ),
    413: Said(
        to_translate("The file is too large"),
        to_translate("Files of up to 20 MB are taken. Divide it, or leave out columns that nobody needs here."),
    ),
    503: Said(
        to_translate("The database does not answer"),
        to_translate("Nothing is lost, and nothing was changed. Try again in a minute."),
    ),
}
_NO_PORTAL = Said(
    to_translate("No portal is connected yet"),
    to_translate("Or none that is shown to you: ask an operator, who connects one with `syncworker portals add`."),
)
_NOT_NOW = Said(
    to_translate("This cannot be done like this"),
    to_translate("Nothing was changed. Go back, load the page again, and see how things are now."),
)
_ELSE = Said(
    to_translate("This went wrong on our side"),
    to_translate("Nothing was changed. Try again; if it goes on, tell an operator when it happened."),
)


def wants_page(request: Request) -> bool:
    """Whether a person is at the other end, with a browser."""
    if request.url.path.startswith(_OF_MACHINES):
        return False
    return is_htmx(request) or takes_html(request)


def error_page(request: Request, status: int, message: str = "", *, wrong: Sequence[WrongField] = ()) -> Response:
    """The page of an error, in the layout of all pages; for htmx a notice beside what is there."""
    found: Reader | None = getattr(request.state, "reader", None)
    said = _SAID.get(status, _ELSE if status >= 500 else _NOT_NOW)
    if found and found.session and not found.portals:
        said = _NO_PORTAL
    template = "parts/notice.html" if is_htmx(request) else "error.html"
    return rendering.page(
        request,
        found or stranger(request),
        template,
        status=status,
        said=said,
        status_code=status,
        message=message,
        wrong=wrong,
    )
