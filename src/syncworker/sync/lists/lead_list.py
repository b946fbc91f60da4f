"""Which registered, expiring, expired leads are there, found, sorted and paged as a table asks for it? Read-only.

Fast with 100,000 registrations of a partner: a table is read from `lead_lines`, by an index where it is only sorted,
in one pass where something is sought; the records of the CRM are looked up for the lines of one page alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import CursorResult, text

from syncworker.store import portals
from syncworker.store.database import Database, Tx
from syncworker.sync.lists import line_query
from syncworker.sync.lists.line_query import folded
from syncworker.sync.lists.list_lines import RegistrationLine

MOST_LINES_OF_PAGE = 200
SOON_DAYS = (30, 14, 7)
_MOST_DAYS = 3660
# So many are collected and sorted sooner than they are counted, and then looked for once more in their order.
FEW = 30_000


class Leads(StrEnum):
    """Which leads, by their registration."""

    REGISTERED = "registered"
    EXPIRING = "expiring"
    """Registered, and over within so many days."""
    EXPIRED = "expired"
    DEREGISTERED = "deregistered"
    TO_CONFIRM = "to_confirm"
    """Registered, where HubSpot is the authority and is not known to show it."""


class Sort(StrEnum):
    """The column that a table is sorted by."""

    DOMAIN = "domain"
    COMPANY = "company"
    CONTACT = "contact"
    COUNTRY = "country"
    REGISTERED_ON = "registered_on"
    EXPIRES_ON = "expires_on"
    SOURCE = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a table is looked at. `q` is sought in domain, company, contact's name and country: every word of it."""

    q: str | None = None
    sort: Sort = Sort.DOMAIN
    descending: bool = False
    page: int = 1
    """From 1; one beyond the last is the last."""
    size: int = 50
    days: int = SOON_DAYS[0]
    """Of those expiring: within how many days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadPage:
    """A page of a table, and how much there is of it."""

    items: tuple[RegistrationLine, ...]
    total: int
    """All that match, across pages."""
    page: int
    pages: int
    """At least 1."""


_ALL = View()
# What no index sorts is sorted in memory, not on the disk; and not by several processes, which are as many pages' time.
_AT_ONCE = text("SELECT set_config('work_mem', '32MB', true), set_config('max_parallel_workers_per_gather', '0', true)")
_BY_INDEX = text("SELECT set_config('enable_sort', :sort, true)")
_REGISTERED = "(l.state = 'registered' AND (l.expires_at > :now OR l.renews))"
_WHICH = {
    Leads.REGISTERED: _REGISTERED,
    Leads.EXPIRING: f"({_REGISTERED} AND l.expires_at <= :soon)",
    Leads.EXPIRED: "(l.state = 'expired' OR (l.state = 'registered' AND l.expires_at <= :now AND NOT l.renews))",
    Leads.DEREGISTERED: "l.state = 'deregistered'",
    Leads.TO_CONFIRM: f"({_REGISTERED} AND l.confirmation = 'unconfirmed')",
}
_OF_STATE = "(SELECT count(*) FROM lead_lines WHERE partner_id = :partner_id AND state = '{}')"
_OVER = """(SELECT count(*) FROM lead_lines WHERE partner_id = :partner_id AND state = 'registered'
                AND expires_at <= :now AND NOT renews)"""
# Where nothing is sought: an index counts a state alone, and few are past their last day and not noted to be.
_COUNTED = {
    Leads.REGISTERED: f"SELECT {_OF_STATE.format('registered')} - {_OVER}",
    Leads.EXPIRED: f"SELECT {_OF_STATE.format('expired')} + {_OVER}",
}
_COLUMN = {
    Sort.DOMAIN: "l.domain",
    Sort.COMPANY: "l.company_key",
    Sort.CONTACT: "l.contact_key",
    Sort.COUNTRY: "l.country_key",
    Sort.REGISTERED_ON: "l.registered_on",
    Sort.EXPIRES_ON: "l.expires_at",
    Sort.SOURCE: "l.source",
}
# What is another portal's is not seen, so nothing is sorted by it.
_OF_RECORDS = frozenset((Sort.COMPANY, Sort.CONTACT, Sort.COUNTRY))
_LINES = text(f"""
    SELECT {line_query.COLUMNS}
      FROM {line_query.LINES}
      JOIN unnest(CAST(:domains AS text[])) WITH ORDINALITY AS shown (domain, place) ON shown.domain = r.domain
     WHERE r.partner_id = :partner_id
     ORDER BY shown.place
""")


def leads(tx: Tx, hub_id: int, which: Leads, view: View) -> LeadPage:
    """A page of the leads of the portal's partner; raises UnknownPortal."""
    table = _Table(tx, hub_id, which, view)
    size = max(1, min(view.size, MOST_LINES_OF_PAGE))
    total, found = table.few(view.page, size) or table.many(view.page, size)
    return LeadPage(
        items=table.lines(found), total=total, page=_page(view.page, size, total), pages=pages_of(total, size)
    )


def count(tx: Tx, hub_id: int, which: Leads, view: View = _ALL) -> int:
    """How many leads there are; raises UnknownPortal."""
    return _Table(tx, hub_id, which, view).count()


def domains(tx: Tx, hub_id: int, which: Leads, view: View) -> list[str]:
    """The domains of all leads that match, across pages, by name; raises UnknownPortal."""
    return _Table(tx, hub_id, which, view).domains()


def everything(
    database: Database, hub_id: int, which: Leads, view: View, *, at_once: int
) -> Iterator[RegistrationLine]:
    """All leads that match, across pages, in the order of the table; raises UnknownPortal at once.

    Which they are is so of one moment, and kept; each line is as it is when it is read. No transaction waits for
    whoever reads them, and only so many are held `at_once`.
    """
    with database.transaction() as tx:
        table = _Table(tx, hub_id, which, view)
        found = table.domains(in_order=True)
        values = table.values

    def lines() -> Iterator[RegistrationLine]:
        for first in range(0, len(found), at_once):
            with database.transaction() as later:
                part = _lines(later, {**values, "now": later.now}, found[first : first + at_once])
            yield from part

    return lines()


def _lines(tx: Tx, values: Mapping[str, object], domains: Sequence[str]) -> tuple[RegistrationLine, ...]:
    rows = tx.connection.execute(_LINES, {**values, "domains": list(domains)})
    return tuple(line_query.line(row) for row in rows)


class _Table:
    """A table as it is looked at in one transaction."""

    def __init__(self, tx: Tx, hub_id: int, which: Leads, view: View) -> None:
        partner_id = portals.get(tx, hub_id).partner.id
        words = folded(tx, view.q)
        self._tx = tx
        tx.connection.execute(_AT_ONCE)
        self._descending = view.descending
        self.values: dict[str, object] = {
            "partner_id": partner_id,
            "hub_id": hub_id,
            "now": tx.now,
            "soon": tx.now + timedelta(days=max(0, min(view.days, _MOST_DAYS))),
            **line_query.sought(words),
        }
        self._is_searched = bool(words)
        self._counted = None if words else _COUNTED.get(which)
        found = f" AND {line_query.matches('l', words)}" if words else ""
        self._is_found = f"{_WHICH[which]}{found}"
        self._from = f"FROM lead_lines AS l WHERE l.partner_id = :partner_id AND {self._is_found}"
        self._key = _COLUMN[view.sort]
        if view.sort in _OF_RECORDS and len(portals.everyone(tx, partner_id=partner_id)) > 1:
            self._key = f"CASE WHEN l.hub_id = :hub_id THEN {self._key} ELSE '' END"

    def count(self) -> int:
        return int(self._execute(self._counted or f"SELECT count(*) {self._from}").scalar_one())

    def domains(self, *, in_order: bool = False) -> list[str]:
        key = f"{self._key} {self._order()}, l.domain {self._order()}" if in_order else "l.domain"
        return list(self._execute(f"SELECT l.domain {self._from} ORDER BY {key}").scalars())

    def few(self, page: int, size: int) -> tuple[int, list[str]] | None:
        """How many are found, and those of the page; None where nothing is sought, or many are found.

        All lines are looked through once, to be counted and sorted.
        """
        if not self._is_searched or self._most_are_found():
            return None
        order = self._order()
        query = f"""
            WITH found AS MATERIALIZED (SELECT {self._key} AS key, l.domain {self._from} LIMIT {FEW} + 1),
            of_all AS MATERIALIZED (
                SELECT count(*) AS total, greatest(1, least(:wanted, (count(*) + :size - 1) / :size)) AS page
                  FROM found)
            SELECT total, ARRAY(
                       SELECT domain FROM found ORDER BY key {order}, domain {order}
                        -- Of more, nothing is sorted.
                        LIMIT (SELECT CASE WHEN total > {FEW} THEN 0 ELSE :size END FROM of_all)
                       OFFSET (SELECT (page - 1) * :size FROM of_all)) AS domains
              FROM of_all
        """
        row = self._execute(query, wanted=page, size=size).one()
        return (row.total, row.domains) if row.total <= FEW else None

    def many(self, page: int, size: int) -> tuple[int, list[str]]:
        """The same where it is quicker to go through the lines in their order, which an index has, to the page."""
        total = self.count()
        first = (_page(page, size, total) - 1) * size
        size = min(size, total - first)
        # Behind the middle it is nearer from the end.
        from_end = first > total // 2
        offset = total - first - size if from_end else first
        order = self._order(backwards=from_end)
        query = (
            f"SELECT l.domain {self._from} ORDER BY {self._key} {order}, l.domain {order} LIMIT :size OFFSET :offset"
        )
        # Many were found: the planner, which takes several words for few lines, would read and sort them all.
        if self._is_searched:
            self._tx.connection.execute(_BY_INDEX, {"sort": "off"})
        found = list(self._execute(query, size=size, offset=offset).scalars())
        if self._is_searched:
            self._tx.connection.execute(_BY_INDEX, {"sort": "on"})
        return total, found[::-1] if from_end else found

    def _most_are_found(self) -> bool:
        # Of one line in a hundred; whichever it says, what is shown is the same.
        some = f"""
            SELECT count(*) FILTER (WHERE {self._is_found}) * 3 > count(*)
              FROM lead_lines AS l TABLESAMPLE SYSTEM (1) REPEATABLE (1) WHERE l.partner_id = :partner_id
        """
        return bool(self._execute(some).scalar_one())

    def lines(self, domains: Sequence[str]) -> tuple[RegistrationLine, ...]:
        return _lines(self._tx, self.values, domains)

    def _order(self, *, backwards: bool = False) -> str:
        return "DESC" if self._descending is not backwards else "ASC"

    def _execute(self, query: str, **values: int) -> CursorResult[Any]:
        return self._tx.connection.execute(text(query), {**self.values, **values})


def pages_of(total: int, size: int) -> int:
    """How many pages of that size there are; at least 1."""
    return max(1, -(-total // size))


def _page(wanted: int, size: int, total: int) -> int:
    return max(1, min(wanted, pages_of(total, size)))
