"""A manager deregisters: asked before, told after, taken back by one click."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import text

from syncworker.access.roles import Role
from syncworker.sync.jobs import job_work
from web.deployment import HUB, OTHER_HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
ACTIVE = text("SELECT domain FROM registrations WHERE ended_at IS NULL AND deregistered_at IS NULL ORDER BY domain")
HTMX = {"hx-request": "true", "hx-target": "dialog"}


@pytest.fixture
def three(deployment: Deployment) -> Deployment:
    for domain in ("a.se", "b.se", "c.se"):
        deployment.registered(domain)
    return deployment


def active(deployment: Deployment) -> list[str]:
    return [row.domain for row in deployment.rows(ACTIVE)]


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found[1]


def confirm(browser: Browser, dialog: httpx.Response, **changed: str | list[str]) -> httpx.Response:
    """Answer "yes" to what the dialog asks."""
    fields: dict[str, str | list[str]] = {"domain": re.findall(r'name="domain" value="([^"]*)"', dialog.text)}
    for name in ("key", "q", "every", "seen"):
        if f'name="{name}"' in dialog.text:
            fields[name] = hidden(dialog.text, name)
    return browser.submit("/capacity/deregister/yes", **{**fields, **changed})


def work(deployment: Deployment) -> None:
    """What a worker does when it is rung for."""
    while job_work.continue_jobs(deployment.context, HUB):
        pass


def test_the_dialog_names_the_domains_says_what_is_lost_and_does_nothing_yet(as_: As, three: Deployment) -> None:
    anna = as_(Role.MANAGER)
    dialog = anna.submit("/capacity/deregister", domain=["a.se", "c.se"])
    assert "Deregister 2 domains?" in dialog.text
    assert "no commission and no sold credit" in dialog.text
    assert "within 10 minutes" in dialog.text
    assert "Yes, deregister" in dialog.text
    assert "<html" in dialog.text
    part = anna.post("/capacity/deregister", data={"csrf": anna.token(), "domain": "a.se"}, headers=HTMX)
    assert "<html" not in part.text
    assert "Nothing is ticked" in anna.submit("/capacity/deregister").text
    assert active(three) == ["a.se", "b.se", "c.se"]


def test_yes_deregisters_says_so_and_one_click_takes_it_back(as_: As, three: Deployment) -> None:
    anna = as_(Role.MANAGER)
    going = confirm(anna, anna.submit("/capacity/deregister", domain=["a.se", "c.se"]))
    assert going.status_code == 303
    waiting = anna.get(going.headers["location"])
    assert "Under way" in waiting.text
    assert "0 of 2" in waiting.text
    work(three)
    assert active(three) == ["b.se"]
    poll = re.search(r'hx-get="(/jobs/[^"]+)"', waiting.text)
    assert poll
    told = anna.get(poll[1].replace("&amp;", "&"), headers=HTMX)
    assert "2 domains deregistered." in told.text
    # A part of the page, where the bar was: somebody may have begun something on it.
    assert "<html" not in told.text
    assert "2 places of it are kept" in anna.get("/capacity?q=a").text
    # Left and come back, it is still offered
    assert "2 domains deregistered." in anna.get("/capacity").text
    undo = re.search(r'action="(/jobs/\d+/undo)"', told.text)
    assert undo
    back = anna.submit(undo[1])
    work(three)
    assert active(three) == ["a.se", "b.se", "c.se"]
    assert "2 domains deregistered." not in anna.get("/capacity").text
    assert "2 domains are registered again" in anna.get(back.headers["location"]).text
    who = {row.who for row in three.rows(text("SELECT who FROM jobs"))}
    assert who == {"manager@acme-partner.se"}


def test_all_that_match_are_meant_across_pages_and_more_than_were_agreed_to_are_asked_about(
    as_: As, deployment: Deployment
) -> None:
    for number in range(60):
        deployment.registered(f"bygg{number:02}.se")
    deployment.registered("other.se")
    anna = as_(Role.MANAGER)
    dialog = anna.submit("/capacity/deregister", domain=["bygg00.se"], q="bygg", every="1")
    assert "Deregister 60 domains?" in dialog.text
    # Given that one more matches by the time of the answer
    deployment.registered("bygg60.se")
    again = confirm(anna, dialog)
    assert again.status_code == 200
    assert "has changed since you asked" in again.text
    assert "Deregister 61 domains?" in again.text
    assert confirm(anna, again).status_code == 303
    work(deployment)
    assert active(deployment) == ["other.se"]


def test_a_stale_dialog_does_what_it_still_can_and_says_what_not(as_: As, three: Deployment) -> None:
    anna, bo = as_(Role.MANAGER), as_(Role.OPERATOR)
    dialogs = [browser.submit("/capacity/deregister", domain=["a.se", "b.se"]) for browser in (anna, bo)]
    confirm(anna, dialogs[0])
    work(three)
    late = confirm(bo, dialogs[1], domain=["a.se", "c.se", "never.se"])
    work(three)
    told = bo.get(late.headers["location"]).text
    assert "1 domain deregistered." in told
    assert "2 were not done:" in told
    assert "a.se, never.se" in told
    assert active(three) == []


def test_a_double_click_is_one_answer(as_: As, three: Deployment) -> None:
    anna = as_(Role.MANAGER)
    dialog = anna.submit("/capacity/deregister", domain=["a.se"])
    assert confirm(anna, dialog).headers["location"] == confirm(anna, dialog).headers["location"]


def test_a_viewer_deregisters_nothing_and_nobody_without_the_sessions_token(as_: As, three: Deployment) -> None:
    viewer, manager = as_(Role.VIEWER), as_(Role.MANAGER)
    for path in ("/capacity/deregister", "/capacity/deregister/yes"):
        answer = viewer.submit(path, domain=["a.se"], key="0" * 32)
        assert answer.status_code == 403
        assert "not for your role" in answer.text
        assert manager.post(path, data={"domain": "a.se", "key": "0" * 32}).status_code == 403
    assert "checkbox" not in viewer.get("/capacity").text
    assert "checkbox" in manager.get("/capacity").text
    work(three)
    assert active(three) == ["a.se", "b.se", "c.se"]


def test_a_job_of_another_portal_is_not_there(as_: As, three: Deployment) -> None:
    three.portal(OTHER_HUB, partner="Beta")
    anna = as_(Role.MANAGER, portals=[HUB])
    confirm(anna, anna.submit("/capacity/deregister", domain=["a.se"]))
    work(three)
    [job] = three.rows(text("SELECT id FROM jobs"))
    other = as_(Role.OPERATOR)
    assert other.get(f"/capacity?portal={OTHER_HUB}&job={job.id}").status_code == 404
    assert other.get(f"/jobs/{job.id}?portal={OTHER_HUB}").status_code == 404
    assert other.submit(f"/jobs/{job.id}/undo?portal={OTHER_HUB}").status_code == 404
    assert other.get("/capacity?job=999999").status_code == 404
    # A part of a page that cannot be had is a notice beside the page
    part = other.get("/jobs/999999", headers=HTMX)
    assert part.status_code == 404
    assert 'class="toast bad"' in part.text
    assert "<html" not in part.text


def test_a_form_does_what_it_does_in_the_portal_of_its_page_whatever_was_chosen_since(
    as_: As, three: Deployment
) -> None:
    three.portal(OTHER_HUB, partner="Beta")
    anna = as_(Role.MANAGER)
    anna.get(f"/capacity?portal={HUB}")
    token = anna.token()
    # In another tab
    anna.get(f"/capacity?portal={OTHER_HUB}")
    part = anna.get("/capacity", headers={"hx-request": "true", "x-portal": str(HUB)})
    assert "a.se" in part.text
    dialog = anna.post("/capacity/deregister", data={"csrf": token, "every": "1"})
    assert "Deregister 3 domains?" in dialog.text
    confirm(anna, dialog, csrf=token)
    work(three)
    assert active(three) == []
    assert "portal 4711" in anna.get("/capacity").text


def test_the_form_of_a_portal_that_is_no_longer_shown_is_refused(as_: As, three: Deployment) -> None:
    anna = as_(Role.MANAGER, portals=[HUB])
    token = anna.token().partition(".")[0]
    refused = anna.post("/capacity/deregister", data={"csrf": f"{token}.{OTHER_HUB}", "every": "1"})
    assert refused.status_code == 403
