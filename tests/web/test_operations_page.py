"""Operators see how the portal stands, and do what is to be done about it; nobody else does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import redis
from sqlalchemy import text

from support.processes import eventually
from syncworker.access.roles import Role
from syncworker.store import portals
from syncworker.sync import bulk_rest
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.resync import resync
from web.deployment import HUB, OTHER_HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
PAGES = [f"/operations{tab}" for tab in ("", "/marks", "/resyncs", "/holds")]
HTMX = {"hx-request": "true", "hx-target": "dialog"}


def park(deployment: Deployment, *ids: str, hub_id: int = HUB, error: str = "HubSpot answered 404") -> None:
    with deployment.database.transaction() as tx:
        mark(tx, hub_id, Kind.CONTACT, ids, priority=Priority.POLL, cause="a test")
        parked = text("UPDATE marks SET parked_at = now(), last_error = :error WHERE object_id = ANY(:ids)")
        tx.connection.execute(parked, {"error": error, "ids": list(ids)})


def parked(deployment: Deployment) -> set[str]:
    return {row.object_id for row in deployment.rows(text("SELECT object_id FROM marks WHERE parked_at IS NOT NULL"))}


@pytest.mark.parametrize("page", PAGES)
def test_only_operators_see_it_and_find_it_in_the_rail(as_: As, deployment: Deployment, page: str) -> None:
    assert as_(Role.OPERATOR).get(page).status_code == 200
    for role in (Role.VIEWER, Role.MANAGER):
        browser = as_(role)
        assert browser.get(page).status_code == 403
        assert 'href="/operations"' not in browser.get("/capacity").text
    assert as_().get(page).headers["location"].startswith("/login?next=")


def test_each_tab_is_known_by_its_window_and_what_is_refused_in_it_too(as_: As, deployment: Deployment) -> None:
    operator = as_(Role.OPERATOR)
    titles = [re.findall("<title>(.*)</title>", operator.get(page).text)[0] for page in PAGES]
    assert titles == [f"{tab} · Operations · syncworker" for tab in ("Overview", "Marks", "Resyncs", "Holds")]
    refused = operator.submit("/operations/holds/lift", on="/operations/holds", domain="never.se").text
    assert "<title>Holds · Operations · syncworker</title>" in refused
    assert "<h1>Operations</h1>" in refused


CHANGES = ["pause", "unpause", "marks/retry", "marks/dismiss", "marks/dismiss/yes", "resyncs", "holds", "holds/lift"]


@pytest.mark.parametrize("path", [*CHANGES, "forms/switch", "resyncs/1/cancel"])
def test_nobody_else_changes_anything_and_no_other_site_does(as_: As, deployment: Deployment, path: str) -> None:
    park(deployment, "1")
    assert as_(Role.MANAGER).submit(f"/operations/{path}", every="1").status_code == 403
    assert as_(Role.OPERATOR).post(f"/operations/{path}", data={"every": "1"}).status_code == 403
    assert parked(deployment) == {"1"}
    with deployment.database.transaction() as tx:
        assert portals.get(tx, HUB).pause is None


def test_the_overview_says_what_is_due_parked_and_why_nothing_goes_on(as_: As, deployment: Deployment) -> None:
    park(deployment, "1")
    with deployment.database.transaction() as tx:
        portals.block(
            tx, HUB, until=tx.now + timedelta(hours=1), reason="credentials", detail="the <token> was revoked"
        )
    operator = as_(Role.OPERATOR)
    page = operator.get("/operations").text
    assert "HubSpot does not accept the credentials." in page
    assert "the &lt;token&gt; was revoked" in page
    assert "/runbook#blocked-credentials" in page
    assert 'data-live="work"' in page
    swedish = operator.get("/operations?lang=sv").text
    assert "HubSpot godtar inte inloggningsuppgifterna" in swedish


def test_a_portal_is_paused_with_a_reason_and_goes_on_again(as_: As, deployment: Deployment) -> None:
    operator = as_(Role.OPERATOR)
    paused = operator.submit("/operations/pause", on="/operations", reason="moving <CRM>")
    told = operator.get(paused.headers["location"]).text
    assert "The portal is paused." in told
    assert "Paused by operator@acme-partner.se" in told
    assert "Moving &lt;CRM&gt;." in told
    again = operator.submit("/operations/unpause", on="/operations")
    assert "The portal goes on." in operator.get(again.headers["location"]).text
    with deployment.database.transaction() as tx:
        assert portals.get(tx, HUB).pause is None
    who = deployment.rows(
        text("SELECT event, name FROM history JOIN persons ON person_id = persons.id ORDER BY history.id")
    )
    assert [tuple(row) for row in who] == [
        ("paused", "operator@acme-partner.se"),
        ("unpaused", "operator@acme-partner.se"),
    ]


def test_a_portal_restored_from_a_backup_says_what_to_do_first(as_: As, deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE portals SET restored_from = now()"))
    refused = as_(Role.OPERATOR).submit("/operations/unpause", on="/operations")
    assert refused.status_code == 409
    assert "syncworker rebuild" in refused.text


def test_a_parked_mark_says_why_and_is_tried_again_or_let_go_after_a_question(as_: As, deployment: Deployment) -> None:
    park(deployment, "1", "2", "3")
    operator = as_(Role.OPERATOR)
    page = operator.get("/operations/marks").text
    assert "It was deleted while it was worked on. Dismiss it." in page
    assert "/runbook#parked-gone" in page
    assert "/contacts/4711/record/0-1/1" in page
    retried = operator.submit("/operations/marks/retry", on="/operations/marks", mark=["contact:1", "nonsense", "x:1"])
    assert "1 mark is tried again now." in operator.get(retried.headers["location"]).text
    assert parked(deployment) == {"2", "3"}
    asked = operator.submit("/operations/marks/dismiss", on="/operations/marks", mark="contact:2")
    assert "Let 1 parked mark go?" in asked.text
    assert parked(deployment) == {"2", "3"}
    operator.submit("/operations/marks/dismiss/yes", on="/operations/marks", mark="contact:2")
    assert parked(deployment) == {"3"}
    operator.submit("/operations/marks/dismiss/yes", on="/operations/marks", every="1")
    assert parked(deployment) == set()
    assert "Nothing waits for a person" in operator.get("/operations/marks").text


def test_marks_of_another_portal_are_neither_seen_nor_touched(as_: As, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    park(deployment, "7707707", hub_id=OTHER_HUB)
    operator = as_(Role.OPERATOR, portals=[HUB])
    assert "7707707" not in operator.get("/operations/marks").text
    operator.submit("/operations/marks/dismiss/yes", on="/operations", every="1", mark="contact:7707707")
    assert parked(deployment) == {"7707707"}
    assert operator.get(f"/operations?portal={OTHER_HUB}").status_code == 404


def test_what_is_due_is_listed_in_pages_and_a_wrong_cursor_is_the_beginning(as_: As, deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        ids = [str(number) for number in range(1, 61)]
        mark(tx, HUB, Kind.CONTACT, ids, priority=Priority.POLL, cause="<b>poll</b>")
    operator = as_(Role.OPERATOR)
    first = operator.get("/operations/marks?due=1").text
    assert first.count("<tr>") == 51
    assert "&lt;b&gt;poll" in first
    assert 'rel="next"' in first
    assert operator.get("/operations/marks?due=1&cursor=nonsense").text.count("<tr>") == 51


def test_a_resync_that_rests_for_the_days_calls_says_so_and_not_that_hubspot_failed(
    as_: As, deployment: Deployment, redis_url: str
) -> None:
    operator = as_(Role.OPERATOR)
    assert "Bulk work rests" not in operator.get("/operations").text
    with redis.Redis.from_url(redis_url) as server:
        server.hset(f"hubspot:daily:{HUB}", mapping={"limit": 625_000, "spent": 620_000})
    assert "Bulk work rests until " in operator.get("/operations").text
    operator.submit("/operations/resyncs", on="/operations/resyncs", what="all")
    with deployment.database.transaction() as tx:
        bulk_rest.note(tx, HUB, 3600.0)
    page = operator.get("/operations/resyncs").text
    assert "Bulk work rests until " in page
    assert "/runbook#blocked-daily_quota" in page
    assert "HubSpot did not answer" not in page


def resyncs(deployment: Deployment) -> list[tuple[str, object]]:
    return [(row.state, row.scope) for row in deployment.rows(text("SELECT state, scope FROM resyncs ORDER BY id"))]


def test_a_resync_is_begun_seen_paused_resumed_and_ended_after_a_question(as_: As, deployment: Deployment) -> None:
    operator = as_(Role.OPERATOR)
    begun = operator.submit("/operations/resyncs", on="/operations/resyncs", what="all")
    assert "The resync has begun." in operator.get(begun.headers["location"]).text
    with deployment.database.transaction() as tx:
        seen = "UPDATE resyncs SET total = 1000, listed = 250, created_at = now() - INTERVAL '10 seconds' RETURNING id"
        one = tx.connection.execute(text(seen)).scalar_one()
    eventually(lambda: "a second" in operator.get("/operations/resyncs").text)
    page = operator.get("/operations/resyncs").text
    assert "250 of 1,000" in page
    assert "left</span>" in page
    # One at a time: there is no form for another
    assert "Begin a resync" not in page
    second = operator.submit("/operations/resyncs", on="/operations/resyncs", what="all")
    assert second.status_code == 409
    assert "Somebody was faster" in second.text
    operator.submit(f"/operations/resyncs/{one}/pause", on="/operations/resyncs")
    assert resyncs(deployment)[0][0] == "paused"
    assert operator.submit(f"/operations/resyncs/{one}/pause", on="/operations/resyncs").status_code == 409
    operator.submit(f"/operations/resyncs/{one}/resume", on="/operations/resyncs")
    assert "It has looked at 250 records." in operator.get(f"/operations/resyncs/{one}/cancel").text
    assert resyncs(deployment)[0][0] == "running"
    operator.submit(f"/operations/resyncs/{one}/cancel", on="/operations/resyncs")
    assert resyncs(deployment)[0][0] == "cancelled"


def test_a_resync_of_a_part_says_of_which(as_: As, deployment: Deployment) -> None:
    operator = as_(Role.OPERATOR)
    for day in ("", "2999-01-01"):
        answer = operator.submit("/operations/resyncs", on="/operations/resyncs", what="since", since=day)
        assert answer.status_code == 422
    assert operator.submit("/operations/resyncs", on="/operations/resyncs", what="nonsense").status_code == 422
    assert resyncs(deployment) == []
    operator.submit("/operations/resyncs", on="/operations/resyncs", what="since", since="2026-11-02")
    # Midnight in the portal's time zone
    assert resyncs(deployment) == [("running", {"since": "2026-11-01T23:00:00+00:00"})]


def test_a_resync_of_another_portal_is_not_there(as_: As, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    other = resync.start(deployment.context, OTHER_HUB, who="somebody")
    operator = as_(Role.OPERATOR, portals=[HUB])
    for to in ("pause", "resume", "cancel"):
        answer = operator.submit(f"/operations/resyncs/{other.id}/{to}", on="/operations/resyncs")
        assert answer.status_code == 404
    assert operator.get(f"/operations/resyncs/{other.id}/cancel").status_code == 404
    assert resyncs(deployment)[0][0] == "running"


def holds(deployment: Deployment) -> list[tuple[str, str]]:
    return [(row.domain, row.kind) for row in deployment.rows(text("SELECT domain, kind FROM holds ORDER BY domain"))]


def test_a_domain_is_held_and_let_go_and_what_is_no_domain_says_why(as_: As, deployment: Deployment) -> None:
    operator = as_(Role.OPERATOR)
    added = operator.submit(
        "/operations/holds", on="/operations/holds", domain="https://www.Blåbär.se/om", kind="existing_customer",
        note="<i>since 2019</i>",
    )  # fmt: skip
    page = operator.get(added.headers["location"]).text
    assert "Nobody can register the domain now." in page
    assert "&lt;i&gt;since 2019" in page
    [(domain, kind)] = holds(deployment)
    assert (domain, kind) == ("xn--blbr-noae.se", "existing_customer")
    wrong = operator.submit(
        "/operations/holds", on="/operations/holds", domain="10.0.0.1", kind="existing_customer", note="kept"
    )
    assert wrong.status_code == 422
    assert 'value="10.0.0.1"' in wrong.text
    assert 'value="kept"' in wrong.text
    assert "Nothing matches" in operator.get("/operations/holds?q=nobody").text
    operator.submit("/operations/holds/lift", on="/operations/holds", domain=domain)
    assert holds(deployment) == []
    late = operator.submit("/operations/holds/lift", on="/operations/holds", domain=domain)
    assert "Nobody holds this domain any more." in late.text


def test_what_a_form_may_not_send_is_said_in_the_readers_language(as_: As, deployment: Deployment) -> None:
    operator = as_(Role.OPERATOR)
    operator.get("/operations/holds?lang=sv")
    sent = {"domain": "granvik.se", "kind": "nonsense", "note": "x" * 501}
    wrong = operator.submit("/operations/holds", on="/operations/holds", **sent)
    assert wrong.status_code == 422
    for words in ("Typ går inte att använda.", "Anteckning har fler än 500 tecken."):
        assert words in wrong.text, words
    assert "Domän saknas." not in wrong.text
    # Of what nobody typed there is one sentence
    unseen = operator.submit("/capacity/deregister/yes", key="x", seen="many")
    assert unseen.text.count("Formuläret är inte som sidan gör det: ladda om sidan.") == 1
    assert "pattern" not in unseen.text
    assert holds(deployment) == []


def test_holds_come_in_by_the_file_and_each_row_has_an_outcome(as_: As, deployment: Deployment) -> None:
    operator = as_(Role.OPERATOR)
    content = "domain;kind;note\nalfa.se;existing_customer;\nbeta.se;nonsense;\n<b>;existing_customer;\n"

    def send(content: bytes, **fields: str) -> str:
        data = {"csrf": operator.token("/operations/holds"), **fields}
        return operator.post("/operations/holds/import", data=data, files={"file": ("h.csv", content)}).text

    checked = send(content.encode(), check="1")
    assert "nothing is changed yet" in checked
    assert "kind must be one of" in checked.lower()
    assert "&lt;b&gt;" in checked
    assert holds(deployment) == []
    assert "h.csv is brought in" in send(content.encode())
    assert holds(deployment) == [("alfa.se", "existing_customer")]
    assert "is not UTF-8" in send("domän;kind\n".encode("utf-16"))
    assert "lacks the columns" in send(b"a,b\n1,2\n")
    assert operator.post("/operations/holds/import", data={"check": "1"}, files={"file": b"x"}).status_code == 403
