"""Do the tables of what was asked for hold what they should, in the order of the line, with why and what now?"""

from __future__ import annotations

import pytest
from sqlalchemy import text

from syncworker.registration.ledger.requests import State
from syncworker.registration.rules import sentences
from syncworker.registration.rules.domain_rules import domain_rules
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.lead_fields import COMPANY_DOMAIN, Field, Flaw
from syncworker.registration.rules.refused import Refused
from syncworker.registration.rules.terms import Action, Reason
from syncworker.sync.lists import asked_list
from syncworker.sync.lists.answers import answer
from syncworker.sync.lists.asked_list import Asked, AskedLine, AskedSort, AskedView
from syncworker.sync.marks import Kind
from syncworker.sync.privacy.erasing import erase
from web.deployment import HUB, OTHER_HUB, Deployment


def lines(deployment: Deployment, which: Asked, *, hub_id: int = HUB, **view: object) -> list[AskedLine]:
    with deployment.database.transaction() as tx:
        page = asked_list.asked(tx, hub_id, which, AskedView(**view))  # type: ignore[arg-type] # a view's fields
    return list(page.items)


def waiting(deployment: Deployment) -> None:
    deployment.asked("1", state=State.WAITING, domain="third.se", seconds_ago=10)
    deployment.asked("2", state=State.WAITING, domain="first.se", seconds_ago=30)
    deployment.asked("3", state=State.WAITING, domain="second.se", seconds_ago=20)
    deployment.asked("4", state=State.WAITING, domain="first.se", seconds_ago=5)
    deployment.record("1", name="Åsa Ek", company="Citrus", country="Norge")
    deployment.record("2", name="Bo Alm", company="Émile", company_id="9")
    deployment.record("9", kind=Kind.COMPANY, name="Acme AB")


def test_the_waiting_list_stands_in_its_order_each_domain_once(deployment: Deployment) -> None:
    waiting(deployment)
    deployment.asked("5", state=State.PROCESSING, seconds_ago=60)
    found = lines(deployment, Asked.PENDING)
    assert [(line.domain, line.position, line.reason) for line in found] == [
        ("first.se", 1, Reason.CAPACITY_REACHED),
        ("second.se", 2, Reason.CAPACITY_REACHED),
        ("third.se", 3, Reason.CAPACITY_REACHED),
        (None, None, Reason.PROCESSING),
    ]
    assert [(line.contact_name, line.company) for line in found][:1] == [("Bo Alm", "Acme AB")]


def test_it_is_searched_sorted_and_paged(deployment: Deployment) -> None:
    waiting(deployment)
    assert [line.domain for line in lines(deployment, Asked.PENDING, q="asa norge")] == ["third.se"]
    assert [line.domain for line in lines(deployment, Asked.PENDING, q="SECOND")] == ["second.se"]
    [third] = lines(deployment, Asked.PENDING, q="citrus")
    assert third.position == 3
    for sort in AskedSort:
        up = [line.id for line in lines(deployment, Asked.PENDING, sort=sort)]
        assert [line.id for line in lines(deployment, Asked.PENDING, sort=sort, descending=True)] == up[::-1], sort
    by_company = lines(deployment, Asked.PENDING, sort=AskedSort.COMPANY)
    assert [line.domain for line in by_company] == ["second.se", "first.se", "third.se"]
    with deployment.database.transaction() as tx:
        last = asked_list.asked(tx, HUB, Asked.PENDING, AskedView(size=2, page=99))
        none = asked_list.asked(tx, HUB, Asked.PENDING, AskedView(q="nobody"))
    assert ([line.domain for line in last.items], last.total, last.page, last.pages) == (["third.se"], 3, 2, 2)
    assert (none.items, none.total, none.page, none.pages) == ((), 0, 1, 1)


def test_what_counts_is_the_newest_word_on_a_contact(deployment: Deployment) -> None:
    deployment.asked("1", state=State.UNAVAILABLE, domain="taken.se")
    deployment.asked("2", state=State.UNAVAILABLE, domain="ours-by-now.se")
    deployment.asked("3", state=State.UNAVAILABLE, domain="before.se")
    deployment.asked("3", state=State.UNAVAILABLE, domain="after.se")
    deployment.asked("4", state=State.INVALID_DATA)
    deployment.asked("5", state=State.CONFIRMING, domain="give-up.se", action=Action.DEREGISTER)
    deployment.registered("ours-by-now.se")
    assert [line.domain for line in lines(deployment, Asked.UNAVAILABLE)] == ["taken.se", "after.se"]
    assert [line.contact_id for line in lines(deployment, Asked.INVALID)] == ["4"]
    assert [line.domain for line in lines(deployment, Asked.TO_CONFIRM)] == ["give-up.se"]
    assert lines(deployment, Asked.UNRESOLVED) == []


def found(deployment: Deployment, which: Asked, q: str) -> list[str | None]:
    return [line.contact_id for line in lines(deployment, which, q=q)]


def change(deployment: Deployment, statement: str) -> None:
    with deployment.database.transaction() as tx:
        tx.connection.execute(text(statement))


def test_what_a_search_finds_follows_the_request_and_its_records(deployment: Deployment) -> None:
    waiting(deployment)
    assert found(deployment, Asked.PENDING, "acme bo") == ["2"]
    change(deployment, "UPDATE records SET name = 'Kim Alm', company_id = NULL WHERE object_id = '2'")
    assert (found(deployment, Asked.PENDING, "acme"), found(deployment, Asked.PENDING, "kim emile")) == ([], ["2"])
    change(deployment, "UPDATE records SET name = 'Zeta AB' WHERE object_id = '9'")
    change(deployment, "UPDATE requests SET company_id = '9' WHERE contact_id = '2'")
    assert found(deployment, Asked.PENDING, "zeta") == ["2"]
    change(deployment, "UPDATE requests SET state = 'unavailable' WHERE contact_id = '2'")
    assert (found(deployment, Asked.PENDING, "zeta"), found(deployment, Asked.UNAVAILABLE, "zeta")) == ([], ["2"])
    change(deployment, "DELETE FROM records WHERE object_id = '2'")
    assert (found(deployment, Asked.UNAVAILABLE, "kim"), found(deployment, Asked.UNAVAILABLE, "zeta")) == ([], ["2"])
    change(deployment, "UPDATE requests SET state = 'registered' WHERE contact_id = '2'")
    with deployment.database.transaction() as tx:
        listed = tx.connection.execute(text("SELECT contact_id FROM asked_lines ORDER BY 1")).scalars()
        assert list(listed) == ["1", "3", "4"], "one that is registered has no line any more"


def test_what_is_not_decided_yet_is_found_and_sorted_too(deployment: Deployment) -> None:
    deployment.asked("1", state=State.PROCESSING)
    deployment.asked("2", state=State.PROCESSING)
    deployment.record("1", name="Åsa Ek", company_id="9")
    deployment.record("2", name="Bo Alm", company="Émile")
    deployment.record("9", kind=Kind.COMPANY, name="Zeta AB")
    assert found(deployment, Asked.PENDING, "zeta asa") == ["1"]
    by_company = lines(deployment, Asked.PENDING, sort=AskedSort.COMPANY)
    assert [line.contact_id for line in by_company] == ["2", "1"]


def test_who_was_erased_is_found_no_more(deployment: Deployment) -> None:
    waiting(deployment)
    erase(deployment.context, hub_id=HUB, contact_id="1")
    assert found(deployment, Asked.PENDING, "asa") == []


def test_another_portal_of_the_partner_sees_the_domain_alone_and_another_partner_nothing(
    deployment: Deployment,
) -> None:
    waiting(deployment)
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE requests SET detail = 'Ada was told so'"))
    deployment.portal(OTHER_HUB)
    first = lines(deployment, Asked.PENDING, hub_id=OTHER_HUB)[0]
    assert (first.domain, first.contact_id, first.company_id, first.contact_name, first.company, first.detail) == (
        "first.se", None, None, None, None, "",
    )  # fmt: skip
    assert lines(deployment, Asked.PENDING, hub_id=OTHER_HUB, q="citrus") == []
    deployment.portal(OTHER_HUB + 1, partner="Other")
    assert lines(deployment, Asked.PENDING, hub_id=OTHER_HUB + 1) == []


def test_every_reason_has_a_sentence_for_why_and_one_for_what_now() -> None:
    for reason in (*Reason, None):
        said = answer(state=State.UNAVAILABLE, reason=reason, detail="", domain="acme.se")
        assert str(said.why).endswith(".")
        assert str(said.what_now).endswith(".")
    assert "acme.se" in str(answer(state=State.UNAVAILABLE, reason=Reason.EXISTING_CUSTOMER, detail="",
                                   domain="acme.se").why)  # fmt: skip


def test_an_invalid_lead_names_its_missing_and_wrong_fields() -> None:
    flaws = [Flaw(Field.FIRST_NAME), Flaw(Field.COMPANY), Flaw(Field.WEBSITE, "'x; email (y' is no address"),
             Flaw(Field.COUNTRY, "a script, not a text")]  # fmt: skip
    said = answer(state=State.INVALID_DATA, reason=Reason.MISSING_DATA, detail=sentences.flawed(flaws), domain=None)
    assert said.missing == ("first name", "company")
    assert set(said.wrong) >= {"country", "website"}
    only = answer(
        state=State.INVALID_DATA, reason=Reason.NO_CONVERSION, detail=sentences.flawed([Flaw(Field.CONVERSION)]),
        domain=None,
    )  # fmt: skip
    assert (only.missing, only.wrong) == (("form conversion",), ())


@pytest.mark.parametrize(
    ("website", "why"),
    [
        (
            "https://linkedin.com/company/acme",
            "“linkedin.com” is on a shared platform: enter the company's own website.",
        ),
        ("gmail.com", "“gmail.com” is a free-mail provider: enter the company's own website."),
        ("http://192.168.1.1", "“192.168.1.1” is an IP address: enter the company's domain name."),
        ("intranet", "“intranet” is not a full domain name such as company.com."),
        ("anna@acme.se", "“anna@acme.se” looks like an email address: enter the company's website."),
        ("mailto:anna", "“mailto” is no web address: enter a website such as company.com."),
        ("acme.test", "“acme.test” is reserved for examples and inner networks: enter the website."),
        ("acme.internt", "“.internt” does not end as a domain does: check the spelling."),
        ("co.uk", "“co.uk” is an ending that many companies share: enter the website."),
        ("a_b.se", "“a_b.se” is not a valid domain name: check the spelling."),
        ("ac\x00me.se", "The website has characters that cannot be seen: type it again."),
        ("a" * 5000 + ".se", "The website is too long: enter the company's home page."),
    ],
)
def test_a_lead_whose_website_is_no_domain_says_what_is_wrong_with_it(website: str, why: str) -> None:
    refused = registrable(website, domain_rules())
    assert isinstance(refused, Refused)
    for place in ("", COMPANY_DOMAIN):
        detail = sentences.flawed(
            [Flaw(Field.COUNTRY, "a script, not a text"), Flaw(Field.WEBSITE, place + refused.sentence)]
        )
        said = answer(state=State.INVALID_DATA, reason=Reason.BAD_WEBSITE, detail=detail, domain=None)
        assert (str(said.why), said.website) == (why, None)
        beside = answer(state=State.INVALID_DATA, reason=Reason.MISSING_DATA, detail=detail, domain=None)
        assert str(beside.why) == "Fields of the contact are missing, or cannot be used."
        assert str(beside.website) == why


def test_what_an_older_version_kept_of_a_website_is_not_guessed_at() -> None:
    detail = "Wrong: website (nobody knows what). Once mended, it is decided again by itself."
    said = answer(state=State.INVALID_DATA, reason=Reason.BAD_WEBSITE, detail=detail, domain=None)
    assert str(said.why) == "The website leads to no domain that can be registered."
