"""Registering by hand, as a manager does it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browser.chrome import Complaints
from browser.people import Person, some
from browser.readers import SWEDE_ON_A_PHONE, Reader, by_two
from browser.stage import Stage
from syncworker.web.pages.registering_files import COUNTED_AT_ONCE

Opens = Callable[..., Page]


def in_the_crm(stage: Stage, *people: Person) -> None:
    """They are contacts whom nobody has asked for."""
    for person in people:
        stage.sandbox.create(stage.hub, "contacts", {**person.fields(), "email": person.email})


@by_two
def test_one_lead_is_looked_at_first_and_registered(opens: Opens, stage: Stage, says: Reader) -> None:
    person = Person("Tove", "Arn", "Arns Glas", f"arnsglas-{says}.se", "Sweden")
    in_the_crm(stage, person)
    stage.room(1)
    page = opens("/register", **says.browser)
    page.locator("input[name=lead]").fill(person.email)
    page.keyboard.press("Enter")
    checked = page.locator("#checked")
    expect(checked).to_contain_text(person.domain)
    expect(checked.locator(".status")).to_have_text(says("Registered"))
    assert person.domain not in stage.active()
    checked.get_by_role("button").click()
    stage.until(lambda: person.domain in stage.active())
    # The page leads on to the lead by itself.
    expect(page.get_by_role("heading", level=1)).to_have_text(person.domain)


@by_two
def test_what_keeps_a_lead_from_being_registered_is_said_before_anything_is_done(
    opens: Opens, stage: Stage, complaints: Complaints, says: Reader
) -> None:
    complaints.expected.add(404)
    email = f"info@namnlosa-{says}.se"
    nameless = Person("", "", "Namnlösa", f"namnlosa-{says}.se", "Sweden")
    stage.sandbox.create(stage.hub, "contacts", {**nameless.fields(), "email": email})
    page = opens(f"/register?lead={email}", **says.browser)
    expect(page.locator("#checked")).to_contain_text(says("%(field)s is missing", field=says("first name")))
    page.goto("/register?lead=nobody@nowhere-at-all.se")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("input[name=lead]")).to_have_value("nobody@nowhere-at-all.se")


@by_two
def test_a_file_is_looked_through_brought_in_and_tells_of_each_row(opens: Opens, stage: Stage, says: Reader) -> None:
    people = some(2, called=f"rask-{says}")
    in_the_crm(stage, *people)
    stage.room(2)
    rows = "\n".join(["email", *(person.email for person in people), "no email"])
    page = opens("/register", **says.browser)
    page.locator("input[type=file]").set_input_files(
        files=[{"name": "fair.csv", "mimeType": "text/csv", "buffer": rows.encode()}]
    )
    page.get_by_role("button", name=says("Look through")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("fair.csv")
    expect(page.get_by_role("region", name=says("Rows that name no lead"))).to_contain_text("no email")
    page.locator(".actions .button.primary").click()
    stage.until(lambda: {person.domain for person in people} <= set(stage.active()))
    # It hears by itself of what is decided.
    expect(page.locator(".figure").filter(has_text=re.compile(f"^{says('Registered')}"))).to_contain_text("2")
    with page.expect_download() as download:
        page.get_by_role("link", name=says("Download what failed")).click()
    assert "no email" in download.value.path().read_text("utf-8-sig")


@pytest.mark.parametrize("says", [SWEDE_ON_A_PHONE], ids=str)
def test_the_figures_of_a_large_file_come_when_they_are_counted(opens: Opens, says: Reader) -> None:
    many = COUNTED_AT_ONCE + 1
    rows = "\n".join(["domain", *(f"branch{number}.se" for number in range(many))])
    page = opens("/register", **says.browser)
    page.locator("input[type=file]").set_input_files(
        files=[{"name": "everybody.csv", "mimeType": "text/csv", "buffer": rows.encode()}]
    )
    page.get_by_role("button", name=says("Look through")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("everybody.csv")
    expect(page.locator(".figure").filter(has_text=says("Registered already"))).to_be_visible()
    asks = says.language.ngettext("Ask for %(count)s lead", "Ask for %(count)s leads", many)
    expect(page.locator(".actions .button.primary")).to_have_text(asks)
    page.get_by_role("button", name=says("Discard")).click()
    expect(page.locator(".toast")).to_be_visible()
