"""Does each rule of *Deciding* hold, in its order?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from registration.rules.builders import LEAD, NOW, claim, lead, request
from syncworker.registration.rules.decide import decide
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.domain_rules import domain_rules
from syncworker.registration.rules.domains import Domain
from syncworker.registration.rules.facts import Consumed, Facts, Lead, Request, Rules
from syncworker.registration.rules.lead_domain import lead_domain
from syncworker.registration.rules.refused import Refused
from syncworker.registration.rules.terms import (
    Action,
    EndReason,
    HoldKind,
    Presence,
    Reason,
    Source,
    Status,
)

ACME = Domain("acme.com")
FREE = Facts(capacity_free=True)
CLAIM = claim()
OLD = claim("old.com", id=2)


def decided(asked: Request | None = None, facts: Facts = FREE, of: Lead = LEAD, rules: Rules | None = None) -> Decision:
    return decide(of, asked, facts, lead_domain(of, domain_rules()), rules or Rules())


# 1. Gone


@pytest.mark.parametrize("presence", [Presence.ARCHIVED, Presence.MERGED, Presence.ERASED])
def test_a_record_that_is_gone_ends_its_request_and_shows_nothing(presence: Presence) -> None:
    assert decided(request(), of=lead(presence=presence)) == Decision(outcome=Outcome.END)


def test_a_record_that_is_gone_never_ends_a_registration() -> None:
    facts = Facts(domain_claim=CLAIM, lead_claim=CLAIM)

    gone = decided(request(Action.DEREGISTER, Source.API), facts, lead(presence=Presence.ARCHIVED))

    assert gone.outcome is Outcome.END


# 2. Registered by our partner


def test_a_record_on_a_registered_domain_shows_it_with_its_dates() -> None:
    shown = decided(facts=Facts(domain_claim=CLAIM))

    assert shown == Decision(outcome=Outcome.NOTHING, status=Status.REGISTERED, domain="acme.com", claim=CLAIM)


def test_a_request_on_a_registered_domain_joins_it_without_capacity() -> None:
    joined = decided(request(), Facts(domain_claim=CLAIM, capacity_free=False))

    assert (joined.outcome, joined.status, joined.claim) == (Outcome.JOIN, Status.REGISTERED, CLAIM)


def test_a_request_joins_even_with_fields_missing() -> None:
    assert decided(request(), Facts(domain_claim=CLAIM), lead(email=None)).outcome is Outcome.JOIN


def test_a_request_joins_although_the_domain_is_held_or_said_to_be_taken() -> None:
    facts = Facts(domain_claim=CLAIM, hold=HoldKind.EXISTING_CUSTOMER, taken_by_another=True)

    assert decided(request(), facts).outcome is Outcome.JOIN


def test_the_contacts_own_registration_of_the_present_domain_is_joined_too() -> None:
    assert decided(request(), Facts(lead_claim=CLAIM)).outcome is Outcome.JOIN


@pytest.mark.parametrize("hold", list(HoldKind))
def test_a_hold_that_came_later_is_flagged_for_a_person_and_ends_nothing(hold: HoldKind) -> None:
    held = claim(hold=hold)
    shown = decided(facts=Facts(domain_claim=held))

    assert (shown.outcome, shown.status, shown.reason) == (
        Outcome.NOTHING,
        Status.REGISTERED,
        Reason.HOLD_CAME_LATER,
    )
    assert shown.claim == held
    assert "a manager should decide" in shown.detail


def test_a_changed_website_shows_the_frozen_domain_and_the_drift() -> None:
    shown = decided(facts=Facts(lead_claim=OLD))

    assert (shown.status, shown.reason, shown.domain) == (
        Status.REGISTERED,
        Reason.WEBSITE_CHANGED,
        "old.com",
    )
    assert shown.claim == OLD
    assert "old.com is registered; the website now says acme.com" in shown.detail


@pytest.mark.parametrize("website", [None, "gmail.com"])
def test_a_website_that_is_cleared_or_spoilt_shows_the_drift_too(website: str | None) -> None:
    shown = decided(facts=Facts(lead_claim=OLD), of=lead(website=website))

    assert (shown.status, shown.reason) == (Status.REGISTERED, Reason.WEBSITE_CHANGED)
    assert "no longer yields a domain" in shown.detail


def test_a_later_hold_goes_before_the_drift_and_both_are_told() -> None:
    shown = decided(facts=Facts(lead_claim=claim("old.com", hold=HoldKind.PURSUED_BY_VENDOR)))

    assert shown.reason is Reason.HOLD_CAME_LATER
    assert "pursued by the vendor" in shown.detail
    assert "now says acme.com" in shown.detail


def test_the_registration_of_the_present_domain_goes_before_the_drifted_one() -> None:
    shown = decided(facts=Facts(domain_claim=CLAIM, lead_claim=OLD))

    assert (shown.claim, shown.reason) == (CLAIM, None)


def test_an_open_request_with_a_drifted_website_is_about_the_present_domain() -> None:
    assert decided(request(), Facts(lead_claim=OLD, capacity_free=True)) == Decision(
        outcome=Outcome.REGISTER, status=Status.REGISTERED, domain="acme.com"
    )
    waits = decided(request(), Facts(lead_claim=OLD))
    assert (waits.outcome, waits.domain) == (Outcome.WAIT, "acme.com")


# 3. No open request


def test_a_record_nobody_asked_about_shows_nothing() -> None:
    facts = Facts(capacity_free=True, taken_by_another=True, hold=HoldKind.OWN_OR_AFFILIATED)

    assert decided(facts=facts) == Decision(outcome=Outcome.NOTHING)


def test_an_incomplete_record_nobody_asked_about_shows_nothing() -> None:
    assert decided(of=Lead(contact_id="1")) == Decision(outcome=Outcome.NOTHING)


def test_a_refused_request_leaves_unavailable_with_its_reason() -> None:
    shown = decided(facts=Facts(last_consumed=_consumed(Status.UNAVAILABLE, Reason.EXISTING_CUSTOMER)))

    assert (shown.outcome, shown.status, shown.reason, shown.domain) == (
        Outcome.NOTHING,
        Status.UNAVAILABLE,
        Reason.EXISTING_CUSTOMER,
        "acme.com",
    )
    assert shown.claim is None


@pytest.mark.parametrize(
    ("end_reason", "status"),
    [(EndReason.EXPIRED, Status.EXPIRED), (EndReason.DEREGISTERED, Status.DEREGISTERED)],
)
def test_an_ended_registration_leaves_how_it_ended(end_reason: EndReason, status: Status) -> None:
    facts = Facts(
        last_ended=claim(end_reason=end_reason, ended_at=NOW),
        last_consumed=_consumed(Status.REGISTERED, None, days=-365),
    )
    shown = decided(facts=facts)

    assert (shown.status, shown.domain, shown.claim) == (status, "acme.com", None)
    assert "can be requested again" in shown.detail


def test_an_expired_registration_names_its_last_day() -> None:
    shown = decided(facts=Facts(last_ended=claim(end_reason=EndReason.EXPIRED, ended_at=NOW)))

    assert shown.detail.startswith("The registration of acme.com expired after 2027-03-10.")


@pytest.mark.parametrize(("ended_days", "status"), [(-1, Status.UNAVAILABLE), (0, Status.EXPIRED), (1, Status.EXPIRED)])
def test_of_a_refusal_and_an_end_the_later_is_shown(ended_days: int, status: Status) -> None:
    facts = Facts(
        last_ended=claim(end_reason=EndReason.EXPIRED, ended_at=NOW + timedelta(days=ended_days)),
        last_consumed=_consumed(Status.UNAVAILABLE, Reason.REGISTERED_BY_ANOTHER),
    )

    assert decided(facts=facts).status is status


def test_an_end_of_unknown_time_gives_way_to_a_refusal() -> None:
    facts = Facts(
        last_ended=claim(end_reason=EndReason.EXPIRED),
        last_consumed=_consumed(Status.UNAVAILABLE, None),
    )

    assert decided(facts=facts).status is Status.UNAVAILABLE


def test_within_the_undo_time_a_deregistration_shows_deregistered() -> None:
    facts = Facts(last_ended=claim(end_reason=EndReason.DEREGISTERED, ended_at=NOW))

    assert decided(facts=facts).status is Status.DEREGISTERED


def test_a_deregistration_that_was_consumed_shows_deregistered() -> None:
    shown = decided(facts=Facts(last_consumed=_consumed(Status.DEREGISTERED, None)))

    assert (shown.status, shown.domain) == (Status.DEREGISTERED, "acme.com")


@pytest.mark.parametrize("status", [Status.REGISTERED, Status.INVALID_DATA, Status.PENDING])
def test_a_request_that_came_to_anything_else_leaves_nothing_of_its_own(status: Status) -> None:
    """A contact who has moved to another company shows that company's state, not its old registration."""
    facts = Facts(last_consumed=_consumed(status, None))

    assert decided(facts=facts) == Decision(outcome=Outcome.NOTHING)


def test_a_registration_without_an_end_leaves_nothing() -> None:
    assert decided(facts=Facts(last_ended=CLAIM)) == Decision(outcome=Outcome.NOTHING)


def test_what_was_left_about_another_domain_says_so() -> None:
    facts = Facts(last_consumed=_consumed(Status.UNAVAILABLE, Reason.EXISTING_CUSTOMER, domain="old.com"))

    shown = decided(facts=facts)

    assert shown.domain == "old.com"
    assert "That was about old.com; the website now says acme.com" in shown.detail


def test_an_answer_about_the_present_domain_goes_before_the_drift() -> None:
    facts = Facts(lead_claim=OLD, last_consumed=_consumed(Status.UNAVAILABLE, Reason.EXISTING_CUSTOMER))

    shown = decided(facts=facts)

    assert (shown.status, shown.domain, shown.claim) == (Status.UNAVAILABLE, "acme.com", None)
    assert "old.com stays registered" in shown.detail


@pytest.mark.parametrize(
    "last",
    [
        Facts(last_consumed=Consumed(status=Status.UNAVAILABLE, reason=None, domain="third.com", decided_at=NOW)),
        Facts(
            last_consumed=Consumed(status=Status.UNAVAILABLE, reason=None, domain="acme.com", decided_at=NOW),
            last_ended=claim("third.com", end_reason=EndReason.EXPIRED, ended_at=NOW),
        ),
    ],
)
def test_answers_about_third_domains_do_not_hide_a_registration(last: Facts) -> None:
    facts = Facts(lead_claim=OLD, last_consumed=last.last_consumed, last_ended=last.last_ended)

    assert decided(facts=facts).claim == OLD


def test_a_refusal_without_a_domain_is_still_told() -> None:
    facts = Facts(last_consumed=_consumed(Status.UNAVAILABLE, Reason.MISSING_DATA, domain=None))

    assert decided(facts=facts).detail == "this lead cannot be registered."


# 5. Unavailable


@pytest.mark.parametrize(
    ("hold", "reason"),
    [
        (HoldKind.OWN_OR_AFFILIATED, Reason.OWN_OR_AFFILIATED),
        (HoldKind.EXISTING_CUSTOMER, Reason.EXISTING_CUSTOMER),
        (HoldKind.PURSUED_BY_VENDOR, Reason.PURSUED_BY_VENDOR),
    ],
)
def test_a_held_domain_is_unavailable_for_its_reason(hold: HoldKind, reason: Reason) -> None:
    refused = decided(request(), Facts(hold=hold, taken_by_another=True, capacity_free=True))

    assert (refused.outcome, refused.status, refused.reason) == (Outcome.REFUSE, Status.UNAVAILABLE, reason)
    assert refused.domain == "acme.com"
    assert refused.detail.startswith("acme.com ")


def test_a_domain_of_another_partner_is_unavailable_even_without_capacity() -> None:
    refused = decided(request(), Facts(taken_by_another=True, capacity_free=False))

    assert (refused.outcome, refused.reason) == (Outcome.REFUSE, Reason.REGISTERED_BY_ANOTHER)
    assert refused.detail.startswith("acme.com is registered by another partner.")


def test_bad_data_goes_before_unavailable() -> None:
    refused = decided(request(), Facts(hold=HoldKind.EXISTING_CUSTOMER), lead(email=None))

    assert refused.outcome is Outcome.INVALID


# 6. and 7. Capacity


def test_without_a_free_slot_it_waits_with_its_domain() -> None:
    waits = decided(request(), Facts(capacity_free=False))

    assert (waits.outcome, waits.status, waits.reason, waits.domain) == (
        Outcome.WAIT,
        Status.PENDING,
        Reason.CAPACITY_REACHED,
        "acme.com",
    )
    assert "when a slot is free" in waits.detail


def test_with_a_free_slot_it_is_registered() -> None:
    assert decided(request()) == Decision(outcome=Outcome.REGISTER, status=Status.REGISTERED, domain="acme.com")


def test_an_expired_or_deregistered_domain_is_registered_again_by_a_new_request() -> None:
    for end_reason in EndReason:
        facts = Facts(capacity_free=True, last_ended=claim(end_reason=end_reason, ended_at=NOW))
        assert decided(request(), facts).outcome is Outcome.REGISTER


# The domain of a lead


def test_a_contacts_domain_is_its_websites_else_its_primary_companys() -> None:
    rules = domain_rules()

    assert lead_domain(lead(company_domain="other.com"), rules) == "acme.com"
    assert lead_domain(lead(website=None, company_domain="other.com"), rules) == "other.com"
    assert lead_domain(lead(website=" \t", company_domain="other.com"), rules) == "other.com"
    assert lead_domain(lead(website=None, company_domain=" "), rules) is None


def test_a_bad_website_is_bad_data_and_not_replaced_by_the_companys() -> None:
    found = lead_domain(lead(website="linkedin.com/in/ada", company_domain="other.com"), domain_rules())

    assert isinstance(found, Refused)


def _consumed(status: Status, reason: Reason | None, *, domain: str | None = "acme.com", days: int = 0) -> Consumed:
    return Consumed(status=status, reason=reason, domain=domain, decided_at=NOW + timedelta(days=days))
