"""Which records changed that no webhook told of?

Contacts and companies are searched by their modified property from the high-water on, less an overlap, and once more
an hour later, because search lags. The result carries our properties, so only records with a request, a ledger entry
or a registered domain that differ from what we know are marked: an email blast to half a million contacts marks
nothing, and our own write-backs end here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.properties import PropertyNames
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.hubspot.records import Record
from syncworker.registration.rules.domains import registrable
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.store.tables import requests
from syncworker.sync import cursors, known_records
from syncworker.sync.changed import changed
from syncworker.sync.context import Context
from syncworker.sync.cursors import Cursor
from syncworker.sync.known_records import KnownRecord
from syncworker.sync.leads import properties_read, seen
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portal_failures import block_if_of_portal, may_be_called
from syncworker.sync.shown import differences

OVERLAP = timedelta(seconds=30)
LATE = timedelta(hours=1)
LATE_EVERY = timedelta(minutes=5)
PAGES_BETWEEN = 10


@dataclass(frozen=True, slots=True)
class Stream:
    """A kind, looked at as it changes or an hour later."""

    kind: Kind
    late: bool

    @property
    def trigger(self) -> str:
        """The name of its cursor."""
        return f"{self.kind}.late" if self.late else f"{self.kind}.now"


STREAMS = tuple(Stream(kind, late) for kind in (Kind.CONTACT, Kind.COMPANY) for late in (False, True))


def begin(tx: Tx, hub_id: int, *, at: datetime) -> None:
    """Begin at the time of connection, never at the beginning: history comes by an explicit resync."""
    for stream in STREAMS:
        cursors.ensure(tx, hub_id, stream.trigger, high_water=at)


def poll_records(context: Context, hub_id: int, *, between: Callable[[], object] = lambda: None) -> None:
    """Poll the due streams of a portal; `between` is done every few pages."""
    by_trigger = {stream.trigger: stream for stream in STREAMS}
    due = context.database.run(lambda tx: _take(tx, hub_id))
    for cursor in due:
        stream = by_trigger[cursor.trigger]
        every = LATE_EVERY if stream.late else timedelta(seconds=context.settings.poll_seconds)
        error: str | None = None
        try:
            _poll(context, cursor, stream, between)
        except (HubSpotError, RateLimited) as failed:
            error = str(failed)
            block_if_of_portal(context.database, hub_id, failed)
        context.database.run(lambda tx: cursors.rest(tx, cursor, every=every, error=error))  # noqa: B023 - run at once


def _take(tx: Tx, hub_id: int) -> list[Cursor]:
    return cursors.take(tx, hub_id, "co%") if may_be_called(tx, hub_id) else []  # contact.*, company.*


def _poll(context: Context, cursor: Cursor, stream: Stream, between: Callable[[], object]) -> None:
    """Read all that changed since the high-water, page by page, each committed with what it marks."""
    since = cursor.high_water - OVERLAP
    until = _now(context) - LATE if stream.late else None
    if until is not None and until <= since:
        return
    client = context.client(cursor.hub_id)
    properties = properties_read(context.names, stream.kind)
    pages = changed(client, stream.kind, properties, since=since, until=until)
    for number, (found, reached) in enumerate(pages, start=1):
        context.database.run(
            lambda tx: _store(tx, context, cursor, stream, found, reached)  # noqa: B023 - run at once
        )
        if number % PAGES_BETWEEN == 0:
            between()


def _now(context: Context) -> datetime:
    with context.database.transaction() as tx:
        return tx.now


def _store(tx: Tx, context: Context, cursor: Cursor, stream: Stream, found: Sequence[Record], newest: datetime) -> int:
    portal = portals.get(tx, cursor.hub_id)
    interesting = of_interest(tx, context, portal, stream.kind, found)
    cause = "poll, an hour later" if stream.late else "poll"
    mark(tx, cursor.hub_id, stream.kind, interesting, priority=Priority.POLL, cause=cause)
    cursors.move(tx, cursor, high_water=newest)
    return len(interesting)


def of_interest(tx: Tx, context: Context, portal: Portal, kind: Kind, found: Sequence[Record]) -> set[str]:
    """Which of these records the ledger may have something new to say about, or to."""
    names = context.names
    ids = {record.id for record in found}
    known = known_records.of(tx, portal.hub_id, kind, ids)
    asked = _with_requests(tx, portal.hub_id, ids) if kind is Kind.CONTACT else set()
    domains = {record.id: _domain(context, kind, record) for record in found}
    registered = known_records.registered_domains(
        tx, portal.partner.id, {domain for domain in domains.values() if domain is not None}
    )
    chosen = set()
    for record in found:
        before = known.get(record.id)
        if kind is Kind.CONTACT and record.properties.get(names.request):
            chosen.add(record.id)
        elif before is not None:
            if _differs(names, kind, record, before):
                chosen.add(record.id)
        elif record.id in asked or domains[record.id] in registered or record.id == portal.partner_company_id:
            chosen.add(record.id)
    return chosen


def _differs(names: PropertyNames, kind: Kind, record: Record, known: KnownRecord) -> bool:
    if seen(kind.value, record.properties) != known.seen:
        return True
    return bool(differences(names, known.written, record.properties))


def _domain(context: Context, kind: Kind, record: Record) -> str | None:
    field = "website" if kind is Kind.CONTACT else "domain"
    domain = registrable(record.properties.get(field), context.domain_rules)
    return domain if isinstance(domain, str) else None


def _with_requests(tx: Tx, hub_id: int, ids: set[str]) -> set[str]:
    query = select(requests.c.contact_id).where(requests.c.hub_id == hub_id, requests.c.contact_id.in_(sorted(ids)))
    return set(tx.connection.execute(query.distinct()).scalars())
