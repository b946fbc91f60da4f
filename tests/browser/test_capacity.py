"""The Capacity Manager, as a manager uses it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browser.chrome import DESK, PHONE, Complaints
from browser.people import some
from browser.stage import Stage

Opens = Callable[..., Page]


def domains(page: Page) -> list[str]:
    """Of the rows that are shown, in order."""
    return page.locator("tbody .lead").locator(".row-link, .row-name").all_inner_texts()


def tick(page: Page, domain: str, **how: object) -> None:
    page.get_by_label(f"Tick {domain}", exact=True).click(**how)


@pytest.mark.parametrize(("lang", "size"), [("en", DESK), ("sv", PHONE)])
def test_a_lead_is_deregistered_after_a_question_and_taken_back_by_one_click(
    opens: Opens, stage: Stage, lang: str, size: dict[str, int]
) -> None:
    words = {
        "en": ("Deregister", "Yes, deregister", "Undo", "Tick "),
        "sv": ("Avregistrera", "Ja, avregistrera", "Ångra", "Markera "),
    }[lang]
    [lead] = some(1, called=f"regret-{lang}")
    stage.registers(lead)
    page = opens(f"/capacity?q={lead.domain}", lang=lang, size=size)
    page.get_by_label(f"{words[3]}{lead.domain}").check()
    page.locator(".selection").get_by_role("button", name=words[0]).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("list")).to_have_text(re.compile(re.escape(lead.domain)))
    expect(dialog.get_by_role("button", name=words[1])).to_be_focused()
    with stage.worker_held():
        dialog.get_by_role("button", name=words[1]).click()
        expect(page.get_by_role("progressbar").first).to_be_visible()
    undo = page.locator(".toast").get_by_role("button", name=words[2])
    expect(undo).to_be_visible()
    expect(page.locator("tbody .lead")).to_have_count(0)
    assert lead.domain not in stage.active()
    undo.click()
    expect(page.locator("tbody .lead")).to_contain_text(lead.domain)
    stage.until(lambda: lead.domain in stage.active())


def test_the_table_answers_as_somebody_types(opens: Opens) -> None:
    page = opens("/capacity")
    box = page.get_by_role("searchbox")
    box.press_sequentially("skagen", delay=20)
    expect(page.locator("tbody tr")).to_have_count(1)
    assert domains(page) == ["skagenoptik.dk"]
    expect(page.get_by_text("1 match")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?q=skagen"))
    expect(box).to_be_focused()
    box.fill("iceland")
    expect(page.locator("tbody .lead")).to_have_text("reykjavikseafood.is")
    box.fill("nothing-like-this")
    expect(page.get_by_role("heading", name="Nothing matches “nothing-like-this”")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("tbody tr")).to_have_count(50)
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("nothing-like-this")


def test_every_column_sorts_both_ways(opens: Opens) -> None:
    page = opens("/capacity")
    heads = page.locator("thead a").all_inner_texts()
    assert heads == ["Domain", "Company", "Contact", "Country", "Registered", "Expires", "Source"]
    for name in heads[::-1]:
        head = page.locator("thead th").filter(has_text=re.compile(f"^{name}"))
        head.get_by_role("link").click()
        expect(head).to_have_attribute("aria-sort", "ascending")
        first = domains(page)
        head.get_by_role("link").click()
        expect(head).to_have_attribute("aria-sort", "descending")
        if name != "Source":
            assert domains(page) != first, name


def test_there_are_pages_and_a_page_is_ticked_with_shift_or_with_the_rest(opens: Opens, stage: Stage) -> None:
    page = opens("/capacity")
    bar = page.locator(".selection")
    expect(bar).to_be_hidden()
    first, last = domains(page)[2], domains(page)[6]
    tick(page, first)
    expect(bar).to_contain_text("1 ticked")
    tick(page, last, modifiers=["Shift"])
    expect(bar).to_contain_text("5 ticked")
    page.get_by_label("Tick all on this page").check()
    expect(bar).to_contain_text("50 ticked")
    every = bar.get_by_label(re.compile("^All "))
    every.check()
    total = page.locator("#count").inner_text().split()[0]
    expect(bar).to_contain_text(f"{total} ticked")
    bar.get_by_role("button", name="Deregister").click()
    expect(page.get_by_role("dialog").get_by_role("heading")).to_have_text(f"Deregister {total} domains?")
    page.get_by_role("dialog").get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    expect(bar).to_be_hidden()
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("tbody tr")).to_have_count(50)


def test_a_form_submitted_elsewhere_shows_by_itself(opens: Opens, stage: Stage) -> None:
    [lead] = some(1, called="elsewhere")
    page = opens("/capacity?q=elsewhere")
    expect(page.locator("tbody tr")).to_have_count(0)
    page.evaluate("window.sameDocument = true")
    stage.room(1)
    stage.submits(lead)
    expect(page.locator("tbody .row-link")).to_have_text(lead.domain)
    assert page.evaluate("window.sameDocument")


def test_who_is_cut_off_is_told_and_loses_nothing(opens: Opens, complaints: Complaints) -> None:
    page = opens("/capacity?q=norway")
    before = domains(page)
    complaints.is_offline = True
    page.context.set_offline(True)
    page.get_by_role("searchbox").fill("finland")
    expect(page.get_by_text("The server does not answer.")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("finland")
    assert domains(page) == before
    page.context.set_offline(False)
    page.get_by_role("searchbox").fill("estonia")
    expect(page.locator("tbody .row-link").first).to_have_text("baltictimber.ee")


def test_a_dialog_that_is_stale_does_nothing_twice(opens: Opens, stage: Stage) -> None:
    leads = some(2, called="stale")
    stage.registers(*leads)
    pages = [opens("/capacity?q=stale", who=f"{name}@fjordfuru.se") for name in ("bo", "siri")]
    for page in pages:
        for lead in leads:
            tick(page, lead.domain)
        page.locator(".selection").get_by_role("button", name="Deregister").click()
        expect(page.get_by_role("dialog")).to_be_visible()
    for page in pages:
        page.get_by_role("button", name="Yes, deregister").click()
        expect(page.locator(".toast")).to_be_visible()
    assert not {lead.domain for lead in leads} & set(stage.active())
    expect(pages[0].locator(".toast").get_by_role("button", name="Undo")).to_be_visible()
