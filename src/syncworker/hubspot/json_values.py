"""How is a value taken out of JSON that somebody else wrote?

The `read_*` functions raise UnreadableError where the shape is not as promised; the plain ones answer with
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import orjson

JsonValue = object
JsonObject = dict[str, object]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The last millisecond that a datetime can hold.
_LAST_MS = 253_402_300_799_999
# What orjson says of more than 1,024 levels.
_TOO_DEEP = "depth limit exceeded"


class UnreadableError(ValueError):
    """An answer was JSON, but not of the shape that it has; `what` says where."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the answer cannot be read: {what}")


def parsed(body: bytes) -> JsonValue:
    """The value of a document. Raises ValueError where it is no JSON, RecursionError where it is nested too deeply."""
    try:
        # In a third of the time; stricter (half of a surrogate pair, UTF-16), so what it refuses `json` judges.
        return orjson.loads(body)
    except orjson.JSONDecodeError as refused:
        if refused.msg == _TOO_DEEP:
            # `json` would go to the end of the stack, where whatever the collector finalizes just then fails.
            raise RecursionError(_TOO_DEEP) from None
        return json.loads(body)


def text(source: Mapping[str, object], key: str) -> str | None:
    """The string at `key`; None where it is missing, empty or no string."""
    value = source.get(key)
    return value if isinstance(value, str) and value else None


def strings(source: Mapping[str, object], key: str) -> list[str]:
    """The strings of a list at `key`, or the one string there."""
    value = source.get(key)
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def objects(source: Mapping[str, object], key: str) -> list[JsonObject]:
    """The objects of a list at `key`."""
    value = source.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def child(source: Mapping[str, object], key: str) -> JsonObject:
    """The object at `key`, or an empty one."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def from_ms(value: object) -> datetime | None:
    """Milliseconds since 1970 as a UTC time; None where it is no whole number or no possible time."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LAST_MS:
        return None
    return _EPOCH + timedelta(milliseconds=value)


def from_iso(value: object) -> datetime | None:
    """An ISO 8601 time as a UTC time; None where it is none. Without a zone it is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_object(value: object, what: str) -> JsonObject:
    """`value` as an object, or UnreadableError."""
    if not isinstance(value, dict):
        raise UnreadableError(f"{what} is no object")
    return value


def read_objects(source: Mapping[str, object], key: str) -> list[JsonObject]:
    """The list of objects at `key`, or UnreadableError: a list that has lost an item would look complete."""
    value = source.get(key)
    if not isinstance(value, list):
        raise UnreadableError(f"{key} is no list")
    return [read_object(item, f"an item of {key}") for item in value]


def read_id(value: object, what: str) -> str:
    """An id, which HubSpot writes as a string here and as a number there; or UnreadableError.

    No database keeps a NUL or half of a surrogate pair, and no list of ids a separator.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value and value.isprintable():
        return value
    raise UnreadableError(f"{what} is no id")


def read_text(source: Mapping[str, object], key: str) -> str:
    """The string at `key`, or UnreadableError."""
    value = source.get(key)
    if not isinstance(value, str):
        raise UnreadableError(f"{key} is no text")
    return value
