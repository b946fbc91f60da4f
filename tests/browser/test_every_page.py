"""What holds of every page: nothing sticks out, nothing shuts anybody out, all of it can be reached by keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from browser.chrome import DESK, PHONE, Complaints
from browser.people import HOSTILE_COMPANY
from browser.places import PAGES
from browser.stage import Stage
from syncworker.access.roles import Role

Opens = Callable[..., Page]
AXE = Axe().axe_script + ";undefined"
# Below these axe only advises.
GRAVE = {"serious", "critical"}
MOST_BYTES = 150_000
# One row is as good as fifty: axe looks at each cell.
FEW_ROWS = {
    "capacity": "?q=norway", "leads-registered": "?q=norway", "operations-holds": "?q=havnekraft",
}  # fmt: skip


def violations(page: Page, *, only: str = "") -> list[str]:
    """What axe finds to shut somebody out, with where it stands; by all its rules or by one."""
    # Neither a path to each node that it looks at, nor the style sheets once more for rules that are not asked for.
    options = {"resultTypes": ["violations"], "selectors": False, "preload": False}
    if page.evaluate("!window.axe"):
        page.evaluate(AXE)
    found = page.evaluate(
        "options => axe.run(document, options).then(found => found.violations)",
        options | ({"runOnly": [only]} if only else {}),
    )
    return [
        f"{page.url}: {one['id']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"][:3]
    ]


def shortened(page: Page) -> None:
    """Let a long text keep the first three of each kind of its parts: a fortieth paragraph is as good as the first."""
    page.evaluate(
        """for (const text of document.querySelectorAll("article")) {
            const kept = {};
            for (const part of [...text.children])
                if ((kept[part.tagName] = (kept[part.tagName] || 0) + 1) > 3) part.remove();
        }"""
    )


def sticking_out(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize(("lang", "size"), [("en", DESK), ("sv", PHONE)])
def test_every_page_fits_is_titled_and_shuts_nobody_out_in_light_and_dark(
    opens: Opens, lang: str, size: dict[str, int]
) -> None:
    page = opens(role=Role.OPERATOR, lang=lang, size=size)
    titles = {}
    for name, path in PAGES.items():
        page.goto(path + FEW_ROWS.get(name, ""))
        expect(page.locator("html")).to_have_attribute("lang", lang)
        titles[name] = page.title()
        assert page.locator("h1").count() == 1, name
        for width in (PHONE, DESK, size):
            page.set_viewport_size(width)
            assert sticking_out(page) <= 0, (name, width)
        shortened(page)
        page.emulate_media(color_scheme="light")
        assert violations(page) == [], name
        # Nothing else is another in the dark.
        page.emulate_media(color_scheme="dark")
        assert violations(page, only="color-contrast") == [], name
    assert all(titles.values())


@pytest.mark.parametrize(("lang", "size"), [("en", PHONE), ("sv", DESK)])
def test_strangers_and_the_lost_are_shut_out_by_nothing_but_the_door(
    opens: Opens, complaints: Complaints, lang: str, size: dict[str, int]
) -> None:
    complaints.expected |= {404, 410}
    page = opens(role=None, lang=lang, size=size)
    for path, scheme in product(("/login", "/login/once/used-up"), ("light", "dark")):
        page.emulate_media(color_scheme=scheme)
        page.goto(path)
        assert (violations(page), sticking_out(page) <= 0) == ([], True)
    page = opens(lang=lang, size=size)
    page.goto("/nowhere")
    assert (violations(page), sticking_out(page) <= 0) == ([], True)


def test_dialogs_and_toasts_shut_nobody_out(opens: Opens) -> None:
    page = opens("/capacity")
    page.locator("tbody .tick input").first.check()
    page.locator(".selection").get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []


def test_a_page_with_all_it_needs_is_small(opens: Opens) -> None:
    page = opens(role=Role.OPERATOR)
    sizes: dict[str, int] = {}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    for path in ("/capacity", f"{PAGES['lead']}", "/operations/holds"):
        sizes.clear()
        session.send("Network.clearBrowserCache")
        page.goto(path)
        page.wait_for_load_state("load")
        assert 1_000 < sum(sizes.values()) < MOST_BYTES, (path, sizes)


def test_html_in_a_name_is_text_everywhere(opens: Opens, stage: Stage) -> None:
    page = opens("/capacity?q=bold-and-sons", role=Role.OPERATOR)
    expect(page.locator("tbody")).to_contain_text(HOSTILE_COMPANY)
    for path in ("/leads/registered?q=bold", "/leads/domain/bold-and-sons.co.uk", "/capacity?q=<b>eve"):
        page.goto(path)
        expect(page.locator("main")).to_contain_text("<b>")
        assert page.locator("main img, main dd b, td b:not(.row-name)").count() == 0
    assert not page.title().startswith("1")


def test_the_rail_the_table_and_the_dialog_are_reached_by_keys_alone(opens: Opens) -> None:
    page = opens("/capacity")
    press = page.keyboard.press
    focused = page.locator(":focus")
    press("Tab")
    expect(focused).to_have_text("Skip to content")
    expect(focused).to_be_in_viewport()
    press("Enter")
    expect(page.locator("main")).to_be_focused()
    press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    box = page.locator("tbody .tick input").first
    for _ in range(20):
        press("Tab")
        if box.evaluate("box => box === document.activeElement"):
            break
        assert focused.evaluate("e => e.matches(':focus-visible')")
    expect(box).to_be_focused()
    press("Space")
    button = page.locator(".selection").get_by_role("button", name="Deregister")
    button.focus()
    press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Yes, deregister")).to_be_focused()
    # Whoever goes on is kept in it; the browser's own bar is the only way out.
    for _ in range(6):
        press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()


def test_menus_open_and_close_by_keys_and_the_language_is_remembered(opens: Opens) -> None:
    page = opens("/leads/expired")
    menu = page.locator("summary", has_text=re.compile("^EN$"))
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Svenska")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Svenska")).to_be_hidden()
    expect(menu).to_be_focused()
    menu.click()
    page.get_by_role("link", name="Svenska").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Utgångna leads")
    page.goto("/capacity")
    expect(page.get_by_role("heading", level=1)).to_have_text("Kapacitetshanteraren")
