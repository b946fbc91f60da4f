"""How are our properties in the CRM, and their values, called by people?

As HubSpot shows them, translated: the labels are those of `hubspot/properties.py` and `hubspot/option_words.py`,
spelled again so that they are found by whoever translates. A test compares both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import date

from syncworker.hubspot.properties import PropertyNames
from syncworker.languages import Words, to_translate

LABELS: Mapping[str, str] = {
    "status": to_translate("Registration status"),
    "reason": to_translate("Registration reason"),
    "detail": to_translate("Registration detail"),
    "domain": to_translate("Registered domain"),
    "registered_on": to_translate("Registered on"),
    "expires_on": to_translate("Registration expires on"),
    "source": to_translate("Registration source"),
    "confirmed": to_translate("Registration confirmed"),
    "request": to_translate("Registration request"),
    "tier": to_translate("Our partner tier"),
    "capacity_limit": to_translate("Registration capacity"),
    "capacity_used": to_translate("Registration capacity used"),
}
"""By the field of PropertyNames."""
STATUSES: Mapping[str, str] = {
    "registered": to_translate("Registered"),
    "pending": to_translate("Pending"),
    "unavailable": to_translate("Unavailable"),
    "invalid_data": to_translate("Invalid data"),
    "expired": to_translate("Expired"),
    "deregistered": to_translate("Deregistered"),
}
REASONS: Mapping[str, str] = {
    "processing": to_translate("Processing"),
    "capacity_reached": to_translate("Capacity reached"),
    "awaiting_confirmation": to_translate("Awaiting confirmation"),
    "own_or_affiliated": to_translate("Own or affiliated"),
    "existing_customer": to_translate("Existing customer"),
    "pursued_by_vendor": to_translate("Pursued by the vendor"),
    "registered_by_another": to_translate("Registered by another partner"),
    "missing_data": to_translate("Missing data"),
    "bad_website": to_translate("Bad website"),
    "no_conversion": to_translate("No form conversion"),
    "hold_came_later": to_translate("Hold came later"),
    "website_changed": to_translate("Website changed"),
}
SOURCES: Mapping[str, str] = {
    "form": to_translate("Form"),
    "workflow": to_translate("Workflow"),
    "crm": to_translate("CRM user"),
    "app": to_translate("App"),
    "api": to_translate("API"),
    "import": to_translate("Import"),
}
CONFIRMATIONS: Mapping[str, str] = {
    "unconfirmed": to_translate("Unconfirmed"),
    "confirmed": to_translate("Confirmed"),
    "contradicted": to_translate("Contradicted"),
}
ACTIONS: Mapping[str, str] = {"register": to_translate("Register"), "deregister": to_translate("Deregister")}
_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "status": STATUSES,
    "reason": REASONS,
    "source": SOURCES,
    "confirmed": CONFIRMATIONS,
    "request": ACTIONS,
}
_DAYS = frozenset({"registered_on", "expires_on"})
_NUMBERS = frozenset({"capacity_limit", "capacity_used"})


def in_order(names: PropertyNames, found: Iterable[str]) -> list[str]:
    """These properties as a person reads them: the state first, then what belongs to it; what is not ours last."""
    ours = [getattr(names, field.name) for field in fields(names)]
    return sorted(found, key=lambda name: (ours.index(name) if name in ours else len(ours), name))


def label(names: PropertyNames, name: str) -> Words | None:
    """How the property of that name is called; None for one that is not ours."""
    field = _field(names, name)
    return Words(LABELS[field]) if field else None


def value(names: PropertyNames, name: str, written: str) -> Words | date | int | str:
    """What a value of that property says: words, a day, a number; else the value itself, which is data."""
    field = _field(names, name) or ""
    if written in _OPTIONS.get(field, {}):
        return Words(_OPTIONS[field][written])
    try:
        if field in _DAYS:
            return date.fromisoformat(written)
        return int(written) if field in _NUMBERS else written
    except ValueError:
        # Somebody's own text, where the property is not what it should be.
        return written


def is_sentence(names: PropertyNames, name: str) -> bool:
    """Whether its values are sentences, which the CRM shows in English."""
    return name == names.detail


def _field(names: PropertyNames, name: str) -> str | None:
    return next((field.name for field in fields(names) if getattr(names, field.name) == name), None)
