"""What is said of a row of a file of leads: how it stands, why, and what now?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from syncworker.languages import Words, to_translate
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.domain_rules import DomainRules
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.refused import Refused
from syncworker.registration.rules.terms import Status
from syncworker.sync.jobs.file_rows import FileRow
from syncworker.sync.jobs.job import OUTCOME_WORDS, Outcome
from syncworker.sync.lists import refusal_words
from syncworker.sync.lists.answers import answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of a row; texts are in English, to be translated."""

    status: Status | None
    """None where it was not asked for, or not yet."""
    why: Words
    what_now: Words | None = None
    missing: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


_STATUS: Mapping[State, Status] = {
    State.REGISTERED: Status.REGISTERED,
    State.PROCESSING: Status.PENDING,
    State.WAITING: Status.PENDING,
    State.UNAVAILABLE: Status.UNAVAILABLE,
    State.INVALID_DATA: Status.INVALID_DATA,
}
_TO_DO = Words(to_translate("Is asked for."))
_REGISTERED = Words(to_translate("Registered."))
_NO_CONTACT_YET = (
    Words(to_translate("HubSpot shows no contact with this email yet.")),
    Words(to_translate("It is looked for again for 30 hours. Create the contact, or check the spelling.")),
)
_WITHDRAWN = (
    Words(to_translate("The request was taken back.")),
    Words(to_translate("Ask for it again if you want it registered.")),
)
_ENDED = (
    Words(to_translate("The request ended: the contact is gone, or its data was not mended in time.")),
    Words(to_translate("Ask for it again once the contact is there, with all its fields.")),
)
_MEND_LEAD = Words(to_translate("Correct the row, and bring it in again."))
_WHAT_NOW: Mapping[Outcome, Words] = {
    Outcome.NO_CONTACT: Words(to_translate("Add a contact of the company in HubSpot, then ask for it again.")),
    Outcome.SEVERAL_CONTACTS: _MEND_LEAD,
    Outcome.BAD_LEAD: _MEND_LEAD,
}


def said(row: FileRow, rules: DomainRules) -> Said:
    """Why it stands as it stands, and what can be done."""
    if row.outcome is Outcome.REGISTERED:
        return Said(status=Status.REGISTERED, why=Words(_sentence(row.outcome)))
    if row.outcome is Outcome.BAD_LEAD:
        return Said(status=None, why=_why_bad(row.lead, rules), what_now=_MEND_LEAD)
    if row.outcome not in {None, Outcome.DONE} and row.outcome is not None:
        return Said(status=None, why=Words(_sentence(row.outcome)), what_now=_WHAT_NOW.get(row.outcome))
    return _of_request(row)


def _of_request(row: FileRow) -> Said:
    if row.state is None:
        return Said(status=None, why=_TO_DO)
    status = _STATUS.get(row.state)
    if row.state is State.REGISTERED:
        return Said(status=status, why=_REGISTERED)
    if row.state is State.PROCESSING and row.contact_id is None:
        return Said(status=status, why=_NO_CONTACT_YET[0], what_now=_NO_CONTACT_YET[1])
    if row.state in {State.WITHDRAWN, State.ENDED}:
        why, what_now = _WITHDRAWN if row.state is State.WITHDRAWN else _ENDED
        return Said(status=status, why=why, what_now=what_now)
    of = answer(state=row.state, reason=row.reason, detail=row.detail, domain=row.domain)
    return Said(status=status, why=of.why, what_now=of.what_now, missing=of.missing, wrong=of.wrong)


def _why_bad(lead: str, rules: DomainRules) -> Words:
    """What is wrong with a text that should be a lead."""
    if "@" not in lead and not lead.isdecimal():
        found = registrable(lead, rules)
        if isinstance(found, Refused):
            return refusal_words.words(found, lead)
    return Words(_sentence(Outcome.BAD_LEAD))


def _sentence(outcome: Outcome) -> str:
    return OUTCOME_WORDS[outcome]
