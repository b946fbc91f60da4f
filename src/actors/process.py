"""What does a worker process hold for its whole life?"""

from __future__ import annotations

import threading
from functools import lru_cache

from syncworker.settings import load
from syncworker.sync.context import Context
from syncworker.sync.watch.shared_counts import SharedCounts

_lock = threading.Lock()


def context() -> Context:
    """The context of this process, made at the first use: Dramatiq forks, and connections must not be shared."""
    with _lock:
        return _make()


def counts() -> SharedCounts:
    """Where this process adds what it counted."""
    with _lock:
        return _make_counts()


@lru_cache(maxsize=1)
def _make_counts() -> SharedCounts:
    return SharedCounts(str(load().redis_url))


@lru_cache(maxsize=1)
def _make() -> Context:
    return Context(load(), pool_size=12)
