"""Operators see what people did, on a page and by the API."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from sqlalchemy import text

from syncworker.access.roles import Role
from syncworker.registration.rules.terms import HoldKind
from syncworker.store.portals import Mode
from syncworker.sync import accounts, operations
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals.connect import set_mode
from syncworker.sync.resync import resync
from web.deployment import HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
EVA = "eva@acme-partner.se"


def things_done(deployment: Deployment) -> None:
    resync.start(deployment.context, HUB, who=EVA)
    operations.add_hold(deployment.context, "acme.se", HoldKind.EXISTING_CUSTOMER, who=EVA)
    set_mode(deployment.context, HUB, Mode.OBSERVE, who=EVA)
    deployment.database.run(lambda tx: accounts.add(tx, "bo@acme-partner.se", role=Role.VIEWER, password=None, who=EVA))


def test_the_page_says_who_did_what_in_both_languages(as_: As, deployment: Deployment) -> None:
    operator = as_(Role.OPERATOR)
    assert "Nobody did anything yet" in operator.get("/operations/history").text
    things_done(deployment)
    with deployment.database.transaction() as tx:
        mark(tx, HUB, Kind.CONTACT, ["7"], priority=Priority.POLL, cause="poll")
        tx.connection.execute(text("UPDATE marks SET parked_at = now()"))
    operator.submit("/operations/marks/retry", mark="contact:7")
    page = operator.get("/operations/history").text
    for told in (
        "Parked marks were tried again", "operator@acme-partner.se", "1 mark: Contact 7", "A resync was begun",
        "Every record", "acme.se: Existing customer", "write → observe", "An account was made: bo@acme-partner.se",
        "Viewer",
    ):  # fmt: skip
        assert told in " ".join(page.split()), told
    swedish = operator.get("/operations/history?lang=sv").text
    for told in ("Ett konto skapades: bo@acme-partner.se", "skriva → observera", "Befintlig kund", "Alla poster"):
        assert told in " ".join(swedish.split()), told
    assert as_(Role.MANAGER).get("/operations/history").status_code == 403


def test_the_api_lists_it_page_by_page_and_names_its_own_token(api: httpx.Client, deployment: Deployment) -> None:
    things_done(deployment)
    assert api.post("marks/retry", json={}).json() == {"count": 0}
    begun = api.get("resyncs").json()["items"][0]["id"]
    api.post(f"resyncs/{begun}/pause")
    first = api.get("history", params={"limit": 1}).json()
    [paused] = first["items"]
    assert (paused["event"], paused["who"], paused["detail"]) == ("resync_paused", "api", {"resync": begun})
    rest = api.get("history", params={"cursor": first["next"]}).json()
    assert [item["words"] for item in rest["items"]] == [
        "An account was made", "The portal's mode was switched", "A domain was put on hold", "A resync was begun",
    ]  # fmt: skip


def test_who_sees_one_portal_is_told_of_no_account(as_: As, deployment: Deployment) -> None:
    things_done(deployment)
    page = as_(Role.OPERATOR, portals=[HUB]).get("/operations/history").text
    assert "A resync was begun" in page
    assert "An account was made" not in page
