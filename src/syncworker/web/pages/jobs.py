"""How far has something come that was asked for many leads, and how is it taken back?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Query, Request, Response

from syncworker.access.roles import Role
from syncworker.languages import Language
from syncworker.registration.rules.terms import Source
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.jobs import job as jobs
from syncworker.sync.jobs.job import OUTCOME_WORDS, Item, Job, JobAction, Outcome
from syncworker.web.pages import rendering
from syncworker.web.pages.coming_back import MOST_CHARACTERS, Back, own, telling
from syncworker.web.pages.route import HOME, go_to, is_htmx, pages
from syncworker.web.recognising import Held, Manager, Reader, ThePortal, Viewer

router = pages()

# Of those that were not done: the rest is a number.
MOST_NAMED = 20
JobId = Annotated[int, Path(ge=1, le=2**63 - 1)]
_NOT_DONE = tuple(outcome for outcome in Outcome if outcome not in {Outcome.DONE, Outcome.ALREADY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A job as a page shows it."""

    job: Job
    done: str
    """What was done, in words."""
    not_done: tuple[tuple[str, int, tuple[Item, ...]], ...]
    """Why not, to how many, and some of those."""


def of_id(tx: Tx, reader: Reader, portal: Portal, job_id: int) -> Shown:
    """A job of the portal; raises UnknownJob."""
    return _shown(tx, reader.language, jobs.show(tx, portal.hub_id, job_id))


def lately(tx: Tx, reader: Reader, portal: Portal) -> Shown | None:
    """What this person asked for last, as long as it is under way or can be taken back: found again after leaving."""
    for job in jobs.newest(tx, portal.hub_id, limit=3):
        # A file that nobody said go for is not under way; its own page has it.
        if job.who == reader.who and not job.held and (not job.is_finished or job.undo_until is not None):
            return _shown(tx, reader.language, job)
    return None


def told(request: Request, tx: Tx, reader: Reader, portal: Portal) -> Shown | None:
    """The job that the address names, else what this person asked for last and may want to take back."""
    named = request.query_params.get("job", "")
    if named.isascii() and named.isdigit() and len(named) < 19:
        return of_id(tx, reader, portal, int(named))
    return lately(tx, reader, portal)


@router.get("/jobs/{job_id}")
def progress(
    request: Request,
    context: Held,
    reader: Viewer,
    portal: ThePortal,
    job_id: JobId,
    back: Annotated[str, Query(max_length=MOST_CHARACTERS)] = HOME,
    stays: bool = False,
) -> Response:
    """The bar of a job; once it is finished, the page it belongs to, which tells what came of it.

    A page that stays where it is, because its parts hear of what changes, gets in the bar's place what came of it.
    """
    with context.database.transaction() as tx:
        shown = of_id(tx, reader, portal, job_id)
    if shown.job.is_finished and stays and is_htmx(request):
        may_change = reader.may(Role.MANAGER)
        return rendering.page(request, reader, "job_ended.html", shown=shown, back=own(back), may_change=may_change)
    if shown.job.is_finished:
        return go_to(request, telling(own(back), job=job_id))
    return rendering.page(request, reader, "job_progress.html", shown=shown, back=own(back), stays=stays)


@router.post("/jobs/{job_id}/undo")
def undo(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    job_id: JobId,
    back: Back = HOME,
) -> Response:
    """Take back all that a job deregistered."""
    undoing = jobs.undo(context, portal.hub_id, job_id, who=reader.who, source=Source.APP)
    return go_to(request, telling(own(back), job=undoing.id))


def _shown(tx: Tx, say: Language, job: Job) -> Shown:
    found = []
    for outcome in _NOT_DONE if job.is_finished else ():
        count = job.outcomes.get(outcome, 0)
        if count:
            named = jobs.items(tx, job.hub_id, job.id, outcome=outcome, limit=MOST_NAMED)
            found.append((say.gettext(OUTCOME_WORDS[outcome]), count, tuple(named)))
    return Shown(job=job, done=_done(say, job), not_done=tuple(found))


def _done(say: Language, job: Job) -> str:
    """What was done, and to how many."""
    count = job.outcomes.get(Outcome.DONE, 0) + job.outcomes.get(Outcome.ALREADY, 0)
    match job.action:
        case JobAction.DEREGISTER:
            return say.ngettext("%(count)s domain deregistered.", "%(count)s domains deregistered.", count)
        case JobAction.UNDO:
            return say.ngettext(
                "%(count)s domain is registered again, as before.",
                "%(count)s domains are registered again, as before.",
                count,
            )
        case JobAction.REGISTER_AGAIN:
            return say.ngettext(
                "%(count)s domain was asked for again.", "%(count)s domains were asked for again.", count
            )
        case JobAction.RENEW:
            return say.ngettext("%(count)s lead renews at expiry.", "%(count)s leads renew at expiry.", count)
        case JobAction.LET_EXPIRE:
            return say.ngettext("%(count)s lead will expire.", "%(count)s leads will expire.", count)
        case JobAction.CONFIRM:
            return say.ngettext("%(count)s lead is confirmed.", "%(count)s leads are confirmed.", count)
        case JobAction.CONTRADICT:
            return say.ngettext("%(count)s lead is contradicted.", "%(count)s leads are contradicted.", count)
        case JobAction.REGISTER_FILE:
            return say.ngettext("%(count)s lead was asked for.", "%(count)s leads were asked for.", count)
