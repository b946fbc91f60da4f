"""Which text can PostgreSQL hold? Neither NUL nor half of a surrogate pair, both of which JSON can bring."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text without what cannot be stored."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
