"""Which records changed that no webhook told of?

Three looks at each kind. **now**: the newest changes first, every `poll_seconds`; prompt, without a promise. **late**:
every change once more, when search must show it: the promise, in docs/polling.md. **archived**: the recycle bin, which
no search shows. What each finds is marked only where the ledger may have something new to say (sync/interest.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from syncworker.hubspot.errors import FixRequest, HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.hubspot.records import Filter, Record, SearchPage, Sort
from syncworker.registration.rules.terms import Presence
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals.failures import block_if_of_portal, may_be_called
from syncworker.sync.reconcile import known_records
from syncworker.sync.reconcile.leads import properties_read
from syncworker.sync.triggers import cursors
from syncworker.sync.triggers.changed import (
    MODIFIED,
    PAGE,
    Newest,
    Search,
    SearchContradictsItself,
    Stretch,
    ask,
    ask_newest,
    follow,
    follow_newest,
    modified,
    span,
)
from syncworker.sync.triggers.cursors import Cursor
from syncworker.sync.triggers.interest import COMPANY_OF_CONTACT, of_interest
from syncworker.sync.watch import clock_skew

# What search may take to show a change, at most. HubSpot says "a few moments"; others saw updates missing in results
# of the last hour, and keep an hour back as we do.
SHOWN_WITHIN = timedelta(hours=1)
# HubSpot tells its time in whole seconds, and one answer in five may be a proxy's.
CLOCKS_DIFFER = timedelta(minutes=5)
LATE = SHOWN_WITHIN + CLOCKS_DIFFER
LATE_EVERY = timedelta(minutes=5)
ARCHIVED_EVERY = timedelta(minutes=15)
ARCHIVED_PAGES = 10
# The first page of the newest is asked for anyway: how far it may look back costs nothing. Where it holds all that
# changed in the last hour, it shows a record that changes again and again, too, which the late look waits for.
OVERLAP = LATE
PAGES_A_TURN = 100
PAGES_BETWEEN = 10


class Look(StrEnum):
    """How the records of a kind are looked at."""

    NOW = "now"
    LATE = "late"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Stream:
    """A kind, and a look at it."""

    kind: Kind
    look: Look

    @property
    def trigger(self) -> str:
        """The name of its cursor."""
        return f"{self.kind}.{self.look}"


STREAMS = tuple(Stream(kind, look) for kind in (Kind.CONTACT, Kind.COMPANY) for look in Look)


def begin(tx: Tx, hub_id: int, *, at: datetime) -> None:
    """Begin at the time of connection, never at the beginning: history comes by an explicit resync."""
    for stream in STREAMS:
        cursors.ensure(tx, hub_id, stream.trigger, high_water=at)


def poll_records(context: Context, hub_id: int, *, between: Callable[[], object] = lambda: None) -> None:
    """Poll the due streams of a portal, some pages of each; `between` is done every few pages."""
    due = {cursor.trigger: cursor for cursor in context.database.run(lambda tx: _take(tx, hub_id))}
    for stream in STREAMS:
        if stream.trigger in due:
            _poll(context, due[stream.trigger], stream, between)


def _take(tx: Tx, hub_id: int) -> list[Cursor]:
    return cursors.take(tx, hub_id, "co%") if may_be_called(tx, hub_id) else []  # contact.*, company.*


def _poll(context: Context, cursor: Cursor, stream: Stream, between: Callable[[], object]) -> None:
    """One look, as far as a turn goes."""
    soon = timedelta(seconds=context.settings.poll_seconds)
    every = {Look.NOW: soon, Look.LATE: LATE_EVERY, Look.ARCHIVED: ARCHIVED_EVERY}[stream.look]
    looking = {Look.NOW: _newest, Look.LATE: _late, Look.ARCHIVED: _archived}[stream.look]
    error: str | None = None
    try:
        over = looking(_Reader(context, cursor.hub_id, stream, between), cursor)
    except (HubSpotError, RateLimited, SearchContradictsItself) as failed:
        error, over = str(failed), True
        every = min(every, soon)
        if isinstance(failed, FixRequest):
            context.database.run(lambda tx: cursors.list_anew(tx, cursor))
        if not isinstance(failed, SearchContradictsItself):
            block_if_of_portal(context.database, cursor.hub_id, failed)
    context.database.run(lambda tx: cursors.rest(tx, cursor, every=every if over else timedelta(0), error=error))


class _Reader:
    """What a look needs to read pages of its stream and to keep what they show."""

    def __init__(self, context: Context, hub_id: int, stream: Stream, between: Callable[[], object]) -> None:
        self.run = context.database.run
        self.client = context.client(hub_id)
        self.stream = stream
        self.object_type = "contact" if stream.kind is Kind.CONTACT else "company"
        self._context = context
        self._hub_id = hub_id
        self._between = between
        self._pages = 0
        self._shown_before = context.newest_shown.get((hub_id, stream.kind), frozenset())

    def search(self, search: Search) -> SearchPage:
        """A page of a search, with all that tells whether its records are of interest."""
        kind = self.stream.kind
        properties = [*properties_read(self._context.names, kind), MODIFIED[kind]]
        if kind is Kind.CONTACT:
            properties.append(COMPANY_OF_CONTACT)
        return self.client.search(
            self.object_type, filter_groups=[search.filters], sort=search.sort, properties=properties, limit=PAGE
        )

    def keep(self, tx: Tx, found: Sequence[Record]) -> bool:
        """Mark what is of interest; return whether something is."""
        portal = portals.get(tx, self._hub_id)
        interesting = of_interest(tx, self._context, portal, self.stream.kind, found)
        cause = "poll" if self.stream.look is Look.NOW else "poll, an hour later"
        mark(tx, self._hub_id, self.stream.kind, interesting, priority=Priority.POLL, cause=cause)
        return bool(interesting)

    def keep_new(self, tx: Tx, found: Sequence[Record]) -> bool:
        """The same, without those that the last look of this process was shown as they are now."""
        return self.keep(tx, [record for record in found if self._as_shown(record) not in self._shown_before])

    def shown(self, found: Sequence[Record]) -> None:
        """Remember what the first page of this look was shown."""
        self._context.newest_shown[self._hub_id, self.stream.kind] = frozenset(map(self._as_shown, found))

    def _as_shown(self, record: Record) -> tuple[str, datetime | None]:
        return record.id, modified(self.stream.kind, record)

    def asked_for(self, tx: Tx, found: Sequence[Record]) -> None:
        """Mark contacts whose request property is set, and that nobody has read for as long as search may lag."""
        known = known_records.of(tx, self._hub_id, Kind.CONTACT, {record.id for record in found})
        read = {one.object_id for one in known.values() if one.reconciled_at > tx.now - LATE}
        ids = {record.id for record in found if record.properties.get(self._context.names.request)} - read
        mark(tx, self._hub_id, Kind.CONTACT, ids, priority=Priority.POLL, cause="its request is still set")

    def search_asked_for(self) -> Search:
        """Contacts whose request property is set, whenever that was."""
        return Search(
            filters=(Filter(property_name=self._context.names.request, operator="HAS_PROPERTY"),),
            sort=Sort("hs_object_id", descending=True),
        )

    def hubspot_time(self) -> datetime:
        """What time it is at HubSpot, and no later than by our own clock.

        A clock of ours that jumped ahead would have us pass what search does not show yet, and never look there again.
        """
        clock = self._context.hubspot_clock
        if clock.now() is None:
            self.client.account_info()  # any answer tells the time
        return self.run(lambda tx: clock_skew.not_ahead(tx, clock))

    def turned(self) -> None:
        """A page is done: let others work, every few pages."""
        self._pages += 1
        if self._pages % PAGES_BETWEEN == 0:
            self._between()


def _newest(reader: _Reader, cursor: Cursor) -> bool:
    """The newest first, down to where the last look began.

    Beyond the first page it reads on as long as that brings something, or the allowance lasts: what it leaves out in a
    flood of edits that are none of our business, the late look reads anyway, and reading it twice is for nothing.
    """
    kind = reader.stream.kind
    seen_up_to = cursor.high_water
    newest = Newest(since=cursor.high_water - OVERLAP)
    for _ in range(PAGES_A_TURN):
        page = reader.search(ask_newest(kind, newest))
        times = span(kind, page.records)

        def store(tx: Tx, page: SearchPage = page) -> tuple[bool, datetime]:
            cursors.renew(tx, cursor)
            return reader.keep_new(tx, page.records), tx.now

        fruitful, now = reader.run(store)
        if newest.below is None and newest.moment is None:
            reader.shown(page.records)
        reader.turned()
        if times is not None:
            # A time that has not come yet would make us blind until then.
            seen_up_to = max(seen_up_to, min(times[1], now))
        following = follow_newest(kind, newest, page, down_to=cursor.high_water)
        if following is None or not (fruitful or reader.run(lambda tx: cursors.spend(tx, cursor))):
            break
        newest = following
    reader.run(lambda tx: cursors.move(tx, cursor, high_water=seen_up_to))
    return True


def _late(reader: _Reader, cursor: Cursor) -> bool:
    """All that changed from the high-water to an hour ago, each page committed with what it marks."""
    kind = reader.stream.kind
    if kind is Kind.CONTACT and cursor.until is None:
        # A request must not wait for its contact to be left alone for an hour, which a late look needs.
        try:
            still = reader.search(reader.search_asked_for()).records
        except FixRequest:
            still = ()  # a portal without the property: nobody can have set it, and `doctor` says so
        reader.run(lambda tx: reader.asked_for(tx, still))
    until = cursor.until or reader.hubspot_time() - LATE
    if until <= cursor.high_water:
        return True
    stretch = Stretch(since=cursor.high_water, until=until, after_id=cursor.after_id)
    for _ in range(PAGES_A_TURN):
        page = reader.search(ask(kind, stretch))
        following = follow(kind, stretch, page)

        def store(
            tx: Tx, page: SearchPage = page, at: Cursor = cursor, following: Stretch | None = following
        ) -> Cursor | None:
            # Cursors before marks, as everybody locks them.
            if following is None:
                stepped = cursors.step(tx, at, high_water=until)
            else:
                stepped = cursors.step(tx, at, high_water=at.high_water, until=until, after_id=following.after_id)
            cursors.earn(tx, at.hub_id, Stream(kind, Look.NOW).trigger)
            reader.keep(tx, page.records)
            return stepped

        stepped = reader.run(store)
        reader.turned()
        if stepped is None or following is None:
            return True
        cursor, stretch = stepped, following
    return False


def _archived(reader: _Reader, cursor: Cursor) -> bool:
    """Some pages of the recycle bin, from where the last look ended: who of them is alive, as far as we know?"""
    kind = reader.stream.kind
    for _ in range(ARCHIVED_PAGES):
        page = reader.client.list_page(
            reader.object_type, properties=[MODIFIED[kind]], after=cursor.page_after, archived=True
        )
        ids = {record.id for record in page.records}
        following = page.after

        def store(tx: Tx, ids: set[str] = ids, at: Cursor = cursor, following: str | None = following) -> Cursor | None:
            stepped = cursors.step(tx, at, high_water=at.high_water if following else tx.now, page_after=following)
            known = known_records.of(tx, at.hub_id, kind, ids)
            alive = [one.object_id for one in known.values() if one.presence == Presence.LIVE]
            mark(tx, at.hub_id, kind, alive, priority=Priority.POLL, cause="found archived")
            return stepped

        stepped = reader.run(store)
        reader.turned()
        if stepped is None or following is None:
            return True
        cursor = stepped
    return True
