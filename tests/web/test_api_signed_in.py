"""Whoever is signed in to the pages uses the API under their role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from syncworker.access.roles import Role
from web.deployment import HUB, OTHER_HUB, TOKEN, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
_CLAIMS = text("SELECT domain, deregistered_at FROM registrations")


def statuses(browser: Browser, *, token: str) -> dict[str, int]:
    headers = {"x-csrf-token": token, "accept": "*/*"}
    return {
        "read leads": browser.get("/api/v1/registrations").status_code,
        "change leads": browser.delete("/api/v1/registrations/acme.se", headers=headers).status_code,
        "read marks": browser.get("/api/v1/marks").status_code,
        "change portals": browser.post(f"/api/v1/portals/{HUB}/unpause", headers=headers).status_code,
    }


@pytest.mark.parametrize(
    ("role", "expected"), [(Role.VIEWER, (200, 403, 403, 403)), (Role.MANAGER, (200, 200, 403, 403)),
                           (Role.OPERATOR, (200, 200, 200, 200))],
)  # fmt: skip
def test_each_role_may_what_its_pages_may(
    as_: As, deployment: Deployment, role: Role, expected: tuple[int, ...]
) -> None:
    deployment.registered("acme.se")
    browser = as_(role)
    assert tuple(statuses(browser, token=browser.token()).values()) == expected


def test_a_change_needs_the_token_of_the_session(as_: As, deployment: Deployment) -> None:
    deployment.registered("acme.se")
    browser = as_(Role.OPERATOR)
    assert statuses(browser, token="0" * 64)["change leads"] == 403
    assert deployment.rows(_CLAIMS) == [("acme.se", None)]


def test_history_says_who_it_was(as_: As, deployment: Deployment) -> None:
    deployment.registered("acme.se")
    browser = as_(Role.MANAGER)
    statuses(browser, token=browser.token())
    happened = browser.get("/api/v1/domains/acme.se/history").json()["items"]
    assert [entry["who"] for entry in happened if entry["event"] == "deregistered"] == ["manager@acme-partner.se"]


def test_who_sees_one_portal_reaches_no_other_by_the_api(as_: As, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    browser = as_(Role.OPERATOR, portals=[HUB])
    assert browser.get("/api/v1/capacity").json()["limit"] == 5
    for path in (f"/api/v1/capacity?portal={OTHER_HUB}", f"/api/v1/portals/{OTHER_HUB}"):
        assert browser.get(path).status_code == 404
    paused = browser.post(f"/api/v1/portals/{OTHER_HUB}/pause", headers={"x-csrf-token": browser.token()})
    assert paused.status_code == 404


def test_a_token_that_is_sent_is_what_counts(as_: As) -> None:
    viewer = as_(Role.VIEWER)
    assert viewer.get("/api/v1/marks", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert viewer.get("/api/v1/registrations", headers={"authorization": "Bearer wrong"}).status_code == 401


def test_the_token_of_a_change_is_looked_for_in_no_body(as_: As, deployment: Deployment) -> None:
    browser = as_(Role.MANAGER)
    file = {"file": ("leads.csv", b"email\nada@acme.se\n")}
    # A body that was read for it would be waited for again by the route
    answer = browser.post("/api/v1/lead-files", params={"dry_run": True}, data={"csrf": browser.token()}, files=file)
    assert answer.status_code == 403
    headers = {"x-csrf-token": browser.token()}
    assert browser.post("/api/v1/lead-files", params={"dry_run": True}, headers=headers, files=file).status_code == 200


def test_what_the_api_says_is_kept_by_no_cache_and_is_what_it_says(as_: As, deployment: Deployment) -> None:
    deployment.registered("acme.se")
    browser = as_(Role.VIEWER)
    for path in ("/api/v1/registrations", "/api/v1/leads/registered.csv", "/api/v1/leads/nothing", "/nothing"):
        answer = browser.get(path, headers={"accept": "*/*"})
        assert answer.headers["cache-control"] == "no-store", path
        assert answer.headers["x-content-type-options"] == "nosniff", path
