"""Which domain would a contact register?"""

from __future__ import annotations

from syncworker.registration.rules.domain_rules import DomainRules
from syncworker.registration.rules.domains import Domain, registrable
from syncworker.registration.rules.facts import Lead
from syncworker.registration.rules.refused import Refused


def lead_domain(lead: Lead, rules: DomainRules) -> Domain | Refused | None:
    """The domain of the contact's website, else of its primary company; None where it has neither.

    A website that yields no domain is bad data, and no reason to look at the company: whoever typed it meant
    something, and guessing another domain could cost the commission on the right one.
    """
    typed = website_of(lead)
    return None if typed is None else registrable(typed, rules)


def website_of(lead: Lead) -> str | None:
    """What the lead's domain is read from: the contact's website, else its company's domain, else None."""
    for typed in (lead.website, lead.company_domain):
        # A website of spaces is an empty field to whoever looks at the record.
        if typed and not typed.isspace():
            return typed
    return None
