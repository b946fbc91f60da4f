"""Does a company show the best of its states, and name its other domains?"""

from __future__ import annotations

from datetime import date
from itertools import permutations

from registration.rules.builders import claim
from syncworker.registration.rules.company import best
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.terms import Reason, Status


def state(status: Status | None, domain: str | None, **fields: object) -> Decision:
    return Decision(outcome=Outcome.NOTHING, status=status, domain=domain, **fields)  # type: ignore[arg-type]


def test_the_best_state_is_shown_in_the_order_of_the_design() -> None:
    order = [
        Status.REGISTERED,
        Status.PENDING,
        Status.UNAVAILABLE,
        Status.INVALID_DATA,
        Status.EXPIRED,
        Status.DEREGISTERED,
    ]
    states = [state(status, f"{number}.com") for number, status in enumerate(order)]

    for first, status in enumerate(order):
        assert best(list(reversed(states[first:]))).status is status


def test_of_several_registrations_the_one_that_lasts_longest_is_shown() -> None:
    short = state(Status.REGISTERED, "a.com", claim=claim("a.com"))
    long = state(Status.REGISTERED, "b.com", claim=claim("b.com", expires_on=date(2028, 1, 1)))
    coming = state(Status.REGISTERED, "c.com")

    for order in permutations([short, long, coming]):
        shown = best(order)
        assert shown.claim == long.claim
        assert shown.detail == "Other domains: a.com registered; c.com registered."


def test_the_order_of_the_states_changes_nothing() -> None:
    states = [
        state(Status.EXPIRED, "a.com"),
        state(Status.EXPIRED, "b.com"),
        state(Status.UNAVAILABLE, "b.com", reason=Reason.EXISTING_CUSTOMER, detail="Taken."),
        state(Status.INVALID_DATA, None, detail="Missing: email."),
    ]

    assert len({best(order) for order in permutations(states)}) == 1
    assert best(states).detail == "Taken. Other domains: a.com expired."


def test_two_contacts_of_one_domain_are_one_domain() -> None:
    registered = state(Status.REGISTERED, "a.com", claim=claim("a.com"))

    assert best([registered, registered, state(Status.EXPIRED, "a.com")]).detail == ""


def test_a_companys_request_is_nobodys() -> None:
    joined = Decision(outcome=Outcome.JOIN, status=Status.REGISTERED, domain="a.com", claim=claim("a.com"))

    assert best([joined]).outcome is Outcome.NOTHING


def test_a_company_without_any_state_shows_nothing() -> None:
    assert best([]) == Decision(outcome=Outcome.NOTHING)
    assert best([state(None, None), state(None, "a.com")]) == Decision(outcome=Outcome.NOTHING)


def test_many_domains_are_counted_where_they_do_not_fit() -> None:
    states = [state(Status.INVALID_DATA, f"company-number-{n:03}.com") for n in range(100)]
    shown = best(states)

    assert len(shown.detail) <= 500
    assert shown.detail.startswith("Other domains: company-number-001.com invalid data; ")
    assert shown.detail.endswith(" more.")


def test_a_detail_that_fills_the_field_stays_as_it_is() -> None:
    full = state(Status.REGISTERED, "a.com", detail="x" * 490)

    assert best([full, state(Status.EXPIRED, "b.com")]).detail == "x" * 490
