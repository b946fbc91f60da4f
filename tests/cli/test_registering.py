"""A person registers a lead and gives a registration up."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from syncworker.store.portals import Mode
from syncworker.sync import operations
from syncworker.sync.claims import Lane
from syncworker.sync.context import Context
from syncworker.sync.portals.connect import set_mode
from syncworker.sync.reconcile.reconcile import reconcile

# The fixtures of this folder, as far as a test's signature names them.
Run = Callable[..., Any]
Demo = Any


@contextmanager
def a_worker(context: Context, hub_id: int) -> Iterator[None]:
    """What the workers do, in a thread of this process."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.02):
            reconcile(context, hub_id, Lane.INTERACTIVE)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def registered(run: Run, demo: Demo, domain: str = "nordlys.se") -> str:
    """Register a lead of that domain, and return its contact."""
    contact_id = demo.contact(domain)
    assert run("register", contact_id, "--yes", "--no-wait").code == 0
    while reconcile(demo.context, demo.hub_id, Lane.INTERACTIVE):
        pass
    return contact_id


def test_a_lead_named_by_email_is_registered_and_the_command_says_so(run: Run, demo: Demo) -> None:
    demo.contact()
    with a_worker(demo.context, demo.hub_id):
        answer = run("register", "asa@nordlys.se", "--yes")
    assert answer.code == 0
    assert "0 of 3 used" in answer.out
    assert "nordlys.se registered" in answer.out


def test_a_lead_can_be_named_by_its_address_its_id_and_its_companys_domain(run: Run, demo: Demo) -> None:
    contact_id = demo.contact()
    address = f"https://app.hubspot.com/contacts/{demo.hub_id}/record/0-1/{contact_id}"
    for what in (contact_id, address, "https://www.nordlys.se/about"):
        answer = run("register", what, "--yes", "--no-wait", "--json")
        assert answer.code == 0, answer.err
        assert answer.json["request"]["contact_id"] == contact_id


def test_json_shows_the_check_and_the_request_and_nothing_else(run: Run, demo: Demo) -> None:
    contact_id = demo.contact()
    shown = run("register", contact_id, "--yes", "--no-wait", "--json").json
    assert shown["checked"]["would_be"] == "registered"
    assert shown["checked"]["capacity"] == {"limit": 3, "used": 0, "free": 3, "waiting": 0}
    assert shown["request"]["state"] == "processing"
    assert shown["request"]["source"] == "app"
    assert shown["request"]["who"].startswith("cli:")


def test_what_is_missing_is_shown_before_anything_is_asked_for(run: Run, demo: Demo) -> None:
    contact_id = demo.contact(lastname="", website="")
    answer = run("register", contact_id, stdin="n\n")
    assert answer.code == 4
    assert "invalid_data" in answer.out
    assert "last name" in answer.out
    assert "nothing was done" in answer.err
    assert run("requests", "list", "--json").json["items"] == []


def test_looking_at_a_lead_changes_nothing(run: Run, demo: Demo) -> None:
    contact_id = demo.contact()
    run("register", contact_id, stdin="n\n")
    assert run("requests", "list", "--json").json["items"] == []
    assert run("history", "nordlys.se", "--json").json["items"] == []
    assert run("capacity", "--json").json["used"] == 0


def test_nobody_there_to_answer_is_a_no(run: Run, demo: Demo) -> None:
    answer = run("register", demo.contact(), stdin="")
    assert answer.code == 4
    assert "add --yes" in answer.err


def test_a_lead_that_cannot_be_registered_ends_with_something_to_look_at(run: Run, demo: Demo) -> None:
    contact_id = demo.contact(website="https://www.facebook.com/nordlys")
    with a_worker(demo.context, demo.hub_id):
        answer = run("register", contact_id, "--yes")
    assert answer.code == 1
    assert "shared platform" in answer.out


def test_in_mode_observe_it_says_what_would_be(run: Run, demo: Demo) -> None:
    set_mode(demo.context, demo.hub_id, Mode.OBSERVE, who="t")
    answer = run("register", demo.contact(), "--yes")
    assert answer.code == 0
    assert "registered" in answer.out
    assert "In mode observe nothing is registered" in answer.out


def test_a_contact_that_is_not_there_is_not_found(run: Run, demo: Demo) -> None:
    for what in ("424242", "nobody@nordlys.se", "nordlys.se", "hello world"):
        answer = run("register", what, "--yes")
        assert answer.code == 3, what
        assert answer.complaint.startswith("syncworker: ")


def test_a_name_full_of_markup_and_escapes_is_only_text(run: Run, demo: Demo) -> None:
    contact_id = demo.contact(firstname="[red]\x1b[31mÅsa\x1b]8;;http://x\x07", lastname="Ek‮[/]")
    answer = run("register", contact_id, stdin="n\n")
    assert "[red]Åsa Ek [/]" in answer.out
    assert "\x1b" not in answer.out
    assert "‮" not in answer.out


def test_deregistering_asks_and_says_what_is_lost(run: Run, demo: Demo) -> None:
    registered(run, demo)
    no = run("deregister", "nordlys.se", stdin="n\n")
    assert no.code == 4
    assert "Commission eligibility" in no.err
    assert "600 s" in no.err
    yes = run("deregister", "https://www.nordlys.se/", stdin="y\n")
    assert yes.code == 0
    assert "registrations undo nordlys.se" in yes.out


def test_a_deregistration_is_undone_once(run: Run, demo: Demo) -> None:
    registered(run, demo)
    ended = run("deregister", "nordlys.se", "--yes", "--json").json
    assert ended["deregistered_at"] is not None
    assert run("registrations", "undo", "nordlys.se").code == 0
    again = run("registrations", "undo", "nordlys.se")
    assert again.code == 4
    assert "there is no deregistration of nordlys.se to undo: it is registered" in again.complaint


def test_deregistering_what_is_not_registered_is_not_found(run: Run, demo: Demo) -> None:
    answer = run("deregister", "nordlys.se", "--yes")
    assert answer.code == 3
    assert answer.complaint == "syncworker: nordlys.se is not registered: see `syncworker registrations list`"


def test_history_tells_who_did_what(run: Run, demo: Demo) -> None:
    registered(run, demo)
    items = run("history", "nordlys.se", "--json").json["items"]
    assert items[0]["event"] == "registered"
    assert "registered" in [item["event"] for item in items]
    assert "registered" in run("history", "nordlys.se").out


def test_what_a_form_asked_for_names_the_form_beside_its_id(run: Run, demo: Demo) -> None:
    registered(run, demo)
    operations.set_renewal(demo.context, demo.hub_id, "nordlys.se", renew=True, who="form:7f3c")
    # Disabled since, and so known by its id alone
    assert "form:7f3c" in run("history", "nordlys.se").out
    form = text("INSERT INTO forms (hub_id, form_id, name, enabled_at) VALUES (:hub, '7f3c', 'Be om demo', now())")
    with demo.context.database.transaction() as tx:
        tx.connection.execute(form, {"hub": demo.hub_id})
    for command in (["history"], ["why"], ["leads", "show"]):
        assert "form:7f3c (Be om demo)" in " ".join(run(*command, "nordlys.se").out.split()), command


def test_registrations_are_listed_with_their_lead(run: Run, demo: Demo) -> None:
    contact_id = registered(run, demo)
    (item,) = run("registrations", "list", "--q", "nordlys", "--json").json["items"]
    assert (item["domain"], item["contact_id"], item["status"]) == ("nordlys.se", contact_id, "registered")
    table = run("registrations", "list", "--status", "registered").out
    assert "nordlys.se" in table
    assert "Åsa Ek" in table


def test_what_hubspot_must_confirm_is_listed_until_it_is(run: Run, demo: Demo) -> None:
    contact_id = registered(run, demo)
    (item,) = run("registrations", "to-confirm", "--json").json["items"]
    assert item["address"] == f"https://app.hubspot.com/contacts/{demo.hub_id}/record/0-1/{contact_id}"
    assert run("registrations", "confirm", "nordlys.se").code == 0
    assert run("registrations", "to-confirm", "--json").json["items"] == []
    assert run("registrations", "contradict", "nordlys.se").code == 0
    (line,) = run("registrations", "list", "--json").json["items"]
    assert line["confirmation"] == "contradicted"


def test_a_registration_is_set_to_renew_and_not_to(run: Run, demo: Demo) -> None:
    registered(run, demo)
    assert run("registrations", "renew", "nordlys.se").code == 0
    assert run("registrations", "list", "--json").json["items"][0]["renew_at_expiry"] is True
    assert run("registrations", "renew", "nordlys.se", "--off").code == 0
    assert run("registrations", "list", "--json").json["items"][0]["renew_at_expiry"] is False


def test_requests_are_listed_and_taken_back(run: Run, demo: Demo) -> None:
    run("register", demo.contact(), "--yes", "--no-wait")
    (item,) = run("requests", "list", "--state", "processing", "--json").json["items"]
    assert run("requests", "withdraw", item["id"], "--json").json["state"] == "withdrawn"
    again = run("requests", "withdraw", item["id"])
    assert again.code == 4
    assert "is not open" in again.complaint
    assert run("requests", "retry", item["id"]).code == 4
    assert run("requests", "confirm", item["id"]).code == 4
    assert "withdrawn" in run("requests", "list").out


def test_a_request_of_another_partner_is_not_found(run: Run, demo: Demo, second: Demo) -> None:
    run("register", demo.contact(), "--yes", "--no-wait", "--portal", demo.hub_id)
    (item,) = run("requests", "list", "--portal", demo.hub_id, "--json").json["items"]
    answer = run("requests", "withdraw", item["id"], "--portal", second.hub_id)
    assert answer.code == 3
    assert "there is no request" in answer.complaint


def test_somebody_is_erased_by_email_after_being_told_what_is_kept(run: Run, demo: Demo) -> None:
    contact_id = registered(run, demo)
    assert run("privacy", "erase").code == 2
    would = run("privacy", "erase", "--email", "asa@nordlys.se", "--dry-run", "--json")
    assert json.loads(would.out)["contacts"] == [[demo.hub_id, contact_id]]
    assert "contact" in run("privacy", "erase", "--email", "asa@nordlys.se", "--yes").out
    again = run("privacy", "erase", "--email", "asa@nordlys.se", "--dry-run")
    assert "Nothing is kept" in again.out
