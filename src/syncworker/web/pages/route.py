"""What happens to every request for a page, before and after its own function?

Before anything of it is read: who it is, and for a change whether one of our own forms asks. A stranger's body is never
looked at. After: headers, and what the browser keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from syncworker import languages
from syncworker.web import cookies
from syncworker.web.body_limit import limited
from syncworker.web.pages.named_portal import at
from syncworker.web.recognising import SAFE, NotSignedIn, Reader, check_form, reader_of, recognise
from syncworker.web.security_headers import unkept

HOME = "/capacity"
_VISIT_S = 24 * 3600


class OpenRoute(APIRoute):
    """A page that needs nobody signed in."""

    open = True

    # Any: FastAPI's own signature.
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, behind the checks. A dependency would run only after the body was read."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            reader = await run_in_threadpool(recognise, request)
            request.state.reader = reader
            if reader.session is None and not self.open:
                raise NotSignedIn
            request = limited(request)
            reader = request.state.reader = await check_form(request, reader)
            return _kept(request, reader, await handle(request))

        return checked


class PageRoute(OpenRoute):
    """A page for those who are signed in."""

    open = False


def pages() -> APIRouter:
    """A router for pages, none of which is part of the API's description."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)


def sign_in_first(request: Request) -> Response:
    """Send somebody to the sign-in page, and from there back to where they wanted to go."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    # After a change the page it was on is no address to come back to.
    address = f"/login?next={quote(here, safe='')}" if request.method == "GET" and here != "/" else "/login"
    return go_to(request, address)


def go_to(request: Request, address: str) -> Response:
    """Another page, of the portal of this one: as the browser takes it, or, where htmx asked, as htmx does."""
    address = at(reader_of(request), address)
    if is_htmx(request):
        return unkept(Response(status_code=204, headers={"HX-Redirect": address}))
    return unkept(RedirectResponse(address, status_code=303))


def is_htmx(request: Request) -> bool:
    """Whether a part of a page was asked for, and not a page."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"


def takes_html(request: Request) -> bool:
    """Whether it is asked for by a browser, to be shown; streams and programs ask otherwise."""
    return "text/html" in request.headers.get("accept", "")


def _kept(request: Request, reader: Reader, response: Response) -> Response:
    if reader.visit and request.cookies.get(cookies.VISIT) is None and request.url.path == "/login":
        cookies.keep(request, response, cookies.VISIT, reader.visit, seconds=_VISIT_S)
    if request.query_params.get("lang") in languages.languages():
        cookies.remember(request, response, cookies.LANGUAGE, reader.language.code)
    # The portal of a form is shown afterwards, too. A stream of changes shows nothing, and a part of a page that renews
    # itself chooses nothing.
    named = request.query_params.get("portal") and request.url.path != "/live" and not is_htmx(request)
    if reader.portal and (named or request.method not in SAFE):
        cookies.remember(request, response, cookies.PORTAL, str(reader.portal.hub_id))
    return unkept(response)
