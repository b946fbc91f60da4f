"""How does an operator have records looked at again, and see how far that has come?"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from syncworker.sync import resync
from syncworker.web.api.answers import ResyncAnswer
from syncworker.web.api.asked_of import Held, HubId, ResyncId
from syncworker.web.api.operator import WHO, OperatorRoute

router = APIRouter(prefix="/resyncs", route_class=OperatorRoute, tags=["resyncs"])

MOST_NAMED = 1000
_Id = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,18}$")]


class Scope(BaseModel):
    """All records of the portal, or these contacts and companies."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    all: Literal[True] | None = None
    contacts: list[_Id] = Field(default=[], max_length=MOST_NAMED)
    companies: list[_Id] = Field(default=[], max_length=MOST_NAMED)

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if bool(self.all) == bool(self.contacts or self.companies):
            raise ValueError('send {"all": true}, or ids of contacts and companies, not both')
        return self


@router.post("", status_code=202)
def start(context: Held, hub_id: HubId, scope: Scope) -> ResyncAnswer:
    """Look at records again. Creates no requests and renews nothing."""
    if scope.all:
        return ResyncAnswer.model_validate(resync.start(context, hub_id, who=WHO))
    contacts, companies = set(scope.contacts), set(scope.companies)
    rings = context.database.run(lambda tx: resync.mark_named(tx, hub_id, contacts=contacts, companies=companies))
    context.waker.ring(*rings)
    named = len(contacts) + len(companies)
    return ResyncAnswer(id=None, state="done", listed=named, marked=named, asked_by=WHO)


@router.get("/{resync_id}")
def status(context: Held, hub_id: HubId, resync_id: ResyncId) -> ResyncAnswer:
    """How far a resync of the portal has come."""
    with context.database.transaction() as tx:
        found = resync.get(tx, resync_id)
    if found.hub_id != hub_id:
        raise resync.UnknownResync(resync_id)
    return ResyncAnswer.model_validate(found)
