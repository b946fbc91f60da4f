"""Which records changed in a stretch of time: all of them, however many, whatever the index does meanwhile?

Two ways to ask, both pure: what to ask next follows from what was answered. docs/polling.md says what they promise.

A **stretch** is bounded above and below, and long enough ago that search shows it as it was. It is read by id, never by
offset: an id never changes, so nobody leaves his place while we read. There is no end at 10,000 results, and 25,000
records of one millisecond (an import, a workflow) are no special case. It goes on from wherever it was left.

The **newest** are read downwards from now. That is prompt, and misses what search does not show yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from syncworker.hubspot.records import Filter, Record, SearchPage, Sort
from syncworker.sync.marks import Kind

PAGE = 200  # HubSpot's most, for a search (CRM search guide)
# In a page that is not clean, so many of the largest ids may be strangers, which say nothing of where the page ends.
DISTRUSTED = 10

# HubSpot CRM search guide: contacts say lastmodifieddate, everything else hs_lastmodifieddate.
MODIFIED = {Kind.CONTACT: "lastmodifieddate", Kind.COMPANY: "hs_lastmodifieddate"}
_ID = "hs_object_id"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class SearchContradictsItself(Exception):
    """A page says that more follows, and nothing in it says from where. Ask again later: nothing was passed over."""

    def __init__(self, after_id: int) -> None:
        self.after_id = after_id
        said = f"search gave a page after id {after_id} that cannot be gone on from"
        super().__init__(f"{said}; it is asked again later")
        self.told = f"{said}: try again later"
        """The line for a person, for whom nobody asks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One search: a page of up to PAGE records that pass all filters, in this order."""

    filters: tuple[Filter, ...]
    sort: Sort


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Records changed from `since` to `until`, both included; those up to `after_id` have been read."""

    since: datetime
    until: datetime
    after_id: int = 0


def ask(kind: Kind, stretch: Stretch) -> Search:
    """What to search for next."""
    filters = [_time(kind, "GTE", stretch.since), _time(kind, "LTE", stretch.until)]
    if stretch.after_id:
        filters.append(Filter(property_name=_ID, operator="GT", value=str(stretch.after_id)))
    return Search(filters=tuple(filters), sort=Sort(_ID))


def follow(kind: Kind, stretch: Stretch, page: SearchPage) -> Stretch | None:
    """Where to go on after this page; None where all has been read. Raises SearchContradictsItself."""
    asked_for = all(within(kind, record, stretch) for record in page.records)
    after_id = shown_up_to(stretch.after_id, page, limit=PAGE, asked_for=asked_for)
    return None if after_id is None else replace(stretch, after_id=after_id)


def shown_up_to(after_id: int, page: SearchPage, *, limit: int, asked_for: bool) -> int | None:
    """The id up to which a page in ascending id, asked for beyond `after_id`, has shown all; None where it is the last.

    `asked_for`: whether each record of it is what was searched for. One that was changed since it matched comes as it
    is now: nothing wrong, but not to be told from one that never matched. Raises SearchContradictsItself.

    `total` and `after` are no help: the one may be wrong, the other is an offset, and what matches no more while we
    read moves everything behind it up. Only a page that is not full, and says that it is the last, is the end.
    """
    if page.after is None and len(page.records) < limit:
        return None
    in_order = [after_id, *id_numbers(page.records)]
    # Ascending, each once, each from what was asked for.
    clean = (
        asked_for and len(in_order) == len(page.records) + 1 and all(one < next_ for one, next_ in pairwise(in_order))
    )
    ids = sorted({number for number in in_order if number > after_id})
    # What lies below an id of the page and is not in the page would push the page's own records below it, too: then
    # all from that id on are strangers. So with no more strangers than are distrusted, nothing is passed over.
    trusted = ids if clean else ids[:-DISTRUSTED]
    if not trusted:
        raise SearchContradictsItself(after_id)
    return trusted[-1]


def within(kind: Kind, record: Record, stretch: Stretch) -> bool:
    """Whether a record, as it was shown, was changed in the stretch."""
    at = modified(kind, record)
    return at is not None and _ms(stretch.since) <= _ms(at) <= _ms(stretch.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The last that changed since then, newest first; of those, from `below` on down, or in one `moment` by id."""

    since: datetime
    below: datetime | None = None
    moment: Stretch | None = None


def ask_newest(kind: Kind, newest: Newest) -> Search:
    """What to search for next."""
    if newest.moment is not None:
        return ask(kind, newest.moment)
    filters = [_time(kind, "GTE", newest.since)]
    if newest.below is not None:
        filters.append(_time(kind, "LTE", newest.below))
    return Search(filters=tuple(filters), sort=Sort(MODIFIED[kind], descending=True))


def follow_newest(kind: Kind, newest: Newest, page: SearchPage, *, down_to: datetime) -> Newest | None:
    """Where to go on after this page; None: it is the last, or reaches `down_to`. Raises SearchContradictsItself."""
    if newest.moment is not None:
        moment = follow(kind, newest.moment, page)
        below = newest.moment.since - _MILLISECOND
        if moment is None and below <= down_to:
            return None
        return replace(newest, moment=moment, below=below)
    times = span(kind, page.records)
    if times is None or page.after is None or times[0] <= down_to:
        return None
    if times[0] == times[1] or (newest.below is not None and times[0] >= newest.below):
        return replace(newest, moment=Stretch(since=times[0], until=times[0]))
    return replace(newest, below=times[0])


def span(kind: Kind, records: Iterable[Record]) -> tuple[datetime, datetime] | None:
    """The earliest and the latest change that these records show; None where they show none."""
    times = [at for at in (modified(kind, record) for record in records) if at is not None]
    return (min(times), max(times)) if times else None


def modified(kind: Kind, record: Record) -> datetime | None:
    """When a record was changed last; None where HubSpot gives nothing readable."""
    value = record.properties.get(MODIFIED[kind])
    try:
        at = datetime.fromisoformat(value) if value else None
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def id_numbers(records: Sequence[Record]) -> list[int]:
    """The ids of records, in their order, as what HubSpot sorts them by; none that is no number."""
    return [int(record.id) for record in records if record.id.isascii() and record.id.isdigit()]


def _time(kind: Kind, operator: str, moment: datetime) -> Filter:
    return Filter(property_name=MODIFIED[kind], operator=operator, value=str(_ms(moment)))


def _ms(moment: datetime) -> int:
    """Milliseconds since 1970, rounded down: HubSpot's unit, without a float on the way."""
    return (moment - _EPOCH) // _MILLISECOND
