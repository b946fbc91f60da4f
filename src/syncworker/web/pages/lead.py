"""What is there to see of one lead, and what can be done with it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Form, HTTPException, Request, Response

from syncworker.access.roles import Role
from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.properties import PropertyNames
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.languages import Words
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.terms import Source
from syncworker.store.portals import Mode
from syncworker.sync import operations
from syncworker.sync.lists import crm_words, form_list, history_words
from syncworker.sync.lists import one_lead as leads
from syncworker.sync.lists.event_words import EVENT_WORDS
from syncworker.sync.lists.one_lead import Deed, Lead, LeadRecord
from syncworker.sync.watch.audit import Difference
from syncworker.web.pages import jobs, rendering, told_words
from syncworker.web.pages.coming_back import telling
from syncworker.web.pages.route import go_to, pages
from syncworker.web.recognising import Held, Manager, ThePortal, Viewer

router = pages()
Shown = Words | date | int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property of a record: as HubSpot shows it, and as it should be."""

    name: str
    label: Words | None
    shown: Shown
    should: Shown
    is_sentence: bool
    """The values are sentences, in English as the CRM shows them."""
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Something of the history."""

    at: datetime
    what: str
    """In English, to be translated."""
    who: Words | str
    why: Words | str | None


def _domain(domain: str, context: Held) -> str:
    found = registrable(domain[:300], context.domain_rules)
    if not isinstance(found, str):
        raise HTTPException(404)
    return found


TheDomain = Annotated[str, Depends(_domain)]


@router.get("/leads/domain/{domain}")
def one_lead(
    request: Request, context: Held, reader: Viewer, portal: ThePortal, domain: TheDomain, compare: bool = False
) -> Response:
    """A lead; compared with what HubSpot shows now where that is asked for, which takes a call or two.

    Of a domain that is none yet, that nothing is known of it, and for those who may where to ask for it.
    """
    with context.database.transaction() as tx:
        lead = leads.lead(tx, portal.hub_id, domain)
        if not lead.is_known:
            register = rendering.register_path(request, reader)
            return rendering.page(
                request, reader, "lead_unknown.html", status=404, domain=domain, register_path=register
            )
        shown = jobs.told(request, tx, reader, portal)
        forms = form_list.names(tx, portal.hub_id)
        today = tx.now.astimezone(ZoneInfo(portal.time_zone)).date()
    found: tuple[Difference, ...] = ()
    away = False
    if compare:
        try:
            found = leads.differences(context, portal.hub_id, domain)
        except (HubSpotError, RateLimited):
            # The page is as good without it: what was last seen stands there.
            away = True
    return rendering.page(
        request,
        reader,
        "lead.html",
        domain=domain,
        lead=lead,
        line=lead.line,
        records=[(record, _properties(context.names, record, found)) for record in lead.records],
        history=[
            Past(
                at=one.at,
                what=EVENT_WORDS[one.event],
                who=history_words.who(one.who, forms=forms),
                why=history_words.why(one),
            )
            for one in reversed(lead.history)
        ],
        gone={one.object_id for one in found if one.property == "record"},
        compared=compare and not away,
        away=away,
        compares=portal.mode is Mode.WRITE,
        told=shown,
        said=told_words.said(request, reader.language),
        here=request.url.path,
        today=today,
        may_change=reader.may(Role.MANAGER),
        deeds={deed.value for deed in lead.deeds} if reader.may(Role.MANAGER) else set(),
        again=_to_ask_again(lead) if Deed.REGISTER in lead.deeds else None,
        register_path=rendering.register_path(request, reader),
    )


@router.post("/leads/domain/{domain}/undo")
def undo_deregistration(
    request: Request, context: Held, reader: Manager, portal: ThePortal, domain: TheDomain
) -> Response:
    """Take a deregistration back."""
    operations.undo(context, portal.hub_id, domain, who=reader.who, source=Source.APP)
    return go_to(request, telling(f"/leads/domain/{domain}", told="undone"))


@router.post("/leads/domain/{domain}/renewal")
def set_renewal(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    domain: TheDomain,
    renew: Annotated[bool, Form()],
) -> Response:
    """Say whether it renews itself when it expires."""
    operations.set_renewal(context, portal.hub_id, domain, renew=renew, who=reader.who)
    return go_to(request, telling(f"/leads/domain/{domain}", told="renews" if renew else "expires"))


@router.post("/leads/domain/{domain}/look")
def look_again(request: Request, context: Held, _reader: Manager, portal: ThePortal, domain: TheDomain) -> Response:
    """Have its records read, decided and written back now."""
    with context.database.transaction() as tx:
        if not leads.lead(tx, portal.hub_id, domain).is_known:
            raise HTTPException(404)
    leads.look_again(context, portal.hub_id, domain)
    return go_to(request, telling(f"/leads/domain/{domain}", told="looked"))


def _to_ask_again(lead: Lead) -> int | None:
    """The newest request of this portal whose contact can be asked for anew."""
    of = (one.id for one in lead.known.requests if one.hub_id == lead.known.hub_id and one.contact_id is not None)
    return next(of, None)


def _properties(our: PropertyNames, record: LeadRecord, found: Sequence[Difference]) -> list[Property]:
    differing = {one.property: one for one in found if (one.kind, one.object_id) == (record.kind, record.object_id)}
    names = crm_words.in_order(our, {*record.shown, *differing} - {"record"})
    return [
        Property(
            name=name,
            label=crm_words.label(our, name),
            shown=crm_words.value(our, name, differing[name].crm if name in differing else record.shown.get(name, "")),
            should=crm_words.value(
                our, name, differing[name].ledger if name in differing else record.shown.get(name, "")
            ),
            is_sentence=crm_words.is_sentence(our, name),
            differs=name in differing,
        )
        for name in names
    ]
