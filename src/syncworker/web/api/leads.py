"""What can be seen of leads, list by list, and of one lead; and how is one looked at again?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import Action, HoldKind, Reason, Source, Status
from syncworker.sync.lists import csv_lists, lead_lists, one_lead
from syncworker.sync.lists.asked_list import AskedLine
from syncworker.sync.lists.event_words import EVENT_WORDS
from syncworker.sync.lists.lead_lists import LISTS, ListName, Look
from syncworker.sync.lists.line_query import MOST_Q_CHARACTERS
from syncworker.sync.lists.list_lines import RegistrationLine
from syncworker.sync.lists.one_lead import Deed, Lead
from syncworker.sync.marks import Kind
from syncworker.web.api.answers import Answer, CountAnswer, EntryAnswer, RegistrationAnswer, RequestAnswer
from syncworker.web.api.asked_of import Domain, Held, HubId, Limit
from syncworker.web.api.operator import LeadRoute
from syncworker.web.api.refusals import UnknownDomain

router = APIRouter(prefix="/leads", route_class=LeadRoute, tags=["leads"])

_MOST_PAGES = 1_000_000


class AskedAnswer(Answer):
    """What is asked for and not registered; what belongs to a record of another portal is null."""

    request_id: int
    hub_id: int
    domain: str | None
    contact_id: str | None
    company_id: str | None
    contact_name: str | None
    company: str | None
    country: str | None
    action: Action
    source: Source
    requested_at: datetime
    decided_at: datetime | None
    state: State
    reason: Reason | None
    position: int | None = Field(description="place in the waiting list; 1 is next")
    moved: bool = Field(description="a manager put it there")
    why: str
    what_now: str
    missing: list[str] = Field(description="fields of the record that are empty")
    wrong: list[str] = Field(description="fields of the record that cannot be used")

    @classmethod
    def of(cls, line: AskedLine) -> Self:
        """The answer of a line."""
        said = line.answer
        return cls(
            **{name: getattr(line, name) for name in cls.model_fields if hasattr(line, name)},
            request_id=line.id,
            why=str(said.why),
            what_now=str(said.what_now),
            missing=list(said.missing),
            wrong=list(said.wrong),
        )


class LeadsAnswer(Answer):
    """A page of a list: registrations, or what is asked for."""

    items: list[RegistrationAnswer] | list[AskedAnswer]
    total: int = Field(description="all that match, across pages")
    page: int
    pages: int


class HappenedAnswer(EntryAnswer):
    """One thing that happened, and what it is called."""

    words: str


class RecordAnswer(Answer):
    """A contact or company of the lead in this portal."""

    kind: Kind
    object_id: str
    name: str | None
    address: str = Field(description="in HubSpot")
    is_there: bool
    reconciled_at: datetime | None
    shown: dict[str, str] = Field(description="our properties, as they were last written or seen")


class DifferenceAnswer(Answer):
    """A property that does not show in HubSpot what it should."""

    kind: Kind
    object_id: str
    property: str = Field(description="`record` where the record itself is gone")
    crm: str
    ledger: str
    under_way: bool


class LeadAnswer(Answer):
    """All that is known of a lead."""

    domain: str
    status: Status | None
    why: str | None = Field(description="why it is not registered; null where it is, or was")
    what_now: str | None
    hold: HoldKind | None
    can_be_done: list[Deed]
    registration: RegistrationAnswer | None
    requests: list[RequestAnswer] = Field(description="the newest first")
    records: list[RecordAnswer]
    differences: list[DifferenceAnswer] | None = Field(description="null unless compare=true")
    history: list[HappenedAnswer] = Field(description="the oldest first")


class Csv(StreamingResponse):
    """A list as a file."""

    media_type = "text/csv"


def _look(
    q: Annotated[
        str | None, Query(max_length=MOST_Q_CHARACTERS, description="words of domain, company, contact, country")
    ] = None,
    sort: Annotated[str | None, Query(max_length=40, description="a column; as the list stands if absent")] = None,
    desc: Annotated[bool, Query(description="the other way round; with `sort`")] = False,
    days: Annotated[int, Query(ge=1, le=3660, description="of `expiring`: within how many days")] = 30,
    page: Annotated[int, Query(ge=1, le=_MOST_PAGES, description="one beyond the last is the last")] = 1,
    limit: Limit = 50,
) -> Look:
    return Look(q=q, sort=sort, descending=desc, days=days, page=page, size=limit)


@router.get("/domain/{domain}")
def one(
    context: Held,
    hub_id: HubId,
    domain: Domain,
    compare: Annotated[bool, Query(description="ask HubSpot what it shows now: a call or two")] = False,
) -> LeadAnswer:
    """A lead: its state and why, its records, what can be done with it, what happened."""
    with context.database.transaction() as tx:
        lead = one_lead.lead(tx, hub_id, domain)
    if not lead.is_known:
        raise UnknownDomain(domain)
    answer = _lead(domain, lead)
    if not compare:
        return answer
    found = one_lead.differences(context, hub_id, domain)
    return answer.model_copy(update={"differences": [DifferenceAnswer.model_validate(one) for one in found]})


@router.post("/domain/{domain}/look")
def look_again(context: Held, hub_id: HubId, domain: Domain) -> CountAnswer:
    """Have a lead's records read, decided and written back now; answers how many they are."""
    with context.database.transaction() as tx:
        if not one_lead.lead(tx, hub_id, domain).is_known:
            raise UnknownDomain(domain)
    return CountAnswer(count=one_lead.look_again(context, hub_id, domain))


# Not as `response_class`: its media type would be said of errors, too.
@router.get("/{which}.csv", response_model=None, responses={200: {"content": {"text/csv": {}}}})
def as_csv(context: Held, hub_id: HubId, which: ListName, look: Annotated[Look, Depends(_look)]) -> Csv:
    """All of a list that match, across pages, as CSV."""
    pieces = csv_lists.pieces(*lead_lists.rows(context.database, hub_id, LISTS[which], look))
    return Csv(pieces, headers={"Content-Disposition": f'attachment; filename="leads-{which}.csv"'})


@router.get("/{which}")
def list_(context: Held, hub_id: HubId, which: ListName, look: Annotated[Look, Depends(_look)]) -> LeadsAnswer:
    """A list of leads, as the pages show it: searched, sorted, a page of it."""
    with context.database.transaction() as tx:
        found = lead_lists.page(tx, hub_id, LISTS[which], look)
    claims = [RegistrationAnswer.model_validate(one) for one in found.items if isinstance(one, RegistrationLine)]
    asked = [AskedAnswer.of(one) for one in found.items if isinstance(one, AskedLine)]
    return LeadsAnswer(items=claims or asked, total=found.total, page=found.page, pages=found.pages)


def _lead(domain: str, lead: Lead) -> LeadAnswer:
    said = lead.answer
    return LeadAnswer(
        domain=domain,
        status=lead.status,
        why=str(said.why) if said else None,
        what_now=str(said.what_now) if said else None,
        hold=lead.known.hold,
        can_be_done=sorted(lead.deeds),
        registration=RegistrationAnswer.model_validate(lead.line) if lead.line else None,
        requests=[RequestAnswer.model_validate(one) for one in lead.known.requests],
        records=[RecordAnswer.model_validate(one) for one in lead.records],
        differences=None,
        history=[_happened(EntryAnswer.model_validate(one)) for one in lead.history],
    )


def _happened(entry: EntryAnswer) -> HappenedAnswer:
    return HappenedAnswer(**entry.model_dump(), words=EVENT_WORDS[entry.event])
