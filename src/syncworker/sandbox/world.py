"""What makes up one running sandbox?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from syncworker.sandbox import clock
from syncworker.sandbox.catalogue import Catalogue
from syncworker.sandbox.database import Database
from syncworker.sandbox.faults import Faults, Plan
from syncworker.sandbox.feed import Feed
from syncworker.sandbox.limits import Limits
from syncworker.sandbox.outbox import Outbox
from syncworker.sandbox.portals import Directory
from syncworker.sandbox.stats import Stats


@dataclass(slots=True)
class World:
    """All state: one database, and what is kept in memory beside it."""

    database: Database
    directory: Directory
    catalogue: Catalogue
    faults: Faults
    outbox: Outbox
    feed: Feed
    limits: Limits
    stats: Stats
    webhook_url: str | None
    closing: bool = False
    partial: bool = False
    """The fault `partial_batch` hits the request being handled."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One change of the world: stored, then announced; or neither."""
        try:
            with self.database.transaction():
                yield
        except BaseException:
            self.feed.rolled_back()
            self.outbox.touched.clear()
            if self.catalogue.unsaved:
                self.catalogue.load()
            raise
        self.catalogue.unsaved = False
        self.outbox.committed()
        self.feed.committed()

    def reset(self, *, keep_properties: bool = False) -> None:
        """Back to the two empty demo portals, without faults; their own properties may stay defined."""
        with self.database.transaction():
            self.database.wipe(keep_properties=keep_properties)
            self.directory.load(self.webhook_url)
            self.catalogue.load()
        self.faults.set(Plan())
        clock.move(0)
        self.limits.reset()
        self.stats.reset()
        self.outbox.counts.clear()
        self.feed.note(what="reset")
        self.feed.committed()


def build(data_dir: Path, webhook_url: str | None) -> World:
    """Open the data in `data_dir`, creating it with the demo's portals where there is none."""
    database = Database(data_dir)
    faults = Faults()
    world = World(
        database=database,
        directory=Directory(database),
        catalogue=Catalogue(database),
        faults=faults,
        outbox=Outbox(database, faults),
        feed=Feed(),
        limits=Limits(),
        stats=Stats(),
        webhook_url=webhook_url,
    )
    with database.transaction():
        world.directory.load(webhook_url)
    world.catalogue.load()
    return world
