"""How does an operator see what keeps a portal from being worked on, stop it, and let it go on?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.sync.portals import pausing
from syncworker.web.api.answers import PortalAnswer
from syncworker.web.api.asked_of import LARGEST_ID, Held, Who
from syncworker.web.api.operator import OperatorRoute, check_seen

_HubId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


def _seen(request: Request, hub_id: _HubId) -> None:
    check_seen(request, hub_id)


router = APIRouter(prefix="/portals", route_class=OperatorRoute, tags=["portals"], dependencies=[Depends(_seen)])


class Why(BaseModel):
    """Why a portal is paused."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=500)


@router.get("/{hub_id}")
def show(context: Held, hub_id: _HubId) -> PortalAnswer:
    """A portal's mode, who paused it and why, and what blocks it."""
    with context.database.transaction() as tx:
        return PortalAnswer.model_validate(portals.get(tx, hub_id))


@router.post("/{hub_id}/pause")
def pause(context: Held, who: Who, hub_id: _HubId, why: Why | None = None) -> PortalAnswer:
    """Stop a portal: nothing is registered, ends or is written there until it is unpaused; all that comes is kept."""
    reason = why.reason if why is not None else ""
    return PortalAnswer.model_validate(pausing.pause(context, hub_id, who=who, source=Source.API, reason=reason))


@router.post("/{hub_id}/unpause")
def unpause(context: Held, who: Who, hub_id: _HubId) -> PortalAnswer:
    """Let a portal go on in the mode it was in before; one that the brake stopped, too, for an hour."""
    return PortalAnswer.model_validate(pausing.unpause(context, hub_id, who=who, source=Source.API))
