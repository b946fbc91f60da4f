"""How is a sentence told in another language that is kept, or raised, in English?

Causes, reasons and flags are kept as the sentence that logs and the command line show. Each is made of one of the texts
below; what fits none of them is nobody's sentence of ours, such as HubSpot's own words, and is quoted as it is. A test
holds that each cause and reason there is in the source fits one.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from functools import lru_cache

from syncworker.languages import Words, to_translate
from syncworker.sync.lists.crm_words import STATUSES

# Of `access/roles.py`.
ROLES = {
    "viewer": to_translate("viewer"),
    "manager": to_translate("manager"),
    "operator": to_translate("operator"),
}
_LEFT_TO_A_PERSON = (
    to_translate(
        "its lead contact was merged: contact %(former)s is %(survivor)s now, who stands for %(kept)s. "
        "Choose another lead contact, or leave it so"
    ),
)
# Why something happened; see `history_words.py` for those that are codes.
_HISTORY = (
    to_translate("commission eligibility lost"),
    to_translate("contact %(old)s is %(new)s now"),
    to_translate("company %(old)s is %(new)s now"),
    to_translate("was contact %(id)s"),
    to_translate("had none"),
    to_translate("overwritten: %(properties)s"),
    to_translate("file %(batch)s, row %(row)s, active"),
    to_translate("file %(batch)s, row %(row)s, expired"),
    to_translate("rebuilt from the CRM, which has shown it as %(status)s since %(at)s UTC"),
)
# Why a record is to be looked at.
_CAUSES = (
    to_translate("job %(action)s"),
    to_translate("dry run"),
    to_translate("resync"),
    to_translate("resync %(id)s"),
    to_translate("audit"),
    to_translate("asked by %(source)s"),
    to_translate("deregistered"),
    to_translate("undone"),
    to_translate("confirmation"),
    to_translate("renewal"),
    to_translate("lead contact"),
    to_translate("hold added"),
    to_translate("hold lifted"),
    to_translate("a person's word"),
    to_translate("mode write"),
    to_translate("unpaused"),
    to_translate("moved in line"),
    to_translate("exchanged"),
    to_translate("erased"),
    to_translate("notice: %(kind)s"),
    to_translate("import"),
    to_translate("settings"),
    to_translate("webhook"),
    to_translate("expiry"),
    to_translate("request lapsed"),
    to_translate("daily look"),
    to_translate("its request is still set"),
    to_translate("found archived"),
    to_translate("form submission"),
    to_translate("rebuild"),
    to_translate("merge"),
    to_translate("company merged"),
    to_translate("ledger"),
    to_translate("association changed"),
    to_translate("domain %(domain)s"),
    to_translate("domain taken"),
    to_translate("request set meanwhile"),
    to_translate("company's domain changed"),
    to_translate("company first seen"),
    to_translate("written while it was read"),
    to_translate("capacity"),
    to_translate("poll"),
    to_translate("poll, an hour later"),
)
_FILES = (
    to_translate("%(name)s lacks the columns %(missing)s; known are %(known)s"),
    to_translate("%(name)s is not UTF-8: save it as CSV UTF-8"),
    to_translate("%(name)s is not CSV: %(problem)s"),
    to_translate("%(name)s has %(rows)s rows; divide it into files of %(most)s"),
)
# What a page says beside "this cannot be done".
_ROLE = to_translate(
    "this takes the role %(needed)s, and you are %(has)s: ask an operator, who can change that with "
    "`syncworker users set`"
)
_REFUSALS = (
    _ROLE,
    to_translate("this form is not of this session any more: load the page again, and try once more"),
    to_translate("request %(id)s is not open: see `syncworker requests list`"),
    to_translate("request %(id)s is not on the waiting list any more: look at the list again"),
    to_translate("the deregistration of %(domain)s cannot be undone any more: register it again"),
    to_translate("there is no deregistration of %(domain)s to undo: it is registered"),
    to_translate(
        "%(domain)s stays registered: giving it up would not register %(wanted)s, because more is registered than the "
        "capacity, the portal registers nothing at present, or the domain is taken by now"
    ),
    to_translate("%(count)s domains are more than %(most)s: narrow the search"),
    to_translate(
        "the ledger of portal %(hub_id)s was restored from a backup of %(at)s UTC: run `syncworker rebuild` first, "
        "which takes in what the CRM has heard since"
    ),
)
_POLLS = (to_translate("%(count)s submissions cannot be read, and are left out"),)
_RESYNCS = (
    to_translate("everything"),
    to_translate("changed since %(at)s"),
    to_translate("status %(status)s"),
    to_translate("form %(form)s"),
    to_translate(
        "bulk work rests until %(at)s UTC: what is left of the day's calls is kept for those who wait",
    ),
)
_ALL = (*_LEFT_TO_A_PERSON, *_HISTORY, *_CAUSES, *_FILES, *_REFUSALS, *_POLLS, *_RESYNCS)
# A code in such a sentence, in words.
_CODES = {
    ("job %(action)s", "action"): {
        "deregister": to_translate("deregister"),
        "undo": to_translate("undo a deregistration"),
        "register_again": to_translate("register again"),
        "renew": to_translate("renew at expiry"),
        "let_expire": to_translate("let expire"),
        "confirm": to_translate("confirm"),
        "contradict": to_translate("contradict"),
        "register_file": to_translate("register by a file"),
    },
    ("notice: %(kind)s", "kind"): {
        "digest": to_translate("daily digest"),
        "capacity": to_translate("capacity"),
        "expiring": to_translate("expires soon"),
        "refused": to_translate("refused"),
        "hand_edits": to_translate("edited by hand"),
        "blocked": to_translate("stands still"),
        "parked": to_translate("parked"),
        "test": to_translate("test"),
    },
    ("status %(status)s", "status"): STATUSES,
    ("rebuilt from the CRM, which has shown it as %(status)s since %(at)s UTC", "status"): STATUSES,
    (_ROLE, "needed"): ROLES,
    (_ROLE, "has"): ROLES,
    ("asked by %(source)s", "source"): {
        "form": to_translate("a form"),
        "workflow": to_translate("a workflow"),
        "crm": to_translate("a CRM user"),
        "app": to_translate("these pages"),
        "api": to_translate("the API"),
        "import": to_translate("an import"),
    },
}
_HOLE = re.compile(r"%\((\w+)\)s")
# Longer than any sentence of ours.
_MOST_CHARACTERS = 2000


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each text as what it looks like when it is filled in; those with more words of their own first."""
    in_order = sorted(_ALL, key=lambda text: -len(_HOLE.sub("", text)))
    return tuple((re.compile(_looks(text), re.DOTALL), text) for text in in_order)


def _looks(text: str) -> str:
    parts = _HOLE.split(text)
    return "".join(f"(?P<{part}>.+?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))


@lru_cache(maxsize=4096)
def kept_words(sentence: str) -> Words | None:
    """The words of a sentence of ours; None where it is none."""
    if len(sentence) > _MOST_CHARACTERS:
        return None
    for pattern, text in _patterns():
        found = pattern.fullmatch(sentence)
        if found:
            values = {name: _value(text, name, value) for name, value in found.groupdict().items()}
            return Words(text, values)
    return None


def _value(text: str, name: str, value: str) -> object:
    codes = _CODES.get((text, name), {})
    if value in codes:
        return Words(codes[value])
    if text == "changed since %(at)s":
        # As a resync keeps it, with its time zone.
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    return value
