"""How are records looked at again at a person's word, and how does that person follow, pause and end it?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import WORK, DryRunOption, JsonOption, PortalOption
from syncworker.cli.session import meant, opened, portal_opened, who
from syncworker.registration.rules.terms import Status

if TYPE_CHECKING:
    from syncworker.store.portals import Portal
    from syncworker.sync.context import Context
    from syncworker.sync.resync.resync import Resync
    from syncworker.sync.resync.scope import Scope

app = typer.Typer(invoke_without_command=True)

IdArgument = Annotated[int | None, typer.Argument(metavar="[ID]", help="Which resync; by default the newest.")]
WatchOption = Annotated[
    bool | None,
    typer.Option("--watch/--no-watch", help="Follow it until it is over; by default where a person looks on."),
]


def _moment(text: str) -> datetime:
    """A day or a time in ISO 8601, never a number of seconds. Raises BadParameter."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter("say a day or a time, such as 2026-05-01 or 2026-05-01T14:30+02:00") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def add_to(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="resync", rich_help_panel=WORK)


@app.callback()
def resync(
    command: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="All contacts and companies of the portal.")] = False,
    contact: Annotated[
        list[str] | None, typer.Option("--contact", help="This contact: id, email or address; repeatable.")
    ] = None,
    company: Annotated[
        list[str] | None, typer.Option("--company", help="This company: id, domain or address; repeatable.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since", help="What changed since then; without an offset, UTC.", metavar="DATE", parser=_moment
        ),
    ] = None,
    status: Annotated[Status | None, typer.Option("--status", help="What shows this status.")] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--form", metavar="FORM", help="Contacts whose submissions of this form were taken in: its id, or its name."
        ),
    ] = None,
    dry_run: DryRunOption = False,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", help="With --dry-run: write it to this file as CSV; - is standard output."),
    ] = None,
    watch: WatchOption = None,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read records again and write back what differs. Creates no requests, renews nothing.

    It goes on by itself, page by page, and survives a restart; a portal has one at a time. In a portal in
    mode observe nothing is written; in one that is paused it waits.
    """
    if command.invoked_subcommand is not None:
        return
    named = bool(contact or company)
    if (everything, named, since is not None, status is not None, form is not None).count(True) != 1:
        message = "say one of: --all, --contact and --company, --since, --status, --form"
        raise CommandError(message, code=ExitCode.USAGE)
    if csv is not None and not dry_run:
        raise CommandError("--csv goes with --dry-run", code=ExitCode.USAGE)
    from syncworker.sync.resync.scope import Scope

    scope = Scope(since=since, status=status, form=form)
    with portal_opened(portal) as (context, chosen):
        if dry_run:
            from syncworker.cli import resync_dry_run

            records = _named(context, chosen, contact or [], company or []) if named else None
            resync_dry_run.run(context, chosen, scope, records, csv=csv, as_json=as_json)
        elif named:
            _mark(context, chosen, contact or [], company or [], as_json=as_json)
        else:
            _begin(context, chosen, scope, watch=watch, as_json=as_json)


def _named(context: Context, portal: Portal, contacts: list[str], companies: list[str]) -> tuple[list[str], list[str]]:
    from syncworker.sync.lists.finding import find_contact

    return (
        sorted({find_contact(context, portal.hub_id, text) for text in contacts}),
        sorted({_company(context, portal.hub_id, text) for text in companies}),
    )


def _mark(context: Context, portal: Portal, contacts: list[str], companies: list[str], *, as_json: bool) -> None:
    from syncworker.sync.resync.resync import mark_named

    contact_ids, company_ids = _named(context, portal, contacts, companies)
    rings = context.database.run(
        lambda tx: mark_named(tx, portal.hub_id, contacts=contact_ids, companies=company_ids, who=who())
    )
    context.waker.ring(*rings)
    now = "now" if _may_go_on(context, portal.hub_id) else "then"
    output.show(
        {"hub_id": portal.hub_id, "contacts": contact_ids, "companies": company_ids},
        as_json=as_json,
        people=lambda: output.say(
            f"{len(contact_ids)} contacts and {len(company_ids)} companies are looked at again {now}."
        ),
    )


def _may_go_on(context: Context, hub_id: int) -> bool:
    """Whether records of the portal are looked at now. What holds that up, or the writing, is said."""
    from syncworker.store import portals
    from syncworker.store.portals import Mode
    from syncworker.sync.resync.resync import held_up

    with context.database.transaction() as tx:
        portal = portals.get(tx, hub_id)
        why_not = held_up(portal, tx.now)
    if why_not is not None:
        output.note(why_not)
    return why_not is None or (portal.mode is Mode.OBSERVE and not portal.is_blocked(tx.now))


def _company(context: Context, hub_id: int, text: str) -> str:
    from syncworker.sync.lists.finding import find
    from syncworker.sync.marks import Kind

    given = text.strip()
    if given.isascii() and given.isdecimal():
        return given
    found = find(context, hub_id, given)
    if found.kind is not Kind.COMPANY:
        message = f"{output.clean(given, most=80)} is a contact: name it with --contact"
        raise CommandError(message, code=ExitCode.USAGE)
    return found.object_id


def _begin(context: Context, portal: Portal, scope: Scope, *, watch: bool | None, as_json: bool) -> None:
    from syncworker.sync.resync import resync as resyncing

    begun = resyncing.start(context, portal.hub_id, who=who(), scope=scope)
    _follow(context, begun, watch=watch, as_json=as_json)


def _follow(context: Context, of: Resync, *, watch: bool | None, as_json: bool) -> None:
    from syncworker.cli.resync_progress import somebody_looks_on, watched

    if not of.is_over:
        _may_go_on(context, of.hub_id)
    if watch or (watch is None and not as_json and somebody_looks_on()):
        of = watched(context, of)
    output.show(of, as_json=as_json, people=lambda: _show(of))


@app.command()
def show(
    resync_id: IdArgument = None, watch: WatchOption = False, portal: PortalOption = None, as_json: JsonOption = False
) -> None:
    """Say how far a resync has come."""
    with opened() as context:
        found = _meant(context, resync_id, portal)
        _follow(context, found, watch=watch, as_json=as_json)


@app.command("list")
def list_(portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """List the portal's resyncs, the newest first."""
    from syncworker.sync.resync import resync as resyncing

    with portal_opened(portal) as (context, chosen), context.database.transaction() as tx:
        found = resyncing.newest(tx, chosen.hub_id)
    columns = ("resync", "of", "state", "listed", "written", "failed", "calls", "asked by", "began", "ended")
    rows = [
        (r.id, r.scope, r.state.value, r.listed, r.written, r.failed, r.calls, r.asked_by, r.created_at, r.finished_at)
        for r in found
    ]
    output.show(
        {"items": found},
        as_json=as_json,
        people=lambda: output.table("Resyncs", columns, rows, empty="There is no resync yet."),
    )


@app.command()
def pause(resync_id: IdArgument = None, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Let a resync rest where it is, until it is resumed."""
    from syncworker.sync.resync import resync as resyncing

    _turn(resyncing.pause, resync_id, portal, as_json=as_json)


@app.command()
def resume(resync_id: IdArgument = None, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Let a resync go on from the page it was on, after a pause or a failure."""
    from syncworker.sync.resync import resync as resyncing

    _turn(resyncing.resume, resync_id, portal, as_json=as_json)


@app.command()
def cancel(resync_id: IdArgument = None, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """End a resync where it is. What it wrote stays."""
    from syncworker.sync.resync import resync as resyncing

    _turn(resyncing.cancel, resync_id, portal, as_json=as_json)


def _turn(turn: Callable[..., Resync], resync_id: int | None, portal: int | None, *, as_json: bool) -> None:
    with opened() as context:
        turned = turn(context, _meant(context, resync_id, portal).id, who=who())
        if not turned.is_over:
            _may_go_on(context, turned.hub_id)
    output.show(turned, as_json=as_json, people=lambda: _show(turned))


def _meant(context: Context, resync_id: int | None, portal: int | None) -> Resync:
    """The resync of that number, or the portal's newest; raises UnknownPortal, UnknownResync, CommandError."""
    from syncworker.sync.resync import resync as resyncing

    if resync_id is not None and portal is None:
        with context.database.transaction() as tx:
            return resyncing.get(tx, resync_id)
    chosen = meant(context, portal)
    with context.database.transaction() as tx:
        return resyncing.of_portal(tx, chosen.hub_id, resync_id)


def _show(of: Resync) -> None:
    output.facts(
        {
            "resync": of.id,
            "portal": of.hub_id,
            "of": of.scope,
            "state": of.state.value,
            "listed": f"{of.listed} of about {of.total}" if of.total is not None else of.listed,
            "written": of.written,
            "failed": of.failed,
            "read on their own": of.marked,
            "calls": of.calls,
            "asked by": of.asked_by,
            "began": of.created_at,
            "ended": of.finished_at,
            "last error": of.last_error,
            "note": of.note,
        }
    )
    if not of.is_over:
        output.say(f"Follow it: syncworker resync show {of.id} --watch")
    if of.failed:
        output.say("What failed is tried again, and parked in the end: syncworker marks list --parked")
