"""Somebody at a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from syncworker.access import sessions, users
from syncworker.access.roles import Role
from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.web import cookies

_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64}(?:\.[0-9]+)?)"')


class Browser(httpx.Client):
    """A client that asks as browsers do, and answers forms with their token."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As a browser does with a server of its own machine: a secure cookie is sent back there without TLS, too."""
        answer = super().send(request, **options)
        for cookie in self.cookies.jar:
            cookie.secure = False
        return answer

    def submit(self, path: str, *, on: str = "/capacity", **fields: str | list[str]) -> httpx.Response:
        """Submit a form that stands on the page `on`."""
        return self.post(path, data={"csrf": self.token(on), **fields})

    def token(self, on: str = "/capacity") -> str:
        """The token of the forms on a page."""
        found = _TOKEN.search(self.get(on, headers={"accept": "text/html"}).text)
        assert found, on
        return found[1]


@contextmanager
def browser(address: httpx.URL) -> Iterator[Browser]:
    """A browser in which nobody is signed in."""
    with Browser(base_url=address, timeout=60, headers={"accept": "text/html"}) as made:
        yield made


@contextmanager
def signed_in(
    address: httpx.URL, context: Context, role: Role, *, portals: list[int] | None = None
) -> Iterator[Browser]:
    """A browser in which somebody of this role is signed in."""
    email = f"{role}@acme-partner.se"

    def begin(tx: Tx) -> str:
        user = users.find(tx, email) or users.add(tx, email, role=role, password=None, who="test", portals=portals)
        return sessions.begin(tx, user).id

    kept = cookies.signed(context.secrets.session_key, cookies.SESSION, context.database.run(begin))
    with browser(address) as made:
        made.cookies.set(cookies.SESSION, kept)
        yield made
