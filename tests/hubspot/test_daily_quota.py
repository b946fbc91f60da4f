"""Does bulk work leave the last of a day's calls to those who wait, for as long as the day lasts?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis

from syncworker.hubspot.quota import DAY_MARGIN_S, Lane, Quota, Told, told_by, until_new_day, utc_offset_s
from syncworker.hubspot.rate_limit import LOOK_AGAIN_S, RateLimited, SharedRateLimiter, connect

pytestmark = pytest.mark.integration

HUB = 7
HOUR = 3600.0
# 20:00 in Stockholm, in winter.
EVENING = datetime(2026, 1, 15, 19, 0, tzinfo=UTC).timestamp()


class Clock:
    """A time that passes by sleeping."""

    def __init__(self) -> None:
        self.now = EVENING

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def process(redis_url: str, clock: Clock) -> Iterator[Callable[..., SharedRateLimiter]]:
    """One more process, at its first call."""
    connections: list[redis.Redis] = []

    def make(**options: object) -> SharedRateLimiter:
        connections.append(connect(redis_url))
        # Africa/Lagos is an hour ahead of UTC all year, as Stockholm is in winter
        chosen: dict = {"time_zone_of": lambda _: "Africa/Lagos", "limit": 190}
        chosen |= {"sleep": clock.sleep, "clock": clock, "redis_time": clock}
        return SharedRateLimiter(connections[-1], **(chosen | options))

    yield make
    for connection in connections:
        connection.close()


def call(limiter: SharedRateLimiter, lane: Lane, *, times: int = 1) -> None:
    for _ in range(times):
        limiter.take(HUB, "api", wait_s=5, lane=lane)


def test_bulk_work_stops_at_the_last_tenth_and_who_waits_goes_on(process, clock):
    one, another = process(), process()
    call(one, Lane.BULK)
    one.learn(HUB, Told(limit=190, daily_limit=1000, daily_left=103))
    # When it has used what is not kept
    call(one, Lane.BULK)
    call(another, Lane.BULK, times=2)
    # I expect that no process goes on in bulk, and each does for somebody who waits
    for limiter in (one, another):
        with pytest.raises(RateLimited, match="kept for forms, webhooks and people") as caught:
            call(limiter, Lane.BULK)
        assert (caught.value.daily, caught.value.lane) == (True, Lane.BULK)
        call(limiter, Lane.INTERACTIVE, times=3)
    assert one.quota(HUB) == Quota(limit=190, left=190, daily_limit=1000, daily_left=94, spent_today=10)


def test_what_hubspot_told_of_the_day_is_asked_about_again_after_an_hour(process, clock):
    limiter = process()
    limiter.learn(HUB, Told(daily_limit=1000, daily_left=50))
    assert limiter.wait_for(HUB, "api", lane=Lane.BULK) == pytest.approx(LOOK_AGAIN_S)
    clock.sleep(HOUR)
    # Then one call may find out that more was bought
    call(limiter, Lane.BULK)
    limiter.learn(HUB, Told(daily_limit=2000, daily_left=1040))
    call(limiter, Lane.BULK, times=3)


def test_at_midnight_in_the_accounts_time_zone_the_quota_is_new(process, clock):
    limiter = process()
    clock.sleep(3.75 * HOUR)  # a quarter of an hour before
    limiter.learn(HUB, Told(daily_limit=1000, daily_left=50))
    wait = limiter.wait_for(HUB, "api", lane=Lane.BULK)
    assert wait == pytest.approx(HOUR / 4 + DAY_MARGIN_S)
    clock.sleep(wait)
    call(limiter, Lane.BULK)
    assert limiter.quota(HUB).spent_today == 1


def test_what_was_told_yesterday_says_nothing_of_today(process, clock):
    limiter = process()
    limiter.learn(HUB, Told(daily_limit=1000, daily_left=0))
    clock.sleep(12 * HOUR)
    call(limiter, Lane.BULK)
    assert limiter.quota(HUB).daily_left == 999


def test_where_hubspot_tells_nothing_our_own_count_and_setting_are_kept_to(process, clock):
    limiter = process(daily_limit=20)
    call(limiter, Lane.BULK, times=18)
    # Until midnight, and 30 s
    assert limiter.wait_for(HUB, "api", lane=Lane.BULK) == pytest.approx(4 * HOUR + DAY_MARGIN_S - 1, abs=5)
    call(limiter, Lane.INTERACTIVE, times=5)
    assert limiter.quota(HUB).daily_left == 0


def test_our_share_of_the_day_leaves_the_rest_to_others(process, clock):
    limiter = process(share=0.5)
    limiter.learn(HUB, Told(daily_limit=100, daily_left=100))
    call(limiter, Lane.BULK, times=45)
    assert limiter.wait_for(HUB, "api", lane=Lane.BULK) > HOUR
    call(limiter, Lane.INTERACTIVE)


def test_an_app_without_a_daily_limit_has_none(process):
    limiter = process()
    limiter.learn(HUB, Told(limit=110, left=100, window_s=10.0))
    call(limiter, Lane.BULK)
    assert limiter.quota(HUB) == Quota(limit=110, left=100, spent_today=1)


def test_without_redis_each_process_heeds_what_its_own_answers_told(clock):
    with connect("redis://127.0.0.1:1/0") as away:
        limiter = SharedRateLimiter(away, sleep=clock.sleep, clock=clock)
        limiter.learn(HUB, Told(limit=190, daily_limit=1000, daily_left=50))
        with pytest.raises(RateLimited) as caught:
            call(limiter, Lane.BULK)
        assert caught.value.daily
        call(limiter, Lane.INTERACTIVE)
        assert limiter.quota(HUB) is None
        clock.sleep(LOOK_AGAIN_S)
        call(limiter, Lane.BULK)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, None),
        ({"max": "190", "remaining": "0", "interval-milliseconds": "10000"}, Told(limit=190, left=0, window_s=10.0)),
        ({"max": "110", "interval-milliseconds": "60000"}, Told(limit=110, window_s=60.0)),
        ({"max": "190", "interval-milliseconds": "1"}, None),
        ({"max": "0"}, None),
        ({"max": "many", "remaining": "-1"}, None),
        ({"max": "9" * 30, "daily": "²"}, None),
        ({"daily": "250000", "daily-remaining": "7"}, Told(daily_limit=250_000, daily_left=7)),
        ({"daily": "0", "daily-remaining": "0"}, None),
    ],
)
def test_headers_are_believed_where_they_make_sense(headers, told):
    assert told_by({f"x-hubspot-ratelimit-{name}": value for name, value in headers.items()}) == told


def test_a_day_ends_at_midnight_there_also_where_clocks_change():
    # On 29 March 2026 Stockholm goes to summer time
    before = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    assert until_new_day("Europe/Stockholm", before) == timedelta(hours=22, minutes=30)
    assert until_new_day("UTC", before) == timedelta(minutes=30)
    assert utc_offset_s("Europe/Stockholm", before + timedelta(hours=6)) == 7200


def test_an_old_answer_does_not_outdo_a_newer_one_of_another_process(process, clock):
    idle, busy = process(), process()
    # Given a process that heard at noon that much is left, and has made no call since
    idle.learn(HUB, Told(limit=190, left=100, daily_limit=1000, daily_left=900))
    clock.sleep(HOUR / 2)
    # and another one, that has heard since that bulk work must rest
    busy.learn(HUB, Told(limit=150, left=140, daily_limit=1000, daily_left=50))
    with pytest.raises(RateLimited):
        call(busy, Lane.BULK)
    # When the idle one is the next to ask
    with pytest.raises(RateLimited, match="kept for forms"):
        call(idle, Lane.BULK)
    # I expect that what was told last counts for all
    assert busy.quota(HUB) == Quota(limit=150, left=140, daily_limit=1000, daily_left=50)
