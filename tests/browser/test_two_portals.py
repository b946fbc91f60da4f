"""Whoever has two portals open beside each other does in each what its page shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browser.chrome import Complaints
from browser.people import Person, some
from browser.readers import AT_A_DESK, Reader
from browser.stage import Stage

Opens = Callable[..., Page]


def another_tab(page: Page, path: str, complaints: Complaints) -> Page:
    """Of the same browser, which knows one portal that was chosen last."""
    tab = page.context.new_page()
    complaints.listen(tab)
    tab.goto(path)
    return tab


def portal_of(stage: Stage, lead: Person) -> list[int]:
    """Where it is registered, and not being given up."""
    active = "SELECT hub_id FROM registrations WHERE domain = :domain AND ended_at IS NULL AND deregistered_at IS NULL"
    return [row.hub_id for row in stage.rows(active, domain=lead.domain)]


def registers(page: Page, lead: Person) -> None:
    """By hand, on a page that is open already."""
    page.locator("input[name=lead]").fill(lead.email)
    page.keyboard.press("Enter")
    page.locator("#checked").get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(lead.domain)


def deregisters(page: Page, lead: Person, says: Reader) -> None:
    """From its row in a table that is open already, up to the offer to take it back."""
    page.get_by_label(says("Tick %(what)s", what=lead.domain), exact=True).check()
    page.locator(".selection").get_by_role("button", name=says("Deregister")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("listitem")).to_have_text([lead.domain])
    dialog.get_by_role("button", name=says("Yes, deregister")).click()
    expect(page.locator(".toast").get_by_role("button", name=says("Undo"))).to_be_visible()


@pytest.mark.parametrize("says", [AT_A_DESK], ids=str)
def test_two_managers_each_with_two_portals_in_two_tabs_mix_nothing_up(
    opens: Opens, stage: Stage, complaints: Complaints, says: Reader
) -> None:
    portals = (stage.hub, stage.other_hub)
    stage.room(2)
    # Each of the two registers a lead in either portal.
    leads = {who: some(2, called=f"{who}-{says}") for who in ("bodil", "sixten")}
    tabs = {}
    for who, of in leads.items():
        for hub, lead in zip(portals, of, strict=True):
            stage.sandbox.create(hub, "contacts", lead.fields())
        first = opens(f"/register?portal={stage.hub}", who=f"{who}@fjordfuru.se", sees=portals, **says.browser)
        # The portal that is chosen last is the other one.
        second = another_tab(first, f"/register?portal={stage.other_hub}", complaints)
        tabs[who] = (first, second)
    for who, of in leads.items():
        for page, lead in zip(tabs[who], of, strict=True):
            registers(page, lead)
        assert [portal_of(stage, lead) for lead in of] == [[hub] for hub in portals]
    # The tables stand open in both tabs of both, then are used in turn.
    for who, pair in tabs.items():
        for hub, page in zip(portals, pair, strict=True):
            page.goto(f"/capacity?portal={hub}&q={says}")
            mine, others = (leads[who][n] for n in ((0, 1) if hub == stage.hub else (1, 0)))
            table = page.locator("tbody")
            expect(table.get_by_text(mine.domain)).to_be_visible()
            expect(table.get_by_text(others.domain)).to_have_count(0)
    for who, of in leads.items():
        for page, lead in zip(tabs[who], of, strict=True):
            deregisters(page, lead, says)
        assert [portal_of(stage, lead) for lead in of] == [[], []]
    # And taken back, though the other tab did something since.
    for who, of in leads.items():
        for hub, page, lead in zip(portals, tabs[who], of, strict=True):
            page.locator(".toast").get_by_role("button", name=says("Undo")).click()
            # Done, and the page has come back to what it told.
            expect(page.locator(".toast:not(:has(.button))")).to_be_visible()
            expect(page.locator("tbody").get_by_text(lead.domain)).to_be_visible()
            stage.until(lambda of=lead, at=hub: portal_of(stage, of) == [at])
