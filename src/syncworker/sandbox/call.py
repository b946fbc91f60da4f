"""What did the caller send? One HTTP request, read as far as anybody asks."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

import orjson

from syncworker.sandbox.answers import invalid, invalid_json
from syncworker.sandbox.object_types import ObjectType

BATCH_LIMIT = 100
"""Inputs a batch (HubSpot's API reference)."""


class Call:
    """One request. `ids` and `kinds` are the variable parts of its path, in their order."""

    __slots__ = ("_query", "body", "headers", "ids", "kinds", "method", "path", "query_string", "version")

    def __init__(
        self, *, method: str, path: str, query_string: bytes, headers: Mapping[bytes, bytes], body: bytes
    ) -> None:
        self.method = method
        self.path = path
        self.query_string = query_string
        self.headers = headers
        self.body = body
        self.ids: list[str] = []
        self.kinds: list[ObjectType] = []
        self.version = ""
        self._query: dict[str, list[str]] | None = None

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's parameters, each with all its values."""
        if self._query is None:
            parsed: dict[str, list[str]] = {}
            for key, value in parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True):
                parsed.setdefault(key, []).append(value)
            self._query = parsed
        return self._query

    def first(self, name: str) -> str | None:
        """The first value of a query parameter: of a repeated one, HubSpot takes the first."""
        values = self.query.get(name)
        return values[0] if values else None

    def flag(self, name: str) -> bool:
        """A query parameter as a boolean: only `true`, in any case, counts."""
        return (self.first(name) or "").lower() == "true"

    def names(self, name: str) -> list[str]:
        """A list given as `a,b`, as a repeated parameter, or as both."""
        return [part for value in self.query.get(name, ()) for part in value.split(",") if part]

    def number(self, name: str, *, default: int, most: int, least: int = 0) -> int:
        """A query parameter as an integer within bounds; raises RefusedError 400 outside them."""
        text = self.first(name)
        if text is None or text == "":
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise invalid(f"{name} must be a number, was: {text[:50]}")
        if not least <= int(text) <= most:
            raise invalid(f"{name} must be between {least} and {most}, was: {text}")
        return int(text)

    def json(self) -> dict[str, object]:
        """The body as a JSON object; raises RefusedError 400 where it is none."""
        try:
            parsed: object = orjson.loads(self.body)
        except orjson.JSONDecodeError as failure:
            raise invalid_json(str(failure)) from None
        if not isinstance(parsed, dict):
            raise invalid_json("expected an object")
        return parsed

    def json_list(self) -> list[object]:
        """The body as a JSON array; raises RefusedError 400 where it is none."""
        try:
            parsed: object = orjson.loads(self.body)
        except orjson.JSONDecodeError as failure:
            raise invalid_json(str(failure)) from None
        if not isinstance(parsed, list):
            raise invalid_json("expected an array")
        return parsed

    def inputs(self, *, limit: int = BATCH_LIMIT) -> tuple[dict[str, object], list[dict[str, object]]]:
        """A batch's body and its inputs; raises RefusedError 400 where there are none or more than `limit`."""
        body = self.json()
        inputs = body.get("inputs")
        if not isinstance(inputs, list) or not all(isinstance(entry, dict) for entry in inputs):
            raise invalid_json("`inputs` must be an array of objects")
        if len(inputs) > limit:
            raise invalid(f"The maximum number of inputs supported in a batch request is {limit}")
        return body, inputs


def text(entry: Mapping[str, object], key: str) -> str | None:
    """A string of a JSON object (or an integer, as ids are often sent); None where missing; else 400."""
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise invalid_json(f"`{key}` must be a string")
    return str(value)


def needed(entry: Mapping[str, object], key: str) -> str:
    """Like text(), and 400 where it is missing or empty."""
    value = text(entry, key)
    if not value:
        raise invalid_json(f"`{key}` is required")
    return value


def strings(entry: Mapping[str, object], key: str) -> list[str]:
    """A list of strings of a JSON object; empty where missing."""
    value = entry.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise invalid_json(f"`{key}` must be an array of strings")
    return value


def mapping(entry: Mapping[str, object], key: str) -> dict[str, object]:
    """An object inside a JSON object; empty where missing."""
    value = entry.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid_json(f"`{key}` must be an object")
    return value


def record_id(value: str) -> int | None:
    """A positive 63-bit id, or None where the text cannot be one."""
    if value.isascii() and value.isdigit() and len(value) <= 19 and 0 < int(value) < 2**63:
        return int(value)
    return None
