"""What can an operator see and do about marks, and how are records looked at again?"""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from syncworker.registration.rules.terms import Source
from syncworker.sync import parked as parked_marks
from syncworker.sync.lists import mark_lists
from syncworker.sync.marks import Kind
from syncworker.sync.parked import Named
from syncworker.web.api.answers import CountAnswer, MarkAnswer, MarksAnswer
from syncworker.web.api.asked_of import Cursor, Held, HubId, Limit, Who
from syncworker.web.api.operator import OperatorRoute
from syncworker.web.api.refusals import NoParkedMark

router = APIRouter(prefix="/marks", route_class=OperatorRoute, tags=["marks"])


class WhichMarks(BaseModel):
    """One parked mark, all of a kind, or all of the portal."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    kind: Kind | None = None
    object_id: str | None = Field(default=None, pattern=r"^[\x21-\x7e]{1,253}$")

    @model_validator(mode="after")
    def _kind_with_id(self) -> Self:
        # The same id may be a contact's and a company's.
        if self.object_id is not None and self.kind is None:
            raise ValueError("name the kind too: contact, company, domain or notice")
        return self

    @property
    def named(self) -> Named | None:
        """Those that are meant; None for all of the portal."""
        return None if self.kind is None else [(self.kind, self.object_id)]


@router.get("")
def parked_and_due(
    context: Held,
    hub_id: HubId,
    parked: Annotated[bool | None, Query(description="true: those that wait for a person")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> MarksAnswer:
    """The portal's marks: parked ones newest first, others by due time."""
    with context.database.transaction() as tx:
        page = mark_lists.marks(tx, hub_id, parked=parked, limit=limit, cursor=cursor)
    return MarksAnswer(items=[MarkAnswer.model_validate(line) for line in page.items], next=page.next)


@router.post("/retry")
def retry(context: Held, who: Who, hub_id: HubId, which: WhichMarks) -> CountAnswer:
    """Try parked marks again, now."""
    return _counted(parked_marks.retry(context, hub_id, which.named, who=who, source=Source.API), which)


@router.post("/dismiss")
def dismiss(context: Held, who: Who, hub_id: HubId, which: WhichMarks) -> CountAnswer:
    """Let parked marks go; the next change of the record marks it anew."""
    return _counted(parked_marks.dismiss(context, hub_id, which.named, who=who, source=Source.API), which)


def _counted(count: int, which: WhichMarks) -> CountAnswer:
    if not count and which.object_id is not None:
        raise NoParkedMark(f"{which.kind} {which.object_id}")
    return CountAnswer(count=count)
