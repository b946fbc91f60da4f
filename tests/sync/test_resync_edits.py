"""Does a resync tell of hand edits that people made, and of no others?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from support.rig import Rig
from support.second_worker import Meanwhile, second_worker
from sync.test_resync import STATUS, go_on, registered_leads, run_resync, statuses
from syncworker.store.database import Tx
from syncworker.sync import turns
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.reconcile import known_records, work_off
from syncworker.sync.reconcile.known_records import KnownRecord
from syncworker.sync.resync import resync


def test_a_page_read_before_our_write_and_decided_after_it_tells_of_no_hand_edit(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = registered_leads(rig, 30)
    contact_id = min(leads)
    # Decided, and its write is on the way ...
    arrive = write_on_its_way(rig, monkeypatch, Kind.CONTACT, contact_id)
    # ... and arrives once the page is read
    resync.start(rig.context, rig.hub, who="t")
    with second_worker(rig, Meanwhile("/contacts", arrive)) as worker:
        go_on(worker, rig)
    # What the page shows of it is old: it is read by itself. So is its company, where that is decided so late, too.
    assert [m.object_id for m in rig.marks() if m.kind == Kind.CONTACT] == [contact_id]
    rig.settle()
    assert happened(rig, "hand_edit") == []
    assert times_written(rig, contact_id) == 1
    assert statuses(rig).keys() >= leads.keys()


def test_a_hand_edit_of_before_the_resync_is_told_of_once(rig: Rig) -> None:
    contact_id = min(registered_leads(rig, 30))
    run_resync(rig)
    rig.pass_time(seconds=1)
    rig.sandbox.edit(rig.hub, "contacts", contact_id, {STATUS: "expired"})
    resync.start(rig.context, rig.hub, who="t")
    go_on(rig.context, rig)
    assert rig.marks() == []
    assert happened(rig, "hand_edit") == [contact_id]
    assert statuses(rig)[contact_id] == "registered"


def test_a_company_read_along_before_our_write_to_it_arrives_is_written_and_told_of_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact_id, company_id = lead_with_edited_company(rig)
    # Decided, and its write is on the way ...
    arrive = write_on_its_way(rig, monkeypatch, Kind.COMPANY, company_id)
    # ... and arrives once the company is read along with a contact
    hear_of(rig, Kind.CONTACT, contact_id)
    with second_worker(rig, Meanwhile("/companies/batch/read", arrive)) as worker:
        turns.interactive_turn(worker, rig.hub)
    # What was read of it is old: it is read by itself
    assert [m.object_id for m in rig.marks()] == [company_id]
    rig.settle()
    assert happened(rig, "hand_edit", of="company_id") == [company_id]
    assert times_written(rig, company_id, kind="company") == 2
    assert rig.sandbox.record(rig.hub, "companies", company_id)["properties"][STATUS] == "registered"


@pytest.mark.parametrize("kind", [Kind.CONTACT, Kind.COMPANY])
def test_a_write_that_ends_while_its_page_is_decided_is_told_of_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    plural = {Kind.CONTACT: "contacts", Kind.COMPANY: "companies"}[kind]
    registered_leads(rig, 30)
    run_resync(rig)
    object_id = min(statuses(rig, plural))
    rig.pass_time(seconds=1)
    rig.sandbox.edit(rig.hub, plural, object_id, {STATUS: "expired"})
    # Decided, and its write is on the way ...
    arrive = write_on_its_way(rig, monkeypatch, kind, object_id)
    # ... and is noted once it has been looked up what is known of the page
    resync.start(rig.context, rig.hub, who="t")
    with after_looking_up(monkeypatch, kind, arrive):
        go_on(rig.context, rig)
    rig.settle()
    assert happened(rig, "hand_edit", of=f"{kind}_id") == [object_id]
    assert times_written(rig, object_id, kind=kind) == 2
    assert statuses(rig, plural)[object_id] == "registered"


def test_a_write_that_ends_while_its_company_is_decided_along_is_told_of_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact_id, company_id = lead_with_edited_company(rig)
    arrive = write_on_its_way(rig, monkeypatch, Kind.COMPANY, company_id)
    hear_of(rig, Kind.CONTACT, contact_id)
    with after_looking_up(monkeypatch, Kind.COMPANY, arrive):
        turns.interactive_turn(rig.context, rig.hub)
    rig.settle()
    assert happened(rig, "hand_edit", of="company_id") == [company_id]
    assert times_written(rig, company_id, kind="company") == 2
    assert rig.sandbox.record(rig.hub, "companies", company_id)["properties"][STATUS] == "registered"


@contextmanager
def after_looking_up(monkeypatch: pytest.MonkeyPatch, kind: Kind, then: Callable[[], None]) -> Iterator[None]:
    """Once, as soon as it was looked up what is known of records of a kind, this happens."""
    look_up = known_records.of
    with monkeypatch.context() as patched:

        def look_up_then(tx: Tx, hub_id: int, of_kind: Kind, ids: Collection[str]) -> dict[str, KnownRecord]:
            found = look_up(tx, hub_id, of_kind, ids)
            if of_kind is kind:
                patched.undo()
                then()
            return found

        patched.setattr(known_records, "of", look_up_then)
        yield
        assert known_records.of is look_up


def lead_with_edited_company(rig: Rig) -> tuple[str, str]:
    """The ids of a registered contact and of its company, on which somebody has edited the status since."""
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    [company_id] = known_companies(rig)
    rig.pass_time(seconds=1)
    rig.sandbox.edit(rig.hub, "companies", company_id, {STATUS: "expired"})
    return rig.contact_id("ada@fjordline-tools.se"), company_id


def hear_of(rig: Rig, kind: Kind, object_id: str) -> None:
    rig.context.database.run(lambda tx: mark(tx, rig.hub, kind, [object_id], priority=Priority.PERSON, cause="webhook"))


def write_on_its_way(rig: Rig, monkeypatch: pytest.MonkeyPatch, kind: Kind, object_id: str) -> Callable[[], None]:
    """A record is heard of and decided; what is written of it arrives when this is called."""
    with deferred_writes(rig, monkeypatch) as arrive:
        hear_of(rig, kind, object_id)
        turns.interactive_turn(rig.context, rig.hub)
    return arrive


@contextmanager
def deferred_writes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """What would be written meanwhile waits, as with a slow HubSpot, until this is called."""
    waiting: list[Callable[[], bool]] = []
    write_out = work_off.write_out

    def wait(*arguments: Any, **options: Any) -> bool:
        waiting.append(partial(write_out, *arguments, **options))
        return True

    def arrive() -> None:
        assert waiting
        rig.pass_time(seconds=1)
        for write in waiting:
            write()

    with monkeypatch.context() as patched:
        patched.setattr(work_off, "write_out", wait)
        yield arrive


def happened(rig: Rig, event: str, *, of: str = "contact_id") -> list[str]:
    """The contacts (or companies) of which the history tells this."""
    with rig.context.database.transaction() as tx:
        query = text(f"SELECT {of} FROM history WHERE event = :event ORDER BY id")
        return list(tx.connection.execute(query, {"event": event}).scalars())


def times_written(rig: Rig, object_id: str, *, kind: str = "contact") -> int:
    """How often these very values were written to a record: three times, and it is parked."""
    with rig.context.database.transaction() as tx:
        query = text("SELECT written_times FROM records WHERE kind = :kind AND object_id = :id")
        return int(tx.connection.execute(query, {"kind": kind, "id": object_id}).scalar_one())


def known_companies(rig: Rig) -> list[str]:
    with rig.context.database.transaction() as tx:
        return list(tx.connection.execute(text("SELECT object_id FROM records WHERE kind = 'company'")).scalars())
