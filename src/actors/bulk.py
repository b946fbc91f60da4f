"""What may take its time: polls, resyncs, and the marks they lead to.

Bulk work never holds more than one thread per portal and half of a process's threads, so that interactive work always
finds one free. It yields instead of waiting: what is due stays in the database, and the sweep rings again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq

from actors.process import context
from syncworker import tracing
from syncworker.sync.notices import delivering
from syncworker.sync.turns import bulk_turn
from syncworker.sync.wake import BULK_QUEUE, Bell, Ring

# Half of the threads that the Procfile gives a process.
AT_MOST = 4

_busy: set[int] = set()
_lock = threading.Lock()


@contextmanager
def lane(hub_id: int) -> Iterator[bool]:
    """A thread's place in the bulk lane for a portal; false where there is none."""
    with _lock:
        free = hub_id not in _busy and len(_busy) < AT_MOST
        if free:
            _busy.add(hub_id)
    try:
        yield free
    finally:
        if free:
            with _lock:
                _busy.discard(hub_id)


@dramatiq.actor(queue_name=BULK_QUEUE, priority=10, max_retries=0, time_limit=600_000, max_age=60_000)
def serve_bulk(hub_id: int) -> None:
    """Poll a portal's records, list for its resync, and work off what that, and changed domains, marked."""
    ring = Ring(Bell.SERVE_BULK, hub_id)
    with lane(hub_id) as free:
        if not free:
            return
        with context().waker.turn(ring) as ours, tracing.span("turn", portal=hub_id, lane="bulk"):
            more = ours and bulk_turn(context(), hub_id)
    if more:
        context().waker.ring(ring)


@dramatiq.actor(queue_name=BULK_QUEUE, priority=12, max_retries=0, time_limit=600_000, max_age=60_000)
def tell() -> None:
    """Look for what people want to be told of, and send it."""
    ring = Ring(Bell.TELL)
    with context().waker.turn(ring) as ours, tracing.span("turn", lane="notices"):
        more = ours and delivering.tell(context())
    if more:
        context().waker.ring(ring)
