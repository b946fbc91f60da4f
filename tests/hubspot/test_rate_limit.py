"""Is HubSpot's limit kept by all processes together, in every window, flushed or not?"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator

import pytest
import redis

from syncworker.hubspot.rate_limit import RateLimited, SharedRateLimiter, connect

pytestmark = pytest.mark.integration

HUB = 7


@pytest.fixture
def connection(redis_url: str) -> Iterator[redis.Redis]:
    with connect(redis_url) as client:
        yield client


def most_in(window: float, times: list[float]) -> int:
    times = sorted(times)
    return max((sum(1 for t in times if start <= t <= start + window) for start in times), default=0)


def taken_until(limiter: SharedRateLimiter, end: float, bucket: str = "api") -> list[float]:
    times = []
    while time.monotonic() < end:
        try:
            limiter.take(HUB, bucket, wait_s=max(0.0, end - time.monotonic()))
        except RateLimited:
            break
        times.append(time.monotonic())
    return times


def worker(url: str, bucket: str, seconds: float, results: multiprocessing.Queue) -> None:
    with connect(url) as client:
        limiter = SharedRateLimiter(client)
        limiter.learn(HUB, 190)
        results.put(taken_until(limiter, time.monotonic() + seconds, bucket))


def test_two_processes_share_one_limit_and_the_searches_of_a_second(redis_url):
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue = context.Queue()
    kinds = ["api", "api", "search", "search"]
    processes = [context.Process(target=worker, args=(redis_url, kind, 3.0, results)) for kind in kinds]
    for process in processes:
        process.start()
    lists = [results.get(timeout=30) for _ in processes]
    for process in processes:
        process.join()
    results.close()
    results.join_thread()
    every = sorted(lists, key=len)
    searches, calls = every[0] + every[1], every[2] + every[3]
    # (190 - 9) / 10.2 = 17.7 a second; a burst of 9 would only gather while nobody calls.
    assert most_in(2.0, calls) <= 9 + 36
    assert len(calls) >= 40
    assert len(searches) >= 8
    assert most_in(1.0, searches) <= 5


def test_a_bucket_nobody_knows_is_empty_and_so_is_a_flushed_one(connection, redis_url):
    limiter = SharedRateLimiter(connection)
    limiter.learn(HUB, 190)
    with pytest.raises(RateLimited) as caught:
        limiter.take(HUB, "api", wait_s=0)
    assert 0 < caught.value.retry_after_s <= 0.06
    limiter.take(HUB, "api", wait_s=1)
    connection.flushall()
    with pytest.raises(RateLimited):
        limiter.take(HUB, "api", wait_s=0)


def test_the_burst_and_ten_seconds_of_rate_are_within_the_limit_for_every_account(connection):
    for limit in (2, 10, 100, 110, 190, 250):
        limiter = SharedRateLimiter(connection)
        limiter.learn(limit, limit)
        with pytest.raises(RateLimited) as caught:
            limiter.take(limit, "api", wait_s=0)
        rate = 1 / caught.value.retry_after_s
        assert max(1, limit // 20) + 10 * rate <= limit


def test_what_an_answer_told_is_known_to_all_processes(connection):
    teller, hearer = SharedRateLimiter(connection), SharedRateLimiter(connection)
    assert hearer.wait_for(HUB, "api") > 0.1
    teller.learn(HUB, 190)
    teller.take(HUB, "api", wait_s=1)
    assert hearer.wait_for(HUB, "api") < 0.06
    teller.learn(HUB, 100)
    teller.wait_for(HUB, "api")
    assert hearer.wait_for(HUB, "api") > 0.06


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


class Clock:
    """A time that passes by sleeping."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def away() -> redis.Redis:
    return connect("redis://127.0.0.1:1/0")


@pytest.mark.parametrize("bucket", ["api", "search"])
def test_without_redis_four_unknown_processes_stay_within_the_limit_together(bucket):
    clock = Clock()
    with away() as client:
        limiter = SharedRateLimiter(client, sleep=clock.sleep, clock=clock)
        limiter.learn(HUB, 190)
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
        one.learn(HUB, 190)
        one.wait_for(HUB, "api")
    assert connection.zcard("hubspot:processes") == 3
    # The same limiter, its Redis gone.
    with away() as gone:
        limiter._script = gone.register_script("return 0")
        assert limiter.wait_for(HUB, "api") == pytest.approx(3 / (181 / 10.2), rel=0.05)
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
