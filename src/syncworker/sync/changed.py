"""Which records of a kind changed in a stretch of time, all of them, however many there are?

HubSpot's search gives out the first 10,000 results, so a longer stretch is asked for in parts: from the last
millisecond seen on. That millisecond alone may hold more than 10,000 (an import, a workflow): it is read by id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.records import Filter, Record, Sort
from syncworker.sync.marks import Kind

PAGE = 200  # HubSpot's most, for a search
SEARCH_ENDS = 10_000

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
    start: datetime | None = since
    while start is not None:
        reached = start
        filters = [_time(kind, "GTE", start)] + ([_time(kind, "LTE", until)] if until else [])
        after: str | None = None
        while True:
            page = client.search(
                "contact" if kind is Kind.CONTACT else "company",
                filter_groups=[filters],
                sort=Sort(MODIFIED[kind]),
                properties=asked,
                limit=PAGE,
                after=after,
            )
            times = [modified(kind, record) for record in page.records]
            within = [at for at in times if at is not None and (until is None or at <= until)]
            reached = max([reached, *within])
            yield page.records, reached
            after = page.after
            if after is None:
                return
            if int(after) + PAGE > SEARCH_ENDS:
                break
        yield from _one_millisecond(client, kind, asked, reached)
        start = reached + _MILLISECOND


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
