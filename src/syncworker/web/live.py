"""How do many browsers hear that something changed, when the database is asked once?

A portal's topic is looked at while somebody listens, every `LOOK_S`, by one task; each listener is told the digest when
it is another one. What changed is not said: whoever hears of it asks for their page again, under their own role.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field

import structlog
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from syncworker.store.portals import UnknownPortal
from syncworker.sync.lists.changes import Topic

log = structlog.get_logger(__name__)

LOOK_S = 1.0
# After that the browser comes again, and shows that it is still signed in.
LASTS_S = 60.0

Look = Callable[[int, Topic], str]
Told = asyncio.Queue[tuple[Topic, str]]


@dataclass(slots=True, kw_only=True)
class _Watch:
    hub_id: int
    topic: Topic
    listeners: set[Told] = field(default_factory=set)
    seen: str | None = None
    task: asyncio.Task[None] | None = None


class Live:
    """Who listens in this process, to which portals. Used by the event loop alone."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._watches: dict[tuple[int, Topic], _Watch] = {}

    @property
    def watched(self) -> int:
        """How many topics of portals are looked at now."""
        return len(self._watches)

    async def listen(self, hub_id: int, topics: Collection[Topic]) -> AsyncIterator[tuple[Topic, str]]:
        """Tell the digest of each topic as it is, and whenever it is another one, for a minute."""
        told: Told = asyncio.Queue()
        ends = asyncio.get_running_loop().time() + LASTS_S
        watches = [self._join(told, hub_id, topic) for topic in set(topics)]
        try:
            while True:
                async with asyncio.timeout_at(ends):
                    said = await told.get()
                yield said
        except TimeoutError:
            return
        finally:
            for watch in watches:
                self._leave(told, watch)

    def _join(self, told: Told, hub_id: int, topic: Topic) -> _Watch:
        watch = self._watches.setdefault((hub_id, topic), _Watch(hub_id=hub_id, topic=topic))
        watch.listeners.add(told)
        if watch.seen is not None:
            told.put_nowait((topic, watch.seen))
        if watch.task is None or watch.task.done():
            watch.task = asyncio.get_running_loop().create_task(self._look_on(watch))
        return watch

    def _leave(self, told: Told, watch: _Watch) -> None:
        watch.listeners.discard(told)
        if watch.listeners:
            return
        self._watches.pop((watch.hub_id, watch.topic), None)
        if watch.task is not None:
            watch.task.cancel()

    async def _look_on(self, watch: _Watch) -> None:
        while True:
            try:
                seen: str | None = await run_in_threadpool(self._look, watch.hub_id, watch.topic)
            except UnknownPortal:
                # Gone: so is its page, which says so.
                seen = "gone"
            except (OperationalError, InterfaceError, PoolTimeoutError):
                log.warning("live_look_failed", hub_id=watch.hub_id, topic=watch.topic)
                seen = watch.seen
            if seen is not None and seen != watch.seen:
                watch.seen = seen
                for told in watch.listeners:
                    told.put_nowait((watch.topic, seen))
            await asyncio.sleep(LOOK_S)
