"""Why is a lead not registered, and what can be done now? A sentence each, to be translated where it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from syncworker.languages import Words, to_translate
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules import sentences
from syncworker.registration.rules.lead_fields import Field
from syncworker.registration.rules.readable import readable
from syncworker.registration.rules.terms import Reason
from syncworker.sync.lists import refusal_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Why, and what now. `code` stays the same in every language."""

    code: str
    why: Words
    what_now: Words
    missing: tuple[str, ...] = ()
    """Fields of the record that are empty, in English, to be translated."""
    wrong: tuple[str, ...] = ()
    """Fields of the record whose value cannot be used."""
    website: Words | None = None
    """What is wrong with the website, where it is and `why` does not say so."""


FIELD_NAMES: Mapping[Field, str] = {
    Field.FIRST_NAME: to_translate("first name"),
    Field.LAST_NAME: to_translate("last name"),
    Field.EMAIL: to_translate("email"),
    Field.COMPANY: to_translate("company"),
    Field.COUNTRY: to_translate("country"),
    Field.WEBSITE: to_translate("website"),
    Field.CONVERSION: to_translate("form conversion"),
}

_HOLD_IS_WRONG = to_translate("If that is wrong, have an operator lift the hold, then register it again.")
_MEND_WEBSITE = to_translate("Mend it in HubSpot. It is decided again by itself.")
_MEND = to_translate("Mend them in HubSpot. It is decided again by itself.")
_ANSWERS: Mapping[str, tuple[str, str]] = {
    Reason.PROCESSING: (
        to_translate("It was asked for, and is not decided yet."),
        to_translate("Nothing: it is decided within seconds, or once the portal registers and writes again."),
    ),
    Reason.CAPACITY_REACHED: (
        to_translate("The capacity is used up, and %(domain)s waits in line."),
        to_translate("It is registered by itself when a slot is free. Deregister a lead that is no longer pursued."),
    ),
    Reason.AWAITING_CONFIRMATION: (
        to_translate("In HubSpot, somebody asked to deregister %(domain)s."),
        to_translate("Confirm it, or refuse it. Until then it stays registered, with its commission."),
    ),
    Reason.OWN_OR_AFFILIATED: (
        to_translate("%(domain)s is an own or affiliated domain, which nobody may register."),
        _HOLD_IS_WRONG,
    ),
    Reason.EXISTING_CUSTOMER: (
        to_translate("%(domain)s belongs to an existing customer, whom nobody may register."),
        _HOLD_IS_WRONG,
    ),
    Reason.PURSUED_BY_VENDOR: (
        to_translate("%(domain)s is already pursued by the vendor, and nobody may register it."),
        _HOLD_IS_WRONG,
    ),
    Reason.REGISTERED_BY_ANOTHER: (
        to_translate("%(domain)s is registered by another partner."),
        to_translate("Once that registration has ended, register it again."),
    ),
    Reason.MISSING_DATA: (to_translate("Fields of the contact are missing, or cannot be used."), _MEND),
    Reason.BAD_WEBSITE: (
        to_translate("The website leads to no domain that can be registered."),
        to_translate("Enter the company's own website in HubSpot. It is decided again by itself."),
    ),
    Reason.NO_CONVERSION: (
        to_translate("The contact has submitted no form, and no person asked for it."),
        to_translate("Register it yourself: a person needs no form."),
    ),
    State.UNRESOLVED: (
        to_translate("No contact in HubSpot has the email of the form's submission."),
        to_translate("Create the contact, then look for it again; or withdraw the request."),
    ),
}
_UNEXPLAINED = (
    to_translate("%(domain)s cannot be registered."),
    to_translate("Its history tells what happened. Register it again to have it looked at anew."),
)


def answer(*, state: State, reason: Reason | None, detail: str, domain: str | None) -> Answer:
    """The answer for a request as it stands; `detail` is what its record shows."""
    code = state.value if state is State.UNRESOLVED else (reason.value if reason else "unexplained")
    why, what_now = _ANSWERS.get(code, _UNEXPLAINED)
    values = {"domain": readable(domain) if domain else "–"}
    missing, wrong = sentences.fields_of(detail) if state is State.INVALID_DATA else ((), ())
    website = refusal_words.kept(sentences.website_wrong_of(detail)) if Field.WEBSITE in wrong else None
    alone = website if reason is Reason.BAD_WEBSITE else None
    return Answer(
        code=code,
        why=alone or Words(why, values),
        what_now=Words(_MEND_WEBSITE if alone else what_now, values),
        missing=tuple(FIELD_NAMES[one] for one in missing),
        wrong=tuple(FIELD_NAMES[one] for one in wrong),
        website=None if alone else website,
    )
