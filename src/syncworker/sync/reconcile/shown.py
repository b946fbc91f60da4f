"""What should a record's properties be, and which of them differ from what they are?"""

from __future__ import annotations

from collections.abc import Mapping

from syncworker.hubspot.canonical import same
from syncworker.hubspot.properties import PropertyNames
from syncworker.program import Authority
from syncworker.registration.ledger.capacity import Capacity
from syncworker.registration.rules.decision import Decision
from syncworker.registration.rules.terms import Status

Properties = dict[str, str]
"""By name; an empty string is a cleared property."""


def contact_properties(names: PropertyNames, decision: Decision, authority: Authority) -> Properties:
    """What a contact shows for a decision."""
    shown = _both(names, decision, authority)
    shown[names.source] = decision.claim.source.value if decision.claim is not None else ""
    return shown


def company_properties(names: PropertyNames, decision: Decision, authority: Authority, *, tier: str) -> Properties:
    """What a company shows for the best of its states; the tier only while the partner holds the registration."""
    shown = _both(names, decision, authority)
    shown[names.tier] = tier if decision.status is Status.REGISTERED else ""
    return shown


def own_company_properties(names: PropertyNames, *, tier: str, capacity: Capacity) -> Properties:
    """What the partner's own company record shows, whatever else it does."""
    return {
        names.tier: tier,
        names.capacity_limit: str(capacity.limit),
        names.capacity_used: str(capacity.used),
    }


def _both(names: PropertyNames, decision: Decision, authority: Authority) -> Properties:
    claim = decision.claim
    shown = {
        names.status: decision.status.value if decision.status is not None else "",
        names.reason: decision.reason.value if decision.reason is not None else "",
        names.detail: decision.detail,
        names.domain: (decision.domain or "") if claim is not None or _was_registered(decision) else "",
        names.registered_on: claim.registered_on.isoformat() if claim is not None else "",
        names.expires_on: claim.expires_on.isoformat() if claim is not None else "",
    }
    if authority is Authority.HUBSPOT:
        confirmation = claim.confirmation if claim is not None else None
        shown[names.confirmed] = confirmation.value if confirmation is not None else ""
    return shown


def _was_registered(decision: Decision) -> bool:
    return decision.status in {Status.EXPIRED, Status.DEREGISTERED}


def differences(names: PropertyNames, wanted: Mapping[str, str], current: Mapping[str, str | None]) -> Properties:
    """The wanted properties that are not so in the CRM, compared in canonical form."""
    found = {}
    for name, value in wanted.items():
        there = current.get(name) or ""
        # Most are the very same text, which no type makes another; and what is empty is only like what is empty.
        if there != value and not (there and value and same(type_of(names, name), value, there)):
            found[name] = value
    return found


def type_of(names: PropertyNames, name: str) -> str:
    """HubSpot's type of one of our properties."""
    if name in {names.registered_on, names.expires_on}:
        return "date"
    if name in {names.capacity_limit, names.capacity_used}:
        return "number"
    if name in {names.domain, names.detail}:
        return "string"
    return "enumeration"


def read_by_us(names: PropertyNames, kind: str) -> tuple[str, ...]:
    """Our properties, as far as a record of this kind has them."""
    both = (
        names.status,
        names.reason,
        names.detail,
        names.domain,
        names.registered_on,
        names.expires_on,
        names.confirmed,
    )
    if kind == "contact":
        return (*both, names.source, names.request)
    return (*both, names.tier, names.capacity_limit, names.capacity_used)
