"""Which lists of leads are there, by the names that pages, API and command line call them, and what is in each?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from syncworker.store.database import Database, Tx
from syncworker.sync.jobs.job import JobAction
from syncworker.sync.lists import asked_list, csv_lists, lead_list
from syncworker.sync.lists.asked_list import Asked, AskedPage, AskedSort, AskedView
from syncworker.sync.lists.lead_list import SOON_DAYS, LeadPage, Leads, Sort, View
from syncworker.sync.lists.lists import UnknownFilter


class ListName(StrEnum):
    """What a list is called in addresses and commands."""

    REGISTERED = "registered"
    PENDING = "pending"
    UNAVAILABLE = "unavailable"
    INVALID = "invalid"
    EXPIRED = "expired"
    EXPIRING = "expiring"
    DEREGISTRATIONS = "deregistrations"
    """Asked for in the CRM, for a manager to decide."""
    UNRESOLVED = "unresolved"
    TO_CONFIRM = "to-confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadList:
    """A list: of registrations, else of requests."""

    name: ListName
    leads: Leads | None = None
    asked: Asked | None = None
    sort: Sort | AskedSort = Sort.DOMAIN
    """How it stands where nobody says."""
    descending: bool = False
    actions: tuple[JobAction, ...] = ()
    """What can be done to many of them."""

    @property
    def sorts(self) -> tuple[str, ...]:
        """What it can be sorted by."""
        return tuple(one.value for one in (Sort if self.leads is not None else AskedSort))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a list is looked at; what is None is as the list says."""

    q: str | None = None
    sort: str | None = None
    descending: bool = False
    """Of what `sort` says."""
    page: int = 1
    size: int = 50
    days: int = SOON_DAYS[0]
    """Of those expiring: within how many days."""


_ALL = (
    LeadList(name=ListName.REGISTERED, leads=Leads.REGISTERED, actions=(JobAction.DEREGISTER,)),
    LeadList(name=ListName.PENDING, asked=Asked.PENDING, sort=AskedSort.PLACE),
    LeadList(name=ListName.UNAVAILABLE, asked=Asked.UNAVAILABLE, sort=AskedSort.REQUESTED_AT, descending=True),
    LeadList(name=ListName.INVALID, asked=Asked.INVALID, sort=AskedSort.REQUESTED_AT, descending=True),
    LeadList(
        name=ListName.EXPIRED,
        leads=Leads.EXPIRED,
        sort=Sort.EXPIRES_ON,
        descending=True,
        actions=(JobAction.REGISTER_AGAIN,),
    ),
    LeadList(
        name=ListName.EXPIRING,
        leads=Leads.EXPIRING,
        sort=Sort.EXPIRES_ON,
        actions=(JobAction.RENEW, JobAction.LET_EXPIRE),
    ),
    LeadList(name=ListName.DEREGISTRATIONS, asked=Asked.TO_CONFIRM, sort=AskedSort.REQUESTED_AT),
    LeadList(name=ListName.UNRESOLVED, asked=Asked.UNRESOLVED, sort=AskedSort.REQUESTED_AT),
    LeadList(name=ListName.TO_CONFIRM, leads=Leads.TO_CONFIRM, actions=(JobAction.CONFIRM, JobAction.CONTRADICT)),
)
# By name as it is typed, too: a StrEnum is its value.
LISTS: Mapping[str, LeadList] = {one.name: one for one in _ALL}


def page(tx: Tx, hub_id: int, of: LeadList, look: Look) -> LeadPage | AskedPage:
    """A page of the list, as the portal sees it; raises UnknownPortal, UnknownFilter."""
    if of.leads is not None:
        return lead_list.leads(tx, hub_id, of.leads, _view(of, look))
    return asked_list.asked(tx, hub_id, _asked(of), _asked_view(of, look))


def rows(database: Database, hub_id: int, of: LeadList, look: Look) -> tuple[Sequence[str], Iterator[Sequence[object]]]:
    """All that match, across pages, as the columns and rows of a CSV file; raises UnknownPortal, UnknownFilter."""
    if of.leads is not None:
        return csv_lists.LEAD_COLUMNS, csv_lists.leads(database, hub_id, of.leads, _view(of, look))
    return csv_lists.ASKED_COLUMNS, csv_lists.asked(database, hub_id, _asked(of), _asked_view(of, look))


def _view(of: LeadList, look: Look) -> View:
    by, falling = _order(of, look)
    return View(q=look.q, sort=Sort(by), descending=falling, page=look.page, size=look.size, days=look.days)


def _asked_view(of: LeadList, look: Look) -> AskedView:
    by, falling = _order(of, look)
    return AskedView(q=look.q, sort=AskedSort(by), descending=falling, page=look.page, size=look.size)


def _asked(of: LeadList) -> Asked:
    if of.asked is None:
        raise ValueError(f"{of.name} is a list of nothing")
    return of.asked


def _order(of: LeadList, look: Look) -> tuple[str, bool]:
    if look.sort is None:
        return of.sort.value, of.descending
    if look.sort not in of.sorts:
        raise UnknownFilter("sort", look.sort, of.sorts)
    return look.sort, look.descending
