"""What can an operator see and do about requests, marks and resyncs?"""

from __future__ import annotations

import httpx
from sqlalchemy import select, text

from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import Action
from syncworker.store.tables import marks as marks_table
from syncworker.sync.marks import Kind, Priority, mark
from web.deployment import HUB, OTHER_HUB, Deployment


def park(deployment: Deployment, *ids: str, hub_id: int = HUB, kind: Kind = Kind.CONTACT) -> None:
    with deployment.database.transaction() as tx:
        mark(tx, hub_id, kind, ids, priority=Priority.POLL, cause="poll")
        parked = "UPDATE marks SET parked_at = now(), attempts = 7, last_error = 'HubSpot refuses the website'"
        tx.connection.execute(text(parked))


def test_requests_are_listed_by_state(api: httpx.Client, deployment: Deployment) -> None:
    deployment.asked("1", state=State.WAITING, domain="b.se", seconds_ago=5)
    deployment.asked("2", state=State.WAITING, domain="a.se", seconds_ago=9)
    deployment.asked("3", state=State.UNAVAILABLE, domain="c.se")
    waiting = api.get("requests", params={"state": "waiting"}).json()["items"]
    assert [(item["contact_id"], item["position"]) for item in waiting] == [("2", 1), ("1", 2)]
    refused = api.get("requests", params={"state": "refused"}).json()["items"]
    assert [(item["contact_id"], item["state"]) for item in refused] == [("3", "unavailable")]
    assert len(api.get("requests").json()["items"]) == 3
    assert api.get("requests", params={"state": "lost"}).status_code == 422


def test_a_request_can_be_withdrawn_once(api: httpx.Client, deployment: Deployment) -> None:
    request_id = deployment.asked("1")
    withdrawn = api.post(f"requests/{request_id}/withdraw")
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "withdrawn")
    assert api.post(f"requests/{request_id}/withdraw").status_code == 409


def test_a_deregistration_asked_for_in_the_crm_can_be_confirmed(api: httpx.Client, deployment: Deployment) -> None:
    request_id = deployment.asked("1", state=State.CONFIRMING, action=Action.DEREGISTER)
    assert api.post(f"requests/{request_id}/confirm").json()["confirmed_by"] == "api"


def test_what_waits_for_nobody_cannot_be_confirmed(api: httpx.Client, deployment: Deployment) -> None:
    assert api.post(f"requests/{deployment.asked('1')}/confirm").status_code == 409


def test_an_unresolved_submission_is_looked_for_again(api: httpx.Client, deployment: Deployment) -> None:
    request_id = deployment.asked("1", state=State.UNRESOLVED)
    assert api.post(f"requests/{request_id}/retry").json()["state"] == "processing"


def test_a_request_of_another_partner_is_404_and_untouched(api: httpx.Client, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    request_id = deployment.asked("1")
    for action in ("confirm", "withdraw", "retry"):
        answer = api.post(f"requests/{request_id}/{action}", params={"portal": OTHER_HUB})
        assert answer.status_code == 404
    [item] = api.get("requests", params={"portal": HUB}).json()["items"]
    assert item["state"] == "processing"
    assert api.get("requests", params={"portal": OTHER_HUB}).json()["items"] == []


def test_a_request_that_never_was_is_404(api: httpx.Client) -> None:
    assert api.post("requests/7/withdraw").status_code == 404
    assert api.post(f"requests/{2**63}/withdraw").status_code == 422
    assert api.post("requests/x/withdraw").status_code == 422


def test_parked_marks_say_why(api: httpx.Client, deployment: Deployment) -> None:
    park(deployment, "1")
    with deployment.database.transaction() as tx:
        mark(tx, HUB, Kind.COMPANY, ["2"], priority=Priority.WEBHOOK, cause="webhook")
    [parked] = api.get("marks", params={"parked": "true"}).json()["items"]
    assert (parked["kind"], parked["object_id"], parked["attempts"]) == ("contact", "1", 7)
    assert parked["last_error"] == "HubSpot refuses the website"
    assert parked["address"] == f"https://app.hubspot.com/contacts/{HUB}/record/0-1/1"
    assert parked["why"]["section"].startswith("parked-")
    assert parked["why"]["what_now"]
    assert len(api.get("marks").json()["items"]) == 2
    assert [item["object_id"] for item in api.get("marks", params={"parked": False}).json()["items"]] == ["2"]


def test_one_parked_mark_is_tried_again(api: httpx.Client, deployment: Deployment) -> None:
    park(deployment, "1", "2")
    answer = api.post("marks/retry", json={"kind": "contact", "object_id": "1"})
    assert (answer.status_code, answer.json()) == (200, {"count": 1})
    left = api.get("marks", params={"parked": True}).json()["items"]
    assert [item["object_id"] for item in left] == ["2"]


def test_all_parked_marks_of_a_portal_are_dismissed_and_none_of_another(
    api: httpx.Client, deployment: Deployment
) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    park(deployment, "1", "2")
    park(deployment, "1", hub_id=OTHER_HUB)
    assert api.post("marks/dismiss", json={}, params={"portal": HUB}).json() == {"count": 2}
    assert deployment.rows(select(marks_table.c.hub_id)) == [(OTHER_HUB,)]


def test_a_mark_that_is_not_parked_is_404(api: httpx.Client) -> None:
    answer = api.post("marks/retry", json={"kind": "contact", "object_id": "9"})
    assert answer.status_code == 404
    assert "contact 9" in answer.json()["error"]
    assert api.post("marks/retry", json={}).json() == {"count": 0}


def test_marks_that_cannot_be_meant_are_422(api: httpx.Client) -> None:
    for body in ({"object_id": "1"}, {"kind": "deal"}, {"kind": "contact", "object_id": "\x00"}, {"all": True}):
        assert api.post("marks/dismiss", json=body).status_code == 422


def test_a_full_resync_is_started_once_and_can_be_followed(api: httpx.Client) -> None:
    started = api.post("resyncs", json={"all": True})
    assert (started.status_code, started.json()["state"]) == (202, "running")
    assert api.post("resyncs", json={"all": True}).status_code == 409
    assert api.get(f"resyncs/{started.json()['id']}").json() == started.json()
    assert api.get("resyncs").json()["items"] == [started.json()]


def test_a_resync_is_paused_resumed_and_cancelled(api: httpx.Client) -> None:
    assert "is still to come" in api.post("resyncs", json={"since": "2999-01-01"}).text
    started = api.post("resyncs", json={"since": "2026-01-01"}).json()
    for turn, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert api.post(f"resyncs/{started['id']}/{turn}").json()["state"] == state
    assert api.post(f"resyncs/{started['id']}/resume").status_code == 409
    assert api.post("resyncs/999/pause").status_code == 404


def test_a_number_is_no_time_to_look_from(api: httpx.Client) -> None:
    for number in (2026, "2026", "20260501", 1795403007.5, "-1"):
        answer = api.post("resyncs", json={"since": number})
        assert answer.status_code == 422, number
        assert "since" in answer.json()["error"]
        assert "2026-05-01T00:00:00Z" in answer.json()["error"]


def test_named_records_are_marked_at_once(api: httpx.Client, deployment: Deployment) -> None:
    answer = api.post("resyncs", json={"contacts": ["1", 2, "1"], "companies": ["3"]})
    assert (answer.status_code, answer.json()["marked"]) == (202, 3)
    marked = deployment.rows(select(marks_table.c.kind, marks_table.c.object_id).order_by("kind", "object_id"))
    assert marked == [("company", "3"), ("contact", "1"), ("contact", "2")]


def test_a_resync_of_nothing_or_of_everything_and_something_is_422(api: httpx.Client) -> None:
    for body in (
        {},
        {"all": False},
        {"all": True, "status": "expired"},
        {"form": "%"},
        {"all": True, "contacts": ["1"]},
        {"contacts": ["x"]},
        {"contacts": []},
    ):
        assert api.post("resyncs", json=body).status_code == 422, body


def test_a_resync_of_another_portal_is_404(api: httpx.Client, deployment: Deployment) -> None:
    started = api.post("resyncs", json={"all": True}).json()
    deployment.portal(OTHER_HUB, partner="Beta")
    assert api.get(f"resyncs/{started['id']}", params={"portal": OTHER_HUB}).status_code == 404
    assert api.get("resyncs/999", params={"portal": HUB}).status_code == 404
