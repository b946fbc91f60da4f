"""How do the tables of Operations leave as CSV: marks, resyncs, forms, holds, and what people did?

As columns and rows for `csv_lists.lines`; in English, as the command line says it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.lists import did_list, hold_list, mark_lists
from syncworker.sync.lists.event_words import EVENT_WORDS
from syncworker.sync.lists.form_list import FormLine, form_lines, known_lines
from syncworker.sync.resync import resync

MOST_ROWS = 100_000
"""Of one file. Marks may be a million: what is due first is in it."""
_A_PAGE = 200

Table = tuple[Sequence[str], Iterator[Sequence[object]]]
T_co = TypeVar("T_co", covariant=True)


class _Page(Protocol[T_co]):
    @property
    def items(self) -> Sequence[T_co]: ...

    @property
    def next(self) -> str | None: ...


def marks(tx: Tx, hub_id: int, *, parked: bool) -> Table:
    """The parked marks, or those that are looked at next; raises UnknownPortal."""
    columns = (
        "kind", "id", "domain", "cause", "attempts", "marked_at", "not_before", "parked_at", "why", "what_now",
        "last_error", "address",
    )  # fmt: skip
    found = _everything(lambda cursor: mark_lists.marks(tx, hub_id, parked=parked, limit=_A_PAGE, cursor=cursor))
    rows = (
        (one.kind, one.object_id, one.domain, one.cause, one.attempts, one.marked_at, one.not_before, one.parked_at,
         one.why.meaning if one.why else "", one.why.what_now if one.why else "", one.last_error, one.address)
        for one in found
    )  # fmt: skip
    return columns, rows


def resyncs(tx: Tx, hub_id: int) -> Table:
    """The portal's resyncs, the newest first."""
    columns = (
        "id", "scope", "state", "total", "listed", "marked", "written", "failed", "calls", "asked_by", "created_at",
        "finished_at", "last_error", "note",
    )  # fmt: skip
    found = resync.newest(tx, hub_id, most=MOST_ROWS)
    return columns, ([getattr(one, column) for column in columns] for one in found)


def holds(tx: Tx, *, q: str | None) -> Table:
    """The holds, by domain, as they come in again; of all portals."""
    columns = ("domain", "kind", "note", "added_by", "added_at")
    found = _everything(lambda cursor: hold_list.hold_lines(tx, q=q, limit=_A_PAGE, cursor=cursor))
    return columns, ([getattr(one, column) for column in columns] for one in found)


def forms(context: Context, hub_id: int) -> Table:
    """The portal's forms; where HubSpot does not answer, those that register."""
    columns = ("id", "name", "registers_since", "polled_at", "in_hubspot", "last_error")
    found: Sequence[FormLine]
    try:
        found = form_lines(context, hub_id)
    except (HubSpotError, RateLimited):
        with context.database.transaction() as tx:
            found = known_lines(tx, hub_id)
    rows = ((one.id, one.name, one.enabled_at, one.polled_at, one.in_hubspot, one.last_error) for one in found)
    return columns, rows


def history(tx: Tx, hub_id: int, *, everywhere: bool) -> Table:
    """What people did, the newest first; `everywhere` as in `did_list`. Raises UnknownPortal."""
    columns = ("at", "what", "who", "about", "source", "why")
    found = _everything(
        lambda cursor: did_list.what_people_did(tx, hub_id, everywhere=everywhere, limit=_A_PAGE, cursor=cursor)
    )
    return columns, ((one.at, EVENT_WORDS[one.event], one.who, one.about, one.source, one.why) for one in found)


def _everything(page_from: Callable[[str | None], _Page[T_co]]) -> Iterator[T_co]:
    """The lines of all pages, no more than MOST_ROWS."""

    def walk() -> Iterator[T_co]:
        cursor: str | None = None
        while True:
            page = page_from(cursor)
            yield from page.items
            cursor = page.next
            if cursor is None:
                return

    return islice(walk(), MOST_ROWS)
