"""Which records changed that no webhook told of?

Contacts and companies are searched by their modified property from the high-water on, less an overlap, and once more
an hour later, because search lags. The result carries our properties, so only records with a request, a ledger entry
or a registered domain that differ from what we know are marked: an email blast to half a million contacts marks
nothing, and our own write-backs end here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.properties import PropertyNames
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.hubspot.records import Filter, Record, Sort
from syncworker.registration.rules.domains import registrable
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.store.tables import requests
from syncworker.sync import cursors, known_records
from syncworker.sync.context import Context
from syncworker.sync.cursors import Cursor
from syncworker.sync.known_records import KnownRecord
from syncworker.sync.leads import COMPANY_FIELDS, CONTACT_FIELDS, seen
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portal_failures import block_portal, portal_failure
from syncworker.sync.shown import differences, read_by_us
from syncworker.sync.wake import Bell, Ring

OVERLAP = timedelta(seconds=30)
LATE = timedelta(hours=1)
LATE_EVERY = timedelta(minutes=5)
PAGE = 200  # HubSpot's most, for a search
_SEARCH_ENDS = 10_000

# HubSpot CRM search guide: contacts say lastmodifieddate, everything else hs_lastmodifieddate.
MODIFIED = {Kind.CONTACT: "lastmodifieddate", Kind.COMPANY: "hs_lastmodifieddate"}


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


def poll_records(context: Context, hub_id: int) -> None:
    """Poll the due streams of a portal."""
    by_trigger = {stream.trigger: stream for stream in STREAMS}
    due = context.database.run(lambda tx: _take(tx, hub_id))
    for cursor in due:
        stream = by_trigger[cursor.trigger]
        every = LATE_EVERY if stream.late else timedelta(seconds=context.settings.poll_seconds)
        error: str | None = None
        try:
            _poll(context, cursor, stream)
        except (HubSpotError, RateLimited) as failed:
            error = str(failed)
            failure = portal_failure(failed)
            if failure is not None:
                block_portal(context.database, hub_id, failure)
        context.database.run(lambda tx: cursors.rest(tx, cursor, every=every, error=error))  # noqa: B023 - run at once


def _take(tx: Tx, hub_id: int) -> list[Cursor]:
    portal = portals.find(tx, hub_id)
    if portal is None or portal.mode is Mode.PAUSED or portal.is_blocked(tx.now):
        return []
    return cursors.take(tx, hub_id, "co%")  # contact.*, company.*


def _poll(context: Context, cursor: Cursor, stream: Stream) -> None:
    """Read all that changed since the high-water, page by page, each committed with what it marks."""
    since = cursor.high_water - OVERLAP
    until = _now(context) - LATE if stream.late else None
    if until is not None and until <= since:
        return
    after: str | None = None
    newest = since
    while True:
        filters = [_at_least(stream.kind, since)] + ([_at_most(stream.kind, until)] if until else [])
        page = context.client(cursor.hub_id).search(
            stream.kind.value,
            filter_groups=[filters],
            sort=Sort(MODIFIED[stream.kind]),
            properties=_properties(context.names, stream.kind),
            limit=PAGE,
            after=after,
        )
        # Search may give a record that has changed since it matched; only what it matched by moves the high-water.
        times = [_modified(stream.kind, record) for record in page.records]
        times = [at for at in times if at is not None and (until is None or at <= until)]
        newest = max([newest, *(at for at in times if at is not None)])
        marked = context.database.run(
            lambda tx: _store(tx, context, cursor, stream, page.records, newest)  # noqa: B023 - run at once
        )
        if marked:
            context.waker.ring(Ring(Bell.RECONCILE_BULK, cursor.hub_id))
        after = page.after
        if after is None:
            return
        if int(after) + PAGE > _SEARCH_ENDS:
            if newest <= since:
                # 10,000 records of one millisecond: the late look and the webhooks are what is left.
                return
            since, after = newest, None


def _now(context: Context) -> datetime:
    with context.database.transaction() as tx:
        return tx.now


def _properties(names: PropertyNames, kind: Kind) -> Sequence[str]:
    fields = CONTACT_FIELDS if kind is Kind.CONTACT else COMPANY_FIELDS
    return (*fields, *read_by_us(names, kind.value), MODIFIED[kind])


def _store(
    tx: Tx, context: Context, cursor: Cursor, stream: Stream, found: Sequence[Record], newest: datetime
) -> int:
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
    query = select(requests.c.contact_id).where(
        requests.c.hub_id == hub_id, requests.c.contact_id.in_(sorted(ids))
    )
    return set(tx.connection.execute(query.distinct()).scalars())


def _modified(kind: Kind, record: Record) -> datetime | None:
    value = record.properties.get(MODIFIED[kind])
    try:
        return datetime.fromisoformat(value) if value else None
    except ValueError:
        return None  # nothing that could move a high-water


def _at_least(kind: Kind, moment: datetime) -> Filter:
    return Filter(property_name=MODIFIED[kind], operator="GTE", value=_ms(moment))


def _at_most(kind: Kind, moment: datetime) -> Filter:
    return Filter(property_name=MODIFIED[kind], operator="LTE", value=_ms(moment))


def _ms(moment: datetime) -> str:
    return str(int(moment.astimezone(UTC).timestamp() * 1000))
