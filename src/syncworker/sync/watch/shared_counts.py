"""What did all processes count together, and which of them are alive?

Workers have no address that could be scraped: on many machines nobody knows how many there are, and where. So every
process adds what it counted to Redis every few seconds, and any web process tells the sum. What a killed process had
not added yet is lost, and after a flush all begins at 0, which Prometheus takes as a restart: counts are no promises.

Redis keys:
    `counts:{version}`     hash: a sample, as JSON of its name and labels, and its value
    `processes:alive`      sorted set: role, host and process id, by the Redis time until which it counts as alive
    `processes:since`      since when, by Redis' time, there has been a worker without a break
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Literal

import redis
import structlog
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from syncworker.sync.wake import connect_briefly

Role = Literal["web", "worker", "scheduler"]
ROLES: tuple[Role, ...] = ("web", "worker", "scheduler")

log = structlog.get_logger(__name__)

PREFIX = "syncworker_"
_ALIVE = "processes:alive"
_SINCE = "processes:since"
# The scheduler is heard of once a minute, through what it schedules.
_LIFE_S: dict[Role, int] = {"web": 30, "worker": 30, "scheduler": 150}
_EVERY_S = 5.0

_Sample = tuple[str, tuple[tuple[str, str], ...]]


class SharedCounts:
    """Adds this process's counters and histograms to those of all others, and reads the sum. Thread-safe."""

    def __init__(self, redis_url: str, *, registries: Sequence[CollectorRegistry] = (REGISTRY,)) -> None:
        self._client = connect_briefly(redis_url)
        self._registries = registries
        self._key = f"counts:{version('syncworker')}"
        self._added: dict[_Sample, float] = {}
        self._lock = threading.Lock()

    def add(self) -> None:
        """Add what was counted since the last time. Raises RedisError; then it is added the next time."""
        with self._lock:
            current = dict(_samples(self._families()))
            more = {sample: value - self._added.get(sample, 0.0) for sample, value in current.items()}
            pipeline = self._client.pipeline(transaction=True)
            for sample, value in more.items():
                if value:
                    pipeline.hincrbyfloat(self._key, json.dumps(sample), value)
            if len(pipeline):
                pipeline.execute()
            self._added = current

    def read(self) -> list[Metric]:
        """The families that this process knows, with what all processes counted. Raises RedisError."""
        found: dict[str, list[tuple[dict[str, str], float]]] = {}
        for field, value in dict(self._client.hgetall(self._key)).items():
            name, labels = json.loads(field)
            found.setdefault(name, []).append((dict(labels), float(value)))
        families = []
        for family in self._families():
            summed = Metric(family.name, family.documentation, family.type)
            for name in _sample_names(family):
                for labels, count in sorted(found.get(name, []), key=_in_order):
                    summed.add_sample(name, labels, count)
            families.append(summed)
        return families

    def here(self) -> list[Metric]:
        """What this process alone counted."""
        return list(self._families())

    def beat(self, role: Role) -> None:
        """Say that this process is alive; for the scheduler whatever it has woken says so. Never fails."""
        member = f"{role}:{socket.gethostname()}:{os.getpid()}" if role != "scheduler" else "scheduler"
        try:
            now = self._now()
            with self._client.pipeline(transaction=False) as pipeline:
                pipeline.zadd(_ALIVE, {member: now + _LIFE_S[role]})
                pipeline.zremrangebyscore(_ALIVE, "-inf", now)
                pipeline.expire(_ALIVE, max(_LIFE_S.values()))
                if role == "worker":
                    pipeline.set(_SINCE, now, nx=True)
                    pipeline.expire(_SINCE, _LIFE_S[role])
                pipeline.execute()
        except redis.RedisError as error:
            # Said again in a few seconds.
            log.debug("beat_not_told", role=role, error=str(error)[:300])

    def alive(self) -> dict[Role, int]:
        """How many processes of each role were heard of lately. Raises RedisError."""
        members = self._client.zrangebyscore(_ALIVE, self._now(), "+inf")
        roles = Counter(member.decode().partition(":")[0] for member in members if isinstance(member, bytes))
        return {role: roles[role] for role in ROLES}

    def silent(self) -> list[Role]:
        """The roles that nobody has been heard of in for too long. Raises RedisError.

        Only a worker that it wakes tells of the scheduler: no sooner than a worker has run for a while is it missed.
        """
        since = self._client.get(_SINCE)
        worked_s = self._now() - float(since) if isinstance(since, bytes) else 0.0
        missed = [role for role, number in self.alive().items() if not number]
        return [role for role in missed if role != "scheduler" or worked_s > _LIFE_S[role] or "worker" in missed]

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _now(self) -> float:
        seconds, microseconds = self._client.time()
        return float(seconds) + float(microseconds) / 1e6

    def _families(self) -> Iterator[Metric]:
        for registry in self._registries:
            for family in registry.collect():
                if family.name.startswith(PREFIX) and family.type in {"counter", "histogram"}:
                    yield family


class CountsCollector(Collector):
    """Tells what all processes counted; while Redis is away, what this one did."""

    def __init__(self, counts: SharedCounts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """The families, the processes that are alive, and whether Redis could be asked."""
        up = Metric(
            "syncworker_redis_up", "Whether Redis could be asked; without it, counts are one process's.", "gauge"
        )
        alive = Metric("syncworker_processes", "Processes heard of lately, by their role.", "gauge")
        try:
            self._counts.add()
            families = self._counts.read()
            for role, number in self._counts.alive().items():
                alive.add_sample(alive.name, {"role": role}, number)
        except redis.RedisError as error:
            log.warning("metrics_without_redis", error=str(error)[:300])
            up.add_sample(up.name, {}, 0)
            yield up
            yield from self._counts.here()
            return
        up.add_sample(up.name, {}, 1)
        yield up
        yield alive
        yield from families


class Beating:
    """A thread that adds counts and says that its process is alive, until it is stopped."""

    def __init__(self, counts: SharedCounts, role: Role, *, every_s: float = _EVERY_S) -> None:
        self._counts = counts
        self._role: Role = role
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beating", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, with what was counted since the last time."""
        self._stop.set()
        self._thread.join(timeout=2)
        self._once()
        self._counts.close()

    def _run(self) -> None:
        while True:
            self._once()
            if self._stop.wait(self._every_s):
                return

    def _once(self) -> None:
        self._counts.beat(self._role)
        try:
            self._counts.add()
        except redis.RedisError as error:
            # Counted on, and added when it is back.
            log.debug("counts_not_added", error=str(error)[:300])


def _sample_names(family: Metric) -> tuple[str, ...]:
    endings = ("_total",) if family.type == "counter" else ("_bucket", "_count", "_sum")
    return tuple(f"{family.name}{ending}" for ending in endings)


def _samples(families: Iterable[Metric]) -> Iterator[tuple[_Sample, float]]:
    for family in families:
        names = _sample_names(family)
        for sample in family.samples:
            # Not when each was created: a sum has no such time.
            if sample.name in names:
                yield (sample.name, tuple(sorted(sample.labels.items()))), float(sample.value)


def _in_order(sample: tuple[dict[str, str], float]) -> tuple[list[tuple[str, str]], float]:
    labels, _ = sample
    others = sorted((name, value) for name, value in labels.items() if name != "le")
    return others, float(labels.get("le", 0))
