"""Which leads are asked for and not registered: waiting, refused, incomplete, to be decided by a manager? Read-only.

One line a domain of the waiting list, by its first request; else one a contact, by its newest. Of a request made in
another portal of the partner the domain is seen, and no record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, text

from syncworker.registration.ledger.requests import State, reason
from syncworker.registration.rules.terms import Action, Reason, Source
from syncworker.store import portals
from syncworker.store.database import Database, Tx
from syncworker.sync.lists import waiting_line
from syncworker.sync.lists.answers import Answer, answer
from syncworker.sync.lists.lead_list import MOST_LINES_OF_PAGE, pages_of
from syncworker.sync.lists.line_query import folded, has_words, sought

_ALL = 10_000_000


class Asked(StrEnum):
    """Which requests."""

    PENDING = "pending"
    """Only capacity keeps it from being registered, or it is not decided yet."""
    UNAVAILABLE = "unavailable"
    INVALID = "invalid"
    TO_CONFIRM = "to_confirm"
    """A deregistration that was asked for in the CRM, and waits for a manager."""
    UNRESOLVED = "unresolved"
    """A submission whose contact was not found."""


class AskedSort(StrEnum):
    """The column that a table is sorted by."""

    PLACE = "place"
    """Of the waiting list its order, else the newest last."""
    DOMAIN = "domain"
    COMPANY = "company"
    CONTACT = "contact"
    COUNTRY = "country"
    REQUESTED_AT = "requested_at"
    SOURCE = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedView:
    """How a table is looked at; see `lead_list.View`."""

    q: str | None = None
    sort: AskedSort = AskedSort.PLACE
    descending: bool = False
    page: int = 1
    size: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLine:
    """A request that is not registered. What belongs to a record of another portal is None."""

    id: int
    hub_id: int
    domain: str | None
    contact_id: str | None
    company_id: str | None
    contact_name: str | None
    company: str | None
    country: str | None
    action: Action
    source: Source
    requested_at: datetime
    decided_at: datetime | None
    state: State
    reason: Reason | None
    detail: str
    """What its record shows, in English."""
    position: int | None
    """Its place in the waiting list, 1 being next."""
    moved: bool
    """A manager put it there."""

    @property
    def answer(self) -> Answer:
        """Why, and what now."""
        return answer(state=self.state, reason=self.reason, detail=self.detail, domain=self.domain)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPage:
    """A page of a table, and how much there is of it."""

    items: tuple[AskedLine, ...]
    total: int
    page: int
    pages: int


# What a later request of the contact came to is what counts; one that was taken back, or ended, is none. OFFSET makes
# PostgreSQL look it up for each line, of which there are few, and not read all there is.
_NEWEST = """NOT EXISTS (
    SELECT FROM requests AS later WHERE later.hub_id = q.hub_id AND later.contact_id = q.contact_id AND later.id > q.id
       AND later.state NOT IN ('withdrawn', 'ended', 'processing') OFFSET 0)"""
_OURS_BY_NOW = """EXISTS (
    SELECT FROM registrations AS held WHERE held.domain = q.domain AND held.partner_id = q.partner_id
       AND held.ended_at IS NULL OFFSET 0)"""
_WANTED = "id, position, hub_id, domain, contact_id, company_id, source, requested_at"
_OF_PARTNER = """
    SELECT id, CAST(NULL AS bigint) AS position, hub_id, domain, contact_id, company_id, source, requested_at,
           requested_at AS at
      FROM requests AS q WHERE q.partner_id = :partner_id AND q.state ="""
_SOURCE = {
    Asked.PENDING: f"""
        SELECT {_WANTED}, in_line AS at FROM {waiting_line.PLACES} AS line
        UNION ALL {_OF_PARTNER} 'processing' AND q.action = 'register'""",
    Asked.UNAVAILABLE: f"{_OF_PARTNER} 'unavailable' AND {_NEWEST} AND NOT {_OURS_BY_NOW}",
    Asked.INVALID: f"{_OF_PARTNER} 'invalid_data' AND {_NEWEST}",
    # What is confirmed is done within seconds: it asks nobody any more.
    Asked.TO_CONFIRM: f"{_OF_PARTNER} 'confirming' AND q.confirmed_by IS NULL",
    Asked.UNRESOLVED: f"{_OF_PARTNER} 'unresolved'",
}


def _text(of: str, *, hidden: str = "''") -> str:
    """SQL for a text of a line; of another portal's request it is `hidden`."""
    # What is not decided yet has no line: its texts are looked up. Here and not in a join, which is made for all.
    missing = f"(SELECT texts.{of} FROM asked_line_texts(q.id) AS texts)"
    return f"CASE WHEN q.hub_id = :hub_id THEN coalesce(l.{of}, {missing}) ELSE {hidden} END"


_COLUMN = {
    AskedSort.DOMAIN: "q.domain",
    AskedSort.COMPANY: _text("company_key"),
    AskedSort.CONTACT: _text("contact_key"),
    AskedSort.COUNTRY: _text("country_key"),
    AskedSort.REQUESTED_AT: "q.requested_at",
    AskedSort.SOURCE: "q.source",
}
_OF_RECORDS = frozenset((AskedSort.COMPANY, AskedSort.CONTACT, AskedSort.COUNTRY))
_LINE_OF = "LEFT JOIN asked_lines AS l ON l.request_id = q.id"
# What no index sorts is sorted in memory, not on the disk; and not by several processes, which are as many pages' time.
_AT_ONCE = text("SELECT set_config('work_mem', '32MB', true), set_config('max_parallel_workers_per_gather', '0', true)")
_RECORDS = """
      LEFT JOIN records AS contact ON q.hub_id = :hub_id AND contact.hub_id = :hub_id
           AND contact.kind = 'contact' AND contact.object_id = q.contact_id
      LEFT JOIN records AS company ON q.hub_id = :hub_id AND company.hub_id = :hub_id
           AND company.kind = 'company' AND company.object_id = coalesce(q.company_id, contact.company_id)"""


def asked(tx: Tx, hub_id: int, which: Asked, view: AskedView) -> AskedPage:
    """A page of the requests of the portal's partner; raises UnknownPortal."""
    size = max(1, min(view.size, MOST_LINES_OF_PAGE))
    row, values = _found(tx, hub_id, which, view, size=size, page=max(1, view.page))
    return AskedPage(
        items=_items(tx, values, row.ids, row.positions),
        total=row.total,
        page=row.page,
        pages=pages_of(row.total, size),
    )


def counts(tx: Tx, hub_id: int, *which: Asked) -> Mapping[Asked, int]:
    """How many requests there are of each; raises UnknownPortal."""
    values = {"partner_id": portals.get(tx, hub_id).partner.id}
    each = ", ".join(f"(SELECT count(*) FROM ({_SOURCE[asked]}) AS q) AS {asked}" for asked in which)
    return {
        Asked(name): count
        for name, count in tx.connection.execute(text(f"SELECT {each}"), values).one()._mapping.items()
    }


def everything(database: Database, hub_id: int, which: Asked, view: AskedView, *, at_once: int) -> Iterator[AskedLine]:
    """All requests that match, across pages, in the order of the table; see `lead_list.everything`."""
    with database.transaction() as tx:
        row, values = _found(tx, hub_id, which, view, size=_ALL, page=1)

    def lines() -> Iterator[AskedLine]:
        for first in range(0, len(row.ids), at_once):
            part = slice(first, first + at_once)
            with database.transaction() as later:
                items = _items(later, values, row.ids[part], row.positions[part])
            yield from items

    return lines()


def _found(
    tx: Tx, hub_id: int, which: Asked, view: AskedView, *, size: int, page: int
) -> tuple[Row[*tuple[Any, ...]], dict[str, object]]:
    words = folded(tx, view.q)
    values: dict[str, object] = {
        **sought(words),
        "partner_id": portals.get(tx, hub_id).partner.id,
        "hub_id": hub_id,
        "size": size,
        "wanted": page,
    }
    tx.connection.execute(_AT_ONCE)
    return tx.connection.execute(text(_page_of(which, view, words)), values).one(), values


def _items(tx: Tx, values: dict[str, object], ids: list[int], positions: list[int | None]) -> tuple[AskedLine, ...]:
    places = dict(zip(ids, positions, strict=True))
    return tuple(_line(row, places[row.id]) for row in tx.connection.execute(_LINES, {**values, "ids": ids}))


def _page_of(which: Asked, view: AskedView, words: Sequence[str]) -> str:
    """SQL for the ids of a page, with their places, and for how many there are; beyond the last page is the last."""
    down = "DESC" if view.descending else "ASC"
    is_by_name = bool(words) or view.sort in _OF_RECORDS
    is_by_place = view.sort is AskedSort.PLACE
    key = "NULL" if is_by_place else _COLUMN[view.sort]
    order = f"position {down} NULLS LAST, at {down}" if is_by_place else f"key {down}"
    where = f"WHERE {has_words(_text('search', hidden='q.domain'), words)}" if words else ""
    return f"""
        WITH listed AS MATERIALIZED (
            SELECT q.id, q.position, q.at, {key} AS key FROM ({_SOURCE[which]}) AS q
              {_LINE_OF if is_by_name else ""} {where}),
        of_all AS (
            SELECT count(*) AS total, greatest(1, least(:wanted, (count(*) + :size - 1) / :size)) AS page FROM listed),
        shown AS (
            SELECT id, position, row_number() OVER () AS number FROM (
                SELECT id, position FROM listed ORDER BY {order}, id {down}
                 LIMIT :size OFFSET (SELECT (page - 1) * :size FROM of_all)) AS in_order)
        SELECT total, page, ARRAY(SELECT id FROM shown ORDER BY number) AS ids,
               ARRAY(SELECT position FROM shown ORDER BY number) AS positions
          FROM of_all
    """


_LINES = text(f"""
    SELECT q.id, q.hub_id, q.domain, q.action, q.source, q.requested_at, q.decided_at, q.state, q.reason,
           q.line_at IS NOT NULL AS moved, contact.name AS contact_name,
           coalesce(company.name, contact.company) AS company, coalesce(contact.country, company.country) AS country,
           CASE WHEN q.hub_id = :hub_id THEN q.contact_id END AS contact_id,
           CASE WHEN q.hub_id = :hub_id THEN coalesce(q.company_id, contact.company_id) END AS company_id,
           CASE WHEN q.hub_id = :hub_id THEN q.detail ELSE '' END AS detail
      FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS shown (id, place)
      JOIN requests AS q ON q.id = shown.id {_RECORDS}
     ORDER BY shown.place
""")


def _line(row: Row[*tuple[object, ...]], position: int | None) -> AskedLine:
    return AskedLine(
        **{
            **row._mapping,
            "position": position,
            "action": Action(row.action),
            "source": Source(row.source),
            "state": State(row.state),
            "reason": reason(row.reason),
        }
    )
