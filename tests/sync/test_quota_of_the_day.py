"""Do polls and resyncs rest when the day's calls run short, and leads still get registered?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from support.rig import Rig
from syncworker.hubspot.quota import DAY_MARGIN_S, Lane, until_new_day
from syncworker.hubspot.rate_limit import SharedRateLimiter, connect
from syncworker.store import portals
from syncworker.store.portals import Portal
from syncworker.sync import turns
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
    assert rig.context.limiter.wait_for(rig.hub, "api", lane=Lane.BULK) > turns.PARKED_S


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
