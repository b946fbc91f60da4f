"""What can an operator see of a portal, and how is it stopped and let go on?"""

from __future__ import annotations

import httpx
from sqlalchemy import text

from syncworker.store import portals
from syncworker.store.portals import UNTIL_A_PERSON_ACTS
from web.deployment import HUB, Deployment


def test_a_portal_is_paused_with_a_reason_and_goes_on_in_its_mode(api: httpx.Client, deployment: Deployment) -> None:
    before = api.get(f"portals/{HUB}").json()
    paused = api.post(f"portals/{HUB}/pause", json={"reason": "audit\x00"}).json()
    assert (paused["mode"], paused["pause"]["by"], paused["pause"]["mode_before"]) == ("paused", "api", before["mode"])
    assert paused["pause"]["reason"].startswith("audit")
    assert api.post(f"portals/{HUB}/pause").json() == paused
    assert api.post(f"portals/{HUB}/unpause").json() == before


def test_unpausing_lets_go_what_the_brake_holds(api: httpx.Client, deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        portals.block(tx, HUB, until=UNTIL_A_PERSON_ACTS, reason="brake", detail="99 of 100")
    assert api.get(f"portals/{HUB}").json()["blocked_detail"] == "99 of 100"
    assert api.post(f"portals/{HUB}/unpause").json()["blocked_reason"] is None


def test_a_portal_whose_ledger_is_a_backups_is_not_let_go_on(api: httpx.Client, deployment: Deployment) -> None:
    api.post(f"portals/{HUB}/pause")
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE portals SET restored_from = now()"))
    answer = api.post(f"portals/{HUB}/unpause")
    assert (answer.status_code, "syncworker rebuild" in answer.json()["error"]) == (409, True)


def test_no_other_portal_is_known(api: httpx.Client, deployment: Deployment) -> None:
    assert [api.get("portals/5").status_code, api.post("portals/5/pause").status_code] == [404, 404]
    assert api.post(f"portals/{HUB}/pause", json={"reason": "x" * 501}).status_code == 422
