"""Whoever has two portals comes from a page of one to others of the same one, whatever another tab chose since."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape

import httpx
import pytest

from syncworker.access.roles import Role
from syncworker.registration.ledger.requests import State
from syncworker.web import cookies
from web.deployment import HUB, OTHER_HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
HERE = f"portal={HUB}"


@pytest.fixture
def two(deployment: Deployment) -> Deployment:
    deployment.portal(OTHER_HUB, partner="Beta")
    deployment.registered("granvik.se")
    deployment.registered("lindalen.se", hub_id=OTHER_HUB)
    return deployment


@pytest.fixture
def bo(as_: As, two: Deployment) -> Browser:
    return as_(Role.OPERATOR, portals=[HUB, OTHER_HUB])


def chosen(browser: Browser) -> str | None:
    """The portal that the browser shows where nobody says which."""
    return browser.cookies.get(cookies.PORTAL)


def links(html: str) -> Iterator[str]:
    """Where somebody comes to from a page, with a click or by itself."""
    for found in re.findall(r'\b(?:href|hx-get|data-from)="(/[^"]*)"', html):
        if not found.startswith("/static/"):
            yield unescape(found)


def listed(answer: httpx.Response) -> set[str]:
    return {domain for domain in ("granvik.se", "lindalen.se") if domain in answer.text}


@pytest.mark.parametrize(
    "path",
    [
        "/capacity?q=granvik&sort=company", "/leads/registered", "/leads/pending", "/leads/domain/granvik.se",
        "/register", "/operations", "/operations/marks?due=1", "/operations/resyncs",
        "/operations/holds", "/operations/history",
    ],
)  # fmt: skip
def test_every_link_of_a_page_leads_to_its_portal(two: Deployment, bo: Browser, path: str) -> None:
    two.asked("7", state=State.WAITING, domain="waits.se")
    page = bo.get(f"{path}{'&' if '?' in path else '?'}{HERE}").text
    switches = {f"{path.partition('?')[0]}?portal={OTHER_HUB}"}
    elsewhere = {link for link in links(page) if HERE not in re.split("[?&#]", link)}
    assert elsewhere == switches
    # So does a search, which sends what stands in it alone.
    for form in re.findall(r'<form[^>]*method="get".*?</form>', page, re.DOTALL):
        assert f'name="portal" value="{HUB}"' in form


def test_a_form_comes_back_to_its_own_portal_when_another_tab_chose_another_since(bo: Browser) -> None:
    page = bo.get(f"/capacity?q=granvik&{HERE}")
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert token
    bo.get(f"/capacity?portal={OTHER_HUB}")
    done = bo.post("/leads/domain/granvik.se/renewal", data={"csrf": token[1], "renew": "1"})
    location = done.headers["location"]
    assert location == f"/leads/domain/granvik.se?told=renews&{HERE}"
    # In that very moment a form of the other tab comes in.
    other = bo.token(f"/capacity?portal={OTHER_HUB}")
    bo.post("/leads/domain/lindalen.se/renewal", data={"csrf": other, "renew": "1"})
    assert chosen(bo) == str(OTHER_HUB)
    assert bo.get(location).status_code == 200
    # By htmx, too
    done = bo.post("/leads/domain/granvik.se/renewal", data={"csrf": token[1], "renew": "0"},
                   headers={"hx-request": "true"})  # fmt: skip
    assert done.headers["hx-redirect"] == f"/leads/domain/granvik.se?told=expires&{HERE}"


def test_what_renews_itself_chooses_nothing(bo: Browser) -> None:
    page = bo.get(f"/capacity?{HERE}").text
    [part] = set(re.findall(r'data-from="([^"]*)"', page))
    bo.get(f"/capacity?portal={OTHER_HUB}")
    renewed = bo.get(unescape(part), headers={"hx-request": "true", "hx-target": "list", "x-portal": str(HUB)})
    assert listed(renewed) == {"granvik.se"}
    assert chosen(bo) == str(OTHER_HUB)
    assert listed(bo.get("/capacity")) == {"lindalen.se"}


def test_a_portal_that_is_not_theirs_is_obeyed_nowhere(as_: As, two: Deployment) -> None:
    two.portal(4_713, partner="Gamma")
    bo = as_(Role.OPERATOR, portals=[HUB, OTHER_HUB])
    assert bo.get("/capacity?portal=4713").status_code == 404
    back = bo.submit("/operations/unpause", on=f"/operations?{HERE}").headers["location"]
    assert back == f"/operations?done=unpaused&{HERE}"


def test_who_has_one_portal_reads_of_none(as_: As, two: Deployment) -> None:
    anna = as_(Role.MANAGER, portals=[HUB])
    assert not [link for link in links(anna.get("/capacity").text) if "portal" in link]
    assert anna.submit("/leads/domain/granvik.se/renewal", renew="1").headers["location"].endswith("?told=renews")
    assert as_(Role.OPERATOR, portals=[HUB, OTHER_HUB]).submit("/logout").headers["location"] == "/login"
