"""Which records of a kind changed in a stretch of time, all of them, however many there are?

Page by page, each from the last time seen on, and never by offset: what changes while we read leaves its place, and
everything behind it moves up, over the edge of a page that was read already. It also ends HubSpot's limit of 10,000
results. A page that is all of one millisecond (an import, a workflow) is read on by id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.records import Filter, Record, Sort
from syncworker.sync.marks import Kind

PAGE = 200  # HubSpot's most, for a search
# So many of a page's last records may have changed since they matched, and lie about where the page ends.
DISTRUSTED = 10

# HubSpot CRM search guide: contacts say lastmodifieddate, everything else hs_lastmodifieddate.
MODIFIED = {Kind.CONTACT: "lastmodifieddate", Kind.COMPANY: "hs_lastmodifieddate"}
_MILLISECOND = timedelta(milliseconds=1)


def changed(
    client: HubSpotClient, kind: Kind, properties: Sequence[str], *, since: datetime, until: datetime | None
) -> Iterator[tuple[Sequence[Record], datetime]]:
    """Pages of records changed from `since` to `until`, each with the time up to which nothing was left out.

    Search may give a record that has changed since it matched: it comes with its present values, and only times
    within the stretch count.
    """
    asked = (*properties, MODIFIED[kind])
    start = since
    while until is None or start <= until:
        page = client.search(
            "contact" if kind is Kind.CONTACT else "company",
            filter_groups=[[_time(kind, "GTE", start)] + ([_time(kind, "LTE", until)] if until else [])],
            sort=Sort(MODIFIED[kind]),
            properties=asked,
            limit=PAGE,
        )
        if page.after is None:
            yield page.records, _reached(kind, page.records, start, until, last=1)
            return
        reached = _reached(kind, page.records, start, until, last=DISTRUSTED)
        yield page.records, reached
        if reached > start:
            start = reached
        else:
            yield from _one_millisecond(client, kind, asked, start)
            start += _MILLISECOND


def _reached(kind: Kind, records: Sequence[Record], start: datetime, until: datetime | None, *, last: int) -> datetime:
    """Up to when this page left nothing out.

    In order, but for records that have changed since they matched: those come with a later time than the one they
    matched by. So of a full page's last few the earliest counts.
    """
    times = [at for at in (modified(kind, record) for record in records) if at is not None]
    within = [at for at in times if until is None or at <= until]
    return max(start, min(within[-last:], default=start))


def _one_millisecond(
    client: HubSpotClient, kind: Kind, properties: Sequence[str], moment: datetime
) -> Iterator[tuple[Sequence[Record], datetime]]:
    """All records changed in that millisecond, by id: no page depends on an offset that may end."""
    last = "0"
    while True:
        page = client.search(
            "contact" if kind is Kind.CONTACT else "company",
            filter_groups=[
                [
                    _time(kind, "EQ", moment),
                    Filter(property_name="hs_object_id", operator="GT", value=last),
                ]
            ],
            sort=Sort("hs_object_id"),
            properties=properties,
            limit=PAGE,
        )
        if not page.records:
            return
        yield page.records, moment
        last = str(max(int(record.id) for record in page.records))


def modified(kind: Kind, record: Record) -> datetime | None:
    """When a record was changed last; None where HubSpot gives nothing readable."""
    value = record.properties.get(MODIFIED[kind])
    try:
        return datetime.fromisoformat(value) if value else None
    except ValueError:
        return None


def _time(kind: Kind, operator: str, moment: datetime) -> Filter:
    milliseconds = int(moment.astimezone(UTC).timestamp() * 1000)
    return Filter(property_name=MODIFIED[kind], operator=operator, value=str(milliseconds))
