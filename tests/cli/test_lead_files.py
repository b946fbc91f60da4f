"""A person looks at a lead before asking for it, and registers many by a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import text

from syncworker.sync.claims import Lane
from syncworker.sync.jobs.job_work import continue_jobs
from syncworker.sync.reconcile.reconcile import reconcile

# The fixtures of this folder, as far as a test's signature names them.
Run = Callable[..., Any]
Demo = Any


def work(demo: Demo) -> None:
    """What the workers do; that no properties are set up here stops them no longer."""
    with demo.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE portals SET blocked_until = NULL"))
    while continue_jobs(demo.context, demo.hub_id):
        pass
    while reconcile(demo.context, demo.hub_id, Lane.INTERACTIVE):
        pass


def test_a_check_says_what_would_come_of_it_and_does_nothing(run: Run, demo: Demo) -> None:
    demo.contact()
    good = run("leads", "check", "www.nordlys.se")
    assert good.code == 0
    assert "website: https://www.nordlys.se/" in good.out
    lacking = demo.contact("fjord.se", lastname="")
    checked = run("leads", "check", lacking, "--json")
    assert (checked.code, checked.json["would_be"], checked.json["read_from"]) == (1, "invalid_data", "website")
    assert run("leads", "check", "nobody@nowhere.se").code == 3
    assert run("requests", "list", "--json").json["items"] == []


def test_a_file_is_tried_then_asked_for_and_its_failures_come_in_again(run: Run, demo: Demo, tmp_path: Path) -> None:
    contact, lacking = demo.contact(), demo.contact("fjord.se", lastname="")
    file, failures = tmp_path / "leads.csv", tmp_path / "failures.csv"
    file.write_text(f"contact_id,domain\n{contact},\n{lacking},\n,localhost\n,nowhere.se\n")
    tried = run("leads", "import", file, "--dry-run", "--json")
    assert tried.code == 1
    assert tried.json["expected"] == {
        "bad": 1, "duplicates": 0, "registered": 0, "unavailable": 0, "to_ask": 3, "room": 3,
    }  # fmt: skip
    assert "not a full domain name" in tried.json["rows"][0]["why"]
    assert run("jobs", "list", "--json").json["items"] == []
    # Whoever answers no has done nothing
    asked = run("leads", "import", file, stdin="n\n")
    assert asked.code == 4
    assert "Ask for 3 leads?" in asked.err
    assert run("jobs", "list", "--json").json["items"] == []
    taken = run("leads", "import", file, "--yes", "--json")
    file_id = taken.json["file"]["id"]
    work(demo)
    told = run("leads", "file", file_id, "--failures", failures)
    assert told.code == 1
    for words in ("last name", "No contact stands for it", "invalid data"):
        assert words in told.out.replace("\n", " "), words
    with failures.open(encoding="utf-8-sig") as rows:
        assert [row["lead"] for row in csv.DictReader(rows)] == [lacking, "localhost", "nowhere.se"]
    demo.contact("nowhere.se")
    again = run("leads", "again", file_id, "--json").json["file"]["id"]
    work(demo)
    assert run("leads", "file", again, "--json").json["came"]["registered"] == 1
    assert run("leads", "import", failures, "--yes", "--json").json["file"]["total"] == 3
    # The same file asks once, and says so
    assert "taken before" in run("leads", "import", file, "--dry-run").out.replace("\n", " ")


def test_a_file_that_cannot_be_used_says_what_to_change(run: Run, demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_bytes(b"name\nAda\n")
    answer = run("leads", "import", file, "--yes")
    assert answer.code == 2
    assert "call one of them contact_id, email or domain" in answer.complaint
    assert run("leads", "file", "999").code == 3


def test_nothing_is_asked_for_where_what_fails_cannot_be_written(run: Run, demo: Demo, tmp_path: Path) -> None:
    file, failures = tmp_path / "leads.csv", tmp_path / "failures.csv"
    file.write_text(f"contact_id\n{demo.contact()}\n")
    for nowhere in (tmp_path / "nosuch" / "failures.csv", tmp_path, tmp_path / ("f" * 300)):
        answer = run("leads", "import", file, "--yes", "--failures", nowhere)
        assert answer.code == 2
        assert "cannot be written" in answer.complaint
        assert "nothing was done" in answer.complaint
    assert run("jobs", "list", "--json").json["items"] == []
    # Whoever answers no finds the older file as it was, and no new one
    run("leads", "import", file, "--failures", failures, stdin="n\n")
    assert not failures.exists()
    failures.symlink_to(tmp_path / "elsewhere.csv")
    run("leads", "import", file, "--failures", failures, stdin="n\n")
    assert failures.is_symlink()
    assert not failures.exists()
    failures.unlink()
    failures.write_text("older")
    run("leads", "import", file, "--failures", failures, stdin="n\n")
    assert failures.read_text() == "older"


def test_a_disk_that_is_full_only_then_does_not_hide_the_files_number(run: Run, demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text(f"contact_id\n{demo.contact()}\n")
    # Linux's device for this: it opens, and has no room for what is written
    taken = run("leads", "import", file, "--yes", "--json", "--failures", "/dev/full")
    assert taken.code == 2
    file_id = taken.json["file"]["id"]
    assert taken.complaint.endswith(f"choose another: syncworker leads file {file_id} --failures FILE")
