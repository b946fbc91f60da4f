"""What did people do that is about no one lead?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field

from syncworker.registration.ledger.history import Happened
from syncworker.sync.lists import did_list
from syncworker.sync.lists.event_words import EVENT_WORDS
from syncworker.web.api.answers import Answer
from syncworker.web.api.asked_of import Cursor, Held, HubId, Limit
from syncworker.web.api.operator import OperatorRoute, signed_in

router = APIRouter(route_class=OperatorRoute, tags=["history"])


class DidAnswer(Answer):
    """What somebody did."""

    id: int
    at: datetime
    event: Happened
    words: str
    who: str
    source: str
    hub_id: int | None = Field(description="null: in the whole deployment")
    about: str | None = Field(description="the account it was done to")
    why: str
    # Any: codes, numbers and lists of them, by the event.
    detail: dict[str, Any]


class DidAnswers(Answer):
    """A page, the newest first."""

    items: list[DidAnswer]
    next: str | None


@router.get("/history")
def what_people_did(
    request: Request, context: Held, hub_id: HubId, limit: Limit = 50, cursor: Cursor = None
) -> DidAnswers:
    """What people did to marks, resyncs, forms, holds, accounts and settings; of a lead see its own history."""
    reader = signed_in(request)
    everywhere = reader is None or reader.signed_in.user.every_portal
    with context.database.transaction() as tx:
        page = did_list.what_people_did(tx, hub_id, everywhere=everywhere, limit=limit, cursor=cursor)
    items = [
        DidAnswer(
            **{name: getattr(line, name) for name in DidAnswer.model_fields if hasattr(line, name)},
            words=EVENT_WORDS[line.event],
        )
        for line in page.items
    ]
    return DidAnswers(items=items, next=page.next)
