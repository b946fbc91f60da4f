"""The runbook is a page: what is parked, blocked or wrong leads to its section."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from support.runbook import anchors
from syncworker.access.roles import Role
from syncworker.store import portals
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.watch.runbook import PAGE, Section
from syncworker.web.markdown_page import render
from web.deployment import HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
IDS = re.compile(r' id="([^"]+)"')


def test_each_section_has_its_anchor_and_each_link_within_it_leads_somewhere(as_: As) -> None:
    page = as_(Role.VIEWER).get("/runbook").text
    ids = set(IDS.findall(page))
    # The title is the page's own
    assert anchors() - ids == {"operating-it"}
    assert {section.value for section in Section} <= ids
    assert set(re.findall(r'href="#([^"]+)"', page)) <= ids
    # Nothing leads to files that are not there, and the browser's policy is held
    assert not re.search(r'href="[^"]*\.md', page)
    assert "style=" not in page
    assert page.count("<script") == 2


def test_it_is_for_whoever_is_signed_in_and_says_that_it_is_in_english(as_: As) -> None:
    assert as_().get("/runbook").headers["location"] == "/login?next=%2Frunbook"
    swedish = as_(Role.MANAGER).get("/runbook?lang=sv").text
    assert "på engelska" in swedish
    assert '<article class="card prose" lang="en">' in swedish


def test_what_is_wrong_leads_to_its_section(as_: As, deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        portals.block(tx, HUB, until=tx.now.replace(year=2999), reason="scopes", detail="")
        mark(tx, HUB, Kind.CONTACT, ["1"], priority=Priority.POLL, cause="webhook")
        tx.connection.execute(text("UPDATE marks SET parked_at = now(), last_error = 'HubSpot answered 404'"))
    bo = as_(Role.OPERATOR)
    assert 'href="/runbook#blocked-scopes"' in bo.get("/operations").text
    assert 'href="/runbook#parked-gone"' in bo.get("/operations/marks").text
    for page in ("/operations", "/operations/marks"):
        assert PAGE not in bo.get(page).text


def test_it_comes_with_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert wheel[PAGE] == f"syncworker/{PAGE}"
    assert PAGE in project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]


def test_nothing_in_the_file_is_markup_but_what_markdown_says() -> None:
    html = render("# T\n\n## A & b\n\n<b>x</b> [out](other.md#x) [in](#a--b)\n\n| a |\n| ---: |\n| 1 |\n").html
    assert "&lt;b&gt;" in html
    assert 'id="a--b"' in html
    assert "other.md" not in html
    assert 'href="#a--b"' in html
    assert "style" not in html
