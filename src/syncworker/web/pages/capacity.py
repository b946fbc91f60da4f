"""How much capacity is used, and by which leads?"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from fastapi import Request, Response

from syncworker.access.roles import Role
from syncworker.languages import Language
from syncworker.registration.ledger.capacity import Capacity
from syncworker.settings import NO_TIER
from syncworker.store.portals import Partner
from syncworker.sync.lists import lead_list, lists
from syncworker.sync.lists.changes import Topic
from syncworker.sync.lists.lead_list import Leads, Sort
from syncworker.web.pages import jobs, listening, listing, rendering
from syncworker.web.pages.route import pages
from syncworker.web.recognising import Held, ThePortal, Viewer

router = pages()

_EXAMPLE, _CHANGED = " (example value)", "; changed since to unpublished numbers: "


@router.get("/capacity")
def capacity(request: Request, context: Held, reader: Viewer, portal: ThePortal) -> Response:
    """The Capacity Manager; for a search, a sorting or another page, its table alone."""
    listening.listen(request, portal, Topic.LEADS)
    view = listing.view_of(request)
    with context.database.transaction() as tx:
        leads = lead_list.leads(tx, portal.hub_id, Leads.REGISTERED, view)
        part = listing.is_for(request, "list")
        held = None if part else lists.capacity_of(context, tx, portal.hub_id)
        kept = lists.kept_for_undo(tx, portal.hub_id) if held else 0
        told = None if part else jobs.told(request, tx, reader, portal)
        today = tx.now.astimezone(ZoneInfo(portal.time_zone)).date()
    say = reader.language
    return rendering.page(
        request,
        reader,
        "capacity_part.html" if part else "capacity.html",
        part=part,
        capacity=held,
        source=limit_source(say, portal.partner, held) if held else None,
        kept=kept,
        told=told,
        here=listing.links(request, view)["page_link"](leads.page),
        leads=leads,
        first=(leads.page - 1) * view.size + 1,
        counted=say.ngettext("%(count)s registered lead", "%(count)s registered leads", leads.total)
        if not view.q
        else say.ngettext("%(count)s matches", "%(count)s match", leads.total),
        view=view,
        shortened=listing.shortened(request, reader.language),
        today=today,
        csv=rendering.address(
            "/leads/registered.csv",
            {"q": view.q, "sort": view.sort.value, "desc": "1" if view.descending else None},
        ),
        may_change=reader.may(Role.MANAGER),
        columns=_columns(say),
        lead_path=rendering.lead_path(request),
        register_path=rendering.register_path(request, reader),
        **listing.links(request, view),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSource:
    """What says how much capacity there is: `said` and `more` in the reader's words, `program` in the program's own."""

    said: str
    more: str = ""
    program: str = ""


def limit_source(say: Language, partner: Partner, held: Capacity) -> LimitSource:
    """Where the limit comes from."""
    if partner.capacity is not None:
        return LimitSource(said=say.gettext("The limit is set for this partner."))
    # "tier gold: what says so (example value)", as `registration/ledger/capacity.py` puts it together.
    source, _, changes = held.source.partition(": ")[2].removesuffix(_EXAMPLE).partition(_CHANGED)
    said = (
        say.gettext("The limit is that of a partner without a tier.")
        if partner.tier == NO_TIER
        else say.gettext("The limit is that of the tier %(tier)s.", tier=partner.tier)
    )
    if held.source.endswith(_EXAMPLE):
        said += " " + say.gettext("It is only an example: have an operator set the number that holds for you.")
    more = (
        say.gettext("It has changed since to a number that nobody published: %(changes)s.", changes=changes)
        if changes
        else ""
    )
    return LimitSource(said=said, more=more, program=source)


def _columns(say: Language) -> list[tuple[str, Sort, str]]:
    return [
        (say.gettext("Domain"), Sort.DOMAIN, ""),
        (say.gettext("Company"), Sort.COMPANY, "w-l"),
        (say.gettext("Contact"), Sort.CONTACT, "w-l"),
        (say.gettext("Country"), Sort.COUNTRY, "w-s"),
        (say.gettext("Registered"), Sort.REGISTERED_ON, "w-s"),
        (say.gettext("Expires"), Sort.EXPIRES_ON, "w-m"),
        (say.gettext("Source"), Sort.SOURCE, "w-xs"),
    ]
