"""How does the portal stand, and how does an operator stop it and let it go on?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Form, Request, Response

from syncworker.languages import to_translate
from syncworker.registration.rules.terms import Source
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.lists import glance, history_words
from syncworker.sync.lists.changes import Topic
from syncworker.sync.portals import pausing
from syncworker.sync.portals.failures import Blocked
from syncworker.sync.portals.pausing import NotRebuilt
from syncworker.web.pages import listening, rendering
from syncworker.web.pages.operations import tabs
from syncworker.web.pages.route import pages
from syncworker.web.recognising import Held, Operator, Reader, ThePortal

router = pages()

MOST_REASON = 500
_BLOCKED_WORDS: Mapping[str, str] = {
    Blocked.CREDENTIALS: to_translate("HubSpot does not accept the credentials."),
    Blocked.SCOPES: to_translate("The token may not do what is needed: a scope is missing."),
    Blocked.PROPERTIES: to_translate("Properties are missing in HubSpot: run the setup."),
    Blocked.RATE_LIMIT: to_translate("HubSpot's limit for ten seconds is used up."),
    Blocked.DAILY_QUOTA: to_translate("HubSpot's quota of the day is used up."),
    Blocked.MIGRATION: to_translate("HubSpot moves the account to another data centre."),
    Blocked.OUTAGE: to_translate("HubSpot does not answer."),
    Blocked.SETTINGS: to_translate("A setting here is wrong."),
    Blocked.BRAKE: to_translate("Too many statuses were about to be taken away: the brake is on."),
}


@router.get(tabs.OVERVIEW)
def overview(request: Request, context: Held, reader: Operator, portal: ThePortal) -> Response:
    """Health at a glance."""
    return _overview(request, context, reader, portal)


@router.post("/operations/pause")
def pause(
    request: Request,
    context: Held,
    reader: Operator,
    portal: ThePortal,
    reason: Annotated[str, Form(max_length=MOST_REASON)] = "",
) -> Response:
    """Stop the portal: nothing is registered, ends or is written there until it goes on."""
    pausing.pause(context, portal.hub_id, who=reader.who, source=Source.APP, reason=reason.strip())
    return tabs.done(request, tabs.OVERVIEW, "paused")


@router.post("/operations/unpause")
def unpause(request: Request, context: Held, reader: Operator, portal: ThePortal) -> Response:
    """Let the portal go on, also where the brake stopped it."""
    try:
        pausing.unpause(context, portal.hub_id, who=reader.who, source=Source.APP)
    except NotRebuilt as refused:
        return _overview(request, context, reader, portal, refused=rendering.told(reader, str(refused)), status=409)
    return tabs.done(request, tabs.OVERVIEW, "unpaused")


def _overview(
    request: Request, context: Context, reader: Reader, portal: Portal, *, refused: str = "", status: int = 200
) -> Response:
    listening.listen(request, portal, Topic.WORK)
    seen = glance.at_a_glance(context, portal.hub_id)
    return tabs.show(
        request,
        reader,
        "overview",
        refused=refused,
        status=status,
        seen=seen,
        paused_by=history_words.who(seen.portal.pause.by) if seen.portal.pause else "",
        blocked=_BLOCKED_WORDS.get(seen.portal.blocked_reason or ""),
        braked=seen.is_blocked and seen.portal.blocked_reason == Blocked.BRAKE,
        most_reason=MOST_REASON,
    )
