"""The lists of leads by state: what each shows, says, and lets a manager do."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import text, update

from syncworker import languages
from syncworker.access.roles import Role
from syncworker.program import Validity
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import Action, Reason
from syncworker.store.tables import requests as requests_table
from syncworker.sync.jobs import job_work, lead_rows
from syncworker.sync.lists import column_names, csv_lists
from web.deployment import HUB, OTHER_HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
PART = {"hx-request": "true", "hx-target": "list"}
ACTIVE = text("SELECT domain FROM registrations WHERE ended_at IS NULL AND deregistered_at IS NULL ORDER BY domain")
EVERY = (
    "registered", "pending", "unavailable", "invalid", "expired", "expiring", "deregistrations", "unresolved",
    "to-confirm",
)  # fmt: skip


def rows(html: str) -> list[str]:
    """What the rows are called, in order."""
    return [found.strip() for found in re.findall(r'class="row-(?:name|link)"[^>]*>([^<]+)<', html)]


def refused(deployment: Deployment, contact_id: str, state: State, reason: Reason, **said: str) -> int:
    """A request that came to nothing."""
    request_id = deployment.asked(contact_id, state=state)
    with deployment.database.transaction() as tx:
        changed = update(requests_table).where(requests_table.c.id == request_id)
        tx.connection.execute(changed.values(reason=reason.value, **said))
    return request_id


def work(deployment: Deployment) -> None:
    """What a worker does when it is rung for."""
    while job_work.continue_jobs(deployment.context, HUB):
        pass


def active(deployment: Deployment) -> list[str]:
    return [row.domain for row in deployment.rows(ACTIVE)]


@pytest.mark.parametrize("lang", ["en", "sv"])
def test_each_list_says_what_will_be_in_it_while_nothing_is(as_: As, lang: str) -> None:
    anna = as_(Role.MANAGER)
    said = set()
    for name in EVERY:
        page = anna.get(f"/leads/{name}?lang={lang}")
        assert page.status_code == 200, name
        assert page.text.count('aria-current="page"') >= 2, name
        said |= set(re.findall(r'<div class="empty">.*?<h2>(.*?)</h2>', page.text))
    assert len(said) == len(EVERY)
    assert anna.get("/leads").headers["location"] == "/leads/registered"
    assert anna.get("/leads/nonsense").status_code == 404


def test_the_waiting_list_is_in_its_order_and_a_manager_moves_in_it(as_: As, deployment: Deployment) -> None:
    ids = {
        domain: deployment.asked(domain, state=State.WAITING, domain=domain, seconds_ago=ago)
        for domain, ago in (("a.se", 30), ("b.se", 20), ("c.se", 10))
    }
    anna = as_(Role.MANAGER)
    page = anna.get("/leads/pending").text
    assert rows(page) == ["a.se", "b.se", "c.se"]
    assert "waits in line" in page
    moved = anna.submit(f"/leads/pending/{ids['c.se']}/move", to="1")
    assert moved.status_code == 303
    assert rows(anna.get(moved.headers["location"]).text) == ["c.se", "a.se", "b.se"]
    # For htmx the list alone, after the browser followed
    part = anna.post(
        f"/leads/pending/{ids['a.se']}/move?q=se", data={"csrf": anna.token(), "to": "1"}, headers=PART,
        follow_redirects=True,
    )  # fmt: skip
    assert rows(part.text) == ["a.se", "c.se", "b.se"]
    assert "<html" not in part.text
    assert as_(Role.VIEWER).submit(f"/leads/pending/{ids['a.se']}/move", to="1").status_code == 403
    assert "formaction" not in as_(Role.VIEWER).get("/leads/pending").text


def test_a_registration_is_exchanged_for_one_that_waits_after_a_question(as_: As, deployment: Deployment) -> None:
    for number in range(5):
        deployment.registered(f"held{number}.se")
    wanted = deployment.asked("7", state=State.WAITING, domain="wanted.se")
    anna = as_(Role.MANAGER)
    path = f"/leads/pending/{wanted}/exchange"
    assert rows(anna.get(f"{path}?q=held1").text) == ["held1.se"]
    dialog = anna.submit(path, domain="held1.se")
    assert "Give up held1.se for wanted.se?" in dialog.text
    assert "cannot be undone" in dialog.text
    assert "Choose the lead" in anna.submit(path).text
    assert "held1.se" in active(deployment)
    done = anna.submit(f"{path}/yes", domain="held1.se")
    assert "Exchanged" in anna.get(done.headers["location"]).text
    assert active(deployment) == ["held0.se", "held2.se", "held3.se", "held4.se", "wanted.se"]
    late = anna.submit(f"{path}/yes", domain="held2.se")
    assert late.status_code == 409
    assert "Somebody was quicker" in late.text


def test_a_refused_lead_says_why_and_what_now(as_: As, deployment: Deployment) -> None:
    refused(deployment, "8", State.UNAVAILABLE, Reason.EXISTING_CUSTOMER, domain="theirs.se")
    anna = as_(Role.MANAGER)
    page = anna.get("/leads/unavailable").text
    assert "theirs.se belongs to an existing customer" in page
    assert "have an operator lift the hold" in page
    assert f"/contacts/{HUB}/record/0-1/8" in page
    assert "tillhör en befintlig kund" in anna.get("/leads/unavailable?lang=sv").text


def test_a_lead_with_invalid_data_names_the_fields_and_leads_to_the_record(as_: As, deployment: Deployment) -> None:
    detail = "Missing: company, email. Once mended, it is decided again by itself."
    deployment.record("9", name="Bo Ek")
    request_id = refused(deployment, "9", State.INVALID_DATA, Reason.MISSING_DATA, detail=detail)
    anna = as_(Role.MANAGER)
    page = anna.get("/leads/invalid").text
    assert rows(page) == ["Bo Ek"]
    for field in ("company is missing", "email is missing"):
        assert re.search(rf'record/0-1/9"[^>]*>{field}', page), field
    back = anna.submit(f"/leads/requests/{request_id}/withdraw", back="/leads/invalid?q=bo")
    assert back.headers["location"] == "/leads/invalid?q=bo&told=withdrawn"
    told = anna.get(back.headers["location"]).text
    assert "The request was taken back." in told
    assert "Nothing matches" in told
    elsewhere = anna.submit(f"/leads/requests/{request_id}/again", back="https://evil.example")
    assert elsewhere.headers["location"].startswith("/capacity")


def test_a_deregistration_asked_for_in_the_crm_is_confirmed_or_refused(as_: As, deployment: Deployment) -> None:
    asked = {}
    for domain in ("a.se", "b.se"):
        deployment.registered(domain, contact_id=domain)
        asked[domain] = deployment.asked(domain, state=State.CONFIRMING, domain=domain, action=Action.DEREGISTER)
    anna = as_(Role.MANAGER)
    assert sorted(rows(anna.get("/leads/deregistrations").text)) == ["a.se", "b.se"]
    question = anna.submit(f"/leads/deregistrations/{asked['a.se']}/confirm")
    assert "Deregister a.se?" in question.text
    assert "no commission" in question.text
    assert active(deployment) == ["a.se", "b.se"]
    assert "told=refused" in anna.submit(f"/leads/deregistrations/{asked['b.se']}/refuse").headers["location"]
    assert anna.submit(f"/leads/deregistrations/{asked['b.se']}/refuse").status_code == 409
    assert anna.submit(f"/leads/deregistrations/{asked['a.se']}/confirm/yes").status_code == 303
    [confirmed] = deployment.rows(text("SELECT confirmed_by, state FROM requests WHERE domain = 'a.se'"))
    assert (confirmed.confirmed_by, confirmed.state) == ("manager@acme-partner.se", "confirming")
    assert rows(anna.get("/leads/deregistrations").text) == []


def test_what_expires_soon_is_renewed_at_expiry_after_a_question(as_: As, deployment: Deployment) -> None:
    for domain, days in (("week.se", 5), ("month.se", 25), ("later.se", 90)):
        deployment.registered(domain, validity=Validity(days=days))
    anna = as_(Role.MANAGER)
    assert rows(anna.get("/leads/expiring").text) == ["week.se", "month.se"]
    assert rows(anna.get("/leads/expiring?days=7").text) == ["week.se"]
    question = anna.submit("/leads/expiring/renew", domain=["week.se"], every="1", q="", days="30")
    assert "Renew 2 leads at expiry?" in question.text
    key = re.search(r'name="key" value="(\w+)"', question.text)
    assert key
    going = anna.submit("/leads/expiring/renew/yes", key=key[1], every="1", seen="2", days="30")
    work(deployment)
    told = anna.get(going.headers["location"]).text
    assert "2 leads renew at expiry." in told
    assert told.count('class="tag info"') == 2
    # More than was agreed to is asked about again
    assert "has changed" in anna.submit("/leads/expiring/renew/yes", key=key[1], every="1", seen="1", days="30").text
    assert anna.submit("/leads/expiring/deregister", domain=["week.se"]).status_code == 404
    assert anna.submit("/leads/expiring/explode", domain=["week.se"]).status_code == 422


def test_expired_leads_are_registered_again_as_many_as_fit(as_: As, deployment: Deployment) -> None:
    for number in range(4):
        deployment.registered(f"new{number}.se")
    for number in range(3):
        deployment.registered(f"old{number}.se", contact_id=str(number))
    over = text("UPDATE registrations SET ended_at = now(), end_reason = 'expired' WHERE domain LIKE 'old%'")
    deployment.database.run(lambda tx: tx.connection.execute(over))
    anna = as_(Role.MANAGER)
    page = anna.get("/leads/expired").text
    assert sorted(rows(page)) == ["old0.se", "old1.se", "old2.se"]
    assert "Register all that capacity allows" in page
    question = anna.submit("/leads/expired/fitting").text
    assert "Register 1 lead again?" in question
    key = re.search(r'name="key" value="(\w+)"', question)
    assert key
    going = anna.submit("/leads/expired/fitting/yes", key=key[1], seen="1")
    work(deployment)
    assert "1 domain was asked for again." in anna.get(going.headers["location"]).text
    ticked = anna.submit("/leads/expired/register_again", domain=["old0.se", "old1.se"]).text
    assert "Register 2 leads again?" in ticked
    # What offers it goes, and may come back, while somebody looks on
    deployment.database.run(lambda tx: tx.connection.execute(text("UPDATE partners SET capacity = 4")))
    full = anna.get("/leads/expired").text
    assert 'id="fitting" data-live="leads"' in full
    assert "Register all that capacity allows" not in full


def test_what_another_portal_asked_for_is_neither_seen_nor_changed(as_: As, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    theirs = deployment.asked("7", hub_id=OTHER_HUB, state=State.WAITING, domain="beta.se")
    leaving = deployment.asked("8", hub_id=OTHER_HUB, state=State.CONFIRMING, domain="b.se", action=Action.DEREGISTER)
    anna = as_(Role.MANAGER, portals=[HUB])
    for name in EVERY:
        page = anna.get(f"/leads/{name}").text
        assert "beta.se" not in page
        assert "b.se" not in rows(page)
    for path, status in (
        (f"/leads/pending/{theirs}/move", 404),
        (f"/leads/pending/{theirs}/exchange/yes", 404),
        (f"/leads/requests/{theirs}/withdraw", 404),
        (f"/leads/requests/{theirs}/again", 404),
        (f"/leads/deregistrations/{leaving}/confirm", 404),
        (f"/leads/deregistrations/{leaving}/confirm/yes", 404),
        (f"/leads/deregistrations/{leaving}/refuse", 404),
    ):
        assert anna.submit(path, to="1", domain="x.se").status_code == status, path
    assert anna.get(f"/leads/pending?portal={OTHER_HUB}").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/leads/pending/1/move", "/leads/pending/1/exchange/yes", "/leads/requests/1/withdraw", "/leads/requests/1/again",
     "/leads/deregistrations/1/confirm/yes", "/leads/deregistrations/1/refuse", "/leads/expired/fitting/yes",
     "/leads/expiring/renew/yes"],
)  # fmt: skip
def test_a_viewer_changes_nothing_and_nobody_without_the_sessions_token(as_: As, path: str) -> None:
    fields = {"to": "1", "domain": "a.se", "key": "0" * 32}
    assert as_(Role.VIEWER).submit(path, **fields).status_code == 403
    assert as_(Role.MANAGER).post(path, data=fields).status_code == 403
    assert as_().post(path, data=fields).status_code in {303, 403}


def test_what_the_crm_says_is_text_and_never_markup(as_: As, deployment: Deployment) -> None:
    evil = '<img src=x onerror="alert(1)">'
    deployment.record("9", name=evil, company=f"{evil}</td></table>")
    deployment.record("10", name=evil, company=evil)
    deployment.record("11", name=evil, company=evil)
    refused(deployment, "9", State.INVALID_DATA, Reason.MISSING_DATA, detail=f"Missing: {evil}.")
    refused(deployment, "10", State.UNAVAILABLE, Reason.EXISTING_CUSTOMER, domain="evil.se")
    deployment.asked("11", state=State.WAITING, domain="evil.se")
    for name in ("pending", "unavailable", "invalid"):
        page = as_(Role.MANAGER).get(f"/leads/{name}", params={"q": "<img"}).text
        assert "<img" not in page, name
        assert "&lt;img" in page


def test_a_list_has_the_readers_columns_and_is_read_as_a_file_of_leads_whatever_they_are_called(
    as_: As, deployment: Deployment
) -> None:
    deployment.registered("a.se", contact_id="17")
    deployment.asked("7", state=State.WAITING, domain="late.se")
    anna = as_(Role.MANAGER)
    for which, columns in (("registered", csv_lists.LEAD_COLUMNS), ("pending", csv_lists.ASKED_COLUMNS)):
        read = []
        for language in ("en", "sv"):
            file = anna.get(f"/leads/{which}.csv?lang={language}").content
            read.append(lead_rows.read(file, "leads.csv", deployment.context.domain_rules))
            header = file.decode("utf-8-sig").partition("\r\n")[0].split(",")
            assert len(set(header)) == len(columns)
            assert (header == list(columns)) is (language == "en")
        assert read[0] == read[1]
        assert [item.domain for item in read[0].items] == ["17" if which == "registered" else "7"]
    # The file of what failed has a contact's id that nobody wrote into it: it names no lead.
    swedish = ",".join(column_names.named(csv_lists.FILE_COLUMNS, languages.language("sv")))
    rules = deployment.context.domain_rules
    assert lead_rows.read(f"{swedish}\nb.se".encode(), "x.csv", rules).columns == ("domain", "lead")


def test_a_list_leaves_as_csv_as_it_is_searched_and_no_cell_runs_as_a_formula(as_: As, deployment: Deployment) -> None:
    deployment.record("1", name="=cmd()")
    deployment.registered("a.se", company_id=None)
    deployment.registered("b.se", contact_id=None, company_id=None)
    anna = as_(Role.VIEWER)
    assert "/leads/registered.csv?q=a.se" in anna.get("/leads/registered?q=a.se").text
    file = anna.get("/leads/registered.csv?q=a.se")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert "a.se,,'=cmd()," in file.text
    assert "b.se" not in file.text
    deployment.asked("7", state=State.WAITING, domain="late.se")
    assert "late.se waits in line" in anna.get("/leads/pending.csv").text
    # Sentences and names of columns are the reader's; codes are the same in every language
    swedish = anna.get("/leads/pending.csv?lang=sv").text
    assert "late.se väntar i kön" in swedish
    assert swedish.startswith("\ufeffdomän,")
    assert anna.get("/leads/nonsense.csv").status_code == 404
