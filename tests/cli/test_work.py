"""Records are looked at again, parked marks are tried or let go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.resync import continue_resync

Run = Callable[..., Any]
Demo = Any


def parked(demo: Demo, *ids: str) -> None:
    with demo.context.database.transaction() as tx:
        mark(tx, demo.hub_id, Kind.CONTACT, ids, priority=Priority.POLL, cause="poll")
        tx.connection.execute(
            text("UPDATE marks SET parked_at = now(), attempts = 9, last_error = :said"),
            {"said": "\x1b[2J[bold]the CRM does not keep our values"},
        )


def test_parked_marks_are_listed_with_their_reason(run: Run, demo: Demo) -> None:
    parked(demo, "7")
    (item,) = run("marks", "list", "--parked", "--json").json["items"]
    assert (item["kind"], item["object_id"], item["attempts"]) == ("contact", "7", 9)
    shown = run("marks", "list").out
    assert "[bold]the CRM does not keep our values" in shown
    assert "\x1b" not in shown


def test_one_parked_mark_is_tried_again_and_the_others_are_let_go(run: Run, demo: Demo) -> None:
    parked(demo, "7", "8", "9")
    assert run("marks", "retry", "contact", "7", "--json").json["retried"] == 1
    assert run("marks", "retry", "contact", "7").code == 3
    assert run("marks", "dismiss", "contact", "8").code == 0
    no = run("marks", "dismiss", stdin="n\n")
    assert no.code == 4
    assert run("marks", "dismiss", "--yes", "--json").json["dismissed"] == 1
    assert [item["object_id"] for item in run("marks", "list", "--json").json["items"]] == ["7"]


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


def test_a_portal_has_one_resync_at_a_time(run: Run, demo: Demo) -> None:
    started = run("resync", "--all", "--json").json
    assert started["state"] == "running"
    second = run("resync", "--all")
    assert second.code == 4
    assert f"resync --status {started['id']}" in second.complaint
    assert "running" in run("resync", "--status", started["id"]).out
    assert run("resync", "--status", 4711).code == 3


def test_a_resync_must_be_told_of_what(run: Run, demo: Demo) -> None:
    for options in ([], ["--all", "--contact", "1"], ["--all", "--status", "1"]):
        assert run("resync", *options).code == 2


def test_a_resync_is_watched_until_it_is_done(run: Run, demo: Demo) -> None:
    contact_id = demo.contact()
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.02):
            continue_resync(demo.context, demo.hub_id)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        done = run("resync", "--all", "--wait", "--json").json
    finally:
        over.set()
        worker.join()
    assert (done["state"], done["listed"]) == ("done", 2), contact_id
