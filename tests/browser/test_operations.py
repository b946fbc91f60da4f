"""Operations, as an operator uses it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browser.chrome import DESK, PHONE
from browser.people import everybody
from browser.stage import Stage
from syncworker.access.roles import Role

Opens = Callable[..., Page]


@pytest.fixture
def operator(opens: Opens) -> Callable[..., Page]:
    return lambda path, **more: opens(path, role=Role.OPERATOR, **more)


def test_parked_marks_are_tried_again_or_let_go(operator: Opens, stage: Stage) -> None:
    parked = "SELECT object_id FROM marks WHERE parked_at IS NOT NULL AND hub_id = :hub"
    before = len(stage.rows(parked, hub=stage.hub))
    page = operator("/operations/marks")
    retried, dismissed = (person.domain for person in everybody()[:2])
    page.locator("tr", has_text=retried).get_by_role("checkbox").check()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".toast")).to_be_visible()
    page.locator("tr", has_text=dismissed).get_by_role("checkbox").check()
    page.get_by_role("button", name="Let go").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes, let go").click()
    expect(page.locator(".toast")).to_be_visible()
    stage.until(lambda: len(stage.rows(parked, hub=stage.hub)) == before - 2)
    expect(page.locator("tr", has_text=dismissed)).to_have_count(0)


@pytest.mark.parametrize(("lang", "size"), [("en", DESK), ("sv", PHONE)])
def test_a_form_is_switched_after_a_look_at_what_it_would_have_done(
    operator: Opens, stage: Stage, lang: str, size: dict[str, int]
) -> None:
    page = operator("/operations/forms", lang=lang, size=size)
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


def test_holds_come_by_a_file_that_is_looked_through_first(operator: Opens, stage: Stage) -> None:
    page = operator("/operations/holds")
    file = {
        "name": "customers.csv",
        "mimeType": "text/csv",
        "buffer": b"domain,kind\nbrowser-held.se,existing_customer\nno domain,x\n",
    }
    for button, held in (("Only look through", 0), ("Bring in", 1)):
        page.get_by_label("Holds from a CSV file").set_input_files(files=[file])
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("region", name="What became of the file")).to_contain_text("customers.csv")
        assert len(stage.rows("SELECT domain FROM holds WHERE domain = 'browser-held.se'")) == held
    page.get_by_role("searchbox").fill("browser-held")
    expect(page.locator("#holds tbody tr")).to_have_count(1)
    page.get_by_label("Lift the hold on browser-held.se").click()
    expect(page.locator(".toast")).to_be_visible()


def test_a_resync_begins_waits_goes_on_and_is_ended(operator: Opens, stage: Stage) -> None:
    page = operator("/operations/resyncs")
    with stage.worker_held():
        page.get_by_role("button", name="Begin a resync").click()
        expect(page.get_by_role("progressbar")).to_be_visible()
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("button", name="Resume").click()
        page.get_by_role("link", name="End it").click()
        page.get_by_role("dialog").get_by_role("button", name="Yes, end it").click()
        expect(page.locator("tbody tr").first).to_contain_text("ended")
    page.get_by_role("button", name="Begin a resync").click()
    # It comes to its end by itself, and the page hears of it.
    expect(page.locator("tbody tr").first).to_contain_text("done")
    expect(page.get_by_role("button", name="Begin a resync")).to_be_visible()


def test_a_portal_is_paused_with_a_reason_and_goes_on(operator: Opens, stage: Stage) -> None:
    page = operator("/operations")
    expect(page.locator(".figure").filter(has_text="Processes")).to_contain_text("worker 1")
    page.get_by_label(re.compile("^Pause this portal")).fill("moving the CRM")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Moving the CRM.")).to_be_visible()
    page.goto("/capacity")
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    page.goto("/operations")
    page.get_by_role("button", name="Let it go on").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
