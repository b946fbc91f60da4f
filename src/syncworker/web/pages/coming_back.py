"""Where does somebody come back to after something was done, and what is told there?

A form carries the address of the page it stands on as `back`, with what was sought there, in which order, on which
page. The address that they come back to says what is to be told, so that two tabs mix nothing up.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Form

from syncworker.web.pages.route import HOME

MOST_CHARACTERS = 4000
"""Of an address: a search of 200 characters, of which each takes twelve in it, and what else there is."""

Back = Annotated[str, Form(max_length=MOST_CHARACTERS)]
# What was told before is told once.
_TOLD = frozenset({"told", "job", "done", "n"})


def own(address: str, otherwise: str = HOME) -> str:
    """An address of ours to go on to, else another one: a link to us must lead nobody elsewhere."""
    # Browsers take a backslash for a slash, and drop tabs and newlines.
    plain = address.isprintable() and "\\" not in address
    return address if plain and address.startswith("/") and not address.startswith("//") else otherwise


def telling(address: str, **said: object) -> str:
    """The address of a page that tells of what was done: `told="asked"`, `job=17`. None says nothing."""
    path, _, query = address.partition("?")
    kept = [part for part in query.split("&") if part and part.partition("=")[0] not in _TOLD]
    new = [f"{name}={value}" for name, value in said.items() if value is not None]
    return f"{path}?{'&'.join([*kept, *new])}"
