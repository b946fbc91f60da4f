"""How does a manager deregister leads: what is asked before it is done, and what is told after?"""

from __future__ import annotations

from uuid import uuid4

from fastapi import Request, Response

from syncworker.registration.rules.terms import Source
from syncworker.sync.jobs import job as jobs
from syncworker.sync.jobs.job import JobAction
from syncworker.web.pages import rendering
from syncworker.web.pages.coming_back import telling
from syncworker.web.pages.route import go_to, is_htmx, pages
from syncworker.web.pages.ticked import Chosen, Key, Meant, Seen, Ticked, agreed, chosen_of
from syncworker.web.recognising import Held, Manager, ThePortal

router = pages()


@router.post("/capacity/deregister")
def deregister(request: Request, context: Held, reader: Manager, portal: ThePortal, meant: Meant) -> Response:
    """Ask: nothing is done yet."""
    with context.database.transaction() as tx:
        chosen = chosen_of(tx, portal, meant)
    return _ask(request, reader, meant, chosen, undo_seconds=context.settings.undo_seconds)


@router.post("/capacity/deregister/yes")
def do_deregister(
    request: Request, context: Held, reader: Manager, portal: ThePortal, meant: Meant, key: Key, seen: Seen = 0
) -> Response:
    """Do it; but where more match than the dialog said, ask again: nobody agreed to those."""
    with context.database.transaction() as tx:
        domains = agreed(tx, portal, meant, seen=seen)
        if domains is None:
            chosen = chosen_of(tx, portal, meant)
            return _ask(request, reader, meant, chosen, undo_seconds=context.settings.undo_seconds, grown=True)
    job = jobs.start(
        context, portal.hub_id, JobAction.DEREGISTER, domains, who=reader.who, source=Source.APP, key=f"app:{key}"
    )
    return go_to(request, telling(_back(meant), job=job.id))


def _ask(
    request: Request, reader: Manager, meant: Ticked, chosen: Chosen, *, undo_seconds: int, grown: bool = False
) -> Response:
    """The dialog, alone for htmx, else on a page of its own."""
    return rendering.page(
        request,
        reader,
        "deregister_dialog.html" if is_htmx(request) else "deregister.html",
        chosen=chosen,
        grown=grown,
        key=uuid4().hex,
        back=_back(meant),
        undo_minutes=undo_seconds // 60,
    )


def _back(meant: Ticked) -> str:
    return meant.back or rendering.address("/capacity", {"q": meant.q})
