"""Records are looked at again, parked marks are tried or let go."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from syncworker.hubspot.errors import Gone
from syncworker.store import portals
from syncworker.store.portals import Mode
from syncworker.sync.lists import mark_lists
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals.connect import set_mode
from syncworker.sync.resync import find
from syncworker.sync.resync.turn import continue_resync
from syncworker.sync.triggers.changed import SearchContradictsItself

Run = Callable[..., Any]
Demo = Any


def parked(demo: Demo, *ids: str, said: str = "\x1b[2J[bold]the CRM does not keep our values") -> None:
    with demo.context.database.transaction() as tx:
        mark(tx, demo.hub_id, Kind.CONTACT, ids, priority=Priority.POLL, cause="poll")
        tx.connection.execute(
            text("UPDATE marks SET parked_at = now(), attempts = 9, last_error = :said"),
            {"said": said},
        )


def test_parked_marks_are_listed_with_their_reason(run: Run, demo: Demo) -> None:
    parked(demo, "7")
    (item,) = run("marks", "list", "--parked", "--json").json["items"]
    assert (item["kind"], item["object_id"], item["attempts"]) == ("contact", "7", 9)
    shown = run("marks", "list").out
    assert "[bold]the CRM does not keep our values" in shown
    assert "\x1b" not in shown


def test_one_command_finds_the_parked_mark_among_many_and_says_why(run: Run, demo: Demo, second: Demo) -> None:
    parked(demo, "7")
    many = """
        INSERT INTO marks (hub_id, kind, object_id, priority, cause, marked_at, not_before)
        SELECT :hub, 'contact', 'c' || n, 3, 'resync', now(), now() FROM generate_series(1, 50000) AS n
    """
    with demo.context.database.transaction() as tx:
        tx.connection.execute(text(many), {"hub": demo.hub_id})
        tx.connection.execute(
            text("""
                INSERT INTO records (hub_id, kind, object_id, domain, reconciled_at)
                VALUES (:hub, 'contact', '7', 'nordlys.se', now())
            """),
            {"hub": demo.hub_id},
        )
    shown = run("marks", "--parked")
    assert shown.code == 0
    for told in (
        f"contact 7 of portal {demo.hub_id}",
        "nordlys.se",
        f"https://app.hubspot.com/contacts/{demo.hub_id}/record/0-1/7",
        "something in the CRM sets our values back",
        "stop the workflow or app",
        "docs/operating.md#parked-not-kept",
        f"syncworker marks retry contact 7 --portal {demo.hub_id}",
        "1 mark waits for a person",
    ):
        assert told in shown.out, told
    listed = run("marks", "--parked", "--json").json
    assert (listed["parked"], listed["items"][0]["runbook"]) == (1, "docs/operating.md#parked-not-kept")
    assert run(*listed["items"][0]["then"].split()[1:]).code == 0
    assert "No mark waits for a person" in run("marks", "--parked").out


def test_of_a_parked_mark_the_command_is_named_that_the_advice_means(run: Run, demo: Demo) -> None:
    # Given a record that was deleted while it was worked on
    parked(demo, "7", said=str(Gone("no such record", route="POST /x", status=404)))
    # Then it is to be dismissed, and nothing says to try it again
    shown = " ".join(run("marks", "--parked").out.split())
    assert "dismiss it" in shown
    assert f"syncworker marks dismiss contact 7 --portal {demo.hub_id}" in shown
    assert "marks retry" not in shown
    # And what is given is a command
    [item] = run("marks", "--parked", "--json").json["items"]
    assert run(*item["then"].split()[1:]).code == 0
    assert "No mark waits for a person" in run("marks", "--parked").out


def test_parked_marks_are_found_by_their_own_index(demo: Demo) -> None:
    with demo.context.database.transaction() as tx:
        mark(tx, demo.hub_id, Kind.CONTACT, map(str, range(5000)), priority=Priority.POLL, cause="poll")
        tx.connection.execute(text("UPDATE marks SET parked_at = now() WHERE object_id = '7'"))
        mark_lists.marks(tx, None, parked=True)
        plan = tx.connection.execute(
            text("""
                EXPLAIN SELECT * FROM marks WHERE parked_at IS NOT NULL
                 ORDER BY parked_at DESC, kind DESC, object_id DESC LIMIT 51
            """)
        ).scalars()
        assert "ix_marks_parked" in "".join(plan)


def test_many_parked_marks_are_a_line_each(run: Run, demo: Demo) -> None:
    parked(demo, *(str(number) for number in range(1, 9)))
    shown = run("marks", "--parked").out
    assert "8 marks wait for a person" in shown
    assert shown.count("docs/operating.md#parked-not-kept") == 1


def test_one_parked_mark_is_tried_again_and_the_others_are_let_go(run: Run, demo: Demo) -> None:
    parked(demo, "7", "8", "9")
    assert run("marks", "retry", "contact", "7", "--json").json["retried"] == 1
    assert run("marks", "retry", "contact", "7").code == 3
    assert run("marks", "dismiss", "contact", "8").code == 0
    no = run("marks", "dismiss", stdin="n\n")
    assert no.code == 4
    assert run("marks", "dismiss", "--yes", "--json").json["dismissed"] == 1
    assert [item["object_id"] for item in run("marks", "list", "--json").json["items"]] == ["7"]
    did = run("history", "--json").json["items"]
    assert [(one["event"], one["detail"]["marks"]) for one in did] == [
        ("marks_dismissed", ["all"]),
        ("marks_dismissed", ["contact 8"]),
        ("marks_retried", ["contact 7"]),
    ]
    assert {one["who"].partition(":")[0] for one in did} == {"cli"}
    assert "Parked marks were let go" in run("history", "--portal", demo.hub_id).out


def test_a_kind_without_an_id_is_wrong_usage(run: Run, demo: Demo) -> None:
    answer = run("marks", "retry", "contact")
    assert answer.code == 2
    assert "say which contact" in answer.complaint


def test_named_records_are_marked_at_once(run: Run, demo: Demo) -> None:
    contact_id = demo.contact()
    answer = run("resync", "--contact", "asa@nordlys.se", "--contact", "12", "--company", "nordlys.se", "--json")
    assert answer.json["contacts"] == sorted(["12", contact_id])
    (company_id,) = answer.json["companies"]
    marked = {(m["kind"], m["object_id"]) for m in run("marks", "list", "--json").json["items"]}
    assert {("contact", contact_id), ("contact", "12"), ("company", company_id)} <= marked
    assert run("resync", "--company", "asa@nordlys.se").code == 2


def test_in_a_portal_that_stands_still_nobody_is_told_that_records_are_looked_at(run: Run, demo: Demo) -> None:
    assert "looked at again now" in run("resync", "--contact", "12").out
    for mode, told in ((Mode.PAUSED, "is paused: nothing is looked at until it is not"), (Mode.OBSERVE, "observe")):
        set_mode(demo.context, demo.hub_id, mode, who="t")
        assert told in run("resync", "--contact", "12").err
    set_mode(demo.context, demo.hub_id, Mode.PAUSED, who="t")
    assert "looked at again now" not in run("resync", "--contact", "12").out


def test_what_holds_a_resync_up_is_said_to_whoever_looks_at_it(run: Run, demo: Demo) -> None:
    begun = run("resync", "--all", "--json").json["id"]
    assert run("resync", "show").err == ""
    run("pause")
    for command in (["resync", "show"], ["resync", "pause"], ["resync", "resume", begun]):
        said = run(*command).err
        assert ("is paused: nothing is looked at" in said) is (command[1] != "pause"), command
    run("unpause")
    with demo.context.database.transaction() as tx:
        portals.block(tx, demo.hub_id, until=portals.UNTIL_A_PERSON_ACTS, reason="brake", detail="99 of 100")
    for command in (["resync", "show"], ["resync", "--contact", "12"]):
        answer = run(*command)
        assert "is blocked (brake): nothing is looked at until it is not: see `syncworker portals list`" in answer.err
        assert "looked at again now" not in answer.out
    run("resync", "cancel")
    assert run("resync", "show").err == ""


def test_a_portal_has_one_resync_at_a_time(run: Run, demo: Demo) -> None:
    started = run("resync", "--all", "--json").json
    assert started["state"] == "running"
    second = run("resync", "--all")
    assert second.code == 4
    assert f"resync show {started['id']}" in second.complaint
    assert "running" in run("resync", "show", started["id"]).out
    assert run("resync", "show", 4711).code == 3


def test_a_resync_is_paused_resumed_and_cancelled(run: Run, demo: Demo) -> None:
    assert run("resync", "show").code == 3
    started = run("resync", "--all", "--json").json
    assert run("resync", "pause", "--json").json["state"] == "paused"
    assert "resume or cancel it" in run("resync", "--all").complaint
    assert run("resync", "pause").code == 4
    assert run("resync", "resume", started["id"], "--json").json["state"] == "running"
    assert "cancelled" in run("resync", "cancel").out
    assert run("resync", "resume").code == 4
    assert [one["state"] for one in run("resync", "list", "--json").json["items"]] == ["cancelled"]


def test_a_resync_that_cannot_be_paused_says_what_can_be_done(run: Run, demo: Demo) -> None:
    run("resync", "--all")
    run("resync", "pause")
    again = run("resync", "pause")
    assert (again.code, "is paused: resume or cancel it" in again.complaint) == (4, True)
    assert "begin another" not in again.complaint
    with demo.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE resyncs SET state = 'failed'"))
    failed = run("resync", "cancel")
    assert "is failed: resume it, or begin another one" in failed.complaint


def test_the_number_of_a_resync_says_of_which_portal_it_is(run: Run, demo: Demo, second: Demo) -> None:
    begun = run("resync", "--all", "--portal", second.hub_id)
    command = begun.out.partition("Follow it: syncworker ")[2].split()
    assert run(*command[:-1], "--json").json["hub_id"] == second.hub_id
    for turn, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert run("resync", turn, command[2], "--json").json["state"] == state
    assert run("resync", "show", command[2], "--portal", demo.hub_id).code == 3
    assert run("resync", "show").code == 2


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(run: Run, demo: Demo) -> None:
    contact_id = demo.contact()
    assert "Nothing differs" in run("resync", "--all", "--dry-run").out
    assert run("resync", "--contact", contact_id, "--dry-run", "--csv", "-").out.splitlines() == [
        "kind,id,property,old,new"
    ]
    assert run("resync", "--all", "--csv", "-").code == 2
    assert run("marks", "list", "--json").json["items"] == []


def test_a_dry_run_says_of_each_property_what_it_shows_and_would_show(run: Run, demo: Demo, tmp_path: Path) -> None:
    # Given a lead that is registered, of which the CRM shows another state, and somebody's formula
    run("setup", "--yes")
    contact_id = demo.contact()
    shown = {
        "partner_registration_status": "expired",
        "partner_registration_detail": "=1+1",
        # As a Japanese keyboard writes it, and Excel reads it
        "partner_registered_domain": "＝1+1",
    }
    demo.sandbox.edit(demo.hub_id, "contacts", contact_id, shown)
    taken_over = tmp_path / "old.csv"
    taken_over.write_text("domain,registered_on\nnordlys.se,2026-03-01\n", encoding="utf-8")
    assert run("registrations", "import", taken_over).code == 0
    # Then a person sees a row of each, and those of its company
    seen = run("resync", "--contact", contact_id, "--dry-run").out
    of_status = (line for line in seen.splitlines() if "partner_registration_status" in line)
    row = next(line for line in of_status if "contact" in line)
    assert contact_id in row
    assert row.index("expired") < row.index("registered")
    assert "2 records" in seen
    assert "Nothing was written" in seen
    # A spreadsheet has columns, knows the letters, and takes nothing for a formula
    file = tmp_path / "would.csv"
    assert run("resync", "--contact", contact_id, "--dry-run", "--csv", file).code == 0
    assert file.read_bytes().startswith("\ufeff".encode())
    with file.open(encoding="utf-8-sig", newline="") as written:
        rows = {one["property"]: one for one in csv.DictReader(written) if one["kind"] == "contact"}
    assert rows["partner_registration_status"] == {
        "kind": "contact",
        "id": contact_id,
        "property": "partner_registration_status",
        "old": "expired",
        "new": "registered",
    }
    assert rows["partner_registration_detail"]["old"] == "'=1+1"
    assert rows["partner_registered_domain"]["old"] == "'＝1+1"
    # And a script all of it, as it is
    would = run("resync", "--contact", contact_id, "--dry-run", "--json").json
    assert would["hub_id"] == demo.hub_id
    of_contact = {one["property_name"]: one["old"] for one in would["would_write"] if one["kind"] == "contact"}
    assert of_contact.items() >= shown.items()
    assert of_contact.keys() == rows.keys()


def test_a_file_that_cannot_be_written_is_said_in_a_line(run: Run, demo: Demo, tmp_path: Path) -> None:
    for command in (("resync", "--all", "--dry-run"), ("doctor", "--sample", "0"), ("leads", "list")):
        answer = run(*command, "--csv", tmp_path / "nosuch" / "x.csv")
        assert (answer.code, answer.out) == (2, ""), command
        assert "x.csv cannot be written: No such file or directory; choose another place" in answer.complaint
        # Linux's device for a disk that is full: it opens, and has no room for what is written
        full = run(*command, "--csv", "/dev/full")
        assert full.code == 2, command
        assert "/dev/full cannot be written: No space left on device; choose another place" in full.complaint


def test_a_resync_of_a_form_that_is_not_there_says_so(run: Run, demo: Demo) -> None:
    for options in ([], ["--dry-run"]):
        answer = run("resync", "--form", "nosuch", *options)
        assert answer.code == 3
        assert "has no form 'nosuch': see `syncworker forms list`" in answer.complaint
    assert run("resync", "list", "--json").json["items"] == []
    assert run("resync", "--form", demo.form["name"], "--json").json["scope"] == f"form {demo.form['id']}"


def test_a_dry_run_that_search_leads_nowhere_says_so_in_a_line(
    run: Run, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.contact()

    def nowhere(after_id: int, *_: object, **__: object) -> None:
        raise SearchContradictsItself(after_id)

    monkeypatch.setattr(find, "shown_up_to", nowhere)
    answer = run("resync", "--since", "2026-01-01", "--dry-run")
    assert answer.code == 5
    assert "search gave a page after id 0 that cannot be gone on from: try again later" in answer.complaint


def test_a_resync_must_be_told_of_what(run: Run, demo: Demo) -> None:
    for options in ([], ["--all", "--contact", "1"], ["--all", "--status", "expired"]):
        assert run("resync", *options).code == 2


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
@pytest.mark.parametrize(
    ("since", "said"), [("9999-12-31", "is still to come"), ("1969-12-31", "nothing changed before 1970")]
)
def test_since_is_a_moment_of_which_changes_can_be_known(
    run: Run, demo: Demo, since: str, said: str, more: list[str]
) -> None:
    answer = run("resync", "--since", since, *more)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.complaint


def test_since_means_the_moment_that_was_written(run: Run, demo: Demo) -> None:
    for written, meant in (
        ("2026-05-01", "2026-05-01T00:00:00+00:00"),
        ("20260501", "2026-05-01T00:00:00+00:00"),
        ("2026-05-01T04:00:00+02:00", "2026-05-01T04:00:00+02:00"),
        ("2026-05-01 04:00Z", "2026-05-01T04:00:00+00:00"),
    ):
        assert run("resync", "--since", written, "--json").json["scope"] == f"changed since {meant}"
        run("resync", "cancel")
    # Seconds since 1970 would be all there is.
    for written in ("2026", "1795403007", "yesterday", ""):
        answer = run("resync", "--since", written)
        assert (answer.code, answer.out) == (2, ""), written
        assert "2026-05-01" in answer.complaint


def test_a_resync_is_watched_until_it_is_done(run: Run, demo: Demo) -> None:
    contact_id = demo.contact()
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.02):
            continue_resync(demo.context, demo.hub_id)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        done = run("resync", "--all", "--watch", "--json").json
    finally:
        over.set()
        worker.join()
    assert (done["state"], done["listed"]) == ("done", 2), contact_id
