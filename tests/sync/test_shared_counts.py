"""What several processes counted is told as one sum, and who is alive is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from prometheus_client import CollectorRegistry, Counter, Histogram

from syncworker.sync.watch.shared_counts import CountsCollector, SharedCounts


class Process:
    """A process that counts."""

    def __init__(self, redis_url: str) -> None:
        registry = CollectorRegistry()
        self.calls = Counter("syncworker_calls", "Calls.", ["route"], registry=registry)
        self.seconds = Histogram("syncworker_seconds", "Seconds.", buckets=(1, 10), registry=registry)
        Counter("others", "Not ours.", registry=registry).inc()
        self.counts = SharedCounts(redis_url, registries=(registry,))

    def told(self) -> dict[tuple[str, tuple[str, ...]], float]:
        families = CountsCollector(self.counts).collect()
        return {(s.name, tuple(s.labels.values())): s.value for family in families for s in family.samples}


@pytest.fixture
def processes(redis_url: str) -> Iterator[tuple[Process, Process]]:
    made = Process(redis_url), Process(redis_url)
    yield made
    for one in made:
        one.counts.close()


def test_any_process_tells_what_all_counted(processes: tuple[Process, Process]) -> None:
    first, second = processes
    first.calls.labels("GET /x").inc(2)
    first.seconds.observe(5)
    first.counts.add()
    second.calls.labels("GET /x").inc()
    second.calls.labels("GET /y").inc()
    second.seconds.observe(0.5)
    told = second.told()
    assert told["syncworker_calls_total", ("GET /x",)] == 3
    assert told["syncworker_calls_total", ("GET /y",)] == 1
    assert told["syncworker_seconds_bucket", ("1.0",)] == 1
    assert told["syncworker_seconds_bucket", ("10.0",)] == 2
    assert told["syncworker_seconds_count", ()] == 2
    assert told["syncworker_seconds_sum", ()] == 5.5
    assert ("others_total", ()) not in told


def test_what_was_added_is_not_added_again(processes: tuple[Process, Process]) -> None:
    first, second = processes
    first.calls.labels("GET /x").inc()
    for _ in range(3):
        first.counts.add()
    first.calls.labels("GET /x").inc()
    first.counts.add()
    assert second.told()["syncworker_calls_total", ("GET /x",)] == 2


def test_a_flush_of_redis_begins_at_nothing_and_loses_nothing_that_comes_later(
    processes: tuple[Process, Process], redis_url: str
) -> None:
    first, _ = processes
    first.calls.labels("GET /x").inc(7)
    first.counts.add()
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    first.calls.labels("GET /x").inc()
    assert first.told()["syncworker_calls_total", ("GET /x",)] == 1


def test_without_redis_a_process_tells_what_it_counted_itself() -> None:
    alone = Process("redis://127.0.0.1:1")
    alone.calls.labels("GET /x").inc()
    alone.counts.beat("worker")
    told = alone.told()
    assert told["syncworker_redis_up", ()] == 0
    assert told["syncworker_calls_total", ("GET /x",)] == 1
    assert ("syncworker_processes", ("worker",)) not in told


def test_a_scheduler_is_missed_only_after_a_worker_has_run_for_a_while(
    processes: tuple[Process, Process], redis_url: str
) -> None:
    counts = processes[0].counts
    assert counts.silent() == ["web", "worker", "scheduler"]
    counts.beat("worker")
    assert counts.silent() == ["web"]
    with redis.Redis.from_url(redis_url) as client:
        client.set("processes:since", client.time()[0] - 200)
    assert counts.silent() == ["web", "scheduler"]


def test_processes_are_alive_that_were_heard_of(processes: tuple[Process, Process], redis_url: str) -> None:
    first, second = processes
    first.counts.beat("worker")
    first.counts.beat("scheduler")
    second.counts.beat("scheduler")  # whichever worker it woke
    assert second.counts.alive() == {"web": 0, "worker": 1, "scheduler": 1}
    with redis.Redis.from_url(redis_url) as client:
        client.zadd("processes:alive", {"worker:elsewhere:1": client.time()[0] - 1})
    assert second.counts.alive()["worker"] == 1
