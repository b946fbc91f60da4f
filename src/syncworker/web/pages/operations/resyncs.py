"""How is a portal looked at again: begun, seen going on, paused, resumed, ended?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Form, Path, Request, Response

from syncworker.registration.rules.terms import Status
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.lists.changes import Topic
from syncworker.sync.resync import resync
from syncworker.sync.resync.resync import UNFINISHED, Resync, ResyncOver, ResyncRuns, State
from syncworker.sync.resync.scope import Scope
from syncworker.web.held import held
from syncworker.web.pages import listening
from syncworker.web.pages.operations import tabs
from syncworker.web.pages.route import is_htmx, pages
from syncworker.web.recognising import Held, Operator, Reader, ThePortal

router = pages()

_Id = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get(tabs.RESYNCS)
def resyncs(request: Request, context: Held, reader: Operator, portal: ThePortal) -> Response:
    """The one that goes on, with its pace, and those before it."""
    return _resyncs(request, context, reader, portal)


@router.post(tabs.RESYNCS)
def start(
    request: Request,
    context: Held,
    reader: Operator,
    portal: ThePortal,
    what: Annotated[str, Form(max_length=40)] = "all",
    since: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Begin to look at records again: all, those that show a status, or those that changed since a day."""
    try:
        scope = resync.as_meant(context, portal.hub_id, _scope(what, since, portal))
    except ValueError:
        said = reader.language.gettext("Say since which day.")
        return _resyncs(request, context, reader, portal, refused=said, status=422)
    return _turned(
        request, context, reader, portal, "resync-started",
        lambda: resync.start(context, portal.hub_id, who=reader.who, scope=scope),
    )  # fmt: skip


@router.post("/operations/resyncs/{resync_id}/pause")
def pause(request: Request, context: Held, reader: Operator, portal: ThePortal, resync_id: _Id) -> Response:
    """Let it rest where it is."""
    _of(context, portal, resync_id)
    return _turned(
        request, context, reader, portal, "resync-paused", lambda: resync.pause(context, resync_id, who=reader.who)
    )


@router.post("/operations/resyncs/{resync_id}/resume")
def resume(request: Request, context: Held, reader: Operator, portal: ThePortal, resync_id: _Id) -> Response:
    """Let it go on from where it is; also one that failed."""
    _of(context, portal, resync_id)
    return _turned(
        request, context, reader, portal, "resync-resumed", lambda: resync.resume(context, resync_id, who=reader.who)
    )


@router.get("/operations/resyncs/{resync_id}/cancel")
def ask(request: Request, context: Held, reader: Operator, portal: ThePortal, resync_id: _Id) -> Response:
    """Ask: nothing is ended yet."""
    template = "cancel_dialog" if is_htmx(request) else "cancel"
    return tabs.show(request, reader, template, one=_of(context, portal, resync_id))


@router.post("/operations/resyncs/{resync_id}/cancel")
def cancel(request: Request, context: Held, reader: Operator, portal: ThePortal, resync_id: _Id) -> Response:
    """End it where it is."""
    _of(context, portal, resync_id)
    return _turned(
        request, context, reader, portal, "resync-cancelled", lambda: resync.cancel(context, resync_id, who=reader.who)
    )


def _of(context: Context, portal: Portal, resync_id: int) -> Resync:
    """Raise UnknownResync for one of another portal: that it is there is nobody else's business."""
    with context.database.transaction() as tx:
        return resync.of_portal(tx, portal.hub_id, resync_id)


def _scope(what: str, since: str, portal: Portal) -> Scope:
    """What is meant; raises ValueError where that cannot be said."""
    if what == "since":
        day = date.fromisoformat(since)
        # At the ends of the calendar there is no such day in UTC.
        if not resync.EARLIEST.year < day.year < date.max.year:
            raise ValueError(since)
        begin = datetime.combine(day, time(), ZoneInfo(portal.time_zone))
        return Scope(since=begin.astimezone(UTC))
    return resync.EVERYTHING if what == "all" else Scope(status=Status(what))


def _turned(
    request: Request, context: Context, reader: Reader, portal: Portal, what: str, turn: Callable[[], Resync]
) -> Response:
    """Do it and say so; or, where somebody else was there before, show how it is now."""
    try:
        turn()
    except (ResyncRuns, ResyncOver):
        said = reader.language.gettext("Somebody was faster: this is how it is now.")
        return _resyncs(request, context, reader, portal, refused=said, status=409)
    return tabs.done(request, tabs.RESYNCS, what)


def _resyncs(
    request: Request, context: Context, reader: Reader, portal: Portal, *, refused: str = "", status: int = 200
) -> Response:
    listening.listen(request, portal, Topic.WORK)
    with context.database.transaction() as tx:
        found = resync.newest(tx, portal.hub_id)
        now = tx.now
    current = found[0] if found and (found[0].state in UNFINISHED or found[0].state is State.FAILED) else None
    return tabs.show(
        request,
        reader,
        "resyncs",
        refused=refused,
        status=status,
        current=current,
        pace=held(request).paces.of(current, now) if current else None,
        before=[one for one in found if one is not current],
        may_start=current is None or current.state not in UNFINISHED,
        statuses=list(Status),
    )
