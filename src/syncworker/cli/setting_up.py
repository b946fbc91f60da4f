"""Is everything as it must be, in the portal's properties and around the worker?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncworker.cli import output
from syncworker.cli.differences import Differences
from syncworker.cli.failures import ExitCode
from syncworker.cli.options import DAY_ONE, DryRunOption, JsonOption, PortalOption, YesOption, ask
from syncworker.cli.session import opened, portal_opened

if TYPE_CHECKING:
    from syncworker.hubspot.setup import Change
    from syncworker.sync.doctor import Finding


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("setup", rich_help_panel=DAY_ONE)(setup)
    app.command("doctor", rich_help_panel=DAY_ONE)(doctor)


def setup(
    portal: PortalOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Create the properties that a portal's records show their registration in.

    Shows its plan and asks. Safe to run again: it does what is missing, and deletes nothing.
    """
    from syncworker.sync.portals.setup import plan_setup, set_up

    with portal_opened(portal) as (context, chosen):
        planned = plan_setup(context, chosen)
        conflicts = [change for change in planned if change.action == "conflict"]
        to_do = [change for change in planned if change.action != "conflict"]
        if not as_json:
            _show_plan(planned, chosen.hub_id)
        done: list[Change] = []
        if to_do and not dry_run:
            ask(f"Make these {len(to_do)} changes in portal {chosen.hub_id} ({chosen.name})?", yes=yes)
        if not dry_run:
            # Also where nothing is to be done: a portal that was blocked for want of properties is let go on.
            done = set_up(context, chosen, to_do)
            conflicts += [change for change in done if change.action == "conflict"]
            done = [change for change in done if change.action != "conflict"]
    document = {
        "hub_id": chosen.hub_id,
        "dry_run": dry_run,
        "planned": [_line(change) for change in planned],
        "done": [_line(change) for change in done],
        "conflicts": [_line(change) for change in conflicts],
    }
    output.show(
        document,
        as_json=as_json,
        people=lambda: output.say(f"{len(done)} changes were made.") if to_do and not dry_run else None,
    )
    raise typer.Exit(ExitCode.LOOK if conflicts else ExitCode.OK)


def doctor(
    portal: Annotated[
        int | None, typer.Option("--portal", metavar="HUB_ID", help="This portal only; else all of them.")
    ] = None,
    sample: Annotated[
        int, typer.Option(min=0, help="How many contacts and companies to compare with the CRM; 0: none.")
    ] = 200,
    all_: Annotated[bool, typer.Option("--all", help="Compare all that the ledger knows.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mark what differs: workers then put it right.")] = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", dir_okay=False, help="Write the differences to this file, a line each.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look at everything, and say what is wrong and what to do about it.

    Database, schema, clocks, Redis, inbox, processes; and of each portal its token, permissions, properties,
    forms, webhooks, the work that is due or parked, and whether a sample of its records, or all of them, show in
    the CRM what the ledger says. Changes nothing without --fix. Exit code 1 where there is a problem.
    """
    from syncworker.sync.doctor import Compare, examine

    heard = Differences(csv)
    with opened() as context, heard:
        before = _so_far if all_ else _nothing_yet
        compare = Compare(sample=None if all_ else sample, fix=fix, heard=heard.note, before=before)
        pages_url = context.settings.pages_url
        found = examine(context, only=portal, compare=compare if all_ or sample else None)
    problems = [finding for finding in found if not finding.ok]
    document = {"ok": not problems, "findings": found, "differences": heard.first, "differing": heard.number}

    def people() -> None:
        show_findings(found)
        if problems:
            output.say(f"The runbook is a page, too: {pages_url}/runbook")
        heard.show()

    output.show(document, as_json=as_json, people=people)
    raise typer.Exit(ExitCode.LOOK if problems else ExitCode.OK)


def _so_far(found: Sequence[Finding]) -> None:
    for one in found:
        if not one.ok:
            output.note(f"found so far: {one.name} of {one.portal or 'all'}: {one.text}. {one.what_now}")
    output.note("comparing all records with the CRM: this takes a while")


def _nothing_yet(_: Sequence[Finding]) -> None:
    """A sample is compared in seconds."""


def show_findings(found: list[Finding]) -> None:
    """Print findings, a line each, how many are problems, and which portals were told to stand still."""
    from syncworker.sync.doctor import MODE

    rows = [
        (one.portal or "", one.name, "ok" if one.ok else "PROBLEM", one.text,
         f"{one.what_now}. See {one.runbook}" if one.runbook else one.what_now)
        # Problems last, where the eye is when a long table has gone by.
        for one in sorted(found, key=lambda one: not one.ok)
    ]  # fmt: skip
    output.table("", ("portal", "what", "state", "found", "what to do"), rows, empty="Nothing was looked at.")
    problems = sum(not one.ok for one in found)
    if problems:
        output.say("1 problem." if problems == 1 else f"{problems} problems.", style="bold red")
        return
    output.say("All is well.", style="green")
    # A pause that was forgotten is no problem, and yet the likeliest answer to why nothing is registered.
    for one in found:
        if one.name == MODE and one.what_now:
            output.say(
                f"Portal {one.portal} registers and writes nothing ({one.text}); {one.what_now}", style="bold yellow"
            )


def _show_plan(planned: list[Change], hub_id: int) -> None:
    rows = [(change.object_type, change.action, change.name, change.detail) for change in planned]
    output.table(
        f"Portal {hub_id}",
        ("on", "change", "name", "detail"),
        rows,
        empty=f"Portal {hub_id} has all it needs; there is nothing to do.",
    )


def _line(change: Change) -> dict[str, str]:
    return {
        "object_type": change.object_type,
        "action": change.action,
        "name": change.name,
        "detail": change.detail,
    }
