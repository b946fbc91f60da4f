"""Before scripts arrive, and where they never do, the pages work, only slower."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from browser.people import some
from browser.places import PAGES
from browser.stage import Stage
from syncworker.access.roles import Role

Opens = Callable[..., Page]


def test_every_page_is_there(opens: Opens) -> None:
    page = opens(role=Role.OPERATOR, java_script_enabled=False)
    for name, path in PAGES.items():
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, name
        assert page.locator("h1").count() == 1, name


def test_a_lead_is_found_deregistered_and_taken_back(opens: Opens, stage: Stage) -> None:
    [lead] = some(1, called="plain")
    stage.registers(lead)
    page = opens("/capacity", java_script_enabled=False)
    page.get_by_role("searchbox").fill("plain-1")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody .tick input").check()
    page.get_by_role("button", name="Deregister").click()
    expect(page.get_by_role("heading", name="Deregister 1 domain?")).to_be_visible()
    page.get_by_role("button", name="Yes, deregister").click()
    # A page cannot be asked for again while it gives way to the next one.
    expect(page.get_by_role("heading", name="Capacity manager")).to_be_visible()
    undo = page.get_by_role("button", name="Undo")
    stage.until(lambda: page.reload() and undo.count() == 1)
    assert lead.domain not in stage.active()
    undo.click()
    stage.until(lambda: lead.domain in stage.active())
    page.goto("/capacity?q=sweden")
    page.locator("summary").filter(has_text=re.compile("^EN$")).click()
    page.get_by_role("link", name="Svenska").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kapacitetshanteraren")
