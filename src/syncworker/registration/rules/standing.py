"""What does a record show that nobody is asking about: our registration, or what the last one left behind?

A request that is decided for good shows what the record shows without it: reconciling twice writes once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from syncworker.registration.rules import sentences
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.facts import Claim, Facts
from syncworker.registration.rules.terms import EndReason, Reason, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a consumed request, or an ended registration, left on a record."""

    status: Status
    reason: Reason | None
    domain: str | None
    sentence: str


def standing(facts: Facts, present: str | None) -> Decision:
    """What the record shows without a request. `present` is the domain its website yields now, if any."""
    claim = claim_on(facts, present)
    if claim:
        return registered(claim, present)
    left = _left(facts)
    if facts.lead_claim and not _answered(facts, left, present):
        return registered(facts.lead_claim, present)
    return left_behind(left, present, facts.lead_claim) if left else Decision(outcome=Outcome.NOTHING)


def claim_on(facts: Facts, present: str | None) -> Claim | None:
    """Our partner's active registration on the present domain."""
    if facts.domain_claim:
        return facts.domain_claim
    lead_claim = facts.lead_claim
    return lead_claim if lead_claim and lead_claim.domain == present else None


def registered(claim: Claim, present: str | None, outcome: Outcome = Outcome.NOTHING) -> Decision:
    """A record that shows an active registration, a hold that came later, a website that has changed."""
    drifted = claim.domain != present
    reason = Reason.WEBSITE_CHANGED if drifted else None
    return Decision(
        outcome=outcome,
        status=Status.REGISTERED,
        # A hold needs a person to decide; a drift only to know.
        reason=Reason.HOLD_CAME_LATER if claim.hold else reason,
        detail=sentences.joined(
            sentences.held(claim, claim.hold) if claim.hold else "",
            sentences.drifted(claim, present) if drifted else "",
        ),
        domain=claim.domain,
        claim=claim,
    )


def unavailable(reason: Reason | None, domain: str | None) -> Left:
    """What a refused request leaves."""
    sentence = sentences.refused(reason, domain)
    return Left(status=Status.UNAVAILABLE, reason=reason, domain=domain, sentence=sentence)


def deregistered(domain: str | None) -> Left:
    """What a deregistration leaves."""
    sentence = sentences.deregistered(domain)
    return Left(status=Status.DEREGISTERED, reason=None, domain=domain, sentence=sentence)


def left_behind(left: Left, present: str | None, still: Claim | None, outcome: Outcome = Outcome.NOTHING) -> Decision:
    """A record that shows what was left. `still` is the contact's registration of another domain, if any."""
    moved = ""
    if left.domain and present and left.domain != present:
        moved = sentences.about_another(domain=left.domain, present=present)
    return Decision(
        outcome=outcome,
        status=left.status,
        reason=left.reason,
        detail=sentences.joined(
            left.sentence,
            moved,
            sentences.still_registered(still) if still else "",
        ),
        domain=left.domain,
    )


def _left(facts: Facts) -> Left | None:
    """What came last: the last consumed request, or the last ended registration."""
    consumed, ended = facts.last_consumed, facts.last_ended
    # A request that came to `registered` left a registration: what became of that is what counts.
    if consumed and consumed.status not in {Status.UNAVAILABLE, Status.DEREGISTERED}:
        consumed = None
    if ended and ended.end_reason and not (consumed and _later(consumed.decided_at, ended)):
        return _of_ended(ended, ended.end_reason)
    if not consumed:
        return None
    if consumed.status is Status.UNAVAILABLE:
        return unavailable(consumed.reason, consumed.domain)
    return deregistered(consumed.domain)


def _later(decided_at: datetime, ended: Claim) -> bool:
    return ended.ended_at is None or decided_at > ended.ended_at


def _of_ended(claim: Claim, why: EndReason) -> Left:
    if why is EndReason.DEREGISTERED:
        return deregistered(claim.domain)
    sentence = sentences.expired(claim)
    return Left(status=Status.EXPIRED, reason=None, domain=claim.domain, sentence=sentence)


def _answered(facts: Facts, left: Left | None, present: str | None) -> bool:
    """Whether somebody asked about the present domain and got an answer, which then goes before the drift."""
    asked = facts.last_consumed is not None and facts.last_consumed.domain == present
    return asked and left is not None and left.domain == present
