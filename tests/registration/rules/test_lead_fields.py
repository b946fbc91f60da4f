"""Is every missing or bad field of a lead named?"""

from __future__ import annotations

import pytest

from registration.rules.builders import lead, request
from syncworker.registration.rules.decide import decide
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.domain_rules import domain_rules
from syncworker.registration.rules.facts import Facts, Lead, Rules
from syncworker.registration.rules.lead_domain import lead_domain
from syncworker.registration.rules.lead_fields import flaws
from syncworker.registration.rules.terms import Reason, Source, Status

ABSURD = [
    "Ada\x00",
    "Ada\u202e",
    "\u200fAda",
    "A\nda",
    "A" * 1001,
    "javascript:alert(1)",
    "?!",
    "\ud800",
    "\u200b",
]


def decided(of: Lead, source: Source = Source.FORM) -> Decision:
    domain = lead_domain(of, domain_rules())
    return decide(of, request(source=source), Facts(capacity_free=True), domain, Rules())


def test_every_missing_field_is_named_in_order() -> None:
    found = decided(Lead(contact_id="1"), Source.WORKFLOW)

    assert (found.outcome, found.status, found.reason) == (
        Outcome.INVALID,
        Status.INVALID_DATA,
        Reason.MISSING_DATA,
    )
    assert found.detail.startswith("Missing: first name, last name, email, company, website, form conversion.")
    assert found.domain is None


@pytest.mark.parametrize(
    ("field", "name"),
    [("first_name", "first name"), ("last_name", "last name"), ("email", "email"), ("company", "company")],
)
@pytest.mark.parametrize("empty", [None, "", "  \t"])
def test_a_required_field_that_is_missing_is_named(field: str, name: str, empty: str | None) -> None:
    found = decided(lead(**{field: empty}))

    assert found.reason is Reason.MISSING_DATA
    assert found.detail == f"Missing: {name}. Once mended, it is decided again by itself."
    assert found.domain == "acme.com"


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("first_name", "first name"),
        ("last_name", "last name"),
        ("email", "email"),
        ("company", "company"),
        ("country", "country"),
    ],
)
@pytest.mark.parametrize("absurd", ABSURD)
def test_an_absurd_value_is_bad_data_and_never_repeated(field: str, name: str, absurd: str) -> None:
    found = decided(lead(**{field: absurd}))

    assert found.outcome is Outcome.INVALID
    assert found.reason is Reason.MISSING_DATA
    assert found.detail.startswith(f"Wrong: {name} (")
    assert absurd not in found.detail


@pytest.mark.parametrize("name", ["李", "O'Brien-Łuk", "مها", "Ada 2", "नि\u200dका"])
def test_names_of_all_scripts_are_names(name: str) -> None:
    assert decided(lead(first_name=name, last_name=name, company=name)).outcome is Outcome.REGISTER


def test_a_country_is_not_required() -> None:
    assert decided(lead(country=None)).outcome is Outcome.REGISTER


@pytest.mark.parametrize("email", ["ada@acme.co.uk", "a.b+c@räksmörgås.se", " ada@acme.com "])
def test_an_email_address_is_taken(email: str) -> None:
    assert decided(lead(email=email)).outcome is Outcome.REGISTER


@pytest.mark.parametrize(
    "email",
    [
        "ada",
        "ada@acme",
        "@acme.com",
        "ada@",
        "a@b@c.se",
        "a da@acme.com",
        "ada@acme..com",
        "ada@.com",
        "a" * 65 + "@acme.com",
        "a@" + "b." * 150 + "se",
        "javascript:a@b.se",
        "a" * 10_000_000,
    ],
)
def test_what_is_no_email_address_is_bad_data(email: str) -> None:
    found = decided(lead(email=email))

    assert found.detail.startswith("Wrong: email (not an e-mail address).")


def test_the_companys_name_and_domain_stand_in_for_the_contacts() -> None:
    found = decided(lead(company=None, company_name="Acme", website=None, company_domain="acme.com"))

    assert (found.outcome, found.domain) == (Outcome.REGISTER, "acme.com")


def test_an_absurd_company_is_not_hidden_by_the_companys_name() -> None:
    assert decided(lead(company="\x00", company_name="Acme")).outcome is Outcome.INVALID


@pytest.mark.parametrize(
    "website",
    ["192.0.2.1", "intranet", "acme.test", "co.uk", "linkedin.com/in/ada", "gmail.com", "javascript:x()"],
)
def test_a_website_without_a_registrable_domain_is_bad_data(website: str) -> None:
    found = decided(lead(website=website, company_domain="acme.com"))

    assert (found.outcome, found.reason, found.domain) == (Outcome.INVALID, Reason.BAD_WEBSITE, None)
    assert found.detail.startswith("Wrong: website (")


def test_a_bad_company_domain_says_that_it_is_the_companys() -> None:
    found = decided(lead(website=None, company_domain="gmail.com"))

    assert "website (the company's domain name: gmail.com is a free-mail provider" in found.detail


def test_no_website_at_all_is_missing_data() -> None:
    found = decided(lead(website=None))

    assert found.reason is Reason.MISSING_DATA
    assert found.detail.startswith("Missing: website.")


def test_a_bad_website_beside_other_flaws_is_missing_data_with_both_named() -> None:
    found = decided(lead(website="gmail.com", email=None))

    assert found.reason is Reason.MISSING_DATA
    assert found.detail.startswith("Missing: email. Wrong: website (gmail.com is a free-mail provider")


@pytest.mark.parametrize("source", list(Source))
def test_a_conversion_is_asked_for_only_where_no_person_and_no_form_asked(source: Source) -> None:
    found = decided(lead(converted=False), source)

    if source is Source.WORKFLOW:
        assert (found.outcome, found.reason) == (Outcome.INVALID, Reason.NO_CONVERSION)
        assert "A person who asks for it needs no form conversion." in found.detail
    else:
        assert found.outcome is Outcome.REGISTER
    assert decided(lead(converted=True), source).outcome is Outcome.REGISTER


def test_a_bad_website_says_more_than_a_missing_conversion() -> None:
    found = decided(lead(website="gmail.com", converted=False), Source.WORKFLOW)

    assert found.reason is Reason.BAD_WEBSITE


def test_the_longest_detail_still_names_every_field() -> None:
    worst = lead(
        first_name="\x00",
        last_name="\x00",
        email="\x00",
        company="\x00",
        country="\x00",
        website=None,
        company_domain="a" * 400 + ".test",
        converted=False,
    )
    found = decided(worst, Source.WORKFLOW)

    assert len(found.detail) <= 500
    for name in ("first name", "last name", "email", "company", "country", "website", "form conversion"):
        assert name in found.detail
    assert len(flaws(worst, request(source=Source.WORKFLOW), lead_domain(worst, domain_rules()))) == 7
