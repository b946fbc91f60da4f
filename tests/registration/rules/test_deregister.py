"""Who may deregister what, and who is asked first?"""

from __future__ import annotations

import pytest

from registration.rules.builders import LEAD, NOW, claim, request
from syncworker.registration.rules.decide import decide
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.domains import Domain
from syncworker.registration.rules.facts import Facts, Request, Rules
from syncworker.registration.rules.terms import Action, EndReason, Reason, Source, Status

CLAIM = claim()
OLD = claim("old.com", id=2)


def decided(asked: Request, facts: Facts | None = None, rules: Rules | None = None) -> Decision:
    return decide(LEAD, asked, facts or Facts(), Domain("acme.com"), rules or Rules())


@pytest.mark.parametrize("source", [Source.CRM, Source.WORKFLOW, Source.FORM])
def test_a_deregistration_set_in_the_crm_waits_for_a_manager(source: Source) -> None:
    waits = decided(request(Action.DEREGISTER, source), Facts(domain_claim=CLAIM))

    assert (waits.outcome, waits.status, waits.reason) == (
        Outcome.CONFIRM,
        Status.REGISTERED,
        Reason.AWAITING_CONFIRMATION,
    )
    assert waits.claim == CLAIM
    assert "until a manager confirms" in waits.detail


@pytest.mark.parametrize("source", list(Source))
def test_a_confirmed_deregistration_ends_the_registration(source: Source) -> None:
    ended = decided(request(Action.DEREGISTER, source, confirmed=True), Facts(domain_claim=CLAIM))

    assert (ended.outcome, ended.status, ended.domain) == (
        Outcome.DEREGISTER,
        Status.DEREGISTERED,
        "acme.com",
    )


@pytest.mark.parametrize("source", [Source.CRM, Source.WORKFLOW])
def test_the_setting_lets_a_dropdown_deregister(source: Source) -> None:
    rules = Rules(crm_deregister_allowed=True)

    assert decided(request(Action.DEREGISTER, source), Facts(domain_claim=CLAIM), rules=rules).outcome is (
        Outcome.DEREGISTER
    )


def test_no_setting_lets_a_form_deregister() -> None:
    rules = Rules(crm_deregister_allowed=True)
    asked = request(Action.DEREGISTER, Source.FORM)

    assert decided(asked, Facts(domain_claim=CLAIM), rules=rules).outcome is Outcome.CONFIRM


@pytest.mark.parametrize("source", [Source.APP, Source.API, Source.IMPORT])
def test_a_person_deregisters_without_a_manager(source: Source) -> None:
    assert decided(request(Action.DEREGISTER, source), Facts(domain_claim=CLAIM)).outcome is (Outcome.DEREGISTER)


def test_deregistering_a_contact_whose_website_drifted_means_what_is_registered() -> None:
    ended = decided(request(Action.DEREGISTER, Source.API), Facts(lead_claim=OLD))

    assert (ended.outcome, ended.domain) == (Outcome.DEREGISTER, "old.com")


def test_deregistering_the_present_domain_leaves_the_contacts_other_registration() -> None:
    ended = decided(request(Action.DEREGISTER, Source.API), Facts(domain_claim=CLAIM, lead_claim=OLD))

    assert (ended.outcome, ended.domain) == (Outcome.DEREGISTER, "acme.com")
    assert "old.com stays registered" in ended.detail


def test_deregistering_what_is_not_registered_is_withdrawn_and_changes_nothing() -> None:
    asked = request(Action.DEREGISTER, Source.CRM)

    assert decided(asked) == Decision(outcome=Outcome.WITHDRAW)
    facts = Facts(last_ended=claim(end_reason=EndReason.EXPIRED, ended_at=NOW))
    assert decided(asked, facts).status is Status.EXPIRED


def test_another_partners_registration_is_not_ours_to_deregister() -> None:
    asked = request(Action.DEREGISTER, Source.API)

    assert decided(asked, Facts(taken_by_another=True)).outcome is Outcome.WITHDRAW
