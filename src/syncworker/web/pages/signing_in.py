"""How does somebody sign in and out, in a browser?"""

from __future__ import annotations

from typing import Annotated

import anyio
from fastapi import APIRouter, Form, Request, Response

from syncworker.access import sessions, signing_in, users
from syncworker.access.attempts import TooManyAttempts
from syncworker.access.links import PATH
from syncworker.access.sessions import Session
from syncworker.access.signing_in import LinkOver, WrongCredentials
from syncworker.web import cookies
from syncworker.web.held import context_of, held
from syncworker.web.pages import rendering
from syncworker.web.pages.coming_back import own
from syncworker.web.pages.route import HOME, OpenRoute, go_to
from syncworker.web.recognising import Held, Visitor, stranger

router = APIRouter(route_class=OpenRoute, include_in_schema=False)


@router.get("/login")
def ask(request: Request, reader: Visitor, next: str = HOME) -> Response:  # noqa: A002 - the name in the address
    """The form, or where to go on if somebody is signed in."""
    if reader.session:
        return go_to(request, own(next))
    return rendering.page(request, reader, "login.html", next=own(next), email="", problem="")


@router.post("/login")
async def sign_in(
    request: Request,
    reader: Visitor,
    email: Annotated[str, Form(max_length=1000)] = "",
    password: Annotated[str, Form(max_length=10_000)] = "",
    next: Annotated[str, Form(max_length=4000)] = HOME,  # noqa: A002 - the name in the form
) -> Response:
    """Sign in, or say why not and keep what was typed, but for the password."""
    context = context_of(request)
    try:
        session = await anyio.to_thread.run_sync(
            lambda: signing_in.by_password(
                context.database, context.secrets, email=email, password=password, address=_address(request)
            ),
            # Hashing takes 64 MiB each time: strangers decide how often, not how many at once.
            limiter=held(request).sign_in_threads,
        )
    except (WrongCredentials, TooManyAttempts) as refused:
        status = 429 if isinstance(refused, TooManyAttempts) else 401
        problem = _problem(refused, reader)
        return rendering.page(
            request, reader, "login.html", status=status, next=own(next), email=email[:254], problem=problem
        )
    return _signed_in(request, session, own(next))


@router.get(PATH + "{token}")
def by_link(request: Request, token: str, context: Held, reader: Visitor) -> Response:
    """Sign in by a link, which is used up by it; a browser that only looks ahead uses up nothing."""
    if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
        return Response(status_code=204)
    try:
        session = signing_in.by_link(context.database, context.secrets, token=token, address=_address(request))
    except (LinkOver, TooManyAttempts) as refused:
        problem = _problem(refused, reader)
        return rendering.page(request, reader, "login.html", status=410, next=HOME, email="", problem=problem)
    return _signed_in(request, session, HOME)


@router.post("/logout")
def sign_out(request: Request, context: Held, reader: Visitor) -> Response:
    """End this browser's session."""
    if reader.session:
        session_id = reader.session.id
        context.database.run(lambda tx: sessions.end(tx, session_id))
        # They have no portal any more that an address could name.
        request.state.reader = stranger(request)
    answer = go_to(request, "/login")
    cookies.forget(request, answer, cookies.SESSION)
    return answer


def _signed_in(request: Request, session: Session, address: str) -> Response:
    context = context_of(request)
    chosen = request.cookies.get(cookies.LANGUAGE)
    if chosen and chosen != session.user.language:
        context.database.run(lambda tx: users.speaks(tx, session.user.id, chosen[:20]))
    answer = go_to(request, address)
    # A new id, whatever the browser brought: nobody can have laid it there beforehand.
    cookies.keep(request, answer, cookies.SESSION, session.id, seconds=int(sessions.LASTS.total_seconds()))
    cookies.forget(request, answer, cookies.VISIT)
    return answer


def _problem(refused: Exception, reader: Visitor) -> str:
    say = reader.language
    if isinstance(refused, TooManyAttempts):
        return say.ngettext(
            "Too many attempts. Try again in %(count)s minute.",
            "Too many attempts. Try again in %(count)s minutes.",
            refused.minutes,
        )
    if isinstance(refused, LinkOver):
        return say.gettext(
            "This link was used already, or is too old. Sign in with a password, or ask for another link."
        )
    return say.gettext("Email and password do not belong together.")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
