"""Is a value good for its property, and how is it stored?

Every value is a string; None and the empty string clear it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

from syncworker.sandbox.answers import RefusedError, invalid
from syncworker.sandbox.catalogue import LIFECYCLE, Definition, Schema
from syncworker.sandbox.clock import DAY_MS, iso, parse_ms

LONGEST = 65_536
"""Characters of a string (HubSpot's properties guide)."""
_EMAIL = re.compile(r"[^@\s,;<>()\[\]\"]+@[^@\s,;<>()\[\]\"]+\.[^@\s,;<>()\[\]\".]{2,}")


class BadValueError(Exception):
    """A value that its property refuses; `code` is HubSpot's, where it is known."""

    def __init__(self, name: str, code: str, message: str) -> None:
        self.name = name
        self.code = code
        self.message = message
        super().__init__(message)


def normalise(
    schema: Schema, properties: Mapping[str, object], *, portal: int, lenient: bool = False
) -> dict[str, str]:
    """The values as they will be stored ("" clears). Raises RefusedError 400 naming every bad one.

    `lenient` is for what a person or an old import may have left in a CRM: any length, any email, calculated ones too.
    """
    good: dict[str, str] = {}
    bad: list[BadValueError] = []
    for name, value in properties.items():
        try:
            good[name] = _value(schema.definitions.get(name), name, value, lenient=lenient)
        except BadValueError as failure:
            bad.append(failure)
    if bad:
        raise refusal(bad, portal)
    return good


def refusal(bad: list[BadValueError], portal: int) -> RefusedError:
    """400 with the problems as JSON inside the message, as HubSpot sends it."""
    problems = [
        {
            "isValid": False,
            "message": one.message,
            "error": one.code,
            "name": one.name,
            "localizedErrorMessage": one.message,
            "portalId": portal,
        }
        for one in bad
    ]
    errors = [{"message": one.message, "code": one.code, "context": {"propertyName": [one.name]}} for one in bad]
    return invalid(
        "Property values were not valid: " + json.dumps(problems, ensure_ascii=False, separators=(",", ":")),
        errors=errors,
    )


def _value(definition: Definition | None, name: str, value: object, *, lenient: bool) -> str:
    if definition is None:
        raise BadValueError(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if value is None:
        text = ""
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str | int | float):
        text = str(value)
    else:
        raise BadValueError(name, "INVALID_TYPE", f'Property "{name}" takes a string')
    if definition["modificationMetadata"]["readOnlyValue"] and not lenient:
        raise BadValueError(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
    if text == "":
        return text
    if len(text) > LONGEST and not lenient:
        raise BadValueError(name, "INVALID_LENGTH", f'"{name}" is too long: at most {LONGEST} characters')
    match definition["type"]:
        case "enumeration":
            return _choice(definition, name, text)
        case "number":
            return _number(name, text)
        case "bool":
            if text.lower() not in {"true", "false"}:
                raise BadValueError(name, "INVALID_OPTION", f"{text} was not one of the allowed options: true, false")
            return text.lower()
        case "date":
            return _date(name, text)
        case "datetime":
            moment = parse_ms(text)
            if moment is None:
                raise BadValueError(name, "INVALID_DATE", f"{text} was not a valid date.")
            return iso(moment)
    if name == "email":
        text = text.strip().lower()
        if not lenient and not _EMAIL.fullmatch(text):
            raise BadValueError(name, "INVALID_EMAIL", f"Email address {text[:200]} is invalid")
    return text


def _choice(definition: Definition, name: str, text: str) -> str:
    allowed = {option["value"] for option in definition["options"]}
    chosen = text.split(";") if definition["fieldType"] == "checkbox" else [text]
    for one in chosen:
        if one not in allowed and one:
            choices = ", ".join(sorted(allowed))
            raise BadValueError(name, "INVALID_OPTION", f"{one} was not one of the allowed options: [{choices}]")
    return text


def _number(name: str, text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != number or number in (float("inf"), float("-inf")):
        raise BadValueError(name, "INVALID_INTEGER", f"{text[:200]} was not a valid number.")
    return text.strip()


def _date(name: str, text: str) -> str:
    """A date, or the millisecond of its midnight in UTC (HubSpot's properties guide)."""
    moment = parse_ms(text)
    if moment is None or moment % DAY_MS or (len(text) == 10 and not _is_date(text) and not text.isdigit()):
        raise BadValueError(name, "INVALID_DATE", f"{text[:200]} was not a valid date.")
    return datetime.fromtimestamp(moment / 1000, UTC).date().isoformat()


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def forward_only(old: Mapping[str, str], new: dict[str, str]) -> None:
    """Drop a `lifecyclestage` that would move backwards: it must be cleared first (HubSpot's properties guide)."""
    wanted, present = new.get("lifecyclestage"), old.get("lifecyclestage")
    if wanted and present in LIFECYCLE and wanted in LIFECYCLE and LIFECYCLE.index(wanted) < LIFECYCLE.index(present):
        del new["lifecyclestage"]


def merged_choice(definition: Definition | None, old: str, new: str) -> str:
    """A checkbox value: one that starts with `;` is appended to what is there."""
    if definition is None or definition["fieldType"] != "checkbox" or not new.startswith(";"):
        return new
    parts = [part for part in old.split(";") if part]
    return ";".join(parts + [part for part in new.split(";") if part and part not in parts])
