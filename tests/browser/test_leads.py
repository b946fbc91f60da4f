"""The lists of leads and one lead, as a manager uses them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browser.chrome import DESK, PHONE
from browser.people import some
from browser.seed import DRIFTED
from browser.stage import Stage

Opens = Callable[..., Page]


def row(page: Page, name: str) -> object:
    return page.locator("tbody tr").filter(has_text=name)


def test_a_manager_moves_the_line_and_exchanges_a_registration_for_one_that_waits(opens: Opens, stage: Stage) -> None:
    [given_up] = some(1, called="given-up")
    stage.registers(given_up)
    stage.full()
    first, second, third = some(3, called="waits")
    stage.submits(first, second, third)
    page = opens("/leads/pending?q=waits")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_role("button", name=f"Move {second.domain} up").click()
    expect(page.locator("tbody tr").first).to_contain_text(second.domain)
    # Whoever moves by keys goes on from where they are.
    expect(page.get_by_role("button", name=f"Move {second.domain} up")).to_be_focused()
    page.get_by_label(f"Exchange a registration for {third.domain}").click()
    page.get_by_role("searchbox").fill("given-up")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label(f"Give up {given_up.domain}").check()
    page.get_by_role("button", name="Exchange").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Give up {given_up.domain} for {third.domain}?")
    dialog.get_by_role("button", name="Yes, exchange").click()
    stage.until(lambda: third.domain in stage.active())
    assert given_up.domain not in stage.active()
    expect(page.locator("tbody").get_by_text(third.domain)).to_have_count(0)
    stage.room(0)


def test_expired_leads_are_registered_again(opens: Opens, stage: Stage) -> None:
    stage.room(3)
    page = opens("/leads/expired?q=denmark")
    page.get_by_label("Tick viborgmaskin.dk").check()
    page.locator(".selection").get_by_role("button", name="Register again").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Yes|^Register")).click()
    expect(page.locator(".toast")).to_be_visible()
    stage.until(lambda: "viborgmaskin.dk" in stage.active())


@pytest.mark.parametrize(("lang", "size"), [("en", PHONE), ("sv", DESK)])
def test_what_expires_soon_renews_itself_or_does_not(
    opens: Opens, stage: Stage, lang: str, size: dict[str, int]
) -> None:
    renew, let = {"en": ("Renew at expiry", "Let expire"), "sv": ("Förnya när det går ut", "Låt gå ut")}[lang]
    renews = "SELECT renew_at_expiry FROM registrations WHERE domain = 'isbergkyl.se' AND ended_at IS NULL"
    page = opens("/leads/expiring?q=isberg", lang=lang, size=size)
    for verb, then in ((renew, True), (let, False)):
        page.locator("tbody .tick input").check()
        page.locator(".selection").get_by_role("button", name=verb, exact=True).click()
        page.get_by_role("dialog").locator(".dialog-actions button").click()
        expect(page.locator(".toast")).to_be_visible()
        stage.until(lambda then=then: stage.rows(renews)[0].renew_at_expiry is then)


def test_a_deregistration_asked_for_in_the_crm_is_kept_or_confirmed(opens: Opens, stage: Stage) -> None:
    page = opens("/leads/deregistrations")
    page.get_by_label("Keep jarnbruket.se registered").click()
    expect(page.locator("tbody").get_by_text("jarnbruket.se")).to_have_count(0)
    page.get_by_label("Deregister skagenoptik.dk").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes, deregister").click()
    stage.until(lambda: "skagenoptik.dk" not in stage.active())
    assert "jarnbruket.se" in stage.active()
    page.goto("/leads/domain/skagenoptik.dk")
    page.get_by_role("button", name="Undo deregistration").click()
    expect(page.get_by_role("button", name="Deregister", exact=True)).to_be_visible()


def test_what_hubspot_shows_is_confirmed(opens: Opens, stage: Stage) -> None:
    page = opens("/leads/to-confirm?q=falun")
    page.get_by_label("Tick falunprecision.se").check()
    page.get_by_role("button", name="HubSpot shows it").click()
    page.get_by_role("dialog").locator(".dialog-actions button").click()
    says = "SELECT confirmation FROM registrations WHERE domain = 'falunprecision.se' AND ended_at IS NULL"
    stage.until(lambda: stage.rows(says)[0].confirmation == "confirmed")


def test_each_refusal_says_why_and_what_now_and_leads_to_the_record(opens: Opens) -> None:
    page = opens("/leads/unavailable")
    expect(page.locator("tbody tr").filter(has_text="havnekraft.no")).to_contain_text("pursued by the vendor")
    page.goto("/leads/invalid")
    tag = page.get_by_role("link", name="last name is missing")
    expect(tag).to_have_attribute("href", re.compile(r"^https://app[-a-z0-9]*\.hubspot\.com/contacts/\d+/"))


def test_one_lead_tells_its_history_and_is_compared_and_looked_at_again(opens: Opens) -> None:
    page = opens("/capacity")
    page.get_by_role("searchbox").fill(DRIFTED)
    expect(page.locator("tbody tr")).to_have_count(1)
    # The whole row leads there, to its last corner.
    corner = page.locator("tbody td").last.bounding_box()
    assert corner is not None
    page.mouse.click(corner["x"] + corner["width"] - 4, corner["y"] + 4)
    expect(page.get_by_role("heading", level=1)).to_have_text(DRIFTED)
    expect(page.get_by_text("website is now cederkvist-group.com")).to_be_visible()
    expect(page.get_by_role("region", name="History")).to_contain_text("It was registered")
    page.get_by_role("link", name="Compare with HubSpot now").click()
    expect(page.get_by_text("Compared just now.")).to_be_visible()
    page.get_by_role("button", name="Look again now").click()
    expect(page.locator(".toast")).to_be_visible()
    page.get_by_role("button", name="Renew at expiry").click()
    expect(page.get_by_role("button", name="Let expire")).to_be_visible()
    expect(page.get_by_role("region", name="History")).to_contain_text("Renewal at expiry was switched")


def test_a_list_is_downloaded_as_it_is_searched(opens: Opens) -> None:
    page = opens("/leads/registered?q=norway")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    text = download.value.path().read_text("utf-8-sig")
    assert "stavangersubsea.no" in text
    assert "almby-mekaniska.se" not in text
