"""A page hears that what it shows has changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI

from support.processes import eventually
from syncworker.access.roles import Role
from syncworker.registration.rules.terms import Source
from syncworker.sync.portals import pausing
from web.deployment import HUB, OTHER_HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]


def events(stream: httpx.Response) -> Iterator[tuple[str, str]]:
    """Each event's name and its data."""
    name = ""
    for line in stream.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, line.removeprefix("data: ")


def pause(deployment: Deployment, hub_id: int = HUB) -> None:
    pausing.pause(deployment.context, hub_id, who="somebody", source=Source.API)


def test_a_change_is_told_to_everybody_who_listens_from_one_look(
    as_: As, deployment: Deployment, served: tuple[FastAPI, httpx.URL]
) -> None:
    anna, bo = as_(Role.VIEWER), as_(Role.OPERATOR)
    live = served[0].state.held.live
    with anna.stream("GET", "/live?of=leads") as first, bo.stream("GET", "/live?of=leads&of=leads") as second:
        assert first.headers["content-type"].startswith("text/event-stream")
        assert first.headers["cache-control"] == "no-store"
        heard = [events(stream) for stream in (first, second)]
        before = [next(one) for one in heard]
        assert before[0] == before[1]
        assert live.watched == 1
        deployment.registered("fjordline-tools.se")
        pause(deployment)
        after = [next(one) for one in heard]
        assert after[0] == after[1] != before[0]
    # Nobody listens any more, so nobody looks
    eventually(lambda: live.watched == 0)


def test_how_the_portal_stands_is_told_to_operators_alone(as_: As, deployment: Deployment) -> None:
    assert as_(Role.MANAGER).get("/live?of=work").status_code == 403
    with as_(Role.OPERATOR).stream("GET", "/live?of=work") as stream:
        heard = events(stream)
        before = next(heard)
        pause(deployment)
        assert before[0] == "work"
        assert next(heard) != before


def test_what_happens_to_another_partner_is_not_told(as_: As, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    with as_(Role.VIEWER, portals=[HUB]).stream("GET", "/live?of=leads") as stream:
        heard = events(stream)
        before = next(heard)
        pause(deployment, OTHER_HUB)
        pause(deployment)
        after = next(heard)
        assert after != before
    with as_(Role.VIEWER, portals=[HUB]).stream("GET", "/live?of=leads") as stream:
        assert next(events(stream)) == after


@pytest.mark.parametrize("query", ["", "?of=", "?of=passwords", "?of=leads"])
def test_nobody_listens_without_signing_in_or_to_what_there_is_not(as_: As, query: str) -> None:
    stranger = as_()
    assert stranger.get(f"/live{query}", headers={"accept": "text/event-stream"}).status_code == 401
    if query != "?of=leads":
        assert as_(Role.VIEWER).get(f"/live{query}").status_code == 422


def digests_of(html: str) -> dict[str, str]:
    """What a page says that it is of."""
    found = re.search(r"data-digests='([^']+)'", html)
    assert found
    said: dict[str, str] = json.loads(found[1])
    return said


@pytest.mark.parametrize(
    ("path", "topic"),
    [
        ("/capacity", "leads"),
        ("/leads/expiring", "leads"),
        ("/leads/pending", "leads"),
        ("/operations", "work"),
        ("/operations/marks", "work"),
        ("/operations/resyncs", "work"),
    ],
)
def test_a_page_says_what_it_is_of_so_that_a_change_before_it_listened_is_heard(
    as_: As, deployment: Deployment, path: str, topic: str
) -> None:
    deployment.registered("fjordline-tools.se")
    bo = as_(Role.OPERATOR)
    page = bo.get(path).text
    # All that its parts listen to, and nothing else: what a page says it has to look at first.
    before = digests_of(page)
    assert set(before) == {one for part in re.findall(r'data-live="([^"]+)"', page) for one in part.split()} == {topic}
    assert digests_of(bo.get(path).text) == before
    pause(deployment)
    with bo.stream("GET", f"/live?portal={HUB}&of={topic}") as stream:
        told = next(events(stream))
    assert told[1] != before[topic]
    assert dict([told]) == digests_of(bo.get(path).text)


def test_a_page_that_listens_to_nothing_and_a_part_of_one_look_at_nothing(as_: As, deployment: Deployment) -> None:
    deployment.registered("fjordline-tools.se")
    bo = as_(Role.OPERATOR)
    for path in ("/leads/domain/fjordline-tools.se", "/operations/holds"):
        assert "data-live" not in bo.get(path).text
        assert "data-digests" not in bo.get(path).text
    assert "data-digests" not in bo.get("/operations", headers={"hx-request": "true", "hx-target": "glance"}).text
