"""Operations, as an operator uses it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browser.people import everybody
from browser.readers import AT_A_DESK, Reader, by_two
from browser.stage import Stage
from syncworker.access.roles import Role

Opens = Callable[..., Page]


@pytest.fixture
def operator(opens: Opens) -> Callable[..., Page]:
    return lambda path, **more: opens(path, role=Role.OPERATOR, **more)


@by_two
def test_parked_marks_are_tried_again_or_let_go(operator: Opens, stage: Stage, says: Reader) -> None:
    retried, dismissed = everybody()[:2] if says == AT_A_DESK else everybody()[-2:]
    with stage.worker_held():
        for person in (retried, dismissed):
            stage.parks(person, "No answer from HubSpot within 20 s")
    parked = "SELECT object_id FROM marks WHERE parked_at IS NOT NULL AND hub_id = :hub"
    before = len(stage.rows(parked, hub=stage.hub))
    page = operator("/operations/marks", **says.browser)
    page.locator("tr", has_text=retried.domain).get_by_role("checkbox").check()
    page.get_by_role("button", name=says("Try again")).click()
    expect(page.locator(".toast")).to_be_visible()
    page.locator("tr", has_text=dismissed.domain).get_by_role("checkbox").check()
    page.get_by_role("button", name=says("Let go")).click()
    page.get_by_role("dialog").get_by_role("button", name=says("Yes, let go")).click()
    expect(page.locator(".toast")).to_be_visible()
    stage.until(lambda: len(stage.rows(parked, hub=stage.hub)) == before - 2)
    expect(page.locator("tr", has_text=dismissed.domain)).to_have_count(0)


@by_two
def test_a_form_is_switched_after_a_look_at_what_it_would_have_done(
    operator: Opens, stage: Stage, says: Reader
) -> None:
    page = operator("/operations/forms", **says.browser)
    newsletter = page.locator("tr", has_text="Newsletter")
    switch = newsletter.get_by_role("switch")
    expect(switch).to_have_attribute("aria-checked", "false")
    newsletter.locator("a.button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("dd").first).to_have_text("0")
    dialog.locator(".dialog-actions button").click()
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    assert len(stage.rows("SELECT form_id FROM forms WHERE hub_id = :hub", hub=stage.hub)) == 1


@by_two
def test_holds_come_by_a_file_that_is_looked_through_first(operator: Opens, stage: Stage, says: Reader) -> None:
    domain = f"browser-held-{says}.se"
    page = operator("/operations/holds", **says.browser)
    rows = f"domain,kind\n{domain},existing_customer\nno domain,x\n"
    file = {"name": "customers.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    for button, held in (("Only look through", 0), ("Bring in", 1)):
        page.get_by_label(says("Holds from a CSV file")).set_input_files(files=[file])
        page.get_by_role("button", name=says(button)).click()
        became = page.get_by_role("region", name=says("What became of the file"))
        heading = "%(name)s is brought in" if held else "%(name)s, looked through: nothing is changed yet"
        expect(became.get_by_role("heading")).to_have_text(says(heading, name="customers.csv"))
        assert len(stage.rows("SELECT domain FROM holds WHERE domain = :domain", domain=domain)) == held
    page.get_by_role("searchbox").fill(domain)
    expect(page.locator("#holds tbody tr")).to_have_count(1)
    page.get_by_label(says("Lift the hold on %(domain)s", domain=domain)).click()
    expect(page.locator(".toast")).to_be_visible()
    assert stage.rows("SELECT domain FROM holds WHERE domain = :domain", domain=domain) == []


@by_two
def test_a_resync_begins_waits_goes_on_and_is_ended(operator: Opens, stage: Stage, says: Reader) -> None:
    page = operator("/operations/resyncs", **says.browser)
    begin = page.get_by_role("button", name=says("Begin a resync"))
    latest = page.locator("tbody tr").first
    with stage.worker_held():
        begin.click()
        expect(page.get_by_role("progressbar")).to_be_visible()
        page.get_by_role("button", name=says("Pause")).click()
        page.get_by_role("button", name=says("Resume")).click()
        page.get_by_role("link", name=says("End it")).click()
        page.get_by_role("dialog").get_by_role("button", name=says("Yes, end it")).click()
        expect(latest).to_contain_text(says("ended"))
    begin.click()
    # It comes to its end by itself, and the page hears of it.
    expect(latest).to_contain_text(says("done"))
    expect(begin).to_be_visible()


@by_two
def test_a_portal_is_paused_with_a_reason_and_goes_on(operator: Opens, says: Reader) -> None:
    page = operator("/operations", **says.browser)
    expect(page.locator(".figure").filter(has_text=says("Processes"))).to_contain_text("worker 1")
    page.get_by_label(says("Pause this portal: why?")).fill("moving the CRM")
    page.get_by_role("button", name=says("Pause")).click()
    expect(page.get_by_text("Moving the CRM.")).to_be_visible()
    page.goto("/capacity")
    expect(page.get_by_text(says("Paused"), exact=True)).to_be_visible()
    page.goto("/operations")
    page.get_by_role("button", name=says("Let it go on")).click()
    expect(page.get_by_role("button", name=says("Pause"))).to_be_visible()
