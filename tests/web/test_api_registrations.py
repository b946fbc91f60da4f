"""What can an operator see and do about capacity, registrations and domains?"""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import select

from syncworker.registration.ledger.requests import State
from syncworker.store.tables import marks, requests
from web.deployment import HUB, OTHER_HUB, Deployment


def test_capacity_says_limit_used_free_waiting_and_whose_word_it_is(api: httpx.Client, deployment: Deployment) -> None:
    deployment.registered("acme.se")
    deployment.asked("7", state=State.WAITING, domain="beta.se")
    assert api.get("capacity").json() == {
        "limit": 5,
        "used": 1,
        "free": 4,
        "waiting": 1,
        "source": "override",
        "kept_for_undo": 0,
    }


@pytest.mark.parametrize(
    ("wrong", "words"),
    [("tier = 'gone', capacity = NULL", "has no tier 'gone'"), ("program = 'nosuch'", "there is no program 'nosuch'")],
)
def test_the_capacity_of_a_partner_of_wrong_settings_is_refused_in_words(
    api: httpx.Client, deployment: Deployment, wrong: str, words: str
) -> None:
    with deployment.database.transaction() as tx:
        tx.connection.exec_driver_sql(f"UPDATE partners SET {wrong}")
    answer = api.get("capacity")
    assert (answer.status_code, set(answer.json())) == (409, {"error"})
    assert words in answer.json()["error"]


def test_registrations_are_listed_page_by_page(api: httpx.Client, deployment: Deployment) -> None:
    for domain in ("c.se", "a.se", "b.se"):
        deployment.registered(domain)
    first = api.get("registrations", params={"limit": 2}).json()
    assert [item["domain"] for item in first["items"]] == ["a.se", "b.se"]
    second = api.get("registrations", params={"limit": 2, "cursor": first["next"]}).json()
    assert [item["domain"] for item in second["items"]] == ["c.se"]
    assert second["next"] is None


def test_a_registration_tells_its_contact_dates_and_source(api: httpx.Client, deployment: Deployment) -> None:
    deployment.registered("acme.se", contact_id="17", company_id="18")
    deployment.record("17", name="Ada Berg", company="Acme", country="Sweden", domain="acme.com")
    [item] = api.get("registrations").json()["items"]
    assert item["status"] == "registered"
    assert (item["contact_id"], item["company_id"], item["source"]) == ("17", "18", "form")
    assert item["registered_on"] == datetime.now(UTC).date().isoformat()
    assert item["expires_on"] > item["registered_on"]
    assert (item["contact_name"], item["company"], item["drift"]) == ("Ada Berg", "Acme", True)


def test_what_cannot_be_listed_is_refused_in_words(api: httpx.Client) -> None:
    for parameters, status in (
        ({"cursor": "nonsense"}, 400),
        ({"cursor": "å"}, 400),
        ({"status": "waiting"}, 422),
        ({"limit": 0}, 422),
        ({"limit": 201}, 422),
    ):
        answer = api.get("registrations", params=parameters)
        assert (answer.status_code, set(answer.json())) == (status, {"error"}), parameters


def test_any_search_text_is_answered(api: httpx.Client) -> None:
    for q in ("\x00", "%", "\\", "'", "å" * 500, "\n", "\ud7ff", "_"):
        assert api.get("registrations", params={"q": q}).json() == {"items": [], "next": None}


def test_registering_makes_a_request_and_marks_the_contact(api: httpx.Client, deployment: Deployment) -> None:
    answer = api.post("registrations", json={"contact_id": "17"})
    assert answer.status_code == 202
    assert answer.json()["state"] == "processing"
    assert (answer.json()["source"], answer.json()["who"]) == ("api", "api")
    assert deployment.rows(select(marks.c.kind, marks.c.object_id, marks.c.priority)) == [("contact", "17", 0)]


def test_the_same_key_is_the_same_request(api: httpx.Client, deployment: Deployment) -> None:
    headers = {"Idempotency-Key": "order-7"}
    first = api.post("registrations", json={"contact_id": 17}, headers=headers)
    again = api.post("registrations", json={"contact_id": "17"}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    assert len(deployment.rows(select(requests.c.id))) == 1


def test_a_key_is_not_taken_for_another_contact(api: httpx.Client) -> None:
    headers = {"Idempotency-Key": "order-7"}
    api.post("registrations", json={"contact_id": "17"}, headers=headers)
    answer = api.post("registrations", json={"contact_id": "18"}, headers=headers)
    assert answer.status_code == 409
    assert "17" in answer.json()["error"]


def test_without_a_key_each_call_is_a_request(api: httpx.Client, deployment: Deployment) -> None:
    for _ in range(2):
        api.post("registrations", json={"contact_id": "17"})
    assert len(deployment.rows(select(requests.c.id))) == 2


def test_a_body_that_names_no_contact_is_422(api: httpx.Client, deployment: Deployment) -> None:
    bad: list[object] = [{}, [], None, "17"]
    bad += [{"contact_id": odd} for odd in ("", "0", "x", "1\x00", "-1", "١٧", True, None, [], 1.5, "1" * 20)]
    bad += [{"contact_id": "17", "domain": "acme.se"}]
    for body in bad:
        answer = api.post("registrations", json=body)
        assert (answer.status_code, set(answer.json())) == (422, {"error"}), body
    assert api.post("registrations", content=b"{").status_code == 422
    long = {"Idempotency-Key": "k" * 201}
    assert api.post("registrations", json={"contact_id": "17"}, headers=long).status_code == 422
    assert deployment.rows(select(requests.c.id)) == []


def test_deregistering_says_until_when_it_can_be_undone_and_undoing_takes_it_back(
    api: httpx.Client, deployment: Deployment
) -> None:
    deployment.registered("acme.se")
    ended = api.delete("registrations/acme.se")
    assert ended.status_code == 200
    assert ended.json()["status"] == "deregistered"
    assert datetime.fromisoformat(ended.json()["undo_until"]) > datetime.now(UTC)
    assert api.get("registrations", params={"status": "deregistered"}).json()["items"][0]["undo_until"]
    back = api.post("registrations/acme.se/undo")
    assert (back.status_code, back.json()["status"], back.json()["undo_until"]) == (200, "registered", None)
    events = [item["event"] for item in api.get("domains/acme.se/history").json()["items"]]
    assert events == ["deregistered", "undone"]


def test_history_says_who_when_why_and_from_what_source(api: httpx.Client, deployment: Deployment) -> None:
    deployment.registered("acme.se")
    api.delete("registrations/acme.se")
    [entry] = api.get("domains/acme.se/history").json()["items"]
    assert (entry["who"], entry["source"], entry["why"]) == ("api", "api", "commission eligibility lost")
    assert datetime.fromisoformat(entry["at"]).tzinfo is not None


@pytest.mark.parametrize("spelling", ["ACME.se", "www.acme.se", "acme.se."])
def test_a_domain_may_be_spelled_as_people_do(api: httpx.Client, deployment: Deployment, spelling: str) -> None:
    deployment.registered("acme.se")
    assert api.delete(f"registrations/{spelling}").json()["domain"] == "acme.se"


def test_an_undo_that_comes_too_late_is_409(api: httpx.Client, deployment: Deployment) -> None:
    deployment.registered("acme.se")
    assert api.post("registrations/acme.se/undo").status_code == 409


def test_a_domain_that_is_not_ours_is_404(api: httpx.Client, deployment: Deployment) -> None:
    assert api.delete("registrations/acme.se").status_code == 404
    assert api.post("registrations/acme.se/undo").status_code == 404
    assert api.get("domains/acme.se/history").status_code == 404


def test_what_is_no_domain_is_422(api: httpx.Client) -> None:
    for path in ("localhost", "10.0.0.1", "gmail.com", "co.uk", "%00", "%ff%fe", "a" * 3000):
        answer = api.delete(f"registrations/{path}")
        assert (answer.status_code, set(answer.json())) == (422, {"error"}), path


def test_another_partner_sees_and_ends_nothing(api: httpx.Client, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    deployment.registered("acme.se")
    deployment.record("1", name="Ada Berg")
    other = {"portal": OTHER_HUB}
    assert api.get("registrations", params=other).json()["items"] == []
    assert api.get("registrations", params={**other, "q": "Ada"}).json()["items"] == []
    assert api.delete("registrations/acme.se", params=other).status_code == 404
    api.delete("registrations/acme.se", params={"portal": HUB})
    assert api.post("registrations/acme.se/undo", params=other).status_code == 404
    assert api.get("domains/acme.se/history", params=other).status_code == 404
    assert api.post("registrations/acme.se/undo", params={"portal": HUB}).status_code == 200
