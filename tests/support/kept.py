"""What of a database can go on from one test to the next?

Not its rows, nor its connections: what SQLAlchemy has compiled. That is as much again as what a short test does.
"""

from __future__ import annotations

from functools import lru_cache

from syncworker.store.database import Clock, Database


@lru_cache(maxsize=2)  # The one that is emptied for each test, and by chance another one.
def _opened(url: str, pool_size: int) -> Database:
    return Database(url, pool_size=pool_size)


def kept_database(url: str, *, clock: Clock | None = None, pool_size: int = 10) -> Database:
    """The database of this address, as an earlier test has left it: closed, and it opens by itself. For one context at
    a time: what closes it, closes it for all.
    """
    return _opened(url, pool_size).by(clock)
