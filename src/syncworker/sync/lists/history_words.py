"""Why did something of the history happen, and who did it, in words that can be translated?"""

from __future__ import annotations

from collections.abc import Mapping

from syncworker.hubspot.properties import PropertyNames
from syncworker.languages import Words, to_translate
from syncworker.registration.ledger.history import Entry, Happened
from syncworker.registration.rules.terms import HoldKind, Reason
from syncworker.sync.lists import crm_words
from syncworker.sync.lists.kept_words import kept_words

# Codes that are kept as the reason, by what happened.
_CODES: Mapping[tuple[Happened, str], str] = {
    (Happened.REQUESTED, "register"): to_translate("to be registered"),
    (Happened.REQUESTED, "deregister"): to_translate("to be deregistered"),
    (Happened.RENEWAL_SET, "on"): to_translate("on: it renews itself"),
    (Happened.RENEWAL_SET, "off"): to_translate("off: it expires"),
    (Happened.RENEWED, "renew_at_expiry"): to_translate("by itself, as it was said to"),
}
_OVERWRITTEN = "overwritten: "
_WHO: Mapping[str, str] = {
    "unknown": to_translate("somebody in the CRM"),
    "api": to_translate("the API"),
    "rebuild": to_translate("the rebuild from the CRM"),
    "settings": to_translate("the settings"),
}
_FORM = "form:"
_BEGINNINGS: Mapping[str, str] = {
    "erased person ": to_translate("erased person %(name)s"),
    _FORM: to_translate("form %(name)s"),
    "cli:": to_translate("%(name)s, on the command line"),
}


def why(entry: Entry) -> Words | str | None:
    """Why it happened; None where that goes without saying, a text where it is what somebody else said."""
    if not entry.why:
        return None
    if (entry.event, entry.why) in _CODES:
        return Words(_CODES[entry.event, entry.why])
    if entry.event is Happened.MOVED_IN_LINE and entry.why.isdecimal():
        return Words(to_translate("to place %(place)s"), {"place": int(entry.why)})
    if entry.event is Happened.HAND_EDIT and entry.why.startswith(_OVERWRITTEN):
        names = entry.why.removeprefix(_OVERWRITTEN).split(", ")
        edited = tuple(crm_words.label(PropertyNames(), name) or name for name in names)
        return Words(to_translate("overwritten: %(properties)s"), {"properties": edited})
    if entry.why in set(Reason) | set(HoldKind):
        return Words(crm_words.REASONS[entry.why])
    return kept_words(entry.why) or entry.why


def who(name: str, *, forms: Mapping[str, str] | None = None) -> Words | str:
    """Who did it: a person's name is what it is. `forms` has the names of forms by their ids, as far as known."""
    if name in _WHO:
        return Words(_WHO[name])
    for beginning, text in _BEGINNINGS.items():
        if name.startswith(beginning):
            rest = name.removeprefix(beginning)
            return Words(text, {"name": (forms or {}).get(rest) or rest if beginning == _FORM else rest})
    return name


def with_form_name(name: str, forms: Mapping[str, str]) -> str:
    """Who did it, as it is kept, with the name of a form behind its id where `forms` has one."""
    known = forms.get(name.removeprefix(_FORM)) if name.startswith(_FORM) else None
    return f"{name} ({known})" if known else name
