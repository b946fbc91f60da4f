"""What does a browser keep for us, and how is it known to be ours?"""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from syncworker.web.held import context_of

SESSION = "syncworker_session"
"""The id of a session, signed."""
VISIT = "syncworker_visit"
"""A random id of somebody who is not signed in, signed: the sign-in form belongs to it."""
LANGUAGE = "syncworker_lang"
PORTAL = "syncworker_portal"
_YEAR_S = 365 * 24 * 3600


def read(request: Request, name: str) -> str | None:
    """What was kept signed under this name; None where nothing was, or somebody else signed it."""
    kept = request.cookies.get(name)
    if not kept:
        return None
    try:
        value = _signing(_key(request), name).loads(kept)
    except BadSignature:
        return None
    return value if isinstance(value, str) else None


def keep(request: Request, response: Response, name: str, value: str, *, seconds: int) -> None:
    """Let the browser keep a value, signed. No script can read it, and no other site's form sends it."""
    _set(request, response, name, signed(_key(request), name, value), seconds=seconds)


def remember(request: Request, response: Response, name: str, choice: str) -> None:
    """Let the browser keep a choice that anybody may change, such as the language, for a year."""
    _set(request, response, name, choice, seconds=_YEAR_S)


def forget(request: Request, response: Response, name: str) -> None:
    """Let the browser forget it."""
    response.delete_cookie(name, path="/", secure=_is_secure(request), httponly=True, samesite="lax")


def _set(request: Request, response: Response, name: str, value: str, *, seconds: int) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=_is_secure(request), httponly=True, samesite="lax"
    )


def signed(key: bytes, name: str, value: str) -> str:
    """What the browser gets: anybody can read it, and nobody else can make it."""
    return str(_signing(key, name).dumps(value))


def _signing(key: bytes, purpose: str) -> URLSafeSerializer:
    # The purpose is part of the key: a visit's cookie is no session's.
    return URLSafeSerializer(key, salt=purpose)


def _key(request: Request) -> bytes:
    return context_of(request).secrets.session_key


def _is_secure(request: Request) -> bool:
    return context_of(request).settings.pages_url.startswith("https:")
