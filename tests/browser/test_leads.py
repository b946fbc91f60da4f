"""The lists of leads and one lead, as a manager uses them."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from browser.people import some
from browser.readers import AT_A_DESK, Reader, by_two
from browser.seed import DRIFTED, EXPIRED, UNCONFIRMED
from browser.stage import Stage

Opens = Callable[..., Page]


def yes(page: Page, verb: str) -> None:
    """Say so in the dialog, and see that it was heard."""
    page.get_by_role("dialog").get_by_role("button", name=verb).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


@by_two
def test_a_manager_moves_the_line_and_exchanges_a_registration_for_one_that_waits(
    opens: Opens, stage: Stage, says: Reader
) -> None:
    [given_up] = some(1, called=f"given-up-{says}")
    stage.registers(given_up)
    stage.full()
    first, second, third = some(3, called=f"waits-{says}")
    stage.submits(first, second, third)
    page = opens(f"/leads/pending?q=waits-{says}", **says.browser)
    expect(page.locator("tbody tr")).to_have_count(3)
    up = page.get_by_role("button", name=says("Move %(lead)s up", lead=second.domain))
    up.click()
    expect(page.locator("tbody tr").first).to_contain_text(second.domain)
    # Whoever moves by keys goes on from where they are.
    expect(up).to_be_focused()
    page.get_by_label(says("Exchange a registration for %(lead)s", lead=third.domain)).click()
    page.get_by_role("searchbox").fill(f"given-up-{says}")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label(says("Give up %(domain)s", domain=given_up.domain)).check()
    page.get_by_role("button", name=says("Exchange"), exact=True).click()
    asks = says("Give up %(domain)s for %(wanted)s?", domain=given_up.domain, wanted=third.domain)
    expect(page.get_by_role("dialog")).to_contain_text(asks)
    yes(page, says("Yes, exchange"))
    stage.until(lambda: third.domain in stage.active())
    assert given_up.domain not in stage.active()
    expect(page.locator("tbody").get_by_text(third.domain)).to_have_count(0)
    stage.room(0)


@by_two
def test_a_lead_that_lacks_something_is_taken_back_and_asked_for_again(
    opens: Opens, stage: Stage, says: Reader
) -> None:
    states = "SELECT state FROM requests WHERE domain = :domain ORDER BY id"
    [lead] = some(1, called=f"taken-back-{says}")
    stage.room(1)
    page = opens(f"/leads/invalid?q=taken-back-{says}", **says.browser)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(0)
    stage.submits(lead, lastname="")
    # It comes into the list that somebody looks at.
    lacks = says("%(field)s is missing", field=says("last name"))
    expect(rows.get_by_text(lacks)).to_be_visible()
    page.get_by_label(says("Take back the request for %(lead)s", lead=lead.domain)).click()
    expect(page.locator(".toast")).to_have_text(re.compile(re.escape(says("The request was taken back."))))
    expect(rows).to_have_count(0)
    page.goto(f"/leads/domain/{lead.domain}")
    page.get_by_role("button", name=says("Register"), exact=True).click()
    expect(page.locator(".toast")).to_be_visible()
    stage.until(lambda: [one.state for one in stage.rows(states, domain=lead.domain)] == ["withdrawn", "invalid_data"])
    # It lacks the same, until somebody mends it in the CRM: then it is decided by itself.
    page.goto(f"/leads/invalid?q=taken-back-{says}")
    expect(rows.get_by_text(lacks)).to_be_visible()
    stage.change_in_the_crm({lead: {"lastname": lead.last}})
    stage.until(lambda: lead.domain in stage.active())
    expect(rows).to_have_count(0)
    stage.room(0)


@by_two
def test_expired_leads_are_registered_again_some_of_them_or_all_that_capacity_allows(
    opens: Opens, stage: Stage, says: Reader
) -> None:
    stage.room(1)
    chosen = EXPIRED[0] if says == AT_A_DESK else EXPIRED[1]
    page = opens("/leads/expired", **says.browser)
    page.get_by_label(says("Tick %(what)s", what=chosen), exact=True).check()
    page.locator(".selection").get_by_role("button", name=says("Register again")).click()
    page.get_by_role("dialog").locator(".dialog-actions button").click()
    stage.until(lambda: chosen in stage.active())
    expect(page.locator(".toast")).to_be_visible()
    stage.room(1)
    page.goto("/leads/expired")
    page.get_by_role("button", name=says("Register all that capacity allows")).click()
    listed = page.get_by_role("dialog").get_by_role("listitem")
    expect(listed).to_have_count(1)
    fitting = listed.all_inner_texts()
    page.get_by_role("dialog").locator(".dialog-actions button").click()
    stage.until(lambda: set(fitting) <= set(stage.active()))
    expect(page.locator(".toast")).to_be_visible()
    # There is no room any more, and the page knows without being loaded again.
    expect(page.get_by_role("button", name=says("Register all that capacity allows"))).to_have_count(0)


@by_two
def test_what_expires_soon_renews_itself_or_does_not(opens: Opens, stage: Stage, says: Reader) -> None:
    renews = "SELECT renew_at_expiry FROM registrations WHERE domain = 'isbergkyl.se' AND ended_at IS NULL"
    page = opens("/leads/expiring?q=isberg", **says.browser)
    for verb, then in (("Renew at expiry", True), ("Let expire", False)):
        page.locator("tbody .tick input").check()
        page.locator(".selection").get_by_role("button", name=says(verb), exact=True).click()
        page.get_by_role("dialog").locator(".dialog-actions button").click()
        expect(page.locator(".toast")).to_be_visible()
        stage.until(lambda then=then: stage.rows(renews)[0].renew_at_expiry is then)


@by_two
def test_a_deregistration_asked_for_in_the_crm_is_kept_or_confirmed(opens: Opens, stage: Stage, says: Reader) -> None:
    kept, confirmed = leads = some(2, called=f"asked-{says}")
    stage.registers(*leads)
    stage.change_in_the_crm({lead: {"partner_registration_request": "deregister"} for lead in leads})
    page = opens(f"/leads/deregistrations?q=asked-{says}", **says.browser)
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label(says("Keep %(lead)s registered", lead=kept.domain)).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label(says("Deregister %(lead)s", lead=confirmed.domain)).click()
    yes(page, says("Yes, deregister"))
    stage.until(lambda: confirmed.domain not in stage.active())
    assert kept.domain in stage.active()
    page.goto(f"/leads/domain/{confirmed.domain}")
    page.get_by_role("button", name=says("Undo deregistration")).click()
    expect(page.get_by_role("button", name=says("Deregister"), exact=True)).to_be_visible()


@by_two
def test_what_hubspot_shows_is_confirmed_and_what_it_does_not_show_is_told(
    opens: Opens, stage: Stage, says: Reader
) -> None:
    says_now = "SELECT confirmation FROM registrations WHERE domain = :domain AND ended_at IS NULL"
    shown, missed = UNCONFIRMED[:2] if says == AT_A_DESK else UNCONFIRMED[2:4]
    page = opens("/leads/to-confirm", **says.browser)
    for domain, verb, then in (
        (shown, "HubSpot shows it", "confirmed"), (missed, "HubSpot does not show it", "contradicted"),
    ):  # fmt: skip
        page.get_by_label(says("Tick %(what)s", what=domain), exact=True).check()
        page.locator(".selection").get_by_role("button", name=says(verb), exact=True).click()
        page.get_by_role("dialog").locator(".dialog-actions button").click()
        stage.until(lambda of=domain, then=then: stage.rows(says_now, domain=of)[0].confirmation == then)
        expect(page.locator(".toast")).to_be_visible()


@by_two
def test_each_refusal_says_why_and_what_now_and_leads_to_the_record(opens: Opens, says: Reader) -> None:
    page = opens("/leads/unavailable", **says.browser)
    why = says("%(domain)s is already pursued by the vendor, and nobody may register it.", domain="havnekraft.no")
    expect(page.locator("tbody tr").filter(has_text="havnekraft.no")).to_contain_text(why)
    page.goto("/leads/invalid")
    tag = page.get_by_role("link", name=says("%(field)s is missing", field=says("last name")))
    expect(tag).to_have_attribute("href", re.compile(r"^https://app[-a-z0-9]*\.hubspot\.com/contacts/\d+/"))


@by_two
def test_one_lead_tells_its_history_and_is_compared_and_looked_at_again(opens: Opens, says: Reader) -> None:
    page = opens("/capacity", **says.browser)
    page.get_by_role("searchbox").fill(DRIFTED)
    expect(page.locator("tbody tr")).to_have_count(1)
    # The whole row leads there, to its last corner.
    last = page.locator("tbody td").last
    last.scroll_into_view_if_needed()
    corner = last.bounding_box()
    assert corner is not None
    page.mouse.click(corner["x"] + corner["width"] - 4, corner["y"] + 4)
    expect(page.get_by_role("heading", level=1)).to_have_text(DRIFTED)
    expect(page.get_by_text(says("website is now %(domain)s", domain="cederkvist-group.com"))).to_be_visible()
    history = page.get_by_role("region", name=says("History"))
    expect(history).to_contain_text(says("It was registered"))
    page.get_by_role("link", name=says("Compare with HubSpot now")).click()
    expect(page.get_by_text(says("Compared just now."))).to_be_visible()
    page.get_by_role("button", name=says("Look again now")).click()
    expect(page.locator(".toast")).to_be_visible()
    page.get_by_role("button", name=says("Renew at expiry")).click()
    expect(history).to_contain_text(says("Renewal at expiry was switched"))
    page.get_by_role("button", name=says("Let expire")).click()
    expect(page.get_by_role("button", name=says("Renew at expiry"))).to_be_visible()


@by_two
def test_a_list_is_downloaded_as_it_is_searched(opens: Opens, says: Reader) -> None:
    page = opens("/leads/registered?q=norway", **says.browser)
    with page.expect_download() as download:
        page.get_by_role("link", name=says("Download as CSV")).click()
    text = download.value.path().read_text("utf-8-sig")
    assert "stavangersubsea.no" in text
    assert "almby-mekaniska.se" not in text
