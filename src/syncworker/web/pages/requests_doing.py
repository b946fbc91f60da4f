"""How does a manager act on one request: move it in line, exchange for it, decide it, take it back, ask anew?"""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from fastapi import Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from syncworker.registration.ledger.requests import NotOpen, Stored
from syncworker.registration.rules.terms import Source
from syncworker.store.portals import Portal
from syncworker.sync import operations, waiting
from syncworker.sync.lists import lead_list, lists
from syncworker.sync.lists.lead_list import Leads
from syncworker.web.pages import listing, rendering
from syncworker.web.pages.coming_back import MOST_CHARACTERS, Back, own, telling
from syncworker.web.pages.lead_tables import TABLES
from syncworker.web.pages.named_portal import at
from syncworker.web.pages.route import go_to, is_htmx, pages
from syncworker.web.pages.ticked import Key
from syncworker.web.recognising import Held, Manager, ThePortal
from syncworker.web.security_headers import unkept

router = pages()

PENDING, DEREGISTRATIONS = TABLES["pending"].path, TABLES["deregistrations"].path
RequestId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.post("/leads/pending/{request_id}/move")
def move(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    request_id: RequestId,
    to: Annotated[int, Form(ge=1, le=1_000_000)],
) -> Response:
    """Put a request at another place of the waiting list; the list is shown as it is then."""
    waiting.move(context, portal.hub_id, request_id, to=to, who=reader.who, source=Source.APP)
    back = at(reader, rendering.address(PENDING, request.query_params))
    if listing.is_for(request, "list"):
        # The browser goes there by itself, and says still that it wants the list alone.
        return unkept(RedirectResponse(back, status_code=303))
    return go_to(request, back)


@router.get("/leads/pending/{request_id}/exchange")
def exchange(request: Request, context: Held, reader: Manager, portal: ThePortal, request_id: RequestId) -> Response:
    """The registered leads, of which one is given up for the one that waits."""
    view = listing.view_of(request)
    back = own(request.query_params.get("back", "")[:MOST_CHARACTERS], PENDING)
    part = listing.is_for(request, "list")
    with context.database.transaction() as tx:
        wanted = waiting.waiting_of(tx, portal.hub_id, request_id)
        found = lead_list.leads(tx, portal.hub_id, Leads.REGISTERED, view)
    say = reader.language
    return rendering.page(
        request,
        reader,
        "exchange_part.html" if part else "exchange.html",
        part=part,
        wanted=wanted,
        found=found,
        view=view,
        counted=say.ngettext("%(count)s lead", "%(count)s leads", found.total),
        back=back,
        show_all=rendering.address(request.url.path, {"back": back}),
        **listing.links(request, view, back=back),
    )


@router.post("/leads/pending/{request_id}/exchange")
def ask_exchange(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    request_id: RequestId,
    domain: Annotated[str, Form(max_length=300)] = "",
    back: Back = PENDING,
) -> Response:
    """Say what is lost by it; nothing is done yet."""
    path = f"{PENDING}/{request_id}/exchange"
    with context.database.transaction() as tx:
        wanted = waiting.waiting_of(tx, portal.hub_id, request_id)
    return rendering.page(
        request,
        reader,
        "exchange_dialog.html" if is_htmx(request) else "exchange_ask.html",
        wanted=wanted,
        domain=domain,
        yes=f"{path}/yes",
        to_list=rendering.address(path, {"back": own(back, PENDING)}),
        back=own(back, PENDING),
    )


@router.post("/leads/pending/{request_id}/exchange/yes")
def do_exchange(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    request_id: RequestId,
    domain: Annotated[str, Form(max_length=300)],
    back: Back = PENDING,
) -> Response:
    """Give the one up and register the other, at once."""
    waiting.exchange(context, portal.hub_id, domain, request_id, who=reader.who, source=Source.APP)
    return go_to(request, telling(own(back, PENDING), told="exchanged"))


@router.post("/leads/deregistrations/{request_id}/confirm")
def ask_confirm(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    request_id: RequestId,
    back: Back = DEREGISTRATIONS,
) -> Response:
    """Say what is lost by it; nothing is done yet."""
    with context.database.transaction() as tx:
        asked = lists.request_of(tx, portal.hub_id, request_id)
    return rendering.page(
        request,
        reader,
        "confirm_dialog.html" if is_htmx(request) else "confirm_ask.html",
        asked=asked,
        back=own(back, DEREGISTRATIONS),
        undo_minutes=context.settings.undo_seconds // 60,
    )


@router.post("/leads/deregistrations/{request_id}/confirm/yes")
def confirm(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    request_id: RequestId,
    back: Back = DEREGISTRATIONS,
) -> Response:
    """Deregister, as somebody asked in the CRM."""
    waiting.confirm_deregistration(context, portal.hub_id, request_id, who=reader.who)
    return go_to(request, telling(own(back, DEREGISTRATIONS), told="confirmed"))


@router.post("/leads/deregistrations/{request_id}/refuse")
def refuse(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    request_id: RequestId,
    back: Back = DEREGISTRATIONS,
) -> Response:
    """Leave registered what somebody asked in the CRM to deregister."""
    waiting.refuse_deregistration(context, portal.hub_id, request_id, who=reader.who)
    return go_to(request, telling(own(back), told="refused"))


@router.post("/leads/requests/{request_id}/withdraw")
def withdraw(
    request: Request, context: Held, reader: Manager, portal: ThePortal, request_id: RequestId, back: Back = PENDING
) -> Response:
    """Take an open request back."""
    with context.database.transaction() as tx:
        lists.request_of(tx, portal.hub_id, request_id)
    operations.withdraw(context, request_id, who=reader.who)
    return go_to(request, telling(own(back), told="withdrawn"))


@router.post("/leads/requests/{request_id}/again")
def again(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    request_id: RequestId,
    back: Back = PENDING,
    key: Key | None = None,
) -> Response:
    """Ask anew for the contact of a request; or look again for the contact of a submission that has none."""
    with context.database.transaction() as tx:
        contact_id = _contact_of(portal, lists.request_of(tx, portal.hub_id, request_id))
    if contact_id is None:
        operations.retry_request(context, request_id, who=reader.who)
        return go_to(request, telling(own(back), told="looking"))
    operations.register(
        context, portal.hub_id, contact_id, who=reader.who, source=Source.APP, key=f"again:{key or uuid4().hex}"
    )
    return go_to(request, telling(own(back), told="asked"))


def _contact_of(portal: Portal, asked: Stored) -> str | None:
    """The contact, where it is this portal's; raises NotOpen where it is another's."""
    if asked.hub_id != portal.hub_id:
        raise NotOpen(asked.id)
    return asked.contact_id
