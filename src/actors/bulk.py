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
from syncworker.sync import polling, resync
from syncworker.sync.claims import Lane
from syncworker.sync.reconcile import reconcile
from syncworker.sync.wake import BULK_QUEUE, Bell, Ring

BATCHES_A_TURN = 10
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
def reconcile_bulk(hub_id: int) -> None:
    """Work off what polls, resyncs and changes of domains marked."""
    ring = Ring(Bell.RECONCILE_BULK, hub_id)
    context().waker.answered(ring)
    with lane(hub_id) as free:
        if not free:
            return
        for _ in range(BATCHES_A_TURN):
            if not reconcile(context(), hub_id, Lane.BULK):
                return
    context().waker.ring(ring)


@dramatiq.actor(queue_name=BULK_QUEUE, priority=11, max_retries=0, time_limit=600_000, max_age=60_000)
def poll_records(hub_id: int) -> None:
    """Look for changed contacts and companies that no webhook told of."""
    context().waker.answered(Ring(Bell.POLL_RECORDS, hub_id))
    with lane(hub_id) as free:
        if free:
            polling.poll_records(context(), hub_id)


@dramatiq.actor(queue_name=BULK_QUEUE, priority=12, max_retries=0, time_limit=600_000, max_age=60_000)
def continue_resync(hub_id: int) -> None:
    """List some more pages of a portal's resync."""
    context().waker.answered(Ring(Bell.CONTINUE_RESYNC, hub_id))
    with lane(hub_id) as free:
        if free:
            resync.continue_resync(context(), hub_id)
