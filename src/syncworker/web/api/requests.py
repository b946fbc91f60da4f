"""What can an operator see and do about requests?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from syncworker.sync import operations
from syncworker.sync.context import Context
from syncworker.sync.lists import lists
from syncworker.web.api.answers import RequestAnswer, RequestsAnswer, request_answer
from syncworker.web.api.asked_of import Cursor, Held, HubId, Limit, RequestId, Who
from syncworker.web.api.operator import LeadRoute

router = APIRouter(prefix="/requests", route_class=LeadRoute, tags=["requests"])


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
    _of_this_partner(context, hub_id, request_id)
    return RequestAnswer.model_validate(operations.confirm(context, request_id, who=who))


@router.post("/{request_id}/withdraw")
def withdraw(context: Held, who: Who, hub_id: HubId, request_id: RequestId) -> RequestAnswer:
    """Take back an open request."""
    _of_this_partner(context, hub_id, request_id)
    return RequestAnswer.model_validate(operations.withdraw(context, request_id, who=who))


@router.post("/{request_id}/retry")
def retry(context: Held, hub_id: HubId, request_id: RequestId) -> RequestAnswer:
    """Look again for the contact of a submission that was never found."""
    _of_this_partner(context, hub_id, request_id)
    return RequestAnswer.model_validate(operations.retry_request(context, request_id))


def _of_this_partner(context: Context, hub_id: int, request_id: int) -> None:
    """Raise UnknownRequest for a request of another partner: its very existence is not to be told."""
    with context.database.transaction() as tx:
        lists.request_of(tx, hub_id, request_id)
