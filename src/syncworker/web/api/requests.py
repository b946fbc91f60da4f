"""What can an operator see and do about requests?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from syncworker.registration.rules.terms import Source
from syncworker.sync import operations, waiting
from syncworker.sync.context import Context
from syncworker.sync.lists import lists
from syncworker.web.api.answers import RequestAnswer, RequestsAnswer, request_answer
from syncworker.web.api.asked_of import Cursor, Held, HubId, Limit, RequestId, Who, domain_meant
from syncworker.web.api.operator import LeadRoute

router = APIRouter(prefix="/requests", route_class=LeadRoute, tags=["requests"])


class Place(BaseModel):
    """A place of the waiting list."""

    model_config = ConfigDict(extra="forbid")

    to: int = Field(ge=1, le=1_000_000, description="1 is next")


class GivenUp(BaseModel):
    """A registration that is given up."""

    model_config = ConfigDict(extra="forbid")

    domain: str = Field(max_length=2000)


@router.get("")
def requests(
    context: Held,
    hub_id: HubId,
    state: Annotated[str | None, Query(description=", ".join(lists.STATES))] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> RequestsAnswer:
    """The partner's requests: `waiting` in the order of the line, others newest first."""
    with context.database.transaction() as tx:
        page = lists.requests_(tx, hub_id, state=state, limit=limit, cursor=cursor)
    return RequestsAnswer(items=[request_answer(line) for line in page.items], next=page.next)


@router.post("/{request_id}/confirm")
def confirm(context: Held, who: Who, hub_id: HubId, request_id: RequestId) -> RequestAnswer:
    """Confirm a deregistration that was asked for in the CRM."""
    return RequestAnswer.model_validate(waiting.confirm_deregistration(context, hub_id, request_id, who=who))


@router.post("/{request_id}/refuse")
def refuse(context: Held, who: Who, hub_id: HubId, request_id: RequestId) -> RequestAnswer:
    """Leave registered what somebody asked in the CRM to deregister."""
    return RequestAnswer.model_validate(waiting.refuse_deregistration(context, hub_id, request_id, who=who))


@router.post("/{request_id}/move")
def move(context: Held, who: Who, hub_id: HubId, request_id: RequestId, place: Place) -> RequestAnswer:
    """Put a waiting request at another place of the line, with all for its domain; one beyond the end is the last."""
    position = waiting.move(context, hub_id, request_id, to=place.to, who=who, source=Source.API)
    with context.database.transaction() as tx:
        moved = RequestAnswer.model_validate(lists.request_of(tx, hub_id, request_id))
    return moved.model_copy(update={"position": position})


@router.post("/{request_id}/exchange")
def exchange(context: Held, who: Who, hub_id: HubId, request_id: RequestId, given: GivenUp) -> RequestAnswer:
    """Give a registration up for a request that waits, at once; it cannot be undone."""
    domain = domain_meant(context, given.domain)
    done = waiting.exchange(context, hub_id, domain, request_id, who=who, source=Source.API)
    return RequestAnswer.model_validate(done)


@router.post("/{request_id}/withdraw")
def withdraw(context: Held, who: Who, hub_id: HubId, request_id: RequestId) -> RequestAnswer:
    """Take back an open request."""
    _of_this_partner(context, hub_id, request_id)
    return RequestAnswer.model_validate(operations.withdraw(context, request_id, who=who))


@router.post("/{request_id}/retry")
def retry(context: Held, who: Who, hub_id: HubId, request_id: RequestId) -> RequestAnswer:
    """Look again for the contact of a submission that was never found."""
    _of_this_partner(context, hub_id, request_id)
    return RequestAnswer.model_validate(operations.retry_request(context, request_id, who=who))


def _of_this_partner(context: Context, hub_id: int, request_id: int) -> None:
    """Raise UnknownRequest for a request of another partner: its very existence is not to be told."""
    with context.database.transaction() as tx:
        lists.request_of(tx, hub_id, request_id)
