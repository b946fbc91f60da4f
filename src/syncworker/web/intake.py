"""How do many webhooks at once become durable, each before its answer?

All that come while one commit is under way share the next one: what a busy minute costs the database, and this process,
is a commit for every few webhooks and not for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import psycopg

# Of a hundred events each.
MOST_AT_ONCE = 100
# What came during a commit waits for it no longer than this, and is then stored beside it: one that is slow, or hangs
# with its connection, leaves neither the disk nor this process idle. Shorter, and each webhook has a commit of its own.
PATIENCE_S = 0.003


class Intake:
    """Stores rows, each before `keep` returns. Of one event loop."""

    def __init__(self, store: Callable[[Sequence[str]], Awaitable[None]], *, commits: int) -> None:
        """`store` commits rows, raising psycopg.Error; it does no harm when it succeeds late. `commits` at once."""
        self._store = store
        self._commits = commits
        self._waiting: dict[asyncio.Future[None], str] = {}
        self._writer: asyncio.Task[None] | None = None
        """Who takes what waits; None: whoever comes next starts one."""
        self._writers: set[asyncio.Task[None]] = set()
        """The event loop itself does not hold a task."""

    async def keep(self, row: str) -> None:
        """Return when the row is committed; raises what storing it raises.

        If it is cancelled, the row may be kept all the same.
        """
        kept = asyncio.get_running_loop().create_future()
        self._waiting[kept] = row
        self._start_writer()
        try:
            await kept
        finally:
            self._waiting.pop(kept, None)

    def _start_writer(self) -> None:
        # When as many hang as may be, the first that comes free takes what waits.
        if self._writer is None and self._waiting and len(self._writers) < self._commits:
            self._writer = asyncio.create_task(self._write())
            self._writers.add(self._writer)

    def _give_up(self, writer: asyncio.Task[None] | None) -> None:
        if self._writer is writer:
            self._writer = None
            self._start_writer()

    async def _write(self) -> None:
        me = asyncio.current_task()
        try:
            while self._waiting and self._writer in {None, me}:
                self._writer = me
                batch = dict(list(self._waiting.items())[:MOST_AT_ONCE])
                for kept in batch:
                    del self._waiting[kept]
                await self._commit(batch, asyncio.get_running_loop().call_later(PATIENCE_S, self._give_up, me))
        finally:
            self._writers = {writer for writer in self._writers if writer is not me}
            self._give_up(me)

    async def _commit(self, batch: dict[asyncio.Future[None], str], relief: asyncio.TimerHandle) -> None:
        try:
            await self._store(list(batch.values()))
        except BaseException as error:
            _answer(batch, error)
            # What is not the database's is a fault of ours: the task ends with it, and the next one starts anew.
            if not isinstance(error, psycopg.Error):
                raise
        else:
            _answer(batch, None)
        finally:
            relief.cancel()


def _answer(batch: Iterable[asyncio.Future[None]], failed: BaseException | None) -> None:
    for kept in batch:
        # Whoever was told that it took too long is gone.
        if kept.done():
            continue
        if failed is None:
            kept.set_result(None)
        else:
            kept.set_exception(failed)
