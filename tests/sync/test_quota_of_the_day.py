"""Do polls and resyncs rest when the day's calls run short, and leads still get registered?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from support.rig import Rig
from syncworker.hubspot.errors import RetryLater
from syncworker.hubspot.quota import DAY_MARGIN_S, Lane, until_new_day
from syncworker.hubspot.rate_limit import SharedRateLimiter, connect
from syncworker.store import portals
from syncworker.store.portals import Portal
from syncworker.sync import turns
from syncworker.sync.lists.kept_words import kept_words
from syncworker.sync.recovery.patiently import patiently
from syncworker.sync.resync import resync

pytestmark = pytest.mark.integration

DAILY = 400
KEPT = 40


@pytest.fixture
def limited(make_rig: Callable[..., Rig], redis_url: str) -> Iterator[Rig]:
    """A rig under a real rate limit, in an account of few calls a day."""
    rig = make_rig()
    with connect(redis_url) as connection:
        rig.context.limiter = SharedRateLimiter(connection)
        rig.context._clients.clear()
        rig.sandbox.settings(rig.hub, daily_limit=DAILY)
        yield rig


def others_leave(rig: Rig, calls: int) -> None:
    """Another app of the account uses up the day's calls but so many; and one of our answers tells."""
    path = "/account-info/2026-09/details"
    token = rig.portals[0]["access_token"]
    while True:
        _, headers, _ = rig.sandbox.call("GET", path, token=token)
        if int(headers["x-hubspot-ratelimit-daily-remaining"]) <= calls + 1:
            break
    rig.context.client(rig.hub).account_info()
    rig.sandbox.reset_stats()


def portal(rig: Rig) -> Portal:
    with rig.context.database.transaction() as tx:
        return portals.get(tx, rig.hub)


def test_bulk_work_rests_while_a_form_is_served(limited: Rig) -> None:
    rig = limited
    rig.sandbox.settings(rig.hub, rate_limit=0)  # the ten seconds are not what this is about
    others_leave(rig, KEPT)
    # Given a resync and polls that are due
    resync.start(rig.context, rig.hub, who="t")
    rig.hurry()
    # When bulk work has its turn, nothing is asked of HubSpot
    assert turns.bulk_turn(rig.context, rig.hub) is False
    assert rig.sandbox.calls() == {}
    # And who waits is served as ever, the portal not being blocked
    rig.submit("ada@fjordline-tools.se")
    turns.interactive_turn(rig.context, rig.hub)
    assert rig.status("ada@fjordline-tools.se")[0] == "registered"
    assert not portal(rig).is_blocked(rig.clock.time)
    quota = rig.context.quota(rig.hub)
    assert quota is not None
    assert (quota.daily_limit, (quota.daily_left or DAILY) <= KEPT) == (DAILY, True)
    assert rig.context.limiter.bulk_rests_s(rig.hub) > 60


def test_a_resync_says_why_it_rests_and_takes_it_back_when_it_goes_on(limited: Rig, redis_url: str) -> None:
    rig = limited
    rig.sandbox.settings(rig.hub, rate_limit=0, daily_limit=625_000)
    resyncing = resync.start(rig.context, rig.hub, who="t").id
    # Given a day of which this deployment has spent all that bulk work may
    with connect(redis_url) as connection:
        rig.context.client(rig.hub).account_info()
        connection.hset(f"hubspot:daily:{rig.hub}", mapping={"spent": 620_000})
        turns.bulk_turn(rig.context, rig.hub)
        turns.bulk_turn(rig.context, rig.hub)
        # Then the resync says so, until when, and in words that pages know
        with rig.context.database.transaction() as tx:
            waits = resync.get(tx, resyncing)
        assert waits.listed == 0
        assert waits.last_error is not None
        assert waits.last_error.startswith("bulk work rests until ")
        assert kept_words(waits.last_error)
        # When there are calls again
        connection.hset(f"hubspot:daily:{rig.hub}", mapping={"spent": 0})
    rig.clock.time += timedelta(minutes=2)
    while turns.bulk_turn(rig.context, rig.hub):
        pass
    with rig.context.database.transaction() as tx:
        goes_on = resync.get(tx, resyncing)
    assert goes_on.state is resync.State.DONE
    assert goes_on.last_error is None


def test_with_half_of_the_day_for_others_bulk_work_rests_while_hubspot_has_half_left(
    make_rig: Callable[..., Rig], redis_url: str
) -> None:
    rig = make_rig()
    with connect(redis_url) as connection:
        rig.context.limiter = SharedRateLimiter(connection, share=0.5)
        assert rig.context.limiter.bulk_rests_s(rig.hub) == 0
        connection.hset(f"hubspot:daily:{rig.hub}", mapping={"limit": 1000, "spent": 460})
        assert rig.context.limiter.bulk_rests_s(rig.hub) > 0
        # And looking makes nobody count as a process that calls
        assert connection.zcard("hubspot:processes") == 0


def test_a_command_that_is_patient_does_not_wait_for_the_next_day(limited: Rig, redis_url: str) -> None:
    rig = limited
    rig.sandbox.settings(rig.hub, rate_limit=0, daily_limit=625_000)
    rig.context.client(rig.hub).account_info()
    with connect(redis_url) as connection:
        connection.hset(f"hubspot:daily:{rig.hub}", mapping={"spent": 620_000})
    client = rig.context.in_lane(Lane.BULK).client(rig.hub)
    with pytest.raises(RetryLater) as refused:
        patiently(client.account_info)
    assert refused.value.scope == "daily"
    assert "used up" not in str(refused.value)


def test_once_hubspot_refuses_the_portal_rests_until_the_quota_is_new_or_for_an_hour(limited: Rig) -> None:
    rig = limited
    rig.sandbox.settings(rig.hub, rate_limit=0)
    others_leave(rig, 0)
    rig.submit("ada@fjordline-tools.se")
    turns.interactive_turn(rig.context, rig.hub)
    blocked = portal(rig)
    assert blocked.blocked_reason == "daily_quota"
    assert blocked.blocked_until is not None
    rest = blocked.blocked_until - rig.clock.time
    new_day = until_new_day(blocked.time_zone, rig.clock.time) + timedelta(seconds=DAY_MARGIN_S)
    assert rest == min(timedelta(hours=1), new_day)
    # When it is new
    rig.sandbox.settings(rig.hub, daily_limit=DAILY * 10)
    rig.clock.time += rest
    rig.hurry()
    turns.interactive_turn(rig.context, rig.hub)
    assert rig.status("ada@fjordline-tools.se")[0] == "registered"
