"""When the clock goes back, is anything left waiting for a time that is far away now?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import ProgrammingError

from support.rig import LEAD, Rig
from syncworker.registration.rules.terms import Source
from syncworker.sync import claims, operations
from syncworker.sync.claims import Lane
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.sweep import due, sweep
from syncworker.sync.wake import Bell, Ring
from syncworker.sync.watch import clock_back

EMAIL = "ada@fjordline-tools.se"


def test_what_was_leased_blocked_or_resting_by_a_clock_that_was_ahead_is_done_now(rig: Rig) -> None:
    rig.submit(EMAIL)
    right = rig.clock.time
    # When the clock is ahead by an hour, a worker that claims is killed, and the portal is blocked
    rig.clock.time = right + timedelta(hours=1)
    sweep(rig.context)
    made = rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": "bo@kapp.se"})
    with rig.context.database.transaction() as tx:
        mark(tx, rig.hub, Kind.CONTACT, [made["id"]], priority=Priority.PERSON, cause="test")
    rig.context.database.run(lambda tx: claims.claim(tx, rig.hub, Kind.CONTACT, lane=Lane.INTERACTIVE))
    rig.hurry()
    rig.settle()
    # and is set right
    rig.clock.time = right + timedelta(seconds=30)
    with rig.context.database.transaction() as tx:
        assert due(tx) == []
    sweep(rig.context)
    # I expect all of it to be due, and done
    rig.settle()
    assert rig.status(EMAIL) == ("registered", None)
    assert rig.marks() == []


def test_a_clock_that_goes_on_or_back_by_moments_changes_nothing(rig: Rig) -> None:
    sweep(rig.context)
    with rig.context.database.transaction() as tx:
        before = [tuple(row) for row in tx.connection.exec_driver_sql("SELECT * FROM cursors ORDER BY 1, 2")]
    for seconds in (2, -1, 3600):
        rig.clock.time += timedelta(seconds=seconds)
        sweep(rig.context)
    with rig.context.database.transaction() as tx:
        assert [tuple(row) for row in tx.connection.exec_driver_sql("SELECT * FROM cursors ORDER BY 1, 2")] == before


def test_marks_of_many_batches_are_all_due(rig: Rig) -> None:
    # Given more marks than a transaction takes, of two portals, that rest until the time of a clock that was ahead
    many = clock_back.BATCH + 10
    with rig.context.database.transaction() as tx:
        for hub, number in ((rig.hub, many), (rig.other_hub, 10)):
            ids = [str(one) for one in range(number)]
            mark(tx, hub, Kind.CONTACT, ids, priority=Priority.POLL, cause="test", delay=timedelta(hours=1))
        tx.connection.exec_driver_sql("UPDATE marks SET parked_at = marked_at WHERE object_id = '7'")
    clock_back.make_due(rig.context.database, by=timedelta(hours=1))
    late = [one for one in rig.marks() if one.not_before > rig.clock.time]
    # I expect those to rest on that wait for a person
    assert [one.object_id for one in late] == ["7", "7"]


def test_what_failed_half_way_is_done_by_the_next_sweep(rig: Rig) -> None:
    sweep(rig.context)
    with rig.context.database.transaction() as tx:
        mark(tx, rig.hub, Kind.CONTACT, ["1"], priority=Priority.POLL, cause="test", delay=timedelta(minutes=30))
    rig.clock.time -= timedelta(seconds=40)
    # When the database fails half way
    rename = "ALTER TABLE {} RENAME TO {}"
    with rig.context.database.transaction() as tx:
        tx.connection.exec_driver_sql(rename.format("resyncs", "away"))
    with pytest.raises(ProgrammingError):
        sweep(rig.context)
    with rig.context.database.transaction() as tx:
        tx.connection.exec_driver_sql(rename.format("away", "resyncs"))
    sweep(rig.context)
    # I expect the next one to do it
    with rig.context.database.transaction() as tx:
        left = tx.connection.exec_driver_sql("SELECT count(*) FROM cursors WHERE due_at > %s", (rig.clock.time,))
        assert left.scalar_one() == 0


def test_what_was_looked_at_by_a_clock_that_was_ahead_hears_of_what_changes_afterwards(rig: Rig) -> None:
    right = rig.clock.time
    # Given a lead and a colleague of theirs, both read while the clock was ahead by an hour
    rig.clock.time = right + timedelta(hours=1)
    sweep(rig.context)
    rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": "bo@fjordline-tools.se"})
    rig.submit(EMAIL)
    rig.settle()
    assert rig.status("bo@fjordline-tools.se") == ("registered", None)
    rig.clock.time = right + timedelta(seconds=30)
    sweep(rig.context)
    rig.settle()
    # When the registration is given up by the right time, I expect both to show it
    operations.deregister(rig.context, rig.hub, "fjordline-tools.se", who="cli:marta", source=Source.APP)
    rig.settle()
    assert rig.status(EMAIL)[0] == "deregistered"
    assert rig.status("bo@fjordline-tools.se")[0] == "deregistered"


def test_what_was_parked_by_a_clock_that_was_ahead_hears_the_next_word(rig: Rig) -> None:
    right = rig.clock.time
    made = rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": "bo@kapp.se"})

    def word() -> None:
        with rig.context.database.transaction() as tx:
            mark(tx, rig.hub, Kind.CONTACT, [made["id"]], priority=Priority.WEBHOOK, cause="test")

    # Given a record that was tried again at somebody's word, and parked, while the clock was ahead by an hour
    rig.clock.time = right + timedelta(hours=1)
    sweep(rig.context)
    word()
    with rig.context.database.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE marks SET parked_at = marked_at, attempts = 7")
    rig.clock.time = right + timedelta(seconds=30)
    sweep(rig.context)
    word()
    # I expect it to be due when a record may be tried again at a word, in a minute
    rig.pass_time(seconds=61)
    with rig.context.database.transaction() as tx:
        assert Ring(Bell.SERVE_INTERACTIVE, rig.hub) in due(tx)
    rig.settle()
    assert rig.marks() == []
