"""The Capacity Manager, as a manager uses it."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from browser.chrome import Complaints
from browser.people import some
from browser.readers import AT_A_DESK, SWEDE_ON_A_PHONE, Reader, by_two
from browser.stage import Stage

Opens = Callable[..., Page]


def domains(page: Page) -> list[str]:
    """Of the rows that are shown, in order."""
    return page.locator("tbody .lead").locator(".row-link, .row-name").all_inner_texts()


def sorts(page: Page, head: Locator, way: str) -> None:
    """A click on a column's head."""
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", way)
    # Until htmx has taken up what it brought in, a link is but a link: it would leave the page.
    expect(page.locator(".htmx-added")).to_have_count(0)


def tick(page: Page, domain: str, says: Reader = AT_A_DESK, **how: object) -> None:
    page.get_by_label(says("Tick %(what)s", what=domain), exact=True).click(**how)


@by_two
def test_a_lead_is_deregistered_after_a_question_and_taken_back_by_one_click(
    opens: Opens, stage: Stage, says: Reader
) -> None:
    [lead] = some(1, called=f"regret-{says}")
    stage.registers(lead)
    page = opens(f"/capacity?q={lead.domain}", **says.browser)
    tick(page, lead.domain, says)
    page.locator(".selection").get_by_role("button", name=says("Deregister")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("list")).to_have_text(re.compile(re.escape(lead.domain)))
    yes = dialog.get_by_role("button", name=says("Yes, deregister"))
    expect(yes).to_be_focused()
    with stage.worker_held():
        yes.click()
        expect(page.get_by_role("progressbar").first).to_be_visible()
    undo = page.locator(".toast").get_by_role("button", name=says("Undo"))
    expect(undo).to_be_visible()
    expect(page.locator("tbody .lead")).to_have_count(0)
    assert lead.domain not in stage.active()
    undo.click()
    expect(page.locator("tbody .lead")).to_contain_text(lead.domain)
    stage.until(lambda: lead.domain in stage.active())


@by_two
def test_the_table_answers_as_somebody_types(opens: Opens, says: Reader) -> None:
    page = opens("/capacity", **says.browser)
    box = page.get_by_role("searchbox")
    box.press_sequentially("skagen", delay=20)
    expect(page.locator("tbody tr")).to_have_count(1)
    assert domains(page) == ["skagenoptik.dk"]
    expect(page.locator("#count")).to_have_text(says.language.ngettext("%(count)s matches", "%(count)s match", 1))
    expect(page).to_have_url(re.compile(r"\?q=skagen"))
    expect(box).to_be_focused()
    box.fill("iceland")
    expect(page.locator("tbody .lead")).to_have_text("reykjavikseafood.is")
    box.fill("nothing-like-this")
    expect(page.get_by_role("heading", name=says("Nothing matches “%(q)s”", q="nothing-like-this"))).to_be_visible()
    page.get_by_role("link", name=says("Show all")).click()
    expect(page.locator("tbody tr")).to_have_count(50)
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("nothing-like-this")


@by_two
def test_every_column_sorts_both_ways(opens: Opens, says: Reader) -> None:
    page = opens("/capacity", **says.browser)
    heads = page.locator("thead a").all_inner_texts()
    columns = ("Domain", "Company", "Contact", "Country", "Registered", "Expires", "Source")
    assert heads == [says(name) for name in columns]
    # All of them once; for the others it is seen that such heads are there, and work.
    for name in heads[::-1] if says == AT_A_DESK else heads[1::4]:
        head = page.locator("thead th").filter(has_text=re.compile(f"^{name}"))
        sorts(page, head, "ascending")
        first = domains(page)
        sorts(page, head, "descending")
        if name != heads[-1]:
            assert domains(page) != first, name


@by_two
def test_there_are_pages_and_a_page_is_ticked_with_shift_or_with_the_rest(opens: Opens, says: Reader) -> None:
    page = opens("/capacity", **says.browser)
    bar = page.locator(".selection")
    expect(bar).to_be_hidden()

    def ticked(number: str) -> None:
        expect(bar).to_contain_text(says("%(number)s ticked", number=number))

    first, last = domains(page)[2], domains(page)[6]
    tick(page, first, says)
    ticked("1")
    tick(page, last, says, modifiers=["Shift"])
    ticked("5")
    page.get_by_label(says("Tick all on this page")).check()
    ticked("50")
    total = page.locator("#count").inner_text().split()[0]
    bar.get_by_label(says("All %(total)s", total=total)).check()
    ticked(total)
    bar.get_by_role("button", name=says("Deregister")).click()
    asked = says.language.ngettext("Deregister %(count)s domain?", "Deregister %(count)s domains?", int(total))
    expect(page.get_by_role("dialog").get_by_role("heading")).to_have_text(asked)
    page.get_by_role("dialog").get_by_role("link", name=says("Cancel")).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name=says("Next")).click()
    expect(page.get_by_text(says("Page %(page)s of %(pages)s", page=2, pages=2))).to_be_visible()
    expect(bar).to_be_hidden()
    page.get_by_role("link", name=says("Previous")).click()
    expect(page.locator("tbody tr")).to_have_count(50)


@by_two
def test_a_form_submitted_elsewhere_shows_by_itself(opens: Opens, stage: Stage, says: Reader) -> None:
    [lead] = some(1, called=f"elsewhere-{says}")
    page = opens(f"/capacity?q=elsewhere-{says}", **says.browser)
    expect(page.locator("tbody tr")).to_have_count(0)
    page.evaluate("window.sameDocument = true")
    stage.room(1)
    stage.submits(lead)
    expect(page.locator("tbody .row-link")).to_have_text(lead.domain)
    assert page.evaluate("window.sameDocument")


def test_what_is_ticked_while_news_is_on_its_way_stays_ticked(opens: Opens, stage: Stage) -> None:
    old, new = some(2, called="meanwhile")
    stage.registers(old)
    page = opens("/capacity?q=meanwhile")
    # What is asked for is held back.
    page.route(re.compile("/capacity"), lambda _: None)
    page.evaluate("""() => {
        window.came = new Promise((came) => document.addEventListener("htmx:afterRequest", () => came()))
    }""")
    with page.expect_request(lambda request: "hx-request" in request.headers):
        stage.registers(new)
    # Nobody asked for it, so nothing is dimmed,
    assert page.locator("table.waits").evaluate("table => table.getAnimations().length") == 0
    tick(page, old.domain)
    # and let go.
    page.unroute_all()
    page.evaluate("window.came")
    box = page.get_by_label(f"Tick {old.domain}", exact=True)
    expect(box).to_be_checked()
    expect(page.locator("tbody .row-link")).to_have_count(1)
    box.uncheck()
    expect(page.locator("tbody .row-link")).to_have_count(2)


@by_two
def test_who_is_cut_off_is_told_and_loses_nothing(opens: Opens, complaints: Complaints, says: Reader) -> None:
    page = opens("/capacity?q=norway", **says.browser)
    before = domains(page)
    complaints.is_offline = True
    page.context.set_offline(True)
    page.get_by_role("searchbox").fill("finland")
    offline = says("The server does not answer. What you see is as it was; try again in a moment.")
    expect(page.get_by_text(offline)).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("finland")
    assert domains(page) == before
    page.context.set_offline(False)
    page.get_by_role("searchbox").fill("estonia")
    expect(page.locator("tbody .row-link").first).to_have_text("baltictimber.ee")


def test_a_dialog_that_is_stale_does_nothing_twice(opens: Opens, stage: Stage) -> None:
    leads = some(2, called="stale")
    stage.registers(*leads)
    # One reads English at a desk, one Swedish on a phone.
    both = [
        (says, opens("/capacity?q=stale", who=f"{who}@fjordfuru.se", **says.browser))
        for who, says in (("bo", AT_A_DESK), ("siri", SWEDE_ON_A_PHONE))
    ]
    for says, page in both:
        for lead in leads:
            tick(page, lead.domain, says)
        page.locator(".selection").get_by_role("button", name=says("Deregister")).click()
        expect(page.get_by_role("dialog")).to_be_visible()
    for says, page in both:
        page.get_by_role("button", name=says("Yes, deregister")).click()
        expect(page.locator(".toast")).to_be_visible()
    assert not {lead.domain for lead in leads} & set(stage.active())
    expect(both[0][1].locator(".toast").get_by_role("button", name=AT_A_DESK("Undo"))).to_be_visible()
