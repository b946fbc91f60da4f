"""Which portal, which domain and which page does a request mean?"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from syncworker.registration.rules.domains import registrable
from syncworker.store import portals
from syncworker.sync.context import Context
from syncworker.sync.lists.lists import MOST_LINES
from syncworker.web.api.operator import check_seen, signed_in, who_of
from syncworker.web.api.refusals import NoPortal, NotADomain, PortalNotNamed
from syncworker.web.held import context_of

LARGEST_ID = 2**63 - 1

Held = Annotated[Context, Depends(context_of)]
Limit = Annotated[int, Query(ge=1, le=MOST_LINES, description="lines of a page")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next` of the page before")]
RequestId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
ResyncId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


def _hub_id(
    context: Held,
    request: Request,
    portal: Annotated[
        int | None, Query(ge=1, le=LARGEST_ID, description="hub id; needed where more than one is connected")
    ] = None,
) -> int:
    """The portal that is meant. Raises UnknownPortal, NoPortal, PortalNotNamed."""
    reader = signed_in(request)
    with context.database.transaction() as tx:
        if portal is not None:
            check_seen(request, portal)
            return portals.get(tx, portal).hub_id
        shown = reader.portals if reader else portals.everyone(tx)
    hub_ids = [known.hub_id for known in shown]
    if not hub_ids:
        raise NoPortal
    if len(hub_ids) > 1:
        raise PortalNotNamed(hub_ids)
    return hub_ids[0]


def _domain(domain: Annotated[str, Path(max_length=2000)], request: Request) -> str:
    return domain_meant(context_of(request), domain)


def domain_meant(context: Context, text: str) -> str:
    """The registrable domain of what somebody names, in the ledger's spelling. Raises NotADomain."""
    found = registrable(text, context.domain_rules)
    if not isinstance(found, str):
        raise NotADomain(found.sentence)
    return found


HubId = Annotated[int, Depends(_hub_id)]
Who = Annotated[str, Depends(who_of)]
Domain = Annotated[str, Depends(_domain)]
