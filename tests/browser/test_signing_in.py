"""How somebody comes in, and goes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browser.chrome import DESK, PHONE, Complaints
from browser.stage import PASSWORD, Stage
from syncworker.access.roles import Role

Opens = Callable[..., Page]


@pytest.mark.parametrize(
    ("lang", "size", "words"),
    [
        ("en", DESK, ("Email", "Password", "Sign in", "do not belong together", "Account", "Sign out")),
        ("sv", PHONE, ("E-post", "Lösenord", "Logga in", "hör inte ihop", "Konto", "Logga ut")),
    ],
)
def test_somebody_signs_in_by_password_goes_where_they_wanted_and_signs_out(
    opens: Opens, stage: Stage, complaints: Complaints, lang: str, size: dict[str, int], words: tuple[str, ...]
) -> None:
    email, password, sign_in, refused, account, sign_out = words
    complaints.expected.add(401)
    stage.invite(f"pass-{lang}@fjordfuru.se", Role.VIEWER, password=PASSWORD)
    page = opens("/leads/expired", role=None, lang=lang, size=size)
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label(email).fill(f"pass-{lang}@fjordfuru.se")
    page.get_by_label(password).fill("not it, and long enough")
    page.get_by_role("button", name=sign_in).click()
    expect(page.get_by_text(re.compile(refused))).to_be_visible()
    expect(page.get_by_label(email)).to_have_value(f"pass-{lang}@fjordfuru.se")
    expect(page.get_by_label(password)).to_be_focused()
    page.get_by_label(password).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/leads/expired$"))
    page.locator("summary").filter(has=page.locator(f"[aria-label='{account}'], .icon")).last.click()
    page.get_by_role("button", name=sign_out).click()
    expect(page).to_have_url(re.compile("/login$"))
    page.go_back()
    expect(page).to_have_url(re.compile("/login"))


def test_the_link_that_make_up_prints_signs_in_once(opens: Opens, stage: Stage, complaints: Complaints) -> None:
    complaints.expected.add(410)
    link = stage.invite("first@fjordfuru.se", Role.OPERATOR)
    page = opens(link, role=None)
    expect(page).to_have_url(re.compile("/capacity"))
    expect(page.get_by_role("link", name="Operations")).to_be_visible()
    other = opens(link, role=None)
    expect(other.get_by_text("This link was used already")).to_be_visible()


def test_a_viewer_is_offered_nothing_to_change(opens: Opens) -> None:
    page = opens("/capacity", role=Role.VIEWER)
    expect(page.locator("tbody .row-link").first).to_be_visible()
    assert page.locator(".tick").count() == 0
    assert page.get_by_role("link", name="Operations").count() == 0
    page.locator("tbody .row-link").first.click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    assert page.locator("main form").count() == 0
