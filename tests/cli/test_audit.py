"""The doctor compares the ledger with the CRM, lists what differs, and marks it where it is told to."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import text

from support.runbook import is_there
from syncworker.registration.rules.terms import Source
from syncworker.sync import operations, turns
from syncworker.sync.doctor import Compare, Finding, examine
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.watch.audit import audit

Run = Callable[..., Any]
Demo = Any


@pytest.fixture
def registered(run: Run, demo: Demo) -> tuple[Demo, str]:
    """A registered contact that shows it."""
    run("setup", "--yes")
    contact_id = demo.contact()
    operations.register(demo.context, demo.hub_id, contact_id, who="a test", source=Source.APP, key="1")
    settle(demo)
    return demo, contact_id


def settle(demo: Demo) -> None:
    for _ in range(5):
        turns.interactive_turn(demo.context, demo.hub_id)
        turns.bulk_turn(demo.context, demo.hub_id)


def of_ledger(demo: Demo, **compare: Any) -> Finding:
    found = examine(demo.context, compare=Compare(**compare))
    return next(finding for finding in found if finding.name == "ledger")


def test_what_the_crm_shows_otherwise_is_listed_and_put_right_only_when_told(
    run: Run, registered: tuple[Demo, str], tmp_path: Path
) -> None:
    demo, contact_id = registered
    sound = of_ledger(demo)
    assert sound.ok, sound
    assert "2 records compared" in sound.text
    shown = {"partner_registration_status": "expired", "partner_registration_detail": "＝1+1"}
    demo.sandbox.edit(demo.hub_id, "contacts", contact_id, shown)
    rows_before = counts(demo)
    listed = run("doctor", "--all", "--csv", tmp_path / "differences.csv", "--json")
    assert listed.code == 1
    assert counts(demo) == rows_before, "looking changes nothing"
    [one, _] = sorted(listed.json["differences"], key=lambda of: of["property"], reverse=True)
    assert (one["object_id"], one["property"], one["crm"], one["ledger"], one["under_way"]) == (
        contact_id, "partner_registration_status", "expired", "registered", False,
    )  # fmt: skip
    assert (tmp_path / "differences.csv").read_bytes().startswith("\ufeff".encode())
    with (tmp_path / "differences.csv").open(encoding="utf-8-sig") as file:
        assert sorted(row["crm"] for row in csv.DictReader(file)) == ["'＝1+1", "expired"]
    assert "expired" in run("doctor").out
    assert "they are marked" in of_ledger(demo, sample=None, fix=True).what_now
    assert "1 more are marked already" in of_ledger(demo).text
    settle(demo)
    assert of_ledger(demo).ok


def test_a_dry_run_does_not_say_that_a_parked_record_is_right(run: Run, registered: tuple[Demo, str]) -> None:
    demo, contact_id = registered
    demo.sandbox.edit(demo.hub_id, "contacts", contact_id, {"partner_registration_status": "expired"})
    with demo.context.database.transaction() as tx:
        mark(tx, demo.hub_id, Kind.CONTACT, [contact_id], priority=Priority.POLL, cause="poll")
        tx.connection.execute(text("UPDATE marks SET parked_at = now(), last_error = 'refused'"))
    tried = run("resync", "--all", "--dry-run")
    assert "Nothing differs" not in tried.out
    assert f"1 mark waits for a person: syncworker marks --parked --portal {demo.hub_id}" in tried.err
    assert run("resync", "--all", "--dry-run", "--json").json["would_write"] == []


def test_what_is_found_is_said_before_all_is_compared(run: Run, registered: tuple[Demo, str]) -> None:
    demo, _ = registered
    with demo.context.database.transaction() as tx:
        tx.connection.execute(text("INSERT INTO inbox (events, received_at) VALUES ('[]', now() - interval '1 hour')"))
    both = run("doctor", "--all")
    assert "found so far: inbox of all: 1 deliveries wait" in both.err
    assert "comparing all records" in both.err.splitlines()[-1]
    assert "so far" not in run("doctor").err


def counts(demo: Demo) -> dict[str, int]:
    with demo.context.database.transaction() as tx:
        return {
            table: tx.connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("history", "marks", "requests", "registrations", "records")
        }


def test_bulk_work_that_rests_is_told_and_nothing_is_compared_meanwhile(
    run: Run, registered: tuple[Demo, str], redis_url: str
) -> None:
    demo, _ = registered
    with redis.Redis.from_url(redis_url) as client:
        client.hset(f"hubspot:daily:{demo.hub_id}", mapping={"limit": 625_000, "spent": 620_000})
    # Given work that has been due for longer than any is, for want of calls alone
    with demo.context.database.transaction() as tx:
        mark(tx, demo.hub_id, Kind.CONTACT, ["77"], priority=Priority.POLL, cause="poll")
        tx.connection.execute(text("UPDATE marks SET not_before = now() - interval '1 hour'"))
        tx.connection.execute(text("UPDATE cursors SET due_at = now() - interval '45 min' WHERE trigger LIKE 'co%'"))
    found = {one.name: one for one in examine(demo.context, compare=Compare())}
    # Then that is the one problem, and nobody is told to start a worker
    assert [name for name, one in found.items() if not one.ok] == ["bulk work"]
    rests = found["bulk work"]
    assert rests.text.startswith("bulk work rests until ")
    assert rests.runbook == "docs/operating.md#blocked-daily_quota"
    assert is_there(rests.runbook)
    assert found["ledger"].text == f"not compared: {rests.text}"
    assert found["polls"].text.startswith("those of records rest; ")
    # Nor where so many webhooks came that they are bulk work, too
    with demo.context.database.transaction() as tx:
        mark(tx, demo.hub_id, Kind.COMPANY, map(str, range(501)), priority=Priority.WEBHOOK, cause="webhook")
        tx.connection.execute(text("UPDATE marks SET not_before = now() - interval '1 hour'"))
    assert [one.name for one in examine(demo.context) if not one.ok] == ["bulk work"]
    # But a person's word, or a form's, that is late is told as ever
    with demo.context.database.transaction() as tx:
        mark(tx, demo.hub_id, Kind.CONTACT, ["78"], priority=Priority.PERSON, cause="resync")
        tx.connection.execute(text("UPDATE marks SET not_before = now() - interval '1 hour'"))
    assert {one.name for one in examine(demo.context) if not one.ok} == {"bulk work", "marks"}


def test_a_record_that_is_gone_without_a_webhook_is_a_difference(registered: tuple[Demo, str]) -> None:
    demo, contact_id = registered
    demo.sandbox.post(f"/_sandbox/portals/{demo.hub_id}/contacts/{contact_id}/delete")
    heard: list[Any] = []
    found = of_ledger(demo, sample=None, heard=heard.append)
    assert not found.ok
    assert is_there(found.runbook)
    assert ("record", "gone") in [(one.property, one.crm) for one in heard]


def test_all_records_are_compared_page_by_page(registered: tuple[Demo, str]) -> None:
    demo, _ = registered
    many = """
        INSERT INTO records (hub_id, kind, object_id, reconciled_at)
        SELECT :hub, 'contact', (900000 + n)::text, now() FROM generate_series(1, 250) AS n
    """
    with demo.context.database.transaction() as tx:
        tx.connection.execute(text(many), {"hub": demo.hub_id})
    pages = list(audit(demo.context, demo.hub_id, sample=None))
    assert [page.compared for page in pages] == [100, 100, 51, 1]
    gone = {one.object_id for page in pages for one in page.differences if one.kind is Kind.CONTACT}
    assert len(gone) == 250
    assert sum(page.compared for page in audit(demo.context, demo.hub_id, sample=7)) == 8
