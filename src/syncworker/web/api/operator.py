"""Who may use the API?

Whoever has the token of `SYNCWORKER_API_TOKEN`, as an operator; and whoever is signed in to the pages, under their
role, on the portals they see, and with the token of their forms for every change. Checked before anything of the
request is read: a stranger is told nothing about which bodies, ids or portals would be right.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import SecretStr

from syncworker.access.roles import Role
from syncworker.store.portals import UnknownPortal
from syncworker.web import cookies
from syncworker.web.api.refusals import ApiOff, WrongToken
from syncworker.web.body_limit import limited
from syncworker.web.held import context_of
from syncworker.web.recognising import SAFE, Reader, check_form, recognise
from syncworker.web.security_headers import unkept

# What history says of whoever used the token: there is one, so there is one name.
WHO = "api"
# Only says in the description that there is a token; `OperatorRoute` is what checks it.
documented = HTTPBearer(auto_error=False, description="the value of `SYNCWORKER_API_TOKEN`")


class LeadRoute(APIRoute):
    """A route about leads: a viewer reads, a manager changes."""

    reading, changing = Role.VIEWER, Role.MANAGER

    # Any: FastAPI's own signature.
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, behind the check. A dependency would run only after the body was read."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            if not await self._is_signed_in(request):
                require_token(context_of(request).settings.api_token, request.headers.get("authorization"))
            return unkept(await handle(limited(request)))

        return checked

    async def _is_signed_in(self, request: Request) -> bool:
        """Whether somebody is; raises NotAllowed where their role does not do, ForeignForm."""
        # A token that is given is what is meant: a script beside a browser must not act as the person.
        if "authorization" in request.headers or cookies.SESSION not in request.cookies:
            return False
        reader = await run_in_threadpool(recognise, request)
        if reader.session is None:
            return False
        # In the header alone: to find it in a form the body would be read, whoever sent it, and again by the route.
        reader = await check_form(request, reader, by_field=False)
        reader.require(self.reading if request.method in SAFE else self.changing)
        request.state.reader = reader
        return True


class ManagerRoute(LeadRoute):
    """A route about leads that nobody may have asked for yet: a manager's, to read and to change."""

    reading = changing = Role.MANAGER


class OperatorRoute(LeadRoute):
    """A route about what keeps everything running: an operator's, to read and to change."""

    reading = changing = Role.OPERATOR


class OwnRoute(LeadRoute):
    """A route about whoever asks: everybody's, to read and to change."""

    reading = changing = Role.VIEWER


def who_of(request: Request) -> str:
    """What history says of whoever asks."""
    reader = signed_in(request)
    return reader.who if reader else WHO


def check_seen(request: Request, hub_id: int) -> None:
    """Raise UnknownPortal where somebody is signed in who does not see the portal: to them it is not there."""
    reader = signed_in(request)
    if reader and not reader.signed_in.user.sees(hub_id):
        raise UnknownPortal(hub_id)


def signed_in(request: Request) -> Reader | None:
    """Who is signed in; None where the token opened."""
    found: Reader | None = getattr(request.state, "reader", None)
    return found


def require_token(expected: SecretStr | None, authorization: str | None) -> None:
    """Raise ApiOff where no token is set, WrongToken unless the header carries the one that is."""
    token = expected.get_secret_value() if expected else ""
    # An empty token is no token: `Bearer ` with nothing behind it would open everything.
    if not token:
        raise ApiOff
    scheme, _, given = (authorization or "").partition(" ")
    # Digests: the comparison takes as long for every length, and takes bytes that are no ASCII.
    right = hmac.compare_digest(_digest(token), _digest(given.strip()))
    if scheme.lower() != "bearer" or not right:
        raise WrongToken


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
