"""Of what is the person who asks told, by which way, and did it get there?

One's own notices: whoever has the token says whose, by `email`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict

from syncworker.access import users
from syncworker.access.roles import NotAllowed, Role
from syncworker.sync.lists.notice_list import DeliveryState, notice_lines
from syncworker.sync.notices import switches
from syncworker.sync.notices.kinds import Channel, NoticeKind
from syncworker.web.api.answers import Answer
from syncworker.web.api.asked_of import Held, HubId, Limit, Who
from syncworker.web.api.operator import OwnRoute, signed_in
from syncworker.web.api.refusals import NobodyNamed

router = APIRouter(prefix="/notices", route_class=OwnRoute, tags=["notices"])


def _email(
    request: Request,
    email: Annotated[
        str | None, Query(max_length=254, description="whose; with a session, one's own if absent")
    ] = None,
) -> str:
    """Whose notices are meant. Raises NobodyNamed, NotAllowed for another person's unless an operator asks."""
    reader = signed_in(request)
    if reader is None:
        if email is None:
            raise NobodyNamed
        return email
    own = reader.signed_in.user.email
    if email is not None and email.strip().lower() != own and not reader.may(Role.OPERATOR):
        raise NotAllowed(needed=Role.OPERATOR, has=reader.signed_in.user.role)
    return email or own


_Email = Annotated[str, Depends(_email)]


class Switched(BaseModel):
    """A kind of notice and a way, on or off."""

    model_config = ConfigDict(extra="forbid")

    kind: NoticeKind
    by: Channel = Channel.EMAIL
    on: bool


class SwitchAnswer(Answer):
    """A notice that somebody gets."""

    kind: NoticeKind
    by: Channel


class SwitchesAnswer(Answer):
    """What somebody is told of in a portal, by which way."""

    email: str
    items: list[SwitchAnswer]


class DeliveryAnswer(Answer):
    """A notice to somebody."""

    delivery_id: int
    kind: str
    channel: str
    at: datetime
    state: DeliveryState
    sent_at: datetime | None


class DeliveriesAnswer(Answer):
    """The newest notices to somebody, the newest first."""

    items: list[DeliveryAnswer]


@router.get("")
def list_(context: Held, hub_id: HubId, email: _Email) -> SwitchesAnswer:
    """What somebody is told of in the portal."""
    with context.database.transaction() as tx:
        whose = users.get(tx, email).email
        found = [one for one in switches.switches(tx, hub_id) if one.email == whose]
    return SwitchesAnswer(email=whose, items=[SwitchAnswer(kind=one.kind, by=one.channel) for one in found])


@router.post("")
def switch(context: Held, who: Who, hub_id: HubId, email: _Email, to: Switched) -> SwitchesAnswer:
    """Tell somebody of something, or no more."""
    context.database.run(lambda tx: switches.switch(tx, hub_id, email, [to.kind], channel=to.by, on=to.on, who=who))
    return list_(context, hub_id, email)


@router.get("/sent")
def sent(context: Held, hub_id: HubId, email: _Email, limit: Limit = 50) -> DeliveriesAnswer:
    """The newest notices to somebody, and what became of each."""
    with context.database.transaction() as tx:
        whose = users.get(tx, email).email
        found = notice_lines(tx, hub_id, limit=limit, email=whose)
    return DeliveriesAnswer(items=[DeliveryAnswer.model_validate(one) for one in found])
