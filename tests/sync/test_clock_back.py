"""When the clock goes back, is anything left waiting for a time that is far away now?"""

from __future__ import annotations

from datetime import timedelta

from support.rig import LEAD, Rig
from syncworker.sync import claims
from syncworker.sync.claims import Lane
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.sweep import due, sweep

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
