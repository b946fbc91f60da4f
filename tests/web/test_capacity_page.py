"""The Capacity Manager: how full it is, and by which leads."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from syncworker.access.roles import Role
from syncworker.registration.ledger.requests import State
from syncworker.sync.marks import Kind
from web.deployment import HUB, OTHER_HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
PART = {"hx-request": "true", "hx-target": "list"}


def lead(deployment: Deployment, domain: str, number: int, *, name: str = "Ada Berg", company: str = "Acme") -> None:
    """A registered lead with its contact and its company."""
    deployment.record(str(number), name=name, country="Sweden", domain=domain)
    deployment.record(str(1000 + number), kind=Kind.COMPANY, name=company, domain=domain)
    deployment.registered(domain, contact_id=str(number), company_id=str(1000 + number))


def domains(html: str) -> list[str]:
    """The rows, in order."""
    return re.findall(r'class="row-(?:name|link)"[^>]*>([^<]+)<', html)


def test_it_shows_how_much_is_used_free_and_waiting_and_who_says_how_much_there_is(
    as_: As, deployment: Deployment
) -> None:
    lead(deployment, "granvik.se", 1)
    deployment.asked("7", state=State.WAITING, domain="late.se")
    page = as_(Role.VIEWER).get("/capacity").text
    figures = re.findall(r"<dt>(?:<a[^>]*>)?(\w+)(?:</a>)?</dt><dd>([\d,]+)", page)
    assert figures == [("used", "1"), ("free", "4"), ("waiting", "1")]
    assert "The limit is set for this partner." in page
    assert "notice" not in page


@pytest.mark.parametrize(("used", "words"), [(4, ""), (5, "No capacity is free"), (6, "1 more than the capacity")])
def test_it_warns_before_there_is_none_left(as_: As, deployment: Deployment, used: int, words: str) -> None:
    for number in range(used):
        deployment.registered(f"a{number}.se", contact_id=None, company_id=None)
    page = as_(Role.VIEWER).get("/capacity").text
    assert words in page
    assert ("notice" in page) is bool(words)


def test_a_partner_of_an_unknown_program_is_told_so_in_words(as_: As, deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE partners SET program = 'nosuch'")
    answer = as_(Role.VIEWER).get("/capacity")
    assert answer.status_code == 409
    assert "there is no program" in answer.text


def test_a_search_a_sorting_and_a_page_are_an_address_and_for_htmx_the_table_alone(
    as_: As, deployment: Deployment
) -> None:
    for number in range(1, 56):
        lead(deployment, f"d{number:02}.se", number, company=f"Company {99 - number}")
    anna = as_(Role.VIEWER)
    assert domains(anna.get("/capacity").text)[:2] == ["d01.se", "d02.se"]
    assert domains(anna.get("/capacity?page=2").text) == ["d51.se", "d52.se", "d53.se", "d54.se", "d55.se"]
    assert domains(anna.get("/capacity?sort=company&desc=1").text)[0] == "d01.se"
    assert domains(anna.get("/capacity?sort=company").text)[0] == "d55.se"
    found = anna.get("/capacity?q=d1&sort=domain&desc=1", headers=PART)
    assert domains(found.text) == [f"d{number}.se" for number in range(19, 9, -1)]
    assert "<html" not in found.text
    assert "10 match" in found.text
    # What cannot be meant is as if it was not there
    for odd in ("page=0", "page=-1", "page=x", "page=99999999999", "sort=x", "desc=2", "page=²"):
        assert domains(anna.get(f"/capacity?{odd}").text), odd


def test_a_long_search_is_answered_and_says_what_of_it_counts(as_: As, deployment: Deployment) -> None:
    lead(deployment, "granvik.se", 1)
    answer = as_(Role.VIEWER).get("/capacity", params={"q": "x" * 10_000})
    assert answer.status_code == 200
    assert "Only the first 200 characters are searched." in answer.text
    nine = {"q": "a b c d e f g h i"}
    assert "Only the first 8 words are searched." in as_(Role.VIEWER).get("/capacity", params=nine).text
    assert "Bara de första 8 orden söks." in as_(Role.VIEWER).get("/capacity", params={**nine, "lang": "sv"}).text
    assert "are searched" not in as_(Role.VIEWER).get("/capacity", params={"q": "nord " * 40}).text
    assert "Nothing matches" in answer.text


def test_what_the_crm_says_is_text_and_never_markup(as_: As, deployment: Deployment) -> None:
    evil = '<img src=x onerror="alert(1)">'
    lead(deployment, "granvik.se", 1, name=evil, company=f"{evil}</td></table>")
    anna = as_(Role.MANAGER)
    for page in (anna.get("/capacity").text, anna.get("/capacity", params={"q": evil}).text):
        assert "<img" not in page
    assert "&lt;img" in page


def test_records_are_one_click_away_in_hubspot(as_: As, deployment: Deployment) -> None:
    lead(deployment, "granvik.se", 1)
    page = as_(Role.VIEWER).get("/capacity").text
    for address in (f"https://app.hubspot.com/contacts/{HUB}/record/0-1/1", f"/{HUB}/record/0-2/1001"):
        assert address in page
    assert page.count('target="_blank"') == page.count("noopener")


def test_another_partners_and_another_portals_persons_are_not_seen(as_: As, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Acme")
    deployment.portal(4713, partner="Beta")
    deployment.record("9", hub_id=OTHER_HUB, name="Hidden Person", domain="shared.se")
    deployment.registered("shared.se", hub_id=OTHER_HUB, contact_id="9", company_id=None)
    deployment.registered("beta.se", hub_id=4713)
    page = as_(Role.OPERATOR).get(f"/capacity?portal={HUB}").text
    assert domains(page) == ["shared.se"]
    assert "another portal of yours" in page
    assert "Hidden" not in page
    assert "beta.se" not in page


def test_with_no_lead_at_all_it_says_what_will_be_here(as_: As) -> None:
    assert "No lead is registered yet" in as_(Role.VIEWER).get("/capacity").text
