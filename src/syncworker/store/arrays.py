"""How do many ids go to PostgreSQL in one parameter?

As one text that the server splits: the driver makes an array element by element, which for a hundred ids costs more
than the rest of a statement. None of the texts may hold the separator: ids and domains never do.
"""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = "\x1f"


def joined(texts: Iterable[str]) -> str:
    """The parameter for `split()`."""
    return SEPARATOR.join(texts)


def split(parameter: str) -> str:
    """SQL for the array of texts in a parameter made by `joined`."""
    return f"string_to_array(:{parameter}, chr(31))"
