"""Which forms register leads by themselves, and how are older submissions taken in on purpose?"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import DryRunOption, JsonOption, PortalOption, YesOption, ask
from syncworker.cli.session import portal_opened, who

if TYPE_CHECKING:
    from syncworker.hubspot.records import Submission
    from syncworker.store.database import Tx
    from syncworker.store.portals import Portal
    from syncworker.sync.context import Context

app = typer.Typer(
    no_args_is_help=True,
    help="Let a form's submissions register leads by themselves.\n\n"
    "A form counts from the moment it is enabled; older submissions only by **backfill**. "
    "A form is named by its id, or by its name where only one is called so.",
)

FormArgument = Annotated[str, typer.Argument(metavar="FORM", help="The form's id, or its name.")]


@app.command("list")
def list_(portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """List the portal's forms, and since when each registers leads."""
    from syncworker.sync.lists.form_list import form_lines

    with portal_opened(portal) as (context, chosen):
        items = form_lines(context, chosen.hub_id)
    rows = [(one.id, one.name if one.in_hubspot else "(no longer in HubSpot)", one.enabled_at) for one in items]
    output.show(
        {"hub_id": chosen.hub_id, "items": items},
        as_json=as_json,
        people=lambda: output.table(
            f"Forms of portal {chosen.hub_id}",
            ("id", "name", "registers leads since"),
            rows,
            empty=f"Portal {chosen.hub_id} has no forms.",
        ),
    )


@app.command()
def enable(form: FormArgument, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Let a form register leads, from now on."""
    from syncworker.sync.portals.form_switch import switch_form

    with portal_opened(portal) as (context, chosen):
        done = switch_form(context, chosen.hub_id, form, on=True, who=who())
    output.show(
        {"hub_id": chosen.hub_id, "id": done.id, "name": done.name, "enabled": True, "changed": done.changed},
        as_json=as_json,
        people=lambda: output.say(
            f"The form {done.name!r} registers leads from now on; older submissions: syncworker forms backfill."
            if done.changed
            else f"The form {done.name!r} registers leads already."
        ),
    )


@app.command()
def disable(form: FormArgument, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Let a form register no more leads. What it asked for before stays asked for."""
    from syncworker.sync.portals.form_switch import switch_form

    with portal_opened(portal) as (context, chosen):
        done = switch_form(context, chosen.hub_id, form, on=False, who=who())
    output.show(
        {"hub_id": chosen.hub_id, "id": done.id, "enabled": False, "changed": done.changed},
        as_json=as_json,
        people=lambda: output.say(
            "The form registers no more leads." if done.changed else "The form did not register leads."
        ),
    )


@app.command()
def trial(
    form: FormArgument,
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="How far back.")] = 30,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a form would have done these last days, had it registered leads. Nothing is kept or changed."""
    from syncworker.sync.lists.form_list import form_meant
    from syncworker.sync.lists.form_trial import form_trial

    with portal_opened(portal) as (context, chosen):
        meant = form_meant(context, chosen.hub_id, form)
        found = form_trial(context, chosen.hub_id, meant.id, days=days)

    def people() -> None:
        output.facts(
            {
                "form": meant.name,
                "submissions": f"{found.submissions}{', and older ones that were not read' if found.more else ''}",
                "would be registered": found.registered,
                "registered already": found.already,
                "would wait for capacity": found.pending,
                "unavailable": found.unavailable,
                "invalid data": found.invalid,
                "without a contact": found.unresolved,
            }
        )

    document = {"hub_id": chosen.hub_id, "id": meant.id, "name": meant.name, "trial": found}
    output.show(document, as_json=as_json, people=people)


@app.command()
def backfill(
    since: Annotated[
        datetime,
        typer.Option("--since", formats=["%Y-%m-%d"], help="The first day, in the portal's time zone."),
    ],
    form: Annotated[
        str | None, typer.Option("--form", help="Only this form, by id or name; else every enabled one.")
    ] = None,
    portal: PortalOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take in older submissions of enabled forms: each asks for its lead, as if it came in now.

    Run it with --dry-run first: it lists them, and says how many were not taken in before.
    """
    from zoneinfo import ZoneInfo

    from syncworker.sync.triggers import submissions
    from syncworker.sync.wake import Bell, Ring

    with portal_opened(portal) as (context, chosen):
        hub_id = chosen.hub_id
        begin = since.replace(tzinfo=ZoneInfo(chosen.time_zone))
        read = {
            form_id: submissions.read_down_to(context, hub_id, form_id, begin)
            for form_id in _to_backfill(context, chosen, form)
        }
        new = context.database.run(lambda tx: _keep(tx, context, hub_id, read, keep=False))
        if not as_json:
            _show_submissions(read, new)
        if not dry_run and any(new.values()):
            ask(f"Ask for the leads of these {sum(new.values())} submissions?", yes=yes)
            new = context.database.run(lambda tx: _keep(tx, context, hub_id, read, keep=True))
            context.waker.ring(Ring(Bell.SERVE_INTERACTIVE, hub_id))
    document = {
        "hub_id": hub_id,
        "since": begin,
        "dry_run": dry_run,
        "forms": [{"id": form_id, "read": len(found), "new": new[form_id]} for form_id, found in read.items()],
        "new": sum(new.values()),
    }
    output.show(
        document,
        as_json=as_json,
        people=lambda: output.say(
            f"{sum(new.values())} submissions {'would ask' if dry_run else 'ask'} for their leads now."
        ),
    )


def _keep(tx: Tx, context: Context, hub_id: int, read: dict[str, list[Submission]], *, keep: bool) -> dict[str, int]:
    """How many of each form's submissions are new; kept, or only counted by keeping and taking it back."""
    from syncworker.sync.triggers import submissions

    trial = tx.connection.begin_nested()
    new = {form_id: submissions.keep(tx, context.secrets, hub_id, form_id, found) for form_id, found in read.items()}
    if keep:
        trial.commit()
    else:
        trial.rollback()
    return new


def _to_backfill(context: Context, portal: Portal, form: str | None) -> list[str]:
    from syncworker.sync.lists.form_list import enabled, form_meant

    with context.database.transaction() as tx:
        known = enabled(tx, portal.hub_id)
    if form is None:
        wanted = sorted(known)
    else:
        form_id = form if form in known else form_meant(context, portal.hub_id, form).id
        wanted = [form_id] if form_id in known else []
    if not wanted:
        what = "no form" if form is None else "that form"
        negation = "is" if form is None else "is not"
        raise CommandError(
            f"{what} {negation} enabled in portal {portal.hub_id}: run `syncworker forms enable` first",
            code=ExitCode.REFUSED,
        )
    return wanted


def _show_submissions(read: dict[str, list[Submission]], new: dict[str, int]) -> None:
    rows = [
        (form_id, one.submitted_at, next((v.value for v in one.values if v.name == "email"), ""))
        for form_id, found in read.items()
        for one in found
    ]
    output.table("", ("form", "submitted at", "email"), rows, empty="There are no submissions since then.")
    for form_id, found in read.items():
        output.say(f"{form_id}: {len(found)} submissions, {new[form_id]} of them not taken in before")
