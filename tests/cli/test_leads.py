"""Leads are listed, shown, and changed many at a time; the waiting list is seen and reordered."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Demo, Run
from cli.test_registering import registered
from syncworker.hubspot.quota import Lane
from syncworker.registration.ledger.requests import State
from syncworker.sync.jobs import job_work
from syncworker.sync.reconcile.reconcile import reconcile
from web.deployment import Deployment


def worked_off(demo: Demo) -> None:
    while job_work.continue_jobs(demo.context, demo.hub_id) or reconcile(demo.context, demo.hub_id, Lane.INTERACTIVE):
        pass


@pytest.fixture
def three(demo: Demo) -> Deployment:
    """The capacity is used up, by these."""
    ledger = Deployment(demo.context)
    for domain in ("fjordfisk.se", "nordlys.se", "skogen.se"):
        ledger.registered(domain, hub_id=demo.hub_id)
    return ledger


def test_leads_are_listed_by_state_with_why_and_leave_as_csv(
    run: Run, demo: Demo, three: Deployment, tmp_path: Path
) -> None:
    three.asked("7", hub_id=demo.hub_id, state=State.WAITING, domain="late.se")
    found = run("leads", "list", "--q", "nord", "--json").json
    assert ([item["domain"] for item in found["items"]], found["total"]) == (["nordlys.se"], 1)
    waiting = run("leads", "list", "pending")
    assert "The capacity is used up, and late.se waits in line." in " ".join(waiting.out.split())
    assert run("leads", "list", "registered", "--sort", "domain", "--desc", "--limit", 1, "--json").json["pages"] == 3
    assert run("leads", "list", "--sort", "colour").code == 2
    assert run("leads", "list", "--csv", tmp_path / "leads.csv").code == 0
    assert len((tmp_path / "leads.csv").read_text("utf-8-sig").splitlines()) == 4
    assert run("leads", "list", "--csv", "-").out.splitlines()[1].startswith("fjordfisk.se,")


def test_one_lead_is_shown_and_looked_at_again(run: Run, demo: Demo) -> None:
    assert run("setup", "--yes").code == 0
    contact_id = registered(run, demo)
    demo.sandbox.edit(demo.hub_id, "contacts", contact_id, {"partner_registration_status": ""})
    shown = run("leads", "show", "nordlys.se", "--compare")
    for told in ("registered", contact_id, "It was registered", "partner_registration_status"):
        assert told in shown.out, told
    assert shown.out.index("partner_registration_status") < shown.out.index("partner_registered_domain")
    [differs] = run("leads", "show", "nordlys.se", "--compare", "--json").json["differences"]
    assert (differs["property"], differs["ledger"]) == ("partner_registration_status", "registered")
    assert run("leads", "look", "nordlys.se", "--json").json["records"] == 2
    worked_off(demo)
    assert run("leads", "show", "nordlys.se", "--compare", "--json").json["differences"] == []
    assert run("leads", "show", "unheard-of.se").code == 3


def test_many_are_deregistered_by_a_job_and_taken_back(run: Run, demo: Demo, three: Deployment) -> None:
    no = run("jobs", "start", "deregister", "--all-of", "registered", stdin="n\n")
    assert (no.code, "Deregister 3 leads (fjordfisk.se, nordlys.se, skogen.se)?" in no.err) == (4, True)
    job = run("jobs", "start", "deregister", "nordlys.se", "unheard-of.se", "--yes", "--json").json
    assert job["state"] == "running"
    worked_off(demo)
    done = run("jobs", "show", job["job"]["id"])
    assert (done.code, "Not registered any more" in done.out, "unheard-of.se" in done.out) == (1, True, True)
    listed = run("jobs", "show", job["job"]["id"], "--items", "--json").json["items"]
    assert [(item["domain"], item["outcome"]) for item in listed] == [
        ("nordlys.se", "done"),
        ("unheard-of.se", "not_registered"),
    ]
    undoing = run("jobs", "undo", job["job"]["id"], "--json").json["job"]
    worked_off(demo)
    assert run("jobs", "show", undoing["id"], "--json").json["job"]["outcomes"] == {"done": 1}
    assert [one["id"] for one in run("jobs", "list", "--json").json["items"]] == [undoing["id"], job["job"]["id"]]
    assert run("jobs", "show", 4711).code == 3


def test_a_job_must_be_told_of_whom(run: Run, demo: Demo) -> None:
    for options in (["deregister"], ["deregister", "a.se", "--fitting"], ["deregister", "--fitting"]):
        assert run("jobs", "start", *options, "--yes").code == 2
    assert run("jobs", "start", "renew", "--all-of", "registered", "--yes").code == 2
    assert run("jobs", "start", "register_again", "--fitting", "--yes").code == 3


def test_the_line_is_seen_and_reordered_and_a_lead_exchanged(run: Run, demo: Demo, three: Deployment) -> None:
    three.asked("7", hub_id=demo.hub_id, state=State.WAITING, domain="late.se", seconds_ago=9)
    three.asked("8", hub_id=demo.hub_id, state=State.WAITING, domain="later.se")
    first, second = run("line", "list", "--json").json["items"]
    assert [(one["domain"], one["position"]) for one in (first, second)] == [("late.se", 1), ("later.se", 2)]
    assert run("line", "move", second["id"], "--to", 1).out == f"Request {second['id']} stands at place 1.\n"
    no = run("line", "exchange", first["id"], "nordlys.se", stdin="n\n")
    assert (no.code, "register late.se in its place" in no.err) == (4, True)
    assert run("line", "exchange", first["id"], "nordlys.se", "--yes").out == (
        "late.se is registered; nordlys.se is given up.\n"
    )
    assert run("line", "exchange", first["id"], "skogen.se", "--yes").code == 4


def test_a_deregistration_asked_for_in_the_crm_is_refused(run: Run, demo: Demo) -> None:
    assert run("setup", "--yes").code == 0
    contact_id = registered(run, demo)
    demo.sandbox.edit(demo.hub_id, "contacts", contact_id, {"partner_registration_request": "deregister"})
    run("resync", "--contact", contact_id)
    worked_off(demo)
    [asked] = run("requests", "list", "--state", "confirming", "--json").json["items"]
    assert "stays registered" in run("requests", "refuse", asked["id"]).out
    assert run("requests", "confirm", asked["id"]).code == 4


def test_a_command_that_hubspot_asks_to_wait_says_to_try_again_which_nobody_else_does(run: Run, demo: Demo) -> None:
    contact = demo.contact()
    demo.sandbox.faults(http={"429_daily": 1.0})
    answer = run("leads", "check", contact)
    assert answer.code == 5
    assert answer.err.strip().splitlines()[-1].endswith(": try again then")
