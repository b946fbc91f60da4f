"""Who may use the API?

One token for the whole deployment, of `SYNCWORKER_API_TOKEN`. Checked before anything of the request is read:
a stranger is told nothing about which bodies, ids or portals would be right.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import SecretStr

from syncworker.web.api.refusals import ApiOff, WrongToken
from syncworker.web.held import context_of

# What history says of whoever used the API: there is one token, so there is one name.
WHO = "api"
# Only tells /docs that there is a token to enter; `OperatorRoute` is what checks it.
documented = HTTPBearer(auto_error=False, description="the value of `SYNCWORKER_API_TOKEN`")


class OperatorRoute(APIRoute):
    """A route that answers only to the token."""

    # Any: FastAPI's own signature.
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, behind the check. A dependency would run only after the body was read."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            require_token(context_of(request).settings.api_token, request.headers.get("authorization"))
            return await handle(request)

        return checked


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
