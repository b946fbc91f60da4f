"""Is a ring sent once, carries it no work, and does nothing depend on it?"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
import redis
from dramatiq import Message

from support.rig import Rig
from syncworker.registration.rules.terms import Source
from syncworker.sync import operations
from syncworker.sync.sweep import sweep
from syncworker.sync.wake import TURN_MS, Bell, RedisWaker, Ring

RING = Ring(Bell.SERVE_INTERACTIVE, 7)


@pytest.fixture
def server(redis_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def waker(server: redis.Redis, redis_url: str) -> Iterator[RedisWaker]:
    made = RedisWaker(redis_url)
    yield made
    made.close()


def sent(server: redis.Redis) -> list[Message[None]]:
    """The messages that wait, of all queues."""
    bodies = [body for key in server.scan_iter("dramatiq:*.msgs") for body in server.hvals(key)]
    return [Message.decode(body) for body in bodies]


def test_a_ring_names_an_actor_and_a_portal_and_carries_no_work(waker: RedisWaker, server: redis.Redis) -> None:
    waker.ring(RING)
    [message] = sent(server)
    assert (message.queue_name, message.actor_name, message.args) == ("interactive", "serve_interactive", (7,))
    assert message.kwargs == {}


def test_at_most_one_ring_is_outstanding_for_a_portal_and_an_actor(waker: RedisWaker, server: redis.Redis) -> None:
    for _ in range(5):
        waker.ring(RING, RING)
    assert len(sent(server)) == 1
    waker.ring(Ring(Bell.SERVE_INTERACTIVE, 8), Ring(Bell.SERVE_BULK, 7))
    assert len(sent(server)) == 3
    # Once its turn has begun, what comes meanwhile rings anew
    with waker.turn(RING):
        waker.ring(RING)
    assert len(sent(server)) == 4


def test_a_portal_has_one_turn_at_a_time_and_who_rang_meanwhile_is_heard(
    waker: RedisWaker, server: redis.Redis, redis_url: str
) -> None:
    other = RedisWaker(redis_url)
    with waker.turn(RING) as ours, other.turn(RING) as theirs:
        assert (ours, theirs) == (True, False)
        assert sent(server) == []
    assert len(sent(server)) == 1
    with other.turn(RING) as later:
        assert later
    other.close()


def test_what_is_due_is_rung_for_again_after_a_flush(rig: Rig, waker: RedisWaker, server: redis.Redis) -> None:
    rig.context.waker = waker
    made = rig.sandbox.create(rig.hub, "contacts", {"email": "ada@fjordline-tools.se"})
    operations.register(rig.context, rig.hub, made["id"], who="t", source=Source.APP, key="1")
    assert [m.args for m in sent(server)] == [(rig.hub,)]
    server.flushall()
    sweep(rig.context)
    assert (rig.hub,) in [m.args for m in sent(server) if m.actor_name == "serve_interactive"]


@pytest.mark.parametrize("listens", [True, False], ids=["a redis that hangs", "no redis"])
def test_without_redis_nothing_fails_and_nobody_waits_long(listens: bool) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listens:
            silent.listen()
        waker = RedisWaker(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        began = time.monotonic()
        waker.ring(RING)
        with waker.turn(RING) as ours:
            assert ours
        # A ring and a turn, each with 100 ms to connect and 100 ms to be answered
        assert time.monotonic() - began < 20
        waker.close()


def test_a_turn_of_minutes_is_kept_by_the_pulse_and_one_of_a_killed_process_ends_within_seconds(
    waker: RedisWaker, server: redis.Redis
) -> None:
    key = f"turn:{RING.bell}:{RING.hub_id}"
    with waker.turn(RING):
        server.pexpire(key, 1_000)
        waker.keep_turns()
        assert 1_000 < server.pttl(key) <= TURN_MS
    waker.keep_turns()
    # What has ended is not taken up again, whoever has it next
    assert not server.exists(key)


def test_who_rings_hears_what_nobody_can_hear() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        waker = RedisWaker(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        assert waker.ring(RING, RING) == [RING]
        waker.keep_turns()
        waker.close()


def test_a_redis_that_hangs_is_waited_for_once_and_not_for_every_ring() -> None:
    # Given a Redis that accepts connections and never says a word
    with socket.create_server(("127.0.0.1", 0)) as silent:
        waker = RedisWaker(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        rings = [Ring(Bell.SERVE_BULK, hub_id) for hub_id in range(1, 1001)]
        began = time.monotonic()
        assert waker.ring(*rings) == rings
        # A thousand waits of a tenth of a second would be a hundred
        assert time.monotonic() - began < 20
        waker.close()
