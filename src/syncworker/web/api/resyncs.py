"""How does an operator have records looked at again, see how far that has come, and stop it?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from syncworker.registration.rules.terms import Source, Status
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.sync.resync import resync
from syncworker.sync.resync.scope import Scope
from syncworker.sync.wake import Ring
from syncworker.web.api.answers import ResyncAnswer, ResyncList
from syncworker.web.api.asked_of import Held, HubId, ResyncId, Who
from syncworker.web.api.operator import OperatorRoute

router = APIRouter(prefix="/resyncs", route_class=OperatorRoute, tags=["resyncs"])

MOST_NAMED = 1000
_Id = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,18}$")]
_FormId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,100}$")]


def _no_number(given: object) -> object:
    """Pydantic takes a number, also in a text, for seconds since 1970: a year would be nearly all there is."""
    try:
        float(str(given))
    except ValueError:
        return given
    raise ValueError("say a time, such as 2026-05-01T00:00:00Z")


class Asked(BaseModel):
    """All records of the portal; or what changed since a time, shows a status, sent a form; or these, by id."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    all: Literal[True] | None = None
    since: Annotated[datetime, BeforeValidator(_no_number)] | None = Field(
        default=None, description="what changed since; without a zone, UTC"
    )
    status: Status | None = None
    form: _FormId | None = Field(
        default=None, description="contacts whose submissions of this form were taken in, by its id"
    )
    contacts: list[_Id] = Field(default=[], max_length=MOST_NAMED)
    companies: list[_Id] = Field(default=[], max_length=MOST_NAMED)

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        named = bool(self.contacts or self.companies)
        if (bool(self.all), self.since is not None, bool(self.status), bool(self.form), named).count(True) != 1:
            raise ValueError('send one of {"all": true}, since, status, form, or ids of contacts and companies')
        return self

    @property
    def scope(self) -> Scope:
        """What to go through."""
        since = self.since
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        return Scope(since=since, status=self.status, form=self.form)


@router.post("", status_code=202)
def start(context: Held, who: Who, hub_id: HubId, asked: Asked) -> ResyncAnswer:
    """Look at records again. Creates no requests and renews nothing."""
    if not (asked.contacts or asked.companies):
        return ResyncAnswer.model_validate(resync.start(context, hub_id, who=who, scope=asked.scope, source=Source.API))
    contacts, companies = set(asked.contacts), set(asked.companies)

    def mark(tx: Tx) -> tuple[list[Ring], str | None]:
        rings = resync.mark_named(tx, hub_id, contacts=contacts, companies=companies, who=who, source=Source.API)
        return rings, resync.held_up(portals.get(tx, hub_id), tx.now)

    rings, note = context.database.run(mark)
    context.waker.ring(*rings)
    named = len(contacts) + len(companies)
    return ResyncAnswer(id=None, scope="named", state="done", listed=named, marked=named, asked_by=who, note=note)


@router.get("")
def list_(context: Held, hub_id: HubId) -> ResyncList:
    """The portal's newest resyncs."""
    with context.database.transaction() as tx:
        found = resync.newest(tx, hub_id)
    return ResyncList(items=[ResyncAnswer.model_validate(one) for one in found])


@router.get("/{resync_id}")
def status(context: Held, hub_id: HubId, resync_id: ResyncId) -> ResyncAnswer:
    """How far a resync of the portal has come."""
    with context.database.transaction() as tx:
        return ResyncAnswer.model_validate(resync.of_portal(tx, hub_id, resync_id))


@router.post("/{resync_id}/pause")
def pause(context: Held, who: Who, hub_id: HubId, resync_id: ResyncId) -> ResyncAnswer:
    """Let a resync rest where it is, until it is resumed."""
    _of(context, hub_id, resync_id)
    return ResyncAnswer.model_validate(resync.pause(context, resync_id, who=who, source=Source.API))


@router.post("/{resync_id}/resume")
def resume(context: Held, who: Who, hub_id: HubId, resync_id: ResyncId) -> ResyncAnswer:
    """Let a resync go on from the page it was on, after a pause or a failure."""
    _of(context, hub_id, resync_id)
    return ResyncAnswer.model_validate(resync.resume(context, resync_id, who=who, source=Source.API))


@router.post("/{resync_id}/cancel")
def cancel(context: Held, who: Who, hub_id: HubId, resync_id: ResyncId) -> ResyncAnswer:
    """End a resync where it is; what it wrote stays."""
    _of(context, hub_id, resync_id)
    return ResyncAnswer.model_validate(resync.cancel(context, resync_id, who=who, source=Source.API))


def _of(context: Held, hub_id: int, resync_id: int) -> None:
    with context.database.transaction() as tx:
        resync.of_portal(tx, hub_id, resync_id)
