"""A wrong clock ends nobody's registration, an odd answer holds nothing up, and it all goes on by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from support.rig import Rig
from syncworker.hubspot.transport import Answer
from syncworker.registration.ledger.requests import State
from syncworker.sync import doctor, operations
from syncworker.sync.doctor import servers
from syncworker.sync.triggers import expiry
from syncworker.sync.watch import clock_skew
from syncworker.sync.watch.clock_skew import HEARD_FOR_S, HubSpotClock, Noted, steady_s

ADA = "ada@fjordline-tools.se"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def hear(rig: Rig, *ahead: timedelta) -> None:
    """HubSpot answered lately, with its clock so far ahead."""
    rig.context.hubspot_clock = HubSpotClock()
    for number, by in enumerate(ahead):
        ago = 10.0 * (len(ahead) - number)
        rig.context.hubspot_clock.heard(datetime.now(UTC) + by - timedelta(seconds=ago), at_s=steady_s() - ago)


def noted(rig: Rig) -> Noted | None:
    with rig.context.database.transaction() as tx:
        return clock_skew.last_noted(tx)


def finding(rig: Rig) -> doctor.Finding:
    with rig.context.database.transaction() as tx:
        return servers.hubspot_clock(tx)


def registered_and_past(rig: Rig) -> None:
    rig.submit(ADA)
    rig.settle()
    rig.pass_time(days=400)


OFF, RIGHT = timedelta(minutes=-6), timedelta(seconds=2)


def test_nothing_ends_or_renews_while_the_clocks_are_apart_and_all_does_afterwards(rig: Rig) -> None:
    registered_and_past(rig)
    [before] = rig.registrations()
    hear(rig, OFF, OFF, OFF)
    clock_skew.note(rig.context.database, rig.context.hubspot_clock)
    expiry.end_overdue(rig.context)
    # Nor by the way, when somebody else of that partner is decided
    rig.submit("bo@granlund-bygg.se", website="granlund-bygg.se")
    rig.hurry()
    hear(rig, OFF, OFF, OFF)
    from syncworker.sync.turns import interactive_turn

    interactive_turn(rig.context, rig.hub)
    hear(rig, OFF, OFF, OFF)
    assert rig.registrations()[0] == before
    assert "nothing ends" in finding(rig).text
    assert not finding(rig).ok
    # When they agree again
    hear(rig, RIGHT, RIGHT, RIGHT)
    clock_skew.note(rig.context.database, rig.context.hubspot_clock)
    assert finding(rig).ok
    rig.settle()
    after = rig.registrations()[0]
    assert (after.end_reason, after.ended_at) == ("expired", before.expires_at)


def test_a_process_that_has_not_heard_of_hubspot_goes_by_what_others_have_noted_lately(rig: Rig) -> None:
    hear(rig, OFF, OFF, OFF)
    clock_skew.note(rig.context.database, rig.context.hubspot_clock)
    with rig.context.database.transaction() as tx:
        assert not clock_skew.may_end(tx, HubSpotClock())
        tx.connection.execute(text("UPDATE clock_skew SET observed_at = observed_at - interval '1 hour'"))
        assert clock_skew.may_end(tx, HubSpotClock())


def test_a_process_that_has_just_started_asks_hubspot_before_anything_ends(rig: Rig) -> None:
    registered_and_past(rig)
    for ahead, ended in ((-86_400, None), (0, "expired")):
        rig.sandbox.faults(search_lag_s=0, clock_s=ahead)
        rig.context.hubspot_clock = HubSpotClock()
        rig.sandbox.reset_stats()
        expiry.end_overdue(rig.context)
        assert sum(rig.sandbox.calls("GET /account-info").values()) == 1
        assert [row.end_reason for row in rig.registrations()] == [ended]


def test_no_request_lapses_by_a_clock_that_nobody_has_compared(rig: Rig) -> None:
    rig.submit("bo@granlund-bygg.se", website="localhost")
    rig.settle()
    rig.pass_time(days=31)
    for ahead, state in ((-86_400, State.INVALID_DATA), (0, State.ENDED)):
        rig.sandbox.faults(search_lag_s=0, clock_s=ahead)
        rig.context.hubspot_clock = HubSpotClock()
        expiry.end_overdue(rig.context)
        assert [request.state for request in rig.requests()] == [state]


def test_a_command_that_has_not_heard_of_hubspot_ends_nothing_by_the_way(rig: Rig) -> None:
    rig.submit(ADA)
    rig.settle()
    rig.pass_time(days=100)
    rig.submit("bo@granlund-bygg.se", website="granlund-bygg.se")
    rig.settle()
    rig.pass_time(days=300)

    def command() -> dict[str, str | None]:
        operations.set_renewal(rig.context, rig.hub, "granlund-bygg.se", renew=True, who="eva")
        return {row.domain: row.end_reason for row in rig.registrations()}

    # Given that nobody, or nobody lately, has noted that the clocks agree
    rig.context.hubspot_clock = HubSpotClock()
    assert command() == {"fjordline-tools.se": None, "granlund-bygg.se": None}
    hear(rig, RIGHT, RIGHT, RIGHT)
    clock_skew.note(rig.context.database, rig.context.hubspot_clock)
    rig.context.hubspot_clock = HubSpotClock()
    assert command() == {"fjordline-tools.se": "expired", "granlund-bygg.se": None}


def test_one_odd_answer_holds_nothing_up(rig: Rig) -> None:
    hear(rig, RIGHT, RIGHT, timedelta(days=-2), RIGHT)
    clock_skew.note(rig.context.database, rig.context.hubspot_clock)
    of = noted(rig)
    assert of is not None
    assert of.apart_since is None
    with rig.context.database.transaction() as tx:
        assert clock_skew.may_end(tx, rig.context.hubspot_clock)


def test_a_single_answer_is_not_said_aloud(rig: Rig) -> None:
    hear(rig, timedelta(days=-2))
    assert clock_skew.note(rig.context.database, rig.context.hubspot_clock) is None


def test_what_is_seen_is_noted_at_once_when_it_changes_and_seldom_else(rig: Rig) -> None:
    hear(rig, RIGHT, RIGHT, RIGHT)
    clock = rig.context.hubspot_clock
    assert clock_skew.note(rig.context.database, clock) is not None
    assert clock_skew.note(rig.context.database, clock) is None
    for number in range(5):
        clock.heard(datetime.now(UTC) + OFF, at_s=steady_s() + 3 * number)
    first = clock_skew.note(rig.context.database, clock)
    assert first is not None
    assert first.apart_since is not None


def test_what_was_heard_long_ago_is_forgotten_and_a_burst_is_one_answer() -> None:
    clock = HubSpotClock()
    for _ in range(5):
        clock.heard(NOW, at_s=100.0)
    assert clock.now(at_s=101.0) == (NOW + timedelta(seconds=1), 1)
    assert clock.now(at_s=100.0 + HEARD_FOR_S + 1) is None


@pytest.mark.parametrize(
    ("status", "headers", "date"),
    [
        (200, {"date": "Sun, 01 Mar 2026 12:00:00 GMT"}, NOW),
        (207, {"date": "Sun, 01 Mar 2026 12:00:00 GMT", "age": "0"}, NOW),
        (200, {"date": "Sun, 01 Mar 2026 12:00:00 GMT", "age": "31"}, None),
        (502, {"date": "Sun, 01 Mar 2026 12:00:00 GMT"}, None),
        (200, {"date": "yesterday"}, None),
        (200, {"date": "Sun, 01 Mar 20260000000000000000000 12:00:00 GMT"}, None),
        (200, {}, None),
    ],
)
def test_only_an_answer_made_for_us_tells_the_time(status: int, headers: dict[str, str], date: datetime | None) -> None:
    assert Answer(status=status, headers=headers, body=b"").date == date


def test_polls_begin_at_hubspots_time_of_connection(rig: Rig) -> None:
    from syncworker.sync.portals.connect import hubspot_time

    hear(rig, OFF)
    with rig.context.database.transaction() as tx:
        assert abs(hubspot_time(rig.context, tx) - (datetime.now(UTC) + OFF)) < timedelta(seconds=30)
    hear(rig, -OFF)
    with rig.context.database.transaction() as tx:
        assert hubspot_time(rig.context, tx) == tx.now
