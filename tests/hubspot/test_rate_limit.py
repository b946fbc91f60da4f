"""Is HubSpot's limit kept by all processes together, in every window, flushed or not?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from syncworker.hubspot.quota import SPREADS, Lane, Pace, Told
from syncworker.hubspot.rate_limit import RateLimited, SharedRateLimiter, connect

pytestmark = pytest.mark.integration

HUB = 7


class Clock:
    """A time that passes by sleeping."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def connection(redis_url: str) -> Iterator[redis.Redis]:
    with connect(redis_url) as client:
        yield client


def most_in(window: float, times: list[float]) -> int:
    times = sorted(times)
    return max((sum(1 for t in times if start <= t <= start + window) for start in times), default=0)


def test_the_burst_and_a_window_of_rate_are_within_the_limit_and_near_it():
    for bucket, limits in (("api", (2, 10, 100, 110, 190, 250, 1_000_000)), ("search", (2, 5))):
        spread = SPREADS[bucket]
        for limit in limits:
            pace = Pace.of(limit, spread.window_s, least_burst=spread.least_burst, burst_share=spread.burst_share)
            assert pace.burst + (spread.window_s + 0.2) * pace.rate <= limit + 1e-9
            if bucket == "api" and limit >= 100:
                assert pace.rate * spread.window_s >= 0.955 * limit
                assert 1 < pace.needs(Lane.BULK) < pace.burst


@pytest.mark.parametrize("limit", [100, 190, 250])
def test_the_shared_bucket_gives_out_what_the_limit_allows_and_not_one_more(connection, limit):
    # Given a time that passes only by waiting, as Redis' clock and as ours
    clock = Clock()
    limiter = SharedRateLimiter(connection, sleep=clock.sleep, clock=clock, redis_time=clock)
    limiter.learn(HUB, Told(limit=limit, window_s=10.0))
    times = []
    # When somebody calls as fast as the limiter lets them for 40 s, after a rest in between
    while clock.now < 1040:
        limiter.take(HUB, "api", wait_s=1, lane=Lane.BULK)
        times.append(clock.now)
        if len(times) == limit:
            clock.sleep(15)
    # I expect no window with more, and one with nearly as many
    assert 0.95 * limit <= most_in(10, times) <= limit


def test_a_bucket_nobody_knows_is_empty_and_so_is_a_flushed_one(connection):
    limiter = SharedRateLimiter(connection)
    limiter.learn(HUB, Told(limit=190))
    with pytest.raises(RateLimited) as caught:
        limiter.take(HUB, "api", wait_s=0)
    assert 0 < caught.value.retry_after_s <= 0.06
    limiter.take(HUB, "api", wait_s=1)
    connection.flushall()
    # What the limit is, each process still knows; what was used, nobody does
    with pytest.raises(RateLimited) as caught:
        limiter.take(HUB, "api", wait_s=0)
    assert 0 < caught.value.retry_after_s <= 0.06


def test_flushing_again_and_again_never_lets_a_window_overflow(connection):
    clock = Clock()
    limiter = SharedRateLimiter(connection, sleep=clock.sleep, clock=clock, redis_time=clock)
    limiter.learn(HUB, Told(limit=100))
    times = []
    while clock.now < 1025:
        limiter.take(HUB, "api", wait_s=1)
        times.append(clock.now)
        if len(times) % 20 == 0:
            connection.flushall()
    assert most_in(10, times) <= 100


def test_what_an_answer_told_is_known_to_all_processes(connection):
    teller, hearer = SharedRateLimiter(connection), SharedRateLimiter(connection)
    assert hearer.wait_for(HUB, "api") > 0.1
    teller.learn(HUB, Told(limit=190))
    teller.take(HUB, "api", wait_s=1)
    assert hearer.wait_for(HUB, "api") < 0.06
    teller.learn(HUB, Told(limit=100))
    teller.wait_for(HUB, "api")
    teller.take(HUB, "api", wait_s=1)
    assert hearer.wait_for(HUB, "api") > 0.06


def test_a_share_is_kept_for_other_apps(connection):
    half = SharedRateLimiter(connection, share=0.5, limit=190)
    with pytest.raises(RateLimited) as caught:
        half.take(HUB, "api", wait_s=0)
    assert caught.value.retry_after_s == pytest.approx(10.2 / (95 - 2), rel=0.05)


def test_nothing_left_of_the_window_though_we_called_little_makes_everybody_pause(connection):
    # Given that somebody else calls with our app's token
    limiter, other = SharedRateLimiter(connection), SharedRateLimiter(connection)
    limiter.learn(HUB, Told(limit=190, left=0))
    limiter.wait_for(HUB, "api")
    assert 0.4 < other.wait_for(HUB, "api") < 0.7


def test_portals_and_searches_have_buckets_of_their_own(connection):
    limiter = SharedRateLimiter(connection)
    limiter.penalise(HUB, "api", pause_s=60)
    assert limiter.wait_for(HUB, "api") > 59
    assert limiter.wait_for(HUB, "search") < 1
    assert limiter.wait_for(8, "api") < 1


def test_a_wait_longer_than_allowed_takes_nothing(connection):
    slept: list[float] = []
    limiter = SharedRateLimiter(connection, sleep=slept.append)
    limiter.penalise(HUB, "api", pause_s=5)
    with pytest.raises(RateLimited, match="portal 7") as caught:
        limiter.take(HUB, "api", wait_s=2)
    assert 4.9 < caught.value.retry_after_s < 5.2
    assert slept == []


@pytest.mark.parametrize("bucket", ["api", "search"])
def test_bulk_work_takes_nothing_while_somebody_interactive_waits(connection, bucket):
    # Given many who work in bulk and some who wait, for whom time passes together
    clock = Clock()
    limiter = SharedRateLimiter(connection, clock=clock, redis_time=clock, limit=190)
    served: list[tuple[float, Lane]] = []
    waits: list[float] = []
    asked_at = 1003.0
    while clock.now < 1009:
        # When somebody comes once in a while with five calls, bulk always asking first
        if limiter.wait_for(HUB, bucket, lane=Lane.BULK) == 0:
            limiter.take(HUB, bucket, wait_s=0, lane=Lane.BULK)
            served.append((clock.now, Lane.BULK))
        if clock.now >= asked_at and limiter.wait_for(HUB, bucket) == 0:
            limiter.take(HUB, bucket, wait_s=0)
            served.append((clock.now, Lane.INTERACTIVE))
            waits.append(clock.now - asked_at)
            asked_at = clock.now if len(waits) % 5 else clock.now + 0.8
        clock.sleep(0.005)
    # I expect that nobody waited longer than for the next call that comes free, and bulk had all the rest
    assert len(waits) >= 5
    assert max(waits) <= (0.06 if bucket == "api" else 0.35)
    lanes = [lane for _, lane in served]
    first = lanes.index(Lane.INTERACTIVE)
    assert lanes[first : first + 5] == [Lane.INTERACTIVE] * 5
    assert lanes.count(Lane.BULK) > 1


def away() -> redis.Redis:
    return connect("redis://127.0.0.1:1/0")


@pytest.mark.parametrize("bucket", ["api", "search"])
def test_without_redis_four_unknown_processes_stay_within_the_limit_together(bucket):
    clock = Clock()
    with away() as client:
        limiter = SharedRateLimiter(client, sleep=clock.sleep, clock=clock)
        limiter.learn(HUB, Told(limit=190))
        times = []
        while clock.now < 1030:
            limiter.take(HUB, bucket, wait_s=60)
            times.append(clock.now)
    if bucket == "api":
        assert 40 <= most_in(10, times) <= 190 / 4
    else:
        assert most_in(4, times) <= 5


def test_the_share_is_one_of_those_last_seen_alive(connection, redis_url):
    clock = Clock()
    first, second = SharedRateLimiter(connection), SharedRateLimiter(connection)
    limiter = SharedRateLimiter(connection, clock=clock)
    for one in (first, second, limiter):
        one.learn(HUB, Told(limit=190))
        one.wait_for(HUB, "api")
    assert connection.zcard("hubspot:processes") == 3
    # The same limiter, its Redis gone.
    with away() as gone:
        limiter._script = gone.register_script("return 0")
        assert limiter.wait_for(HUB, "api") == pytest.approx(3 / (0.98 * 190 / 10.2), rel=0.05)
        clock.sleep(60)
        limiter.take(HUB, "api", wait_s=0)
        limiter.penalise(HUB, "api", pause_s=5)
        assert limiter.wait_for(HUB, "api") > 5


def test_redis_is_asked_again_after_a_while(connection):
    clock = Clock()
    limiter = SharedRateLimiter(connection, clock=clock)
    script = limiter._script
    with away() as gone:
        limiter._script = gone.register_script("return 0")
        limiter.wait_for(HUB, "api")
    limiter._script = script
    limiter.wait_for(HUB, "api")
    assert connection.keys("hubspot:*") == []
    clock.sleep(2.1)
    limiter.wait_for(HUB, "api")
    assert connection.keys("hubspot:bucket:*") == [b"hubspot:bucket:7:api"]


def test_without_redis_whoever_waits_goes_first_too():
    clock = Clock()
    with away() as client:
        limiter = SharedRateLimiter(client, sleep=clock.sleep, clock=clock)
        for _ in range(10):
            limiter.take(HUB, "api", wait_s=60, lane=Lane.BULK)
        assert limiter.wait_for(HUB, "api") < limiter.wait_for(HUB, "api", lane=Lane.BULK)


def test_processes_that_rested_share_the_limit_when_redis_goes(connection):
    # Given four processes that have made their calls minutes apart, each while the others rested
    clock = Clock()
    limiters = [SharedRateLimiter(connection, sleep=clock.sleep, clock=clock, redis_time=clock) for _ in range(4)]
    for limiter in limiters:
        limiter.learn(HUB, Told(limit=190))
        limiter.take(HUB, "api", wait_s=1)
        for _ in range(45):
            clock.sleep(2)
            for other in limiters:
                other.keep_alive()
    with away() as gone:
        for limiter in limiters:
            limiter._script = gone.register_script("return 0")
        # When all of them call as fast as they may without Redis
        times = []
        while clock.now < 1390:
            for limiter in limiters:
                if limiter.wait_for(HUB, "api") == 0:
                    limiter.take(HUB, "api", wait_s=0)
                    times.append(clock.now)
            clock.sleep(0.02)
    assert 0.9 * 190 <= most_in(10, times) <= 190
