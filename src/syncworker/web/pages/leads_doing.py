"""How is something done to many leads of a list: what is asked before it, and what is told after?

Deregistering has its own question in `deregistering.py`; the rest asks the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import uuid4

from fastapi import Form, HTTPException, Request, Response

from syncworker.languages import Language
from syncworker.registration.rules.terms import Source
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.jobs import fitting
from syncworker.sync.jobs import job as jobs
from syncworker.sync.jobs.job import JobAction
from syncworker.sync.lists import lead_list
from syncworker.sync.lists.lead_list import SOON_DAYS, Leads, View
from syncworker.web.pages import rendering
from syncworker.web.pages.deregistering import Chosen, Domains, Q, chosen_of
from syncworker.web.pages.jobs import with_job
from syncworker.web.pages.lead_tables import TABLES, LeadTable
from syncworker.web.pages.leads import Named
from syncworker.web.pages.route import go_to, is_htmx, pages
from syncworker.web.recognising import Held, Manager, ThePortal

router = pages()

Days = Annotated[int, Form()]
Every = Annotated[bool, Form()]
Key = Annotated[str, Form(pattern=r"^[0-9a-f]{32}$")]
EXPIRED = TABLES["expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked before something is done to many."""

    title: str
    text: str
    verb: str


@router.post("/leads/expired/fitting")
def ask_fitting(request: Request, context: Held, reader: Manager, portal: ThePortal) -> Response:
    """Ask whether to register again all that capacity allows; nothing is done yet."""
    with context.database.transaction() as tx:
        chosen = _fitting(context, tx, portal)
    return _ask(request, reader, EXPIRED, JobAction.REGISTER_AGAIN, chosen, days=0, yes="fitting")


@router.post("/leads/expired/fitting/yes")
def do_fitting(
    request: Request, context: Held, reader: Manager, portal: ThePortal, key: Key, seen: Annotated[int, Form()] = 0
) -> Response:
    """Do it: no more than was agreed to, and no more than fit by now."""
    with context.database.transaction() as tx:
        domains = _fitting(context, tx, portal).domains[: max(0, seen)]
    return _start(request, context, reader, portal, JobAction.REGISTER_AGAIN, domains, key=key, back=EXPIRED.path)


@router.post("/leads/{which}/{action}")
def ask(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    table: Named,
    action: JobAction,
    domain: Domains = [],  # noqa: B006 - FastAPI copies it
    q: Q = "",
    every: Every = False,
    days: Days = SOON_DAYS[0],
) -> Response:
    """Ask: nothing is done yet."""
    which = _possible(table, action)
    with context.database.transaction() as tx:
        chosen = chosen_of(tx, portal, domains=domain, q=q, every=every, which=which, days=days)
    return _ask(request, reader, table, action, chosen, days=days)


@router.post("/leads/{which}/{action}/yes")
def do(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    table: Named,
    action: JobAction,
    key: Key,
    domain: Domains = [],  # noqa: B006 - FastAPI copies it
    q: Q = "",
    every: Every = False,
    days: Days = SOON_DAYS[0],
    seen: Annotated[int, Form()] = 0,
) -> Response:
    """Do it; but where more match than the dialog said, ask again: nobody agreed to those."""
    which = _possible(table, action)
    with context.database.transaction() as tx:
        chosen = chosen_of(tx, portal, domains=domain, q=q, every=every, which=which, days=days)
        meant = lead_list.domains(tx, portal.hub_id, which, View(q=q, days=days)) if every else chosen.domains
    if every and len(meant) > seen:
        return _ask(request, reader, table, action, chosen, days=days, grown=True)
    back = rendering.address(table.path, {"q": q, "days": days if table.leads is Leads.EXPIRING else None})
    return _start(request, context, reader, portal, action, meant, key=key, back=back)


def _possible(table: LeadTable, action: JobAction) -> Leads:
    if table.leads is None or action not in table.actions or action is JobAction.DEREGISTER:
        raise HTTPException(404)
    return table.leads


def _fitting(context: Context, tx: Tx, portal: Portal) -> Chosen:
    domains = tuple(fitting.fitting(context, tx, portal.hub_id))
    return Chosen(q="", every=True, domains=domains, total=len(domains))


def _start(
    request: Request,
    context: Context,
    reader: Manager,
    portal: Portal,
    action: JobAction,
    domains: list[str] | tuple[str, ...],
    *,
    key: str,
    back: str,
) -> Response:
    job = jobs.start(context, portal.hub_id, action, domains, who=reader.who, source=Source.APP, key=f"app:{key}")
    return go_to(request, with_job(back, job.id))


def _ask(
    request: Request,
    reader: Manager,
    table: LeadTable,
    action: JobAction,
    chosen: Chosen,
    *,
    days: int,
    grown: bool = False,
    yes: str = "",
) -> Response:
    return rendering.page(
        request,
        reader,
        "leads_many_dialog.html" if is_htmx(request) else "leads_many.html",
        chosen=chosen,
        question=_question(reader.language, action, chosen.total),
        grown=grown,
        days=days,
        # The same question answered twice, by a double click, is one answer.
        key=uuid4().hex,
        yes=f"{table.path}/{yes or action.value}/yes",
        back=rendering.address(table.path, {"q": chosen.q}),
    )


def _question(say: Language, action: JobAction, count: int) -> Question:
    match action:
        case JobAction.RENEW:
            return Question(
                title=say.ngettext("Renew %(count)s lead at expiry?", "Renew %(count)s leads at expiry?", count),
                text=say.gettext(
                    "On the day it expires each is registered anew, before anybody who waits. Until then you can "
                    "switch it off."
                ),
                verb=say.gettext("Yes, renew"),
            )
        case JobAction.LET_EXPIRE:
            return Question(
                title=say.ngettext("Let %(count)s lead expire?", "Let %(count)s leads expire?", count),
                text=say.gettext(
                    "After its last day each is free for anybody. Until then you can switch the renewal on again."
                ),
                verb=say.gettext("Yes, let expire"),
            )
        case JobAction.CONFIRM:
            return Question(
                title=say.ngettext("Confirm %(count)s lead?", "Confirm %(count)s leads?", count),
                text=say.gettext("You say that HubSpot shows each of them as registered by you."),
                verb=say.gettext("Yes, confirm"),
            )
        case JobAction.CONTRADICT:
            return Question(
                title=say.ngettext("Contradict %(count)s lead?", "Contradict %(count)s leads?", count),
                text=say.gettext(
                    "You say that HubSpot does not show them as yours. They stay registered here, and show in the CRM "
                    "that HubSpot says otherwise."
                ),
                verb=say.gettext("Yes, contradict"),
            )
        case _:
            return Question(
                title=say.ngettext("Register %(count)s lead again?", "Register %(count)s leads again?", count),
                text=say.gettext(
                    "Each is asked for anew, for the contact that stood for it, and decided within seconds. What finds "
                    "no free place waits in line."
                ),
                verb=say.gettext("Yes, register"),
            )
