"""How is something done to many leads of a list: what is asked before it, and what is told after?

Deregistering has its own question in `deregistering.py`; the rest asks the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from fastapi import HTTPException, Request, Response

from syncworker.languages import Language
from syncworker.registration.rules.terms import Source
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.jobs import fitting
from syncworker.sync.jobs import job as jobs
from syncworker.sync.jobs.job import JobAction
from syncworker.sync.lists.lead_list import Leads
from syncworker.web.pages import rendering
from syncworker.web.pages.coming_back import telling
from syncworker.web.pages.lead_tables import TABLES, LeadTable
from syncworker.web.pages.leads import Named
from syncworker.web.pages.route import go_to, is_htmx, pages
from syncworker.web.pages.ticked import Chosen, Key, Meant, Seen, Ticked, agreed, chosen_of
from syncworker.web.recognising import Held, Manager, ThePortal

router = pages()

EXPIRED = TABLES["expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked before something is done to many."""

    title: str
    text: str
    verb: str


@router.post("/leads/expired/fitting")
def ask_fitting(request: Request, context: Held, reader: Manager, portal: ThePortal, meant: Meant) -> Response:
    """Ask whether to register again all that capacity allows; nothing is done yet."""
    with context.database.transaction() as tx:
        chosen = _fitting(context, tx, portal)
    return _ask(request, reader, EXPIRED, JobAction.REGISTER_AGAIN, meant, chosen, yes="fitting")


@router.post("/leads/expired/fitting/yes")
def do_fitting(
    request: Request, context: Held, reader: Manager, portal: ThePortal, meant: Meant, key: Key, seen: Seen = 0
) -> Response:
    """Do it: no more than was agreed to, and no more than fit by now."""
    with context.database.transaction() as tx:
        domains = _fitting(context, tx, portal).domains[: max(0, seen)]
    back = _back(EXPIRED, meant)
    return _start(request, context, reader, portal, JobAction.REGISTER_AGAIN, domains, key=key, back=back)


@router.post("/leads/{which}/{action}")
def ask(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    table: Named,
    action: JobAction,
    meant: Meant,
) -> Response:
    """Ask: nothing is done yet."""
    which = _possible(table, action)
    with context.database.transaction() as tx:
        chosen = chosen_of(tx, portal, meant, which)
    return _ask(request, reader, table, action, meant, chosen)


@router.post("/leads/{which}/{action}/yes")
def do(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    table: Named,
    action: JobAction,
    meant: Meant,
    key: Key,
    seen: Seen = 0,
) -> Response:
    """Do it; but where more match than the dialog said, ask again: nobody agreed to those."""
    which = _possible(table, action)
    with context.database.transaction() as tx:
        domains = agreed(tx, portal, meant, seen=seen, which=which)
        if domains is None:
            return _ask(request, reader, table, action, meant, chosen_of(tx, portal, meant, which), grown=True)
    return _start(request, context, reader, portal, action, domains, key=key, back=_back(table, meant))


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
    domains: Sequence[str],
    *,
    key: str,
    back: str,
) -> Response:
    job = jobs.start(context, portal.hub_id, action, domains, who=reader.who, source=Source.APP, key=f"app:{key}")
    return go_to(request, telling(back, job=job.id))


def _ask(
    request: Request,
    reader: Manager,
    table: LeadTable,
    action: JobAction,
    meant: Ticked,
    chosen: Chosen,
    *,
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
        days=meant.days,
        key=uuid4().hex,
        yes=f"{table.path}/{yes or action.value}/yes",
        back=_back(table, meant),
    )


def _back(table: LeadTable, meant: Ticked) -> str:
    days = meant.days if table.leads is Leads.EXPIRING else None
    return meant.back or rendering.address(table.path, {"q": meant.q, "days": days})


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
