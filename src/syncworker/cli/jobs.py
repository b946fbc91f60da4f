"""How is something done to many leads at once, and how does the person who asked follow it and take it back?"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.job_progress import watched
from syncworker.cli.options import JsonOption, LimitOption, PortalOption, YesOption, ask
from syncworker.cli.resync_progress import somebody_looks_on
from syncworker.cli.session import domain_meant, portal_opened, who

if TYPE_CHECKING:
    from syncworker.store.portals import Portal
    from syncworker.sync.context import Context
    from syncworker.sync.jobs.job import Item, Job, JobAction, Outcome

app = typer.Typer(
    no_args_is_help=True,
    help="Do something to many leads at once. Workers do it, and go on after a restart; a job is named by its number.",
)

# Of those that were not done: the rest is a number, and `--items` lists them.
_MOST_NAMED = 20
_VERBS = {
    "deregister": "Deregister",
    "register_again": "Register again",
    "renew": "Renew at expiry",
    "let_expire": "Let expire",
    "confirm": "Confirm",
    "contradict": "Contradict",
}

ActionArgument = Annotated[
    Literal["deregister", "register_again", "renew", "let_expire", "confirm", "contradict"],
    typer.Argument(metavar="ACTION", help=", ".join(_VERBS)),
]
DomainsArgument = Annotated[list[str] | None, typer.Argument(metavar="[DOMAIN]...", help="The leads, by their domain.")]
JobArgument = Annotated[int, typer.Argument(metavar="ID", help="The job's number: `jobs list`.")]
WatchOption = Annotated[
    bool | None,
    typer.Option("--watch/--no-watch", help="Follow it until it is done; by default where a person looks on."),
]


@app.command()
def start(
    action: ActionArgument,
    domain: DomainsArgument = None,
    all_of: Annotated[
        Literal["registered", "expired", "expiring", "to-confirm"] | None,
        typer.Option("--all-of", help="All leads of this list, as `leads list` shows it."),
    ] = None,
    q: Annotated[str | None, typer.Option("--q", help="Of that list, only what contains these words.")] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="Of `expiring`: within how many days.")] = 30,
    fitting: Annotated[
        bool, typer.Option("--fitting", help="Of the expired leads, all that the free capacity allows.")
    ] = False,
    portal: PortalOption = None,
    yes: YesOption = False,
    watch: WatchOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do something to these leads, to all of a list that match, or to all expired ones that fit.

    Says how many are meant, and asks. Exit code 1 where some were not done.
    """
    from syncworker.registration.rules.terms import Source
    from syncworker.sync.jobs import job as jobs
    from syncworker.sync.jobs.job import JobAction

    if (bool(domain), all_of is not None, fitting).count(True) != 1:
        raise CommandError("say one of: domains, --all-of LIST, --fitting", code=ExitCode.USAGE)
    if fitting and JobAction(action) is not JobAction.REGISTER_AGAIN:
        raise CommandError("--fitting goes with register_again", code=ExitCode.USAGE)
    with portal_opened(portal) as (context, chosen):
        wanted = JobAction(action)
        meant = _meant(context, chosen, wanted, domain or [], all_of=all_of, q=q, days=days)
        if not meant:
            raise CommandError("no lead is meant by that: nothing was done", code=ExitCode.NOT_FOUND)
        ask(_question(wanted, meant, context.settings.undo_seconds), yes=yes)
        job = jobs.start(
            context, chosen.hub_id, wanted, meant, who=who(), source=Source.APP, key=f"cli:{uuid.uuid4().hex}"
        )
        _tell(context, job, watch=watch, as_json=as_json)


@app.command()
def undo(
    job_id: JobArgument, portal: PortalOption = None, watch: WatchOption = None, as_json: JsonOption = False
) -> None:
    """Take back all that a job deregistered, as long as it can be."""
    from syncworker.registration.rules.terms import Source
    from syncworker.sync.jobs import job as jobs

    with portal_opened(portal) as (context, chosen):
        undoing = jobs.undo(context, chosen.hub_id, job_id, who=who(), source=Source.APP)
        _tell(context, undoing, watch=watch, as_json=as_json)


@app.command()
def show(
    job_id: JobArgument,
    items: Annotated[bool, typer.Option("--items", help="Each domain, and what came of it.")] = False,
    after: Annotated[int, typer.Option("--after", min=0, help="With --items: from behind this place on.")] = 0,
    limit: LimitOption = 50,
    portal: PortalOption = None,
    watch: WatchOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say how far a job has come, and what was not done. Exit code 1 where something was not."""
    from syncworker.sync.jobs import job as jobs

    with portal_opened(portal) as (context, chosen):
        with context.database.transaction() as tx:
            found = jobs.show(tx, chosen.hub_id, job_id)
            lines = jobs.items(tx, chosen.hub_id, job_id, after=after, limit=limit) if items else None
        _tell(context, found, watch=watch, as_json=as_json, items=lines)


@app.command("list")
def list_(limit: LimitOption = 20, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """List the portal's jobs, the newest first."""
    from syncworker.sync.jobs import job as jobs

    with portal_opened(portal) as (context, chosen), context.database.transaction() as tx:
        found = jobs.newest(tx, chosen.hub_id, limit=limit)
    rows = [(one.id, one.action, _state(one), f"{one.done} of {one.total}", one.who, one.created_at) for one in found]
    output.show(
        {"items": found},
        as_json=as_json,
        people=lambda: output.table(
            "", ("id", "action", "state", "done", "asked by", "asked at"), rows, empty="There are no jobs."
        ),
    )


def _meant(
    context: Context, portal: Portal, action: JobAction, domains: list[str], *, all_of: str | None, q: str | None,
    days: int,
) -> list[str]:  # fmt: skip
    from syncworker.sync.jobs import fitting, matching
    from syncworker.sync.jobs.job import MOST_DOMAINS
    from syncworker.sync.lists.lead_lists import LISTS

    if domains:
        return list(dict.fromkeys(domain_meant(context, domain) for domain in domains))
    with context.database.transaction() as tx:
        if all_of is None:
            return fitting.fitting(context, tx, portal.hub_id)
        # Those that are found are those that are asked about, whatever matches later.
        return matching.all_that_match(tx, portal.hub_id, LISTS[all_of], action, q=q, days=days, agreed=MOST_DOMAINS)


def _question(action: JobAction, domains: list[str], undo_seconds: int) -> str:
    from syncworker.sync.jobs.job import JobAction

    named = ", ".join(domains[:_MOST_NAMED]) + (" and others" if len(domains) > _MOST_NAMED else "")
    lost = ""
    if action is JobAction.DEREGISTER:
        undone = f"can be undone for {undo_seconds} s" if undo_seconds else "cannot be undone"
        lost = f" Commission eligibility and sold credit on them are lost; it {undone}."
    return f"{_VERBS[action.value]} {len(domains)} leads ({named})?{lost}"


def _tell(
    context: Context, job: Job, *, watch: bool | None, as_json: bool, items: list[Item] | None = None
) -> None:  # fmt: skip
    if watch or (watch is None and not as_json and somebody_looks_on()):
        job = watched(context, job, called="job", again=f"jobs show {job.id} --watch")
    document = {"job": job, "state": _state(job)} | ({} if items is None else {"items": items})
    output.show(document, as_json=as_json, people=lambda: _show(context, job, items))
    raise typer.Exit(ExitCode.LOOK if job.is_finished and _not_done(job) else ExitCode.OK)


def _show(context: Context, job: Job, items: list[Item] | None) -> None:
    from syncworker.sync.jobs import job as jobs
    from syncworker.sync.jobs.job import OUTCOME_WORDS

    output.facts(
        {
            "job": job.id,
            "action": job.action,
            "state": _state(job),
            "done": f"{job.done} of {job.total}",
            "asked by": job.who,
            "asked at": job.created_at,
            "ended": job.finished_at,
            "undoes": f"job {job.undoes}" if job.undoes else None,
        }
    )
    for outcome, count in sorted(job.outcomes.items()):
        output.say(f"{count}: {OUTCOME_WORDS[outcome]}")
    if items is None:
        with context.database.transaction() as tx:
            items = [
                item for outcome in _not_done(job)
                for item in jobs.items(tx, job.hub_id, job.id, outcome=outcome, limit=_MOST_NAMED)
            ] if job.is_finished else []  # fmt: skip
    if items:
        rows = [(one.place, one.domain, OUTCOME_WORDS[one.outcome] if one.outcome else "not yet") for one in items]
        output.table("", ("place", "domain", "what came of it"), rows, empty="")
    if job.undo_until is not None:
        output.say(f"Until {output.written(job.undo_until)} it can be undone: syncworker jobs undo {job.id}")
    if not job.is_finished and not job.held:
        output.say(f"Follow it: syncworker jobs show {job.id} --watch")


def _not_done(job: Job) -> list[Outcome]:
    from syncworker.sync.jobs.job import Outcome

    return [outcome for outcome in sorted(job.outcomes) if outcome not in {Outcome.DONE, Outcome.ALREADY}]


def _state(job: Job) -> str:
    if job.is_finished:
        return "done"
    return "held" if job.held else "running"
