"""What is to be done with a request, and what does the lead's record show?

Pure and total: any lead, request, facts and domain give a decision; nothing is read, nothing is changed.
"""

from __future__ import annotations

from dataclasses import replace

from syncworker.registration.rules import sentences
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.domains import Domain
from syncworker.registration.rules.facts import Facts, Lead, Request, Rules
from syncworker.registration.rules.lead_fields import Field, Flaw, flaws
from syncworker.registration.rules.refused import Refused
from syncworker.registration.rules.standing import (
    claim_on,
    deregistered,
    left_behind,
    registered,
    standing,
    unavailable,
)
from syncworker.registration.rules.terms import Action, HoldKind, Presence, Reason, Source, Status

_HOLD_REASON = {
    HoldKind.OWN_OR_AFFILIATED: Reason.OWN_OR_AFFILIATED,
    HoldKind.EXISTING_CUSTOMER: Reason.EXISTING_CUSTOMER,
    HoldKind.PURSUED_BY_VENDOR: Reason.PURSUED_BY_VENDOR,
}


def decide(
    lead: Lead, request: Request | None, facts: Facts, domain: Domain | Refused | None, rules: Rules
) -> Decision:
    """Decide an open request of a lead, or, without one, what its record shows.

    `domain` is what `lead_domain()` made of the lead. Overdue registrations must have been ended before: the
    facts carry no clock. Never raises.
    """
    if lead.presence is not Presence.LIVE:
        # Its requests end; a registration never ends for that. Nothing can be shown on a record that is gone.
        return Decision(outcome=Outcome.END)
    present = None if isinstance(domain, Refused) else domain
    if request is None:
        return standing(facts, present)
    if request.action is Action.DEREGISTER:
        return _deregistration(request, facts, present, rules)
    claim = claim_on(facts, present)
    if claim:
        return registered(claim, present, Outcome.JOIN)
    found = flaws(lead, request, domain)
    if found or present is None:
        return _invalid(found, present)
    return _registration(facts, present)


def _registration(facts: Facts, domain: Domain) -> Decision:
    """A complete lead, whose domain is not registered by our partner."""
    reason = _refusal(facts)
    if reason:
        return left_behind(unavailable(reason, domain), domain, facts.lead_claim, Outcome.REFUSE)
    if not facts.capacity_free:
        return Decision(
            outcome=Outcome.WAIT,
            status=Status.PENDING,
            reason=Reason.CAPACITY_REACHED,
            detail=sentences.waiting(domain),
            domain=domain,
        )
    return Decision(outcome=Outcome.REGISTER, status=Status.REGISTERED, domain=domain)


def _refusal(facts: Facts) -> Reason | None:
    if facts.hold:
        return _HOLD_REASON[facts.hold]
    return Reason.REGISTERED_BY_ANOTHER if facts.taken_by_another else None


def _invalid(found: tuple[Flaw, ...], domain: Domain | None) -> Decision:
    return Decision(
        outcome=Outcome.INVALID,
        status=Status.INVALID_DATA,
        reason=_invalid_reason(found),
        detail=sentences.flawed(found),
        domain=domain,
    )


def _invalid_reason(found: tuple[Flaw, ...]) -> Reason:
    """The one that says most; the detail names every field."""
    others = [flaw for flaw in found if flaw.field is not Field.CONVERSION]
    if not others:
        return Reason.NO_CONVERSION
    bad_website = all(flaw.field is Field.WEBSITE and flaw.wrong for flaw in others)
    return Reason.BAD_WEBSITE if bad_website else Reason.MISSING_DATA


def _deregistration(request: Request, facts: Facts, present: str | None, rules: Rules) -> Decision:
    """What the record shows as registered is what is meant."""
    on_domain = claim_on(facts, present)
    claim = on_domain or facts.lead_claim
    if claim is None:
        shown = standing(facts, present)
        return replace(shown, outcome=Outcome.WITHDRAW)
    if _needs_a_manager(request, rules):
        return Decision(
            outcome=Outcome.CONFIRM,
            status=Status.REGISTERED,
            reason=Reason.AWAITING_CONFIRMATION,
            detail=sentences.confirming(claim),
            domain=claim.domain,
            claim=claim,
        )
    stays = facts.lead_claim if facts.lead_claim and facts.lead_claim.domain != claim.domain else None
    return left_behind(deregistered(claim.domain), present, stays, Outcome.DEREGISTER)


def _needs_a_manager(request: Request, rules: Rules) -> bool:
    # A dropdown must not cost a commission; a form, which anybody on the internet can send, never may.
    if request.confirmed:
        return False
    if request.source is Source.FORM:
        return True
    return request.source in {Source.CRM, Source.WORKFLOW} and not rules.crm_deregister_allowed
