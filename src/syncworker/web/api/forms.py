"""Which forms register leads by themselves, what would one have done, and how is it switched?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from syncworker.registration.rules.terms import Source
from syncworker.sync.lists.form_list import form_lines
from syncworker.sync.lists.form_trial import DAYS, form_trial
from syncworker.sync.portals.form_switch import switch_form
from syncworker.web.api.answers import Answer
from syncworker.web.api.asked_of import Held, HubId, Who
from syncworker.web.api.operator import OperatorRoute

router = APIRouter(prefix="/forms", route_class=OperatorRoute, tags=["forms"])

# HubSpot's form ids are UUIDs; nothing that means another path goes into one of its addresses.
_FormId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,100}$")]


class FormAnswer(Answer):
    """A form of the portal."""

    id: str
    name: str
    in_hubspot: bool = Field(description="false: it registers leads, and is no longer there")
    enabled_at: datetime | None = Field(description="since when it registers leads; null: it does not")
    polled_at: datetime | None
    last_error: str | None


class FormsAnswer(Answer):
    """The portal's forms."""

    items: list[FormAnswer]


class SwitchedAnswer(Answer):
    """A form, and whether it registers leads now."""

    id: str
    name: str
    enabled: bool
    changed: bool


class TrialAnswer(Answer):
    """What the form would have done; all but `submissions` count contacts."""

    since: datetime
    submissions: int
    more: bool = Field(description="there were more than are read for this; the newest were")
    registered: int
    already: int
    pending: int
    unavailable: int
    invalid: int
    unresolved: int


@router.get("")
def list_(context: Held, hub_id: HubId) -> FormsAnswer:
    """The portal's forms, and since when each registers leads. Asks HubSpot."""
    return FormsAnswer(items=[FormAnswer.model_validate(one) for one in form_lines(context, hub_id)])


@router.post("/{form_id}/enable")
def enable(context: Held, who: Who, hub_id: HubId, form_id: _FormId) -> SwitchedAnswer:
    """Let a form register leads, from now on."""
    return _switched(context, hub_id, form_id, on=True, who=who)


@router.post("/{form_id}/disable")
def disable(context: Held, who: Who, hub_id: HubId, form_id: _FormId) -> SwitchedAnswer:
    """Let a form register no more leads. What it asked for before stays asked for."""
    return _switched(context, hub_id, form_id, on=False, who=who)


@router.get("/{form_id}/trial")
def trial(
    context: Held,
    hub_id: HubId,
    form_id: _FormId,
    days: Annotated[int, Query(ge=1, le=365, description="how far back")] = DAYS,
) -> TrialAnswer:
    """Say what a form would have done these last days, had it registered leads. Nothing is kept or changed."""
    return TrialAnswer.model_validate(form_trial(context, hub_id, form_id, days=days))


def _switched(context: Held, hub_id: int, form_id: str, *, on: bool, who: str) -> SwitchedAnswer:
    done = switch_form(context, hub_id, form_id, on=on, who=who, source=Source.API)
    return SwitchedAnswer(id=done.id, name=done.name, enabled=on, changed=done.changed)
