"""Which fields of a form cannot be used as they came, and why, in words that can be translated?

Browsers keep people from sending such a form; what comes all the same is of an old page, or of no page at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncworker.languages import to_translate

# As the pages call them. The others stand in no field that somebody sees.
_LABELS: Mapping[str, str] = {
    "contact": to_translate("Contact"),
    "domain": to_translate("Domain"),
    "email": to_translate("Email"),
    "file": to_translate("CSV file"),
    "form": to_translate("Form"),
    "kind": to_translate("Kind"),
    "note": to_translate("Note"),
    "password": to_translate("Password"),
    "reason": to_translate("Reason"),
}
_MISSING = to_translate("%(field)s is missing")
_TOO_LONG = to_translate("%(field)s has more than %(most)s characters")
_UNUSABLE = to_translate("%(field)s cannot be used")
_UNSEEN = to_translate("The form is not as this page makes it: load the page again")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongField:
    """A field, and what is wrong with it. Both in English, to be translated."""

    label: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)


# Any: as pydantic tells its errors.
def wrong_fields(problems: Iterable[Mapping[str, Any]]) -> Sequence[WrongField]:
    """What FastAPI found, each field once."""
    found: dict[str, WrongField] = {}
    for problem in problems:
        # ("body", "note"), ("path", "request_id"), ("body", "mark", 3)
        name = next((str(part) for part in problem["loc"][1:]), "")
        label = _LABELS.get(name)
        most = problem.get("ctx", {}).get("max_length")
        if label is None:
            found.setdefault("", WrongField(label="", text=_UNSEEN))
        elif problem["type"] == "missing":
            found.setdefault(name, WrongField(label=label, text=_MISSING))
        elif problem["type"] == "string_too_long" and most:
            found.setdefault(name, WrongField(label=label, text=_TOO_LONG, values={"most": most}))
        else:
            found.setdefault(name, WrongField(label=label, text=_UNUSABLE))
    return tuple(found.values())
