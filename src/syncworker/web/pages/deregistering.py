"""How does a manager deregister leads: what is asked before it is done, and what is told after?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import uuid4

from fastapi import Form, Request, Response

from syncworker.registration.rules.terms import Source
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.jobs import job as jobs
from syncworker.sync.jobs.job import JobAction
from syncworker.sync.lists import lead_list
from syncworker.sync.lists.lead_list import SOON_DAYS, Leads, View
from syncworker.web.pages import rendering
from syncworker.web.pages.jobs import with_job
from syncworker.web.pages.route import go_to, is_htmx, pages
from syncworker.web.recognising import Held, Manager, ThePortal

router = pages()

# More are counted, not listed: nobody reads them.
MOST_SHOWN = 100

Domains = Annotated[list[str], Form()]
Q = Annotated[str, Form()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The leads that are meant: those that were ticked, or all that match a search."""

    q: str
    every: bool
    domains: tuple[str, ...]
    """All of them; of all that match, as many as are shown."""
    total: int

    @property
    def shown(self) -> tuple[str, ...]:
        """Those that are named."""
        return self.domains[:MOST_SHOWN]


@router.post("/capacity/deregister")
def deregister(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    domain: Domains = [],  # noqa: B006 - FastAPI copies it
    q: Q = "",
    every: Annotated[bool, Form()] = False,
) -> Response:
    """Ask: nothing is done yet."""
    with context.database.transaction() as tx:
        chosen = chosen_of(tx, portal, domains=domain, q=q, every=every)
    return ask(request, reader, chosen, undo_seconds=context.settings.undo_seconds)


def chosen_of(
    tx: Tx,
    portal: Portal,
    *,
    domains: list[str],
    q: str,
    every: bool,
    which: Leads = Leads.REGISTERED,
    days: int = SOON_DAYS[0],
) -> Chosen:
    """The leads that a form means."""
    if every:
        page = lead_list.leads(tx, portal.hub_id, which, View(q=q, size=MOST_SHOWN, days=days))
        return Chosen(q=q, every=True, domains=tuple(line.domain for line in page.items), total=page.total)
    once = tuple(dict.fromkeys(domains))
    return Chosen(q=q, every=False, domains=once, total=len(once))


def ask(request: Request, reader: Manager, chosen: Chosen, *, undo_seconds: int, grown: bool = False) -> Response:
    """The dialog, alone for htmx, else on a page of its own."""
    return rendering.page(
        request,
        reader,
        "deregister_dialog.html" if is_htmx(request) else "deregister.html",
        chosen=chosen,
        grown=grown,
        # The same question answered twice, by a double click, is one answer.
        key=uuid4().hex,
        back=rendering.address("/capacity", {"q": chosen.q}),
        undo_minutes=undo_seconds // 60,
    )


@router.post("/capacity/deregister/yes")
def do_deregister(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    key: Annotated[str, Form(pattern=r"^[0-9a-f]{32}$")],
    domain: Domains = [],  # noqa: B006 - FastAPI copies it
    q: Q = "",
    every: Annotated[bool, Form()] = False,
    seen: Annotated[int, Form()] = 0,
) -> Response:
    """Do it; but where more match than the dialog said, ask again: nobody agreed to those."""
    with context.database.transaction() as tx:
        chosen = chosen_of(tx, portal, domains=domain, q=q, every=every)
        meant = lead_list.domains(tx, portal.hub_id, Leads.REGISTERED, View(q=q)) if every else chosen.domains
    if every and len(meant) > seen:
        return ask(request, reader, chosen, undo_seconds=context.settings.undo_seconds, grown=True)
    job = jobs.start(
        context, portal.hub_id, JobAction.DEREGISTER, meant, who=reader.who, source=Source.APP, key=f"app:{key}"
    )
    return go_to(request, with_job("/capacity", job.id))
