"""What can an operator see and do about capacity, registrations and domains?"""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from syncworker.registration.ledger.registrations import Registration
from syncworker.registration.rules.terms import Confirmation, Source, Status
from syncworker.sync import operations
from syncworker.sync.lists import lists
from syncworker.web.api.answers import (
    CapacityAnswer,
    EndedAnswer,
    EntryAnswer,
    HistoryAnswer,
    RegistrationAnswer,
    RegistrationsAnswer,
    RequestAnswer,
)
from syncworker.web.api.asked_of import Cursor, Domain, Held, HubId, Limit, Who
from syncworker.web.api.operator import LeadRoute
from syncworker.web.api.refusals import KeyUsed, UnknownDomain

router = APIRouter(route_class=LeadRoute, tags=["registrations"])


class NewLead(BaseModel):
    """The contact whose domain is to be registered."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    contact_id: str = Field(pattern=r"^[1-9][0-9]{0,18}$", description="the contact's id in HubSpot")


class Said(BaseModel):
    """What HubSpot is known to say of a registration."""

    model_config = ConfigDict(extra="forbid")

    confirmation: Literal[Confirmation.CONFIRMED, Confirmation.CONTRADICTED]


class Renewal(BaseModel):
    """Whether a registration renews itself."""

    model_config = ConfigDict(extra="forbid")

    renew: bool


@router.get("/capacity")
def capacity(context: Held, hub_id: HubId) -> CapacityAnswer:
    """How many registrations the partner may have active, has, and waits for."""
    with context.database.transaction() as tx:
        answer = CapacityAnswer.model_validate(lists.capacity_of(context, tx, hub_id))
        return answer.model_copy(update={"kept_for_undo": lists.kept_for_undo(tx, hub_id)})


@router.get("/registrations")
def registrations(
    context: Held,
    hub_id: HubId,
    status: Annotated[str | None, Query(description="registered, expired or deregistered")] = None,
    q: Annotated[str | None, Query(description="part of domain, company, contact's name or country")] = None,
    orphaned: Annotated[bool, Query(description="only those whose records are gone from the CRM")] = False,
    needs_person: Annotated[bool, Query(description="only those that a person has to decide about")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> RegistrationsAnswer:
    """The newest registration of each domain, by domain."""
    with context.database.transaction() as tx:
        page = lists.registrations(
            tx, hub_id, status=status, q=q, orphaned=orphaned, needs_person=needs_person, limit=limit, cursor=cursor
        )
    return RegistrationsAnswer(items=[RegistrationAnswer.model_validate(line) for line in page.items], next=page.next)


@router.post("/registrations", status_code=202, responses={200: {"description": "known by its key"}})
def register(
    context: Held,
    who: Who,
    hub_id: HubId,
    lead: NewLead,
    response: Response,
    idempotency_key: Annotated[
        str | None,
        Header(pattern=r"^[\x21-\x7e]{1,200}$", description="the same key is the same request; made up if absent"),
    ] = None,
) -> RequestAnswer:
    """Ask to register a contact's domain: 202 with the request, whose state tells what came of it."""
    key = idempotency_key or str(uuid.uuid4())
    request = operations.register(context, hub_id, lead.contact_id, who=who, source=Source.API, key=key)
    if request is None:
        response.status_code = 200
        with context.database.transaction() as tx:
            request = operations.request_of_key(context, tx, hub_id, source=Source.API, key=key)
    if request is None or request.contact_id != lead.contact_id:
        raise KeyUsed(used_for=f"contact {request.contact_id if request else None}", one="contact")
    return RequestAnswer.model_validate(request)


@router.delete("/registrations/{domain}")
def deregister(context: Held, who: Who, hub_id: HubId, domain: Domain) -> EndedAnswer:
    """End a registration; its slot is kept, and it can be undone, until `undo_until`."""
    ended = operations.deregister(context, hub_id, domain, who=who, source=Source.API)
    return _ended(ended, Status.DEREGISTERED)


@router.post("/registrations/{domain}/undo")
def undo(context: Held, who: Who, hub_id: HubId, domain: Domain) -> EndedAnswer:
    """Take a deregistration back."""
    back = operations.undo(context, hub_id, domain, who=who, source=Source.API)
    return _ended(back, Status.REGISTERED)


@router.post("/registrations/{domain}/confirmation")
def confirm(context: Held, who: Who, hub_id: HubId, domain: Domain, said: Said) -> EndedAnswer:
    """Say whether HubSpot shows the registration, where it is the authority."""
    operations.confirm_registration(context, hub_id, domain, said.confirmation, who=who, source=Source.API)
    return _now(context, hub_id, domain)


@router.post("/registrations/{domain}/renewal")
def set_renewal(context: Held, who: Who, hub_id: HubId, domain: Domain, renewal: Renewal) -> EndedAnswer:
    """Say whether a registration renews itself when it expires, before anybody who waits gets its slot."""
    operations.set_renewal(context, hub_id, domain, renew=renewal.renew, who=who, source=Source.API)
    return _now(context, hub_id, domain)


@router.post("/registrations/{domain}/lead-contact")
def choose_lead_contact(context: Held, who: Who, hub_id: HubId, domain: Domain, lead: NewLead) -> EndedAnswer:
    """Let another contact stand for a registration, which then needs nobody's decision any more."""
    chosen = operations.choose_lead_contact(context, hub_id, domain, lead.contact_id, who=who, source=Source.API)
    return _ended(chosen, Status.REGISTERED)


@router.post("/registrations/{domain}/leave")
def leave(context: Held, who: Who, hub_id: HubId, domain: Domain) -> EndedAnswer:
    """Leave a registration that needs a person's decision as it is."""
    left = operations.leave_lead_contact(context, hub_id, domain, who=who, source=Source.API)
    return _ended(left, Status.REGISTERED)


@router.get("/domains/{domain}/history")
def history(context: Held, hub_id: HubId, domain: Domain) -> HistoryAnswer:
    """All that happened about a domain: who, when, why, from what source."""
    with context.database.transaction() as tx:
        entries = lists.domain_history(tx, hub_id, domain)
    if not entries:
        raise UnknownDomain(domain)
    return HistoryAnswer(domain=domain, items=[EntryAnswer.model_validate(entry) for entry in entries])


def _now(context: Held, hub_id: int, domain: str) -> EndedAnswer:
    with context.database.transaction() as tx:
        return _ended(lists.registration_of(tx, hub_id, domain), Status.REGISTERED)


def _ended(registration: Registration, status: Status) -> EndedAnswer:
    return EndedAnswer(
        domain=registration.domain,
        status=status,
        hub_id=registration.hub_id,
        contact_id=registration.contact_id,
        company_id=registration.company_id,
        registered_on=registration.registered_on,
        expires_on=registration.expires_on,
        source=registration.source,
        undo_until=registration.undo_until,
        renew_at_expiry=registration.renew_at_expiry,
        confirmation=registration.confirmation,
    )
