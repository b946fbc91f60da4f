"""What can be seen and done by the API about leads, many or one, and about the waiting list?"""

from __future__ import annotations

import httpx
from sqlalchemy import text

from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import Action
from syncworker.sync.jobs import job_work
from web.deployment import HUB, OTHER_HUB, Deployment


def worked_off(deployment: Deployment) -> None:
    while job_work.continue_jobs(deployment.context, HUB):
        pass


def test_each_list_of_the_pages_is_there_searched_sorted_and_paged(api: httpx.Client, deployment: Deployment) -> None:
    for domain in ("a.se", "b.se", "c.no"):
        deployment.registered(domain)
    found = api.get("leads/registered", params={"q": ".se", "sort": "domain", "desc": "1", "limit": 1}).json()
    assert ([item["domain"] for item in found["items"]], found["total"], found["pages"]) == (["b.se"], 2, 2)
    deployment.asked("7", state=State.WAITING, domain="d.se")
    [waits] = api.get("leads/pending").json()["items"]
    assert (waits["domain"], waits["position"], waits["what_now"][:2]) == ("d.se", 1, "It")
    for which in ("unavailable", "invalid", "expired", "expiring", "deregistrations", "unresolved", "to-confirm"):
        assert api.get(f"leads/{which}").json()["items"] == []
    assert api.get("leads/pending", params={"sort": "expires_on"}).status_code == 422
    assert api.get("leads/nothing").status_code == 422


def test_a_list_leaves_as_csv(api: httpx.Client, deployment: Deployment) -> None:
    deployment.registered("a.se")
    answer = api.get("leads/registered.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[1].startswith("a.se,")


def test_one_lead_says_how_it_stands_and_what_happened_in_words(api: httpx.Client, deployment: Deployment) -> None:
    deployment.registered("acme.se")
    api.post("registrations/acme.se/renewal", json={"renew": True})
    lead = api.get("leads/domain/www.acme.se").json()
    assert (lead["status"], lead["registration"]["renew_at_expiry"]) == ("registered", True)
    assert {"deregister", "let_expire"} <= set(lead["can_be_done"])
    assert [entry["words"] for entry in lead["history"]] == ["Renewal at expiry was switched"]
    assert api.post("leads/domain/acme.se/look").json() == {"count": 2}
    assert api.get("leads/domain/unheard-of.se").status_code == 404


def test_many_are_deregistered_and_taken_back(api: httpx.Client, deployment: Deployment) -> None:
    for domain in ("a.se", "b.se", "c.no"):
        deployment.registered(domain)
    asked = {"action": "deregister", "all_of": {"list": "registered", "q": ".se", "agreed": 1}}
    answer = api.post("jobs", json=asked)
    assert (answer.status_code, "2 match by now" in answer.json()["error"]) == (409, True)
    asked["all_of"] = {"list": "registered", "q": ".se", "agreed": 2}
    begun = api.post("jobs", json=asked, headers={"Idempotency-Key": "once"})
    assert (begun.status_code, begun.json()["total"]) == (202, 2)
    assert api.post("jobs", json=asked, headers={"Idempotency-Key": "once"}).json()["id"] == begun.json()["id"]
    worked_off(deployment)
    done = api.get(f"jobs/{begun.json()['id']}").json()
    assert (done["outcomes"], done["undo_until"] is not None) == ({"done": 2}, True)
    first = api.get(f"jobs/{done['id']}/items", params={"limit": 1}).json()
    second = api.get(f"jobs/{done['id']}/items", params={"limit": 1, "cursor": first["next"]}).json()
    assert [page["items"][0]["domain"] for page in (first, second)] == ["a.se", "b.se"]
    assert second["next"] is None
    undoing = api.post(f"jobs/{done['id']}/undo").json()
    worked_off(deployment)
    assert api.get(f"jobs/{undoing['id']}").json()["outcomes"] == {"done": 2}
    assert [job["id"] for job in api.get("jobs").json()["items"]] == [undoing["id"], done["id"]]


def test_a_key_that_began_another_action_begins_nothing(api: httpx.Client, deployment: Deployment) -> None:
    deployment.registered("a.se")
    once = {"Idempotency-Key": "once"}
    renewing = api.post("jobs", json={"action": "renew", "domains": ["a.se"]}, headers=once).json()
    answer = api.post("jobs", json={"action": "deregister", "domains": ["a.se"]}, headers=once)
    assert answer.status_code == 409
    assert f"was used for job {renewing['id']}, renew" in answer.json()["error"]
    assert [one["id"] for one in api.get("jobs").json()["items"]] == [renewing["id"]]


def test_what_cannot_be_done_to_a_list_is_refused(api: httpx.Client, deployment: Deployment) -> None:
    for asked in (
        {"action": "renew", "all_of": {"list": "registered", "agreed": 9}},
        {"action": "deregister", "all_of": {"list": "pending", "agreed": 9}},
        {"action": "deregister", "fitting": True},
        {"action": "undo", "domains": ["a.se"]},
        {"action": "deregister"},
    ):
        assert api.post("jobs", json=asked).status_code == 422, asked
    assert api.post("jobs", json={"action": "register_again", "fitting": True}).json()["total"] == 0


def test_the_waiting_list_is_reordered_and_a_lead_exchanged(api: httpx.Client, deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE partners SET capacity = 1"))
    deployment.registered("old.se")
    first = deployment.asked("1", state=State.WAITING, domain="a.se", seconds_ago=9)
    second = deployment.asked("2", state=State.WAITING, domain="b.se", seconds_ago=5)
    assert api.post(f"requests/{second}/move", json={"to": 1}).json()["position"] == 1
    assert api.post(f"requests/{first}/exchange", json={"domain": "old.se"}).json()["state"] == "registered"
    assert api.post(f"requests/{first}/move", json={"to": 1}).status_code == 409
    assert api.post(f"requests/{second}/exchange", json={"domain": "gone.se"}).status_code == 404


def test_a_deregistration_asked_for_in_the_crm_is_refused(api: httpx.Client, deployment: Deployment) -> None:
    request_id = deployment.asked("1", state=State.CONFIRMING, action=Action.DEREGISTER)
    assert api.post(f"requests/{request_id}/refuse").json()["state"] == "withdrawn"
    assert api.post(f"requests/{request_id}/confirm").status_code == 409


def test_nothing_is_confirmed_where_nobody_else_is_asked(api: httpx.Client, deployment: Deployment) -> None:
    deployment.registered("acme.se")
    answer = api.post("registrations/acme.se/confirmation", json={"confirmation": "confirmed"})
    assert (answer.status_code, "nobody else" in answer.json()["error"]) == (409, True)


def test_a_job_of_another_portal_is_not_there(api: httpx.Client, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    job = api.post("jobs", params={"portal": HUB}, json={"action": "renew", "domains": ["a.se"]}).json()
    for path in (f"jobs/{job['id']}", f"jobs/{job['id']}/items"):
        assert api.get(path, params={"portal": OTHER_HUB}).status_code == 404
    assert api.post(f"jobs/{job['id']}/undo", params={"portal": OTHER_HUB}).status_code == 404


def test_a_word_that_cannot_be_sent_is_answered_with_those_that_can(api: httpx.Client, deployment: Deployment) -> None:
    # As JSON has them: what they are called in Python is nobody's business there
    wrong = {"action": "dismiss", "domains": ["acme.se"], "fitting": 3}
    said = api.post("jobs", json=wrong).json()["error"]
    assert "body action: Input should be 'deregister', 'register_again'" in said
    assert said.endswith("; body fitting: Input should be true")
    said = api.post("registrations/acme.se/confirmation", json={"confirmation": "unconfirmed"}).json()["error"]
    assert said == "body confirmation: Input should be 'confirmed' or 'contradicted'"


def test_what_is_wrong_with_a_request_is_said_once(api: httpx.Client, deployment: Deployment) -> None:
    for answer in (api.post("portals/0/pause"), api.post("portals/0/unpause"), api.get("portals/0")):
        assert answer.json() == {"error": "path hub_id: Input should be greater than or equal to 1"}
