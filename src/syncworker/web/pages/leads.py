"""Which leads are in which state, and what can be done about them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from syncworker.access.roles import Role
from syncworker.languages import Language
from syncworker.program import Authority
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.jobs import fitting
from syncworker.sync.lists import asked_list, csv_lists, lead_list
from syncworker.sync.lists.asked_list import Asked, AskedPage, AskedSort, AskedView
from syncworker.sync.lists.changes import Topic
from syncworker.sync.lists.column_names import named
from syncworker.sync.lists.lead_list import SOON_DAYS, LeadPage, Leads, Sort, View
from syncworker.web.pages import jobs, listening, listing, rendering, told_words
from syncworker.web.pages.lead_tables import TABLES, LeadTable
from syncworker.web.pages.route import go_to, pages
from syncworker.web.recognising import Held, ThePortal, Viewer

router = pages()


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What stands around a list."""

    tabs: tuple[LeadTable, ...]
    """The lists there are; some only where there is something in them."""
    waiting: Mapping[str, int]
    """How many a person has to look at, by the list's name."""
    room: int
    """How many expired leads fit into the free capacity."""


def _named(which: str) -> LeadTable:
    found = TABLES.get(which)
    if found is None:
        raise HTTPException(404)
    return found


Named = Annotated[LeadTable, Depends(_named)]


@router.get("/leads")
def to_first_list(request: Request) -> Response:
    """The first of the lists."""
    return go_to(request, TABLES["registered"].path)


@router.get("/leads/{which}.csv")
def leads_csv(request: Request, context: Held, reader: Viewer, portal: ThePortal, table: Named) -> Response:
    """All that match, across pages, in the order of the table."""
    columns: Sequence[str] = csv_lists.ASKED_COLUMNS
    if table.leads is not None and isinstance(table.sort, Sort):
        days = days_of(request) if table.leads is Leads.EXPIRING else None
        view = listing.view_of(request, sort=table.sort, descending=table.descending, days=days)
        rows = csv_lists.leads(context.database, portal.hub_id, table.leads, view)
        columns = csv_lists.LEAD_COLUMNS
    else:
        looked = listing.asked_view_of(request, sort=AskedSort(table.sort.value), descending=table.descending)
        which = Asked(table.asked or table.name)
        rows = csv_lists.asked(context.database, portal.hub_id, which, looked, say=reader.language)
    kept = {"Content-Disposition": f'attachment; filename="leads-{table.name}.csv"'}
    # Piece by piece, each read in a transaction of its own: whoever reads slowly keeps no connection of the database.
    pieces = csv_lists.pieces(named(columns, reader.language), rows)
    return StreamingResponse(pieces, media_type="text/csv; charset=utf-8", headers=kept)


@router.get("/leads/{which}")
def leads(request: Request, context: Held, reader: Viewer, portal: ThePortal, table: Named) -> Response:
    """A list of leads; for a search, a sorting or another page, its table alone."""
    listening.listen(request, portal, Topic.LEADS)
    days = days_of(request) if table.leads is Leads.EXPIRING else None
    part = listing.is_for(request, "list")
    say = reader.language
    kept = {name: value for name, value in request.query_params.items() if name not in {"told", "job", "lang"}}
    with context.database.transaction() as tx:
        view, found = _found(request, tx, portal, table, days)
        told = None if part else jobs.told(request, tx, reader, portal)
        around = None if part else _around(context, tx, portal, table)
        today = tx.now.astimezone(ZoneInfo(portal.time_zone)).date()
    links = listing.links(request, view, days=days if days != SOON_DAYS[0] else None)
    return rendering.page(
        request,
        reader,
        "leads_part.html" if part else "leads.html",
        part=part,
        table=table,
        told=told,
        said=told_words.said(request, say),
        here=links["page_link"](found.page),
        csv=rendering.address(f"{table.path}.csv", {**kept, "page": None}),
        found=found,
        first=(found.page - 1) * view.size + 1,
        counted=_counted(say, view, found),
        view=view,
        days=days,
        soon=SOON_DAYS,
        shortened=listing.shortened(request, reader.language),
        today=today,
        may_change=reader.may(Role.MANAGER),
        columns=_lead_columns(say, table) if table.leads else _asked_columns(say, table),
        lead_path=rendering.lead_path(request),
        move_link=lambda request_id: rendering.address(f"{table.path}/{request_id}/move", kept),
        register_path=rendering.register_path(request, reader),
        around=around,
        **links,
    )


def days_of(request: Request) -> int:
    """Within how many days: one of those there are, else the most."""
    asked = request.query_params.get("days", "")
    return next((days for days in SOON_DAYS if str(days) == asked), SOON_DAYS[0])


def _found(
    request: Request, tx: Tx, portal: Portal, table: LeadTable, days: int | None
) -> tuple[View | AskedView, LeadPage | AskedPage]:
    if table.leads is not None and isinstance(table.sort, Sort):
        view = listing.view_of(request, sort=table.sort, descending=table.descending, days=days)
        return view, lead_list.leads(tx, portal.hub_id, table.leads, view)
    looked = listing.asked_view_of(request, sort=AskedSort(table.sort.value), descending=table.descending)
    return looked, asked_list.asked(tx, portal.hub_id, Asked(table.asked or table.name), looked)


def _around(context: Context, tx: Tx, portal: Portal, table: LeadTable) -> Around:
    hub_id = portal.hub_id
    asked = asked_list.counts(tx, hub_id, Asked.TO_CONFIRM, Asked.UNRESOLVED)
    waiting = {"deregistrations": asked[Asked.TO_CONFIRM], "unresolved": asked[Asked.UNRESOLVED]}
    if context.terms(portal.partner, tx).authority is Authority.HUBSPOT:
        waiting["to-confirm"] = lead_list.count(tx, hub_id, Leads.TO_CONFIRM)
    rare = {"unresolved", "to-confirm"} - {table.name} - {name for name, count in waiting.items() if count}
    return Around(
        tabs=tuple(one for one in TABLES.values() if one.name not in rare),
        waiting=waiting,
        room=fitting.room_for(context, tx, hub_id) if table.leads is Leads.EXPIRED else 0,
    )


def _counted(say: Language, view: View | AskedView, found: LeadPage | AskedPage) -> str:
    if view.q:
        return say.ngettext("%(count)s matches", "%(count)s match", found.total)
    return say.ngettext("%(count)s lead", "%(count)s leads", found.total)


def _lead_columns(say: Language, table: LeadTable) -> list[tuple[str, Sort, str]]:
    return [
        (say.gettext("Domain"), Sort.DOMAIN, ""),
        (say.gettext("Company"), Sort.COMPANY, "w-l"),
        (say.gettext("Contact"), Sort.CONTACT, "w-l"),
        (say.gettext("Country"), Sort.COUNTRY, "w-s"),
        (say.gettext("Registered"), Sort.REGISTERED_ON, "w-s"),
        (say.gettext("Expired on") if table.leads is Leads.EXPIRED else say.gettext("Expires"), Sort.EXPIRES_ON, "w-m"),
        (say.gettext("Source"), Sort.SOURCE, "w-xs"),
    ]


def _asked_columns(say: Language, table: LeadTable) -> list[tuple[str, str, str]]:
    place = [(say.gettext("Place"), AskedSort.PLACE.value, "w-place")] if table.name == "pending" else []
    return [
        *place,
        (say.gettext("Lead"), AskedSort.DOMAIN.value, "w-lead"),
        (say.gettext("Company"), AskedSort.COMPANY.value, "w-m"),
        (say.gettext("Contact"), AskedSort.CONTACT.value, "w-m"),
        (say.gettext("Asked for"), AskedSort.REQUESTED_AT.value, "w-m"),
        (say.gettext("Why, and what now"), "", ""),
    ]
