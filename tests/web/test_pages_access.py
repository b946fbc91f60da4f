"""Who sees a page, who is sent away, and what is told to whom."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest

from syncworker.access import links, users
from syncworker.access.attempts import MOST_BY_EMAIL_FROM_ANYWHERE
from syncworker.access.roles import Role
from syncworker.web import cookies
from web.deployment import HUB, OTHER_HUB, Deployment
from web.signed_in import Browser, browser

PASSWORD = "four words of some length"
As = Callable[..., Browser]


def test_a_stranger_is_sent_to_sign_in_and_back_to_where_they_wanted(as_: As) -> None:
    visitor = as_()
    assert visitor.get("/").headers["location"] == "/login"
    answer = visitor.get("/capacity?q=a%20b&lang=sv")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fcapacity%3Fq%3Da%2520b%26lang%3Dsv"
    # A part of a page is no place for a sign-in form
    part = visitor.get("/capacity", headers={"hx-request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (204, "/login?next=%2Fcapacity")


def test_email_and_password_sign_in_and_signing_out_ends_it_whatever_cookie_is_left(
    as_: As, deployment: Deployment
) -> None:
    deployment.database.run(lambda tx: users.add(tx, "anna@acme.se", role=Role.MANAGER, password=PASSWORD, who="test"))
    visitor = as_()
    page = visitor.get("/login?next=/capacity?q=x")
    assert page.status_code == 200
    wrong = visitor.submit("/login", on="/login", email="anna@acme.se", password="wrong", next="/capacity?q=x")
    assert wrong.status_code == 401
    assert 'value="anna@acme.se"' in wrong.text
    assert "wrong" not in wrong.text.replace("wrong-", "")
    right = visitor.submit("/login", on="/login", email="Anna@Acme.se", password=PASSWORD, next="/capacity?q=x")
    assert (right.status_code, right.headers["location"]) == (303, "/capacity?q=x")
    assert visitor.get("/capacity").status_code == 200
    kept = visitor.cookies[cookies.SESSION]
    assert visitor.submit("/logout").headers["location"] == "/login"
    visitor.cookies.set(cookies.SESSION, kept)
    assert visitor.get("/capacity").status_code == 303


def test_too_many_attempts_are_told_the_same_whether_there_is_such_an_account_or_not(
    as_: As, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.database.run(lambda tx: users.add(tx, "anna@acme.se", role=Role.MANAGER, password=None, who="test"))
    # Given that each of two emails was tried from many addresses
    with deployment.database.transaction() as tx:
        for email in ("anna@acme.se", "nobody@acme.se"):
            tx.connection.exec_driver_sql(
                "INSERT INTO sign_in_attempts VALUES (%s, %s, now())",
                (f"email:{deployment.context.secrets.key_hash(email)}", MOST_BY_EMAIL_FROM_ANYWHERE),
            )
    visitor = as_()
    said = set()
    for email in ("anna@acme.se", "nobody@acme.se"):
        answer = visitor.submit("/login", on="/login", email=email, password=PASSWORD)
        assert answer.status_code == 429
        said.add(re.sub(r"<input.*?>", "", answer.text))
    assert len(said) == 1
    assert "Too many attempts" in said.pop()


def test_a_link_signs_in_once_and_a_look_ahead_does_not_use_it_up(as_: As, deployment: Deployment) -> None:
    token = links.made_up()
    deployment.database.run(lambda tx: links.make_for_first(tx, token))
    visitor = as_()
    assert visitor.get(f"/login/once/{token}", headers={"sec-purpose": "prefetch"}).status_code == 204
    assert visitor.get(f"/login/once/{token}").headers["location"] == "/capacity"
    assert visitor.get("/capacity").status_code == 200
    again = as_().get(f"/login/once/{token}")
    assert again.status_code == 410
    assert "used already" in again.text


@pytest.mark.parametrize(
    "next_", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "x"]
)
def test_signing_in_leads_nowhere_else(as_: As, next_: str) -> None:
    assert as_(Role.VIEWER).get("/login", params={"next": next_}).headers["location"] == "/capacity"


def test_a_change_needs_the_token_of_the_very_session(as_: As) -> None:
    first, second = as_(Role.MANAGER), as_(Role.MANAGER)
    theirs = second.token()
    for attempt in ({}, {"csrf": ""}, {"csrf": theirs}, {"csrf": "é"}):
        assert first.post("/logout", data=attempt).status_code == 403
    assert first.post("/logout", json={"csrf": first.token()}).status_code == 403
    assert first.post("/logout", headers={"x-csrf-token": theirs}).status_code == 403
    foreign = {"sec-fetch-site": "cross-site", "x-csrf-token": first.token()}
    assert first.post("/logout", headers=foreign).status_code == 403
    assert first.get("/capacity").status_code == 200
    assert first.post("/logout", headers={"x-csrf-token": first.token()}).status_code == 303


def test_the_sign_in_form_is_the_visitors_own(as_: As) -> None:
    theirs = as_().token("/login")
    answer = as_().post("/login", data={"csrf": theirs, "email": "a@b.se", "password": PASSWORD})
    assert answer.status_code == 403
    assert "load the page again" in answer.text


def test_a_cookie_that_somebody_else_signed_is_none(as_: As, deployment: Deployment) -> None:
    visitor = as_(Role.OPERATOR)
    kept = visitor.cookies[cookies.SESSION]
    value, _, signature = kept.rpartition(".")
    other = cookies.signed(deployment.context.secrets.session_key, cookies.VISIT, "x")
    for forged in (value, f"{value}.", f"{value}x.{signature}", signature, other, "é", "x" * 10_000):
        with browser(visitor.base_url) as stranger:
            sent = {b"cookie": f"{cookies.SESSION}={forged}".encode("latin-1"), b"accept": b"text/html"}
            assert stranger.get("/capacity", headers=sent).status_code == 303, forged


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(as_: As, deployment: Deployment) -> None:
    token = links.made_up()
    deployment.database.run(lambda tx: links.make_for_first(tx, token))
    answer = as_().get(f"/login/once/{token}?lang=sv")
    set_ = [header for header in answer.headers.get_list("set-cookie") if "Max-Age=0" not in header]
    assert {header.partition("=")[0] for header in set_} >= {cookies.SESSION}
    # The public address of the tests is https
    for header in set_:
        for attribute in ("HttpOnly", "SameSite=lax", "Secure", "Path=/"):
            assert attribute in header, header


def test_pages_run_our_scripts_alone_are_framed_by_nobody_and_kept_by_no_cache(as_: As) -> None:
    for answer in (
        as_().get("/login"), as_(Role.VIEWER).get("/capacity"), as_(Role.VIEWER).get("/nothing"), as_().get("/"),
    ):  # fmt: skip
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        # Nothing that the policy would forbid
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text)


def test_scripts_and_styles_are_addressed_by_what_is_in_them_and_kept_for_good(as_: As) -> None:
    visitor = as_()
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', visitor.get("/login").text)
    assert len(named) == 4
    for path in named:
        answer = visitor.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert visitor.get("/static/style.0123456789ab.css").status_code == 404
    assert visitor.get("/static/..%2fapp.py").status_code == 404
    # With everything, a page is light
    weight = sum(len(gzip.compress(visitor.get(path).content)) for path in named)
    assert weight < 50_000


def test_a_page_that_is_not_there_is_a_page_to_a_browser_and_json_to_a_machine(as_: As) -> None:
    answer = as_(Role.VIEWER).get("/nothing-here")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert 'href="/capacity"' in answer.text
    assert 'href="/capacity"' not in as_().get("/nothing-here").text
    assert as_().get("/nothing-here", headers={"accept": "*/*"}).json() == {
        "error": "there is nothing here: see /openapi.json"
    }
    assert "error" in as_().get("/api/v1/nothing").json()


def test_who_sees_one_portal_finds_no_other(as_: As, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    bo = as_(Role.VIEWER, portals=[HUB])
    page = bo.get("/capacity")
    assert "portal 4711" in page.text
    assert "portal 4712" not in page.text
    assert bo.get(f"/capacity?portal={OTHER_HUB}").status_code == 404
    bo.cookies.set(cookies.PORTAL, str(OTHER_HUB))
    assert "portal 4711" in bo.get("/capacity").text
    none = as_(Role.MANAGER, portals=[])
    answer = none.get("/capacity")
    assert answer.status_code == 404
    assert "No portal is connected yet" in answer.text


def test_the_portal_that_was_chosen_is_shown_from_then_on(as_: As, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta", capacity=77)
    anna = as_(Role.VIEWER)
    assert "of 5" in anna.get("/capacity").text
    assert "of 77" in anna.get(f"/capacity?portal={OTHER_HUB}").text
    anna.cookies.set(cookies.PORTAL, str(OTHER_HUB))
    assert "of 77" in anna.get("/capacity").text


def test_an_address_that_names_a_portal_shows_that_one_from_then_on_to_whoever_sees_it(
    as_: As, deployment: Deployment
) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    anna = as_(Role.VIEWER)
    anna.get(f"/capacity?portal={HUB}")
    # A notice's link names the portal that it is about
    assert f'<span class="ellipsis">portal {OTHER_HUB}</span>' in anna.get(f"/leads/expiring?portal={OTHER_HUB}").text
    assert f'<span class="ellipsis">portal {OTHER_HUB}</span>' in anna.get("/capacity").text
    # A stranger signs in first, and comes to it then
    asked = as_().get(f"/leads/expiring?portal={OTHER_HUB}").headers["location"]
    assert asked == f"/login?next=%2Fleads%2Fexpiring%3Fportal%3D{OTHER_HUB}"
    only_here = as_(Role.OPERATOR, portals=[HUB])
    assert only_here.get(f"/leads/expiring?portal={OTHER_HUB}").status_code == 404
