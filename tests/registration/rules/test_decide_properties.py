"""Does deciding hold together for every combination of what can be known?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from registration.rules.builders import NOW, claim, lead
from syncworker.registration.rules.decide import decide
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.domains import Domain
from syncworker.registration.rules.facts import Claim, Consumed, Facts, Lead, Request, Rules
from syncworker.registration.rules.refused import Refusal, Refused
from syncworker.registration.rules.terms import (
    Action,
    EndReason,
    HoldKind,
    Presence,
    Reason,
    Source,
    Status,
)

NAMES = st.sampled_from(["acme.com", "old.com", "third.com", "x" * 250 + ".se"])
PAST = st.integers(-100, -1).map(lambda days: NOW + timedelta(days=days))
VALUES = st.none() | st.sampled_from(["Ada", "ada@acme.com", " ", "\x00", "\u202e", "j" * 2000]) | st.text()
HOLDS = st.none() | st.sampled_from(HoldKind)

leads: st.SearchStrategy[Lead] = st.builds(
    Lead,
    contact_id=st.just("1"),
    first_name=VALUES,
    last_name=VALUES,
    email=VALUES,
    company=VALUES,
    country=VALUES,
    website=VALUES,
    converted=st.booleans(),
    company_name=VALUES,
    company_domain=VALUES,
    presence=st.sampled_from([Presence.LIVE, Presence.LIVE, Presence.LIVE, Presence.MERGED]),
) | st.just(lead())
requests: st.SearchStrategy[Request] = st.builds(
    Request,
    id=st.just(1),
    action=st.sampled_from(Action),
    source=st.sampled_from(Source),
    requested_at=st.just(NOW),
    confirmed=st.booleans(),
)
active: st.SearchStrategy[Claim] = st.builds(lambda domain, hold: claim(domain, hold=hold), NAMES, HOLDS)
ended: st.SearchStrategy[Claim] = st.builds(
    lambda domain, why, at: claim(domain, end_reason=why, ended_at=at),
    NAMES,
    st.sampled_from(EndReason),
    st.none() | PAST,
)
consumed: st.SearchStrategy[Consumed] = st.builds(
    Consumed,
    status=st.sampled_from(Status),
    reason=st.none() | st.sampled_from(Reason),
    domain=st.none() | NAMES,
    decided_at=PAST,
)
domains: st.SearchStrategy[Domain | Refused | None] = (
    st.none() | NAMES.map(Domain) | st.just(Refused(Refusal.FREE_MAIL, "gmail.com is a free-mail provider"))
)


@st.composite
def known(draw: st.DrawFn, domain: Domain | Refused | None) -> Facts:
    """Facts that a ledger can hold: our claim on the present domain names that domain."""
    present = domain if isinstance(domain, str) else None
    lead_claim = draw(st.none() | active)
    domain_claim = draw(st.none() | active.map(lambda made: replace(made, domain=present))) if present else None
    return Facts(
        lead_claim=lead_claim,
        domain_claim=domain_claim,
        taken_by_another=draw(st.booleans()),
        hold=draw(HOLDS),
        last_ended=draw(st.none() | ended),
        last_consumed=draw(st.none() | consumed),
        capacity_free=draw(st.booleans()),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Lead, Request | None, Facts, Domain | Refused | None, Rules]:
    domain = draw(domains)
    rules = Rules(crm_deregister_allowed=draw(st.booleans()))
    return draw(leads), draw(st.none() | requests), draw(known(domain)), domain, rules


Case = tuple[Lead, Request | None, Facts, Domain | Refused | None, Rules]


@given(cases())
def test_every_case_is_decided_and_what_it_shows_is_coherent(case: Case) -> None:
    _, asked, facts, domain, _ = case
    decision = decide(*case)

    assert len(decision.detail) <= 500
    assert decision.detail.isprintable()
    if asked is None:
        assert decision.outcome in {Outcome.NOTHING, Outcome.END}
    assert (decision.status is Status.REGISTERED) == (
        decision.claim is not None or decision.outcome is Outcome.REGISTER
    )
    if decision.claim:
        assert decision.claim in (facts.domain_claim, facts.lead_claim)
        assert decision.domain == decision.claim.domain
    if decision.status is None:
        assert (decision.reason, decision.detail, decision.domain) == (None, "", None)
    if decision.outcome in {Outcome.REGISTER, Outcome.WAIT, Outcome.REFUSE}:
        assert decision.domain == domain


@given(cases())
def test_nothing_is_registered_that_is_held_taken_or_without_a_slot(case: Case) -> None:
    _, asked, facts, _, _ = case
    decision = decide(*case)

    if decision.outcome is Outcome.REGISTER:
        assert asked
        assert asked.action is Action.REGISTER
        assert facts.capacity_free
        assert not facts.hold
        assert not facts.taken_by_another
        assert not facts.domain_claim
    if decision.outcome in {Outcome.DEREGISTER, Outcome.CONFIRM, Outcome.WITHDRAW}:
        assert asked
        assert asked.action is Action.DEREGISTER


@given(cases())
def test_a_request_that_is_consumed_shows_the_same_once_it_is_gone(case: Case) -> None:
    of, _, facts, domain, rules = case
    first = decide(*case)
    left = _consume(first, facts)
    if left is None:
        return

    second = decide(of, None, left, domain, rules)

    assert second.outcome is Outcome.NOTHING
    assert _shown(second) == _shown(first)


@given(cases())
def test_a_record_without_a_request_and_without_anything_in_the_ledger_shows_nothing(case: Case) -> None:
    of, _, facts, domain, rules = case
    unknown = Facts(taken_by_another=facts.taken_by_another, hold=facts.hold, capacity_free=facts.capacity_free)

    assert decide(of, None, unknown, domain, rules).status is None


def _consume(decision: Decision, facts: Facts) -> Facts | None:
    """The facts once the request is consumed; None where it stays open, or a slot is yet to be given."""
    if decision.outcome in {Outcome.JOIN, Outcome.REFUSE}:
        return replace(facts, last_consumed=_as_consumed(decision))
    if decision.outcome is Outcome.WITHDRAW:
        return facts
    if decision.outcome is Outcome.DEREGISTER:
        gone = claim(str(decision.domain), end_reason=EndReason.DEREGISTERED, ended_at=NOW)
        active = {
            name: None if made and made.domain == decision.domain else made
            for name, made in (("lead_claim", facts.lead_claim), ("domain_claim", facts.domain_claim))
        }
        return replace(facts, last_ended=gone, last_consumed=_as_consumed(decision), **active)
    return None


def _as_consumed(decision: Decision) -> Consumed:
    assert decision.status
    return Consumed(status=decision.status, reason=decision.reason, domain=decision.domain, decided_at=NOW)


def _shown(decision: Decision) -> tuple[object, ...]:
    return decision.status, decision.reason, decision.detail, decision.domain, decision.claim
