"""What would become of a request for a lead, if it were made now?"""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import Field

from syncworker.registration.rules.host import WEBSITE_CHARACTERS
from syncworker.registration.rules.terms import HoldKind, Reason, Source, Status
from syncworker.sync.lists import lists
from syncworker.sync.lists.check import Checked, ReadFrom, check_meant
from syncworker.web.api.answers import Answer, CapacityAnswer
from syncworker.web.api.asked_of import Held, HubId
from syncworker.web.api.operator import ManagerRoute

router = APIRouter(prefix="/leads", route_class=ManagerRoute, tags=["leads"])


class CheckedAnswer(Answer):
    """A lead as HubSpot has it, and what asking to register it would come to."""

    hub_id: int
    contact_id: str
    company_id: str | None = Field(description="its primary company")
    name: str
    email: str
    company: str
    country: str
    read_from: ReadFrom = Field(description="what its domain is read from: the contact's website goes first")
    domain: str | None = Field(description="what would be registered; null where the website yields none")
    would_be: Status | None
    reason: Reason | None
    why: str | None = Field(description="null where nothing keeps it from being registered, or it is")
    what_now: str | None
    missing: list[str] = Field(description="fields of the record that are empty")
    wrong: list[str] = Field(description="fields of the record that cannot be used")
    hold: HoldKind | None
    position: int | None = Field(description="the place in the waiting list that it has, or would get")
    capacity: CapacityAnswer

    @classmethod
    def of(cls, checked: Checked, *, kept_for_undo: int) -> Self:
        """The answer of a check."""
        said = checked.answer
        return cls(
            hub_id=checked.portal.hub_id,
            contact_id=checked.contact_id,
            company_id=checked.company_id,
            name=checked.name,
            email=checked.email,
            company=checked.company,
            country=checked.country,
            read_from=checked.read_from,
            domain=checked.domain,
            would_be=checked.decision.status,
            reason=checked.decision.reason,
            why=str(said.why) if said else None,
            what_now=str(said.what_now) if said else None,
            missing=list(said.missing) if said else [],
            wrong=list(said.wrong) if said else [],
            hold=checked.hold,
            position=checked.position,
            capacity=CapacityAnswer.model_validate(checked.capacity).model_copy(
                update={"kept_for_undo": kept_for_undo}
            ),
        )


@router.get("/check")
def check(
    context: Held,
    hub_id: HubId,
    lead: Annotated[
        str,
        Query(
            min_length=1,
            max_length=WEBSITE_CHARACTERS,
            description="a contact: id, email, its company's domain, address",
        ),
    ],
) -> CheckedAnswer:
    """Say what asking to register a lead would come to; HubSpot is asked, and nothing is done."""
    checked = check_meant(context, hub_id, lead, source=Source.API)
    with context.database.transaction() as tx:
        return CheckedAnswer.of(checked, kept_for_undo=lists.kept_for_undo(tx, hub_id))
