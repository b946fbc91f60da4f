"""How are records looked at again at a person's word?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import WORK, JsonOption, PortalOption
from syncworker.cli.session import portal_opened, who

if TYPE_CHECKING:
    from syncworker.sync.context import Context
    from syncworker.sync.resync import Resync

_LOOK_SECONDS = 0.5


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("resync", rich_help_panel=WORK)(resync)


def resync(
    everything: Annotated[bool, typer.Option("--all", help="All contacts and companies of the portal.")] = False,
    contact: Annotated[
        list[str] | None, typer.Option("--contact", help="This contact: id, email or address; repeatable.")
    ] = None,
    company: Annotated[
        list[str] | None, typer.Option("--company", help="This company: id, domain or address; repeatable.")
    ] = None,
    status: Annotated[int | None, typer.Option("--status", metavar="ID", help="How far a resync has come.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="With --all: show its progress until it is done.")] = False,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read records again and write back what differs. Creates no requests, renews nothing.

    A resync of everything goes on by itself, page by page, and survives a restart; a portal has one at a
    time.
    """
    if (everything, status is not None, bool(contact or company)).count(True) != 1:
        raise CommandError("say one of: --all, --contact and --company, --status", code=ExitCode.USAGE)
    if contact or company:
        _named(portal, contact or [], company or [], as_json=as_json)
        return
    _whole(portal, status, wait=wait, as_json=as_json)


def _named(portal: int | None, contacts: list[str], companies: list[str], *, as_json: bool) -> None:
    from syncworker.sync.finding import find_contact
    from syncworker.sync.resync import mark_named

    with portal_opened(portal) as (context, chosen):
        contact_ids = sorted({find_contact(context, chosen.hub_id, text) for text in contacts})
        company_ids = sorted({_company(context, chosen.hub_id, text) for text in companies})
        rings = context.database.run(
            lambda tx: mark_named(tx, chosen.hub_id, contacts=contact_ids, companies=company_ids)
        )
        context.waker.ring(*rings)
    output.show(
        {"hub_id": chosen.hub_id, "contacts": contact_ids, "companies": company_ids},
        as_json=as_json,
        people=lambda: output.say(
            f"{len(contact_ids)} contacts and {len(company_ids)} companies are looked at again now."
        ),
    )


def _company(context: Context, hub_id: int, text: str) -> str:
    from syncworker.sync.finding import find
    from syncworker.sync.marks import Kind

    given = text.strip()
    if given.isascii() and given.isdecimal():
        return given
    found = find(context, hub_id, given)
    if found.kind is not Kind.COMPANY:
        message = f"{output.clean(given, most=80)} is a contact: name it with --contact"
        raise CommandError(message, code=ExitCode.USAGE)
    return found.object_id


def _whole(portal: int | None, status: int | None, *, wait: bool, as_json: bool) -> None:
    from syncworker.sync import resync as resyncing
    from syncworker.sync.resync import UnknownResync

    with portal_opened(portal) as (context, chosen):
        if status is None:
            found = resyncing.start(context, chosen.hub_id, who=who())
        else:
            with context.database.transaction() as tx:
                found = resyncing.get(tx, status)
            if found.hub_id != chosen.hub_id:
                raise UnknownResync(status)
        if wait:
            found = _watched(context, found)
    output.show(found, as_json=as_json, people=lambda: _show(found))


def _watched(context: Context, of: Resync) -> Resync:
    """Show progress on standard error until the resync is over."""
    from rich.console import Console

    from syncworker.sync import resync as resyncing

    with Console(stderr=True).status("") as line:
        while of.state == "running":
            line.update(f"{of.listed} listed, {of.marked} of them to be looked at")
            time.sleep(_LOOK_SECONDS)
            with context.database.transaction() as tx:
                of = resyncing.get(tx, of.id)
    return of


def _show(of: Resync) -> None:
    output.facts(
        {
            "resync": of.id,
            "portal": of.hub_id,
            "state": of.state,
            "listed": of.listed,
            "to be looked at": of.marked,
            "asked by": of.asked_by,
            "began": of.created_at,
            "ended": of.finished_at,
            "last error": of.last_error,
        }
    )
    if of.state == "running":
        output.say(f"How far it has come: syncworker resync --status {of.id}")
