"""Which fields of a lead are missing or bad?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from syncworker.registration.rules.domains import Domain
from syncworker.registration.rules.facts import Lead, Request
from syncworker.registration.rules.lead_domain import website_of
from syncworker.registration.rules.refused import Refused
from syncworker.registration.rules.terms import Source
from syncworker.registration.rules.text import is_fit

FIELD_CHARACTERS = 1000
"""No name, company or country is longer."""
EMAIL_CHARACTERS = 254
"""The longest e-mail address: RFC 5321, 4.5.3.1.3."""

COMPANY_DOMAIN = "the company's domain name: "
"""What stands before a refusal of the domain of the contact's company."""

_EMAIL = re.compile(r"[^@\s]{1,64}@(?:[^@\s.]+\.)+[^@\s.]+")
_SCRIPT = re.compile(r"\s*(?:javascript|data|vbscript):", re.IGNORECASE)


class Field(StrEnum):
    """The fields that are looked at, named as people read them, in the order they are named in."""

    FIRST_NAME = "first name"
    LAST_NAME = "last name"
    EMAIL = "email"
    COMPANY = "company"
    COUNTRY = "country"
    WEBSITE = "website"
    CONVERSION = "form conversion"


@dataclass(frozen=True, slots=True)
class Flaw:
    """A field that keeps a lead from being registered."""

    field: Field
    wrong: str = ""
    """What is wrong with it; empty where the field is missing."""


def flaws(lead: Lead, request: Request, domain: Domain | Refused | None) -> tuple[Flaw, ...]:
    """Every missing or bad field, in the order of `Field`; none where the lead may be registered.

    Required: first name, last name, email, company, website or company domain, and a form conversion where no
    person asked (HubSpot's knowledge base on partner lists, 6 June 2016: the causes of Invalid Data).
    """
    found = (
        _text(Field.FIRST_NAME, lead.first_name),
        _text(Field.LAST_NAME, lead.last_name),
        _email(lead.email),
        _text(Field.COMPANY, lead.company if _filled(lead.company) else lead.company_name),
        # Nobody must give a country, but one full of control characters is not shown to anybody either.
        _text(Field.COUNTRY, lead.country) if _filled(lead.country) else None,
        _website(lead, domain),
        _conversion(lead, request),
    )
    return tuple(flaw for flaw in found if flaw)


def _filled(text: str | None) -> bool:
    return bool(text) and not str(text).isspace()


def _text(field: Field, text: str | None) -> Flaw | None:
    if text is None or not _filled(text):
        return Flaw(field)
    if len(text) > FIELD_CHARACTERS:
        return Flaw(field, f"longer than {FIELD_CHARACTERS} characters")
    if not is_fit(text):
        return Flaw(field, "control characters or invisible ones")
    if _SCRIPT.match(text):
        return Flaw(field, "a script, not a text")
    if not any(character.isalnum() for character in text):
        return Flaw(field, "neither a letter nor a digit")
    return None


def _email(email: str | None) -> Flaw | None:
    if email is None or not _filled(email):
        return Flaw(Field.EMAIL)
    text = email.strip() if len(email) <= FIELD_CHARACTERS else email
    if len(text) > EMAIL_CHARACTERS or not is_fit(text) or not _EMAIL.fullmatch(text) or _SCRIPT.match(text):
        return Flaw(Field.EMAIL, "not an e-mail address")
    return None


def _website(lead: Lead, domain: Domain | Refused | None) -> Flaw | None:
    if domain is None:
        return Flaw(Field.WEBSITE)
    if not isinstance(domain, Refused):
        return None
    # Whoever reads it must know where to mend it: on the contact, or on its company.
    place = "" if website_of(lead) == lead.website else COMPANY_DOMAIN
    return Flaw(Field.WEBSITE, place + domain.sentence)


def _conversion(lead: Lead, request: Request) -> Flaw | None:
    # A form's submission is the conversion, before the CRM has counted it; a person needs none.
    proven = lead.converted or request.source is Source.FORM or request.source.is_person
    return None if proven else Flaw(Field.CONVERSION)
