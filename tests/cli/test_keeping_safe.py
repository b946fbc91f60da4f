"""Stopping, going on, backing up, restoring and rebuilding, as they are typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from syncworker.cli import output
from syncworker.store import portals

Run = Callable[..., Any]
Demo = Any


def test_a_portal_is_paused_with_a_reason_and_goes_on_in_its_mode(run: Run, demo: Demo) -> None:
    [paused] = run("pause", "--reason", "audit", "--json").json["items"]
    assert (paused["mode"], paused["pause"]["reason"], paused["pause"]["mode_before"]) == ("paused", "audit", "write")
    assert "audit" in run("doctor").out
    [on] = run("unpause", "--json").json["items"]
    assert (on["mode"], on["pause"]) == ("write", None)


def test_who_pauses_a_paused_portal_is_told_whose_pause_it_is(run: Run, demo: Demo) -> None:
    run("pause", "--reason", "audit of the holds")
    again = run("pause", "--reason", "something else").out
    assert "is in mode paused: by cli:" in again
    assert "audit of the holds" in again
    assert run("unpause").out.strip().endswith("is in mode write.")


def test_all_portals_are_paused_at_once_and_one_or_all_must_be_said(run: Run, demo: Demo, second: Demo) -> None:
    assert run("pause").code == 2
    assert run("pause", "--all", "--portal", demo.hub_id).code == 2
    assert {one["mode"] for one in run("pause", "--all", "--json").json["items"]} == {"paused"}
    assert {one["mode"] for one in run("unpause", "--all", "--json").json["items"]} == {"write"}


def test_what_the_brake_holds_back_is_only_let_go_by_a_yes(run: Run, demo: Demo) -> None:
    with demo.context.database.transaction() as tx:
        until = portals.UNTIL_A_PERSON_ACTS
        portals.block(tx, demo.hub_id, until=until, reason="brake", detail="99 of 100 known statuses")
    assert "99 of 100" in run("portals", "unblock", demo.hub_id).complaint
    refused = run("unpause", stdin="n\n")
    assert (refused.code, "99 of 100" in refused.err) == (4, True)
    assert run("unpause", "--yes", "--json").json["items"][0]["blocked"] is None


def test_a_backup_is_restored_paused_and_goes_on_after_it_was_rebuilt(run: Run, demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "day.backup"
    assert run("backup", file, "--json").json["tables"]["portals"] == 1
    assert "holds portals or registrations" in run("restore", file).complaint
    assert run("restore", file, "--force", stdin="n\n").code == 4
    assert run("restore", file, "--force", "--yes").code == 0
    assert "run `syncworker rebuild` first" in run("unpause").complaint
    assert "run `syncworker rebuild` first" in run("portals", "mode", demo.hub_id, "write", "--yes").complaint
    tried = run("rebuild", "--dry-run", "--json")
    assert (tried.code, tried.json["rebuilt"]["going_on"]) == (0, [])
    done = run("rebuild", "--yes", "--json")
    assert (done.code, done.json["rebuilt"]["going_on"]) == (0, [demo.hub_id])
    with demo.context.database.transaction() as tx:
        assert portals.get(tx, demo.hub_id).mode is portals.Mode.WRITE


def test_a_file_that_is_no_backup_and_another_key_are_said_in_a_line(
    run: Run, demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "day.backup"
    file.write_text("hello")
    assert "no backup" in run("restore", file).complaint
    run("backup", file)
    with demo.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE portals SET name = 'changed'"))
    monkeypatch.setenv("SYNCWORKER_SECRET_KEY", "another key, thirty-two characters or more")
    assert "another SYNCWORKER_SECRET_KEY" in run("restore", file, "--force", "--yes").complaint


def test_a_backup_is_not_written_to_standard_output_nor_to_a_file_of_that_name(run: Run, demo: Demo) -> None:
    answer = run("backup", "-")
    assert (answer.code, answer.out) == (2, "")
    assert "name a file" in answer.complaint
    assert not Path("-").exists()


def test_a_portal_that_writes_is_not_rebuilt(run: Run, demo: Demo) -> None:
    assert "syncworker pause" in run("rebuild", "--yes").complaint


def test_a_rebuild_of_many_records_says_now_and_then_how_far_it_is(
    run: Run, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_NOTED_EVERY_S", 3600)
    for number in range(300):
        demo.sandbox.create(demo.hub_id, "contacts", {"email": f"a{number}@example.com"})
    run("pause")
    assert run("rebuild", "--dry-run").complaint == f"portal {demo.hub_id}: 0 records show a status"


def test_a_rebuild_names_the_portal_that_refuses(run: Run, demo: Demo, second: Demo) -> None:
    # Given two portals, and a token that the second one's account took back
    run("pause", "--all")
    demo.sandbox.settings(second.hub_id, token_revoked=True)
    refused = run("rebuild", "--yes")
    # I expect to be told whose token to renew, and that nothing is lost
    assert refused.code == 5
    said = refused.err.strip().splitlines()[-1]
    assert f"portal {second.hub_id} cannot be read: HubSpot answered 401" in said
    assert f"syncworker portals add --hub-id {second.hub_id}" in said
    assert said.endswith("then again: syncworker rebuild")
