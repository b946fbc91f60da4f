"""How is something done to many leads at once, followed, and taken back?"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from syncworker.registration.rules.terms import Source
from syncworker.sync.context import Context
from syncworker.sync.jobs import fitting, matching
from syncworker.sync.jobs import job as jobs
from syncworker.sync.jobs.job import MOST_DOMAINS, JobAction, Outcome
from syncworker.sync.lists import page_cursor
from syncworker.sync.lists.lead_lists import LISTS, ListName
from syncworker.sync.lists.line_query import MOST_Q_CHARACTERS
from syncworker.web.api.answers import Answer
from syncworker.web.api.asked_of import LARGEST_ID, Cursor, Held, HubId, Limit, Who
from syncworker.web.api.operator import LeadRoute
from syncworker.web.api.refusals import KeyUsed

router = APIRouter(prefix="/jobs", route_class=LeadRoute, tags=["jobs"])

_JobId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
_Domain = Annotated[str, StringConstraints(min_length=1, max_length=253)]
_NAME = "job items"


class AllOf(BaseModel):
    """All leads of a list that match, if they are no more than were agreed to."""

    model_config = ConfigDict(extra="forbid")

    list: ListName
    q: str | None = Field(default=None, max_length=MOST_Q_CHARACTERS)
    days: int = Field(default=30, ge=1, le=3660, description="of `expiring`: within how many days")
    agreed: int = Field(ge=0, le=MOST_DOMAINS, description="more than these: nothing is done, and 409")


class Asked(BaseModel):
    """What is to be done, and to which leads: these domains, all of a list, or all expired ones that fit."""

    model_config = ConfigDict(extra="forbid")

    action: Literal[
        JobAction.DEREGISTER, JobAction.REGISTER_AGAIN, JobAction.RENEW, JobAction.LET_EXPIRE, JobAction.CONFIRM,
        JobAction.CONTRADICT,
    ]  # fmt: skip
    domains: list[_Domain] | None = Field(default=None, min_length=1, max_length=MOST_DOMAINS)
    all_of: AllOf | None = None
    fitting: Literal[True] | None = Field(default=None, description="with register_again: what free capacity allows")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.domains is not None, self.all_of is not None, self.fitting is not None).count(True) != 1:
            raise ValueError("send one of domains, all_of, fitting")
        if self.fitting and self.action is not JobAction.REGISTER_AGAIN:
            raise ValueError("fitting goes with register_again")
        return self


class JobAnswer(Answer):
    """How far a job has come."""

    id: int
    action: JobAction
    source: Source
    who: str
    total: int
    done: int = Field(description="those that have an outcome, whichever it is")
    undoes: int | None = Field(description="the job whose domains these are")
    held: bool = Field(description="nobody has said go yet: a file that was not taken")
    note: str | None = Field(description="the name of its file")
    created_at: datetime
    finished_at: datetime | None
    outcomes: dict[Outcome, int] = Field(description="how many came to what")
    undo_until: datetime | None = Field(description="until when all of it can be taken back")


class JobsAnswer(Answer):
    """The portal's newest jobs, the newest first."""

    items: list[JobAnswer]


class ItemAnswer(Answer):
    """What came of a domain; null until it was its turn."""

    place: int
    domain: str
    outcome: Outcome | None


class ItemsAnswer(Answer):
    """A page of a job's domains, in its order."""

    items: list[ItemAnswer]
    next: str | None


@router.post("", status_code=202)
def start(
    context: Held,
    who: Who,
    hub_id: HubId,
    asked: Asked,
    idempotency_key: Annotated[
        str | None,
        Header(pattern=r"^[\x21-\x7e]{1,200}$", description="the same key is the same job; made up if absent"),
    ] = None,
) -> JobAnswer:
    """Ask for it: workers do it, and `GET /jobs/{id}` tells how far they are. A key of another action: 409."""
    key = f"api:{idempotency_key or uuid.uuid4().hex}"
    meant = _meant(context, hub_id, asked)
    job = jobs.start(context, hub_id, asked.action, meant, who=who, source=Source.API, key=key)
    if job.action is not asked.action:
        raise KeyUsed(used_for=f"job {job.id}, {job.action}", one="action")
    return JobAnswer.model_validate(job)


@router.get("")
def list_(context: Held, hub_id: HubId, limit: Limit = 50) -> JobsAnswer:
    """The portal's newest jobs."""
    with context.database.transaction() as tx:
        return JobsAnswer(items=[JobAnswer.model_validate(one) for one in jobs.newest(tx, hub_id, limit=limit)])


@router.get("/{job_id}")
def show(context: Held, hub_id: HubId, job_id: _JobId) -> JobAnswer:
    """How far a job of the portal has come."""
    with context.database.transaction() as tx:
        return JobAnswer.model_validate(jobs.show(tx, hub_id, job_id))


@router.get("/{job_id}/items")
def items(
    context: Held,
    hub_id: HubId,
    job_id: _JobId,
    outcome: Annotated[Outcome | None, Query(description="only those that came to this")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ItemsAnswer:
    """The domains of a job, and what came of each."""
    after = page_cursor.Key(_NAME, cursor, parts=1).number(0) if cursor else 0
    with context.database.transaction() as tx:
        found = jobs.items(tx, hub_id, job_id, outcome=outcome, after=after, limit=limit + 1)
    shown = found[:limit]
    return ItemsAnswer(
        items=[ItemAnswer.model_validate(one) for one in shown],
        next=page_cursor.encode(_NAME, shown[-1].place) if len(found) > len(shown) else None,
    )


@router.post("/{job_id}/undo", status_code=202)
def undo(context: Held, who: Who, hub_id: HubId, job_id: _JobId) -> JobAnswer:
    """Take back all that a job deregistered; asked for twice, it is one job."""
    return JobAnswer.model_validate(jobs.undo(context, hub_id, job_id, who=who, source=Source.API))


def _meant(context: Context, hub_id: int, asked: Asked) -> list[str]:
    if asked.domains is not None:
        return [domain.lower() for domain in asked.domains]
    with context.database.transaction() as tx:
        if asked.all_of is None:
            return fitting.fitting(context, tx, hub_id)
        of = asked.all_of
        return matching.all_that_match(tx, hub_id, LISTS[of.list], asked.action, q=of.q, days=of.days, agreed=of.agreed)
