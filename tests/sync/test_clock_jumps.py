"""The database's clock jumps ahead and is set right again: what polls and forms promise holds all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from support.delivered import delivered
from support.rig import LEAD, Rig
from syncworker.hubspot.events import Event
from syncworker.store.tables import cursors
from syncworker.sync.sweep import due, sweep
from syncworker.sync.triggers import inbox
from syncworker.sync.triggers.cursors import take
from syncworker.sync.wake import Bell, Ring
from syncworker.sync.watch.clock_back import LastSeen
from syncworker.sync.watch.clock_skew import HubSpotClock, steady_s

JUMP = timedelta(days=1)


def cursor_of(rig: Rig, trigger: str) -> Any:
    with rig.context.database.transaction() as tx:
        return tx.connection.execute(
            select(cursors).where(cursors.c.trigger == trigger, cursors.c.hub_id == rig.hub)
        ).one()


def jump(rig: Rig, by: timedelta) -> None:
    """The database's clock is ahead by as much; HubSpot's goes on as before."""
    rig.clock.time = datetime.now(UTC) + by
    rig.context.hubspot_clock = HubSpotClock()
    for number in range(3):
        ago = 30.0 - 10 * number
        rig.context.hubspot_clock.heard(datetime.now(UTC) - by - timedelta(seconds=ago), at_s=steady_s() - ago)


def test_nothing_is_taken_for_settled_that_hubspot_says_has_not_come(rig: Rig) -> None:
    rig.hurry()
    rig.settle()
    # When all is polled while the clock is a day ahead
    jump(rig, JUMP)
    rig.hurry()
    rig.settle()
    # I expect that the day to come is still to be looked at
    soon = datetime.now(UTC) + timedelta(seconds=5)
    for kind in ("contact", "company"):
        assert cursor_of(rig, f"{kind}.late").high_water <= soon
        assert cursor_of(rig, f"{kind}.now").high_water <= soon
    form = cursor_of(rig, f"form:{rig.form}")
    assert form.settled_to is None or form.settled_to <= soon
    assert form.high_water <= soon


@pytest.mark.parametrize("killed", [False, True])
def test_polls_go_on_at_once_when_a_clock_that_was_ahead_is_set_right(rig: Rig, killed: bool) -> None:
    rig.hurry()
    rig.settle()
    jump(rig, JUMP)
    rig.hurry()
    if killed:
        # in the middle of a poll
        rig.context.database.run(lambda tx: [take(tx, rig.hub, pattern) for pattern in ("form:%", "co%")])
    else:
        rig.settle()
    # When the clock is right again, all processes have started anew, and somebody submits a form
    jump(rig, timedelta(0))
    rig.context.last_seen = LastSeen()
    rig.sandbox.submit(rig.form, rig.hub, **{**LEAD, "email": "ada@fjordline-tools.se"})
    contact_id = rig.contact_id("ada@fjordline-tools.se")
    came = Event(hub_id=rig.hub, kind="contact", event="creation", object_ids=(contact_id,))
    delivered(rig.context.database, [inbox.row([came])])
    # I expect it to be registered within a minute, and all polls to be due as ever
    for _ in range(30):
        rig.pass_time(seconds=2)
        sweep(rig.context)
        rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)
    rig.pass_time(minutes=16)
    with rig.context.database.transaction() as tx:
        assert {Ring(Bell.SERVE_INTERACTIVE, rig.hub), Ring(Bell.SERVE_BULK, rig.hub)} <= set(due(tx))
    rig.settle()
    for stream in ("contact.now", "contact.late", "contact.archived", f"form:{rig.form}"):
        assert abs(cursor_of(rig, stream).polled_at - rig.clock.time) < timedelta(seconds=5)
