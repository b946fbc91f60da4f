"""Where does the next page of a list begin?

A cursor is opaque to its holder: it names the list it belongs to and the key of the last line that was shown.
So a page never repeats or skips a line because another one came or went meanwhile, as an offset would.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime

# Longer than any key of ours; nobody makes us decode megabytes.
_MOST_CHARACTERS = 1000
_LARGEST_ID = 2**63 - 1


class BadCursor(ValueError):
    """Not a cursor of this list."""

    def __init__(self) -> None:
        super().__init__("the cursor is not one of this list: use the `next` of its last page, or leave it out")


def encode(name: str, *key: str | int | datetime) -> str:
    """The cursor behind the line with this key, in the list `name`."""
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps([name, *parts]).encode()).decode("ascii")


class Key:
    """The key in a cursor, taken part by part; every way in which it may be wrong raises BadCursor."""

    def __init__(self, name: str, cursor: str, *, parts: int) -> None:
        try:
            decoded: object = json.loads(base64.urlsafe_b64decode(cursor[:_MOST_CHARACTERS].encode("ascii")))
        except (ValueError, RecursionError):
            raise BadCursor from None
        if not isinstance(decoded, list) or len(decoded) != parts + 1 or decoded[0] != name:
            raise BadCursor
        self._parts: list[object] = decoded[1:]

    def text(self, at: int) -> str:
        """The part as a text that a database takes."""
        part = self._parts[at]
        if not isinstance(part, str) or not part.isprintable():
            raise BadCursor
        return part

    def number(self, at: int) -> int:
        """The part as an id."""
        part = self._parts[at]
        if not isinstance(part, int) or isinstance(part, bool) or not 0 < part <= _LARGEST_ID:
            raise BadCursor
        return part

    def time(self, at: int) -> datetime:
        """The part as an aware time."""
        try:
            moment = datetime.fromisoformat(self.text(at))
        except ValueError:
            raise BadCursor from None
        if moment.tzinfo is None:
            raise BadCursor
        return moment
