"""Which pages of a list come next, while this process decides?

Each is asked for as soon as the one before has told where it is: to read a page takes HubSpot about as long as us to
decide it. No further ahead than is decided soon, so that little is read in vain, and nothing long before it is kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from queue import SimpleQueue
from threading import Semaphore

from syncworker.hubspot.listing import Listing
from syncworker.sync.context import Context
from syncworker.sync.resync import page as resync_page
from syncworker.sync.resync.place import Place, Taken
from syncworker.sync.resync.scope import LISTED

# One waits, and one is being read.
_PAGES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A page as it was read."""

    place: Place
    listing: Listing
    read_after: datetime
    """The database's time at a moment before it was asked for."""
    to: Place | None
    """Where the resync goes on after it; None at its end."""
    goes_on: bool
    """Whether another page follows in this turn."""


@dataclass(slots=True)
class Pages:
    """The pages of a turn, in their order; raises what HubSpot raises, where that page would have come."""

    known_time: datetime
    """The database's time, as whoever goes through them last heard it."""
    _room: Semaphore = field(default_factory=lambda: Semaphore(_PAGES))
    _found: SimpleQueue[Read | BaseException] = field(default_factory=SimpleQueue)
    _over: bool = False

    def __iter__(self) -> Iterator[Read]:
        goes_on = True
        while goes_on:
            read = self._found.get()
            if isinstance(read, BaseException):
                raise read
            self._room.release()
            goes_on = read.goes_on
            yield read

    def end(self) -> None:
        """Nobody goes through them any more."""
        self._over = True
        self._room.release()

    def read(self, context: Context, taken: Taken, *, until: float) -> None:
        """Read them, as there is room for them, up to the first that comes after `until`, by the process's clock."""
        place, goes_on = taken.place, True
        try:
            while goes_on:
                self._room.acquire()
                if self._over:
                    return
                read_after = self.known_time
                listing = resync_page.read(context, taken.hub_id, place)
                to = taken.following(place, listing.after)
                goes_on = to is not None and to.stage in LISTED and time.monotonic() < until
                self._found.put(Read(place=place, listing=listing, read_after=read_after, to=to, goes_on=goes_on))
                place = to or place
        except BaseException as error:  # noqa: BLE001 - it is raised where it is heard of
            self._found.put(error)


@contextmanager
def pages(context: Context, taken: Taken, *, until: float) -> Iterator[Pages]:
    """Read from the place that was taken on, in a thread of its own."""
    found = Pages(known_time=taken.now)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="resync-read") as beside:
        beside.submit(found.read, context, taken, until=until)
        try:
            yield found
        finally:
            found.end()
