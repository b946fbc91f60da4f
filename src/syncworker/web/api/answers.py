"""What does the API answer? Its promise to others: a field may be added here, and none may change or go."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from syncworker.registration.ledger.history import Happened
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import Action, Confirmation, HoldKind, Reason, Source, Status
from syncworker.store.portals import Mode
from syncworker.sync.lists.list_lines import RequestLine
from syncworker.sync.marks import Kind


class Answer(BaseModel):
    """Made of what the lists and operations return."""

    model_config = ConfigDict(from_attributes=True)


class CapacityAnswer(Answer):
    """The partner's capacity. `used` counts a deregistered slot until it can no longer be undone."""

    limit: int
    used: int
    free: int
    waiting: int = Field(description="domains that wait for a slot")
    source: str = Field(description="who says so: the override, or the tier's rule set")
    kept_for_undo: int = Field(default=0, description="of those used, kept for deregistrations that can be undone")


class RegistrationAnswer(Answer):
    """The newest registration of a domain."""

    domain: str
    status: Status
    hub_id: int | None = Field(description="the portal of its records")
    contact_id: str | None = Field(description="the lead contact")
    company_id: str | None
    contact_name: str | None = Field(description="null where the records are another portal's")
    company: str | None
    country: str | None
    registered_on: date
    expires_on: date = Field(description="the last valid day")
    renew_at_expiry: bool
    source: Source
    confirmation: Confirmation | None = Field(description="null where the authority is this ledger")
    hold: HoldKind | None = Field(description="a hold that came later")
    undo_until: datetime | None = Field(description="until when its deregistration can be undone")
    drift: bool = Field(description="the lead's website is another domain by now")
    needs_person: str | None = Field(default=None, description="what a person has to decide about it")
    orphaned: bool = Field(default=False, description="active, and every record that stood for it is gone")


class RegistrationsAnswer(Answer):
    """A page of registrations, by domain."""

    items: list[RegistrationAnswer]
    next: str | None = Field(description="the cursor of the next page; null at the end")


class EndedAnswer(Answer):
    """A registration that was just changed: deregistered, taken back, confirmed, set to renew."""

    domain: str
    status: Status
    hub_id: int | None
    contact_id: str | None
    company_id: str | None
    registered_on: date
    expires_on: date
    source: Source
    undo_until: datetime | None = Field(description="until when this can be undone; its slot is kept till then")
    renew_at_expiry: bool = False
    confirmation: Confirmation | None = None


class RequestAnswer(Answer):
    """A request as it stands."""

    id: int
    action: Action
    source: Source
    who: str
    hub_id: int
    contact_id: str | None
    company_id: str | None
    domain: str | None
    state: State
    reason: Reason | None
    detail: str
    requested_at: datetime
    decided_at: datetime | None
    confirmed_by: str | None
    position: int | None = Field(default=None, description="place in the waiting list; 1 is next")


class RequestsAnswer(Answer):
    """A page of requests: `waiting` in the order of the line, others newest first."""

    items: list[RequestAnswer]
    next: str | None


class EntryAnswer(Answer):
    """One thing that happened."""

    id: int
    at: datetime
    event: Happened
    source: str
    who: str
    why: str
    domain: str | None
    hub_id: int | None
    contact_id: str | None
    company_id: str | None
    request_id: int | None
    registration_id: int | None


class HistoryAnswer(Answer):
    """All that happened about a domain, oldest first."""

    domain: str
    items: list[EntryAnswer]


class WhyAnswer(Answer):
    """Why a mark is parked, in words."""

    section: str = Field(description="the runbook's section, by its anchor in docs/operating.md")
    meaning: str
    what_now: str


class MarkAnswer(Answer):
    """A record or a domain that must be looked at again."""

    hub_id: int
    kind: Kind
    object_id: str
    domain: str | None = Field(description="as last read, where it is known")
    address: str | None = Field(description="the record in HubSpot")
    priority: int = Field(description="0 goes first")
    cause: str
    attempts: int
    marked_at: datetime
    not_before: datetime
    claimed: bool = Field(description="a worker is at it")
    last_error: str | None
    parked_at: datetime | None = Field(description="since when it waits for a person")
    why: WhyAnswer | None = Field(description="why it waits for a person")


class MarksAnswer(Answer):
    """A page of marks: parked ones newest first, others by due time."""

    items: list[MarkAnswer]
    next: str | None


class CountAnswer(Answer):
    """How many marks were meant."""

    count: int


class ResyncAnswer(Answer):
    """How far a resync has come; without an id where it was a few named records, marked at once."""

    id: int | None
    scope: str
    state: str = Field(description="running, paused, cancelled, done or failed")
    total: int | None = Field(
        default=None, description="records there were when it began, as far as HubSpot could tell"
    )
    listed: int = Field(description="records read")
    marked: int = Field(description="records that are read again on their own")
    written: int = Field(default=0, description="records that were written")
    failed: int = Field(default=0, description="failures; such a record is tried again, and parked in the end")
    calls: int = Field(default=0, description="calls to HubSpot, repeated ones not counted")
    asked_by: str
    created_at: datetime | None = None
    finished_at: datetime | None = None
    last_error: str | None = None
    note: str | None = Field(default=None, description="what was unusual on the way, or holds it up")


class ResyncList(Answer):
    """The portal's resyncs, the newest first."""

    items: list[ResyncAnswer]


class PauseAnswer(Answer):
    """Who stopped a portal, when and why."""

    at: datetime
    by: str
    reason: str
    mode_before: Mode = Field(description="the mode that unpausing brings back")


class PortalAnswer(Answer):
    """A portal, and what keeps it from being worked on."""

    hub_id: int
    name: str
    mode: Mode
    pause: PauseAnswer | None = Field(description="null unless a person paused it")
    restored_from: datetime | None = Field(
        description="its ledger is a backup's of this time, to be compared with the CRM"
    )
    blocked_until: datetime | None = Field(description="in the year 9999: until a person acts")
    blocked_reason: str | None
    blocked_detail: str | None


def request_answer(line: RequestLine) -> RequestAnswer:
    """A request and its place in the line."""
    answer = RequestAnswer.model_validate(line.request)
    return answer.model_copy(update={"position": line.position})
