"""How does a test change something that somebody has read, before they have the partner's lock?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import text

from syncworker.store import portals
from syncworker.store.database import Database, Tx

T = TypeVar("T")

_SOMEBODY_WAITS_FOR_US = text("""
    SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))
""")


@contextmanager
def while_it_waits(database: Database, hub_id: int, work: Callable[[], T]) -> Iterator[tuple[Tx, Future[T]]]:
    """A transaction that holds the lock of the portal's partner, for which `work` waits by now in a thread.

    Committed at the end; then `work` goes on.
    """
    with ThreadPoolExecutor(1) as worker, database.transaction() as tx:
        portals.lock_partner(tx, portals.get(tx, hub_id).partner.id)
        working = worker.submit(work)
        while not tx.connection.execute(_SOMEBODY_WAITS_FOR_US).scalar_one():
            assert not working.done(), working.result()
            time.sleep(0.01)
        yield tx, working
