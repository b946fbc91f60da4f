"""Registering by hand, as a manager does it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browser.chrome import DESK, PHONE, Complaints
from browser.people import Person
from browser.stage import Stage

Opens = Callable[..., Page]


def in_the_crm(stage: Stage, *people: Person) -> None:
    """They are contacts whom nobody has asked for."""
    for person in people:
        stage.sandbox.create(stage.hub, "contacts", {**person.fields(), "email": person.email})


@pytest.mark.parametrize(("lang", "size"), [("en", DESK), ("sv", PHONE)])
def test_one_lead_is_looked_at_first_and_registered(
    opens: Opens, stage: Stage, lang: str, size: dict[str, int]
) -> None:
    person = Person("Tove", "Arn", "Arns Glas", f"arnsglas-{lang}.se", "Sweden")
    in_the_crm(stage, person)
    stage.room(1)
    page = opens("/register", lang=lang, size=size)
    page.locator("input[name=lead]").fill(person.email)
    page.keyboard.press("Enter")
    checked = page.locator("#checked")
    expect(checked).to_contain_text(person.domain)
    expect(checked.locator(".status")).to_have_text({"en": "Registered", "sv": "Registrerad"}[lang])
    assert person.domain not in stage.active()
    checked.get_by_role("button").click()
    stage.until(lambda: person.domain in stage.active())
    # The page leads on to the lead by itself.
    expect(page.get_by_role("heading", level=1)).to_have_text(person.domain)


def test_what_keeps_a_lead_from_being_registered_is_said_before_anything_is_done(
    opens: Opens, stage: Stage, complaints: Complaints
) -> None:
    complaints.expected.add(404)
    nameless = Person("", "", "Namnlösa", "namnlosa.se", "Sweden")
    stage.sandbox.create(stage.hub, "contacts", {**nameless.fields(), "email": "info@namnlosa.se"})
    page = opens("/register?lead=info@namnlosa.se")
    expect(page.locator("#checked")).to_contain_text("first name is missing")
    page.goto("/register?lead=nobody@nowhere-at-all.se")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("input[name=lead]")).to_have_value("nobody@nowhere-at-all.se")


def test_a_file_is_looked_through_brought_in_and_tells_of_each_row(opens: Opens, stage: Stage) -> None:
    people = [Person("Ulf", "Rask", f"Rask {n}", f"rask-{n}.se", "Sweden") for n in (1, 2)]
    in_the_crm(stage, *people)
    stage.room(2)
    rows = "\n".join(["email", *(person.email for person in people), "no email"])
    page = opens("/register")
    page.locator("input[type=file]").set_input_files(
        files=[{"name": "fair.csv", "mimeType": "text/csv", "buffer": rows.encode()}]
    )
    page.get_by_role("button", name="Look through").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("fair.csv")
    expect(page.get_by_role("region", name="Rows that name no lead")).to_contain_text("no email")
    page.locator(".actions .button.primary").click()
    stage.until(lambda: {person.domain for person in people} <= set(stage.active()))
    # It hears by itself of what is decided.
    expect(page.locator(".figure").filter(has_text=re.compile("^Registered"))).to_contain_text("2")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download what failed").click()
    assert "no email" in download.value.path().read_text("utf-8-sig")
