"""Who is at the other end: which session, which language, which portal?

Asked once a request, before anything else of it is read.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request

from syncworker import languages
from syncworker.access import sessions
from syncworker.access.roles import NotAllowed, Role
from syncworker.access.sessions import Session
from syncworker.languages import Language
from syncworker.store import portals
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.web import cookies
from syncworker.web.held import context_of

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_HEADER = "x-csrf-token"  # noqa: S105 - the name of a header
PORTAL_HEADER = "x-portal"
TOKEN_FIELD = "csrf"  # noqa: S105 - the name of a field
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class NotSignedIn(Exception):
    """Nobody is signed in in this browser, or not any more."""

    def __init__(self) -> None:
        super().__init__("sign in first")


class ForeignForm(Exception):
    """A change was asked for by what is no form of this session: another site's, or one of before signing in."""

    def __init__(self) -> None:
        super().__init__("this form is not of this session any more: load the page again, and try once more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whoever asked for a page."""

    session: Session | None
    language: Language
    portals: Sequence[Portal]
    """Those that are shown to them, by name."""
    portal: Portal | None
    """The one that is looked at; None where there is none."""
    token: str
    """What shows that a form is one of theirs."""
    visit: str | None = None
    """A new id to be kept by the browser of somebody who is not signed in."""

    @property
    def form_token(self) -> str:
        """What each form carries: whose it is, and of which portal."""
        return f"{self.token}.{self.portal.hub_id}" if self.portal else self.token

    @property
    def who(self) -> str:
        """What history says of what they do."""
        return self.signed_in.user.email

    @property
    def signed_in(self) -> Session:
        """Their session; raises NotSignedIn."""
        if self.session is None:
            raise NotSignedIn
        return self.session

    def may(self, role: Role) -> bool:
        """Whether they may what this role may."""
        return self.session is not None and self.session.user.role.includes(role)

    def require(self, role: Role) -> None:
        """Raise NotSignedIn, or NotAllowed unless they may what this role may."""
        if not self.may(role):
            raise NotAllowed(needed=role, has=self.signed_in.user.role)


class NoPortalHere(Exception):
    """No portal is connected, or none that is shown to this person."""

    def __init__(self) -> None:
        super().__init__("no portal is connected that you see: connect one with `syncworker portals add`")


def recognise(request: Request) -> Reader:
    """Say who it is. Asks the database: not for the event loop."""
    session, shown = _signed_in(request)
    visit = None if session else cookies.read(request, cookies.VISIT)
    new = None if session or visit else secrets.token_urlsafe(16)
    key = context_of(request).secrets.session_key
    return Reader(
        session=session,
        language=_language(request),
        portals=shown,
        portal=_meant(request, shown),
        token=sessions.form_token(key, session.id if session else f"visit {visit or new}"),
        visit=new,
    )


def _signed_in(request: Request) -> tuple[Session | None, list[Portal]]:
    """The session of the request's cookie, if it is still one, and the portals that are shown to it."""
    session_id = cookies.read(request, cookies.SESSION)
    if session_id is None:
        return None, []
    with context_of(request).database.transaction() as tx:
        session = sessions.of_id(tx, session_id)
        if session is None:
            return None, []
        seen = [one for one in portals.everyone(tx) if session.user.sees(one.hub_id)]
    return session, sorted(seen, key=lambda one: one.name.lower())


def stranger(request: Request) -> Reader:
    """Somebody of whom nothing is known but the language, as where the database cannot be asked."""
    return Reader(session=None, language=_language(request), portals=(), portal=None, token="")


async def check_form(request: Request, reader_: Reader, *, by_field: bool = True) -> Reader:
    """Raise ForeignForm where a change is asked for without the token of this session; else say who asks.

    The token stands in a header or, unless `by_field` says no, in a field of the form, which is read for it.

    What a form does it does in the portal that its page showed: another may have been chosen since, in another tab.
    """
    if request.method in SAFE:
        return reader_
    # Browsers say it themselves, and no page can make them lie. The token is what counts where one does not say it.
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForeignForm
    given: object = request.headers.get(TOKEN_HEADER)
    if given is None and by_field and request.headers.get("content-type", "").startswith(_FORMS):
        given = (await request.form()).get(TOKEN_FIELD)
    token, _, hub_id = given.partition(".") if isinstance(given, str) else ("", "", "")
    shown = {str(portal.hub_id): portal for portal in reader_.portals}
    ours = hmac.compare_digest(token.encode("utf-8", "surrogatepass"), reader_.token.encode())
    if not ours or (hub_id and hub_id not in shown):
        # A file that came with it: no route will take it.
        await request.close()
        raise ForeignForm
    named = "portal" in request.query_params
    return replace(reader_, portal=shown[hub_id]) if hub_id and not named else reader_


def _language(request: Request) -> Language:
    for chosen in (request.query_params.get("lang"), request.cookies.get(cookies.LANGUAGE)):
        if chosen in languages.languages():
            return languages.language(chosen)
    return languages.preferred(request.headers.get("accept-language"))


def _meant(request: Request, shown: Sequence[Portal]) -> Portal | None:
    """The portal that the address names, or the page that asks for a part; else the one chosen last, else the first.

    Another's is as if it was not.
    """
    of_id = {str(portal.hub_id): portal for portal in shown}
    asked = request.query_params.get("portal", request.headers.get(PORTAL_HEADER))
    if asked is not None:
        # Named, and not theirs to see: never silently another one.
        return of_id.get(asked)
    return of_id.get(request.cookies.get(cookies.PORTAL, "")) or next(iter(shown), None)


def reader_of(request: Request) -> Reader:
    """Who was recognised before the route began."""
    found: Reader = request.state.reader
    return found


def _at_least(role: Role) -> Callable[[Request], Reader]:
    def check(request: Request) -> Reader:
        found = reader_of(request)
        found.require(role)
        return found

    return check


def _portal(request: Request) -> Portal:
    portal = reader_of(request).portal
    if portal is None:
        raise NoPortalHere
    return portal


Held = Annotated[Context, Depends(context_of)]
Visitor = Annotated[Reader, Depends(reader_of)]
Viewer = Annotated[Reader, Depends(_at_least(Role.VIEWER))]
Manager = Annotated[Reader, Depends(_at_least(Role.MANAGER))]
Operator = Annotated[Reader, Depends(_at_least(Role.OPERATOR))]
ThePortal = Annotated[Portal, Depends(_portal)]
