"""Which forms register leads by themselves, and how are older submissions taken in on purpose?"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import DryRunOption, JsonOption, PortalOption, YesOption, ask
from syncworker.cli.session import portal_opened

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
    with portal_opened(portal) as (context, chosen):
        enabled = _enabled(context, chosen.hub_id)
        names = {form.id: form.name for form in context.client(chosen.hub_id).forms()}
    items = [
        {
            "id": form_id,
            # Enabled, and no longer in HubSpot: a person should know.
            "name": names.get(form_id, ""),
            "in_hubspot": form_id in names,
            "enabled_at": enabled.get(form_id),
        }
        for form_id in dict.fromkeys([*names, *enabled])
    ]
    rows = [
        (item["id"], item["name"] if item["in_hubspot"] else "(no longer in HubSpot)", item["enabled_at"])
        for item in items
    ]
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
    from syncworker.sync.portals.connect import enable_form

    with portal_opened(portal) as (context, chosen):
        form_id, name = _meant(context, chosen.hub_id, form)
        changed = form_id not in _enabled(context, chosen.hub_id)
        context.database.run(lambda tx: enable_form(tx, chosen.hub_id, form_id, name=name))
    output.show(
        {"hub_id": chosen.hub_id, "id": form_id, "name": name, "enabled": True, "changed": changed},
        as_json=as_json,
        people=lambda: output.say(
            f"The form {name!r} registers leads from now on; older submissions: syncworker forms backfill."
            if changed
            else f"The form {name!r} registers leads already."
        ),
    )


@app.command()
def disable(form: FormArgument, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Let a form register no more leads. What it asked for before stays asked for."""
    from syncworker.sync.portals.connect import disable_form

    with portal_opened(portal) as (context, chosen):
        # Without HubSpot where possible: a form that was deleted there must be disabled too.
        known = form in _enabled(context, chosen.hub_id)
        form_id = form if known else _meant(context, chosen.hub_id, form)[0]
        changed = context.database.run(lambda tx: disable_form(tx, chosen.hub_id, form_id))
    output.show(
        {"hub_id": chosen.hub_id, "id": form_id, "enabled": False, "changed": changed},
        as_json=as_json,
        people=lambda: output.say(
            "The form registers no more leads." if changed else "The form did not register leads."
        ),
    )


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
    enabled = _enabled(context, portal.hub_id)
    if form is None:
        wanted = sorted(enabled)
    else:
        form_id = form if form in enabled else _meant(context, portal.hub_id, form)[0]
        wanted = [form_id] if form_id in enabled else []
    if not wanted:
        what = "no form" if form is None else "that form"
        negation = "is" if form is None else "is not"
        raise CommandError(
            f"{what} {negation} enabled in portal {portal.hub_id}: run `syncworker forms enable` first",
            code=ExitCode.REFUSED,
        )
    return wanted


def _enabled(context: Context, hub_id: int) -> dict[str, datetime]:
    from sqlalchemy import select

    from syncworker.store.tables import forms

    with context.database.transaction() as tx:
        rows = tx.connection.execute(
            select(forms.c.form_id, forms.c.enabled_at).where(forms.c.hub_id == hub_id).order_by(forms.c.form_id)
        )
        return {row.form_id: row.enabled_at for row in rows}


def _meant(context: Context, hub_id: int, text: str) -> tuple[str, str]:
    """The id and the name of the form that is meant; raises CommandError."""
    found = [form for form in context.client(hub_id).forms() if text in {form.id, form.name}]
    if len(found) != 1:
        many = f"{len(found)} forms are called {text!r}: name it by its id"
        none = f"portal {hub_id} has no form {text!r}: see `syncworker forms list`"
        raise CommandError(many if found else none, code=ExitCode.NOT_FOUND)
    return found[0].id, found[0].name


def _show_submissions(read: dict[str, list[Submission]], new: dict[str, int]) -> None:
    rows = [
        (form_id, one.submitted_at, next((v.value for v in one.values if v.name == "email"), ""))
        for form_id, found in read.items()
        for one in found
    ]
    output.table("", ("form", "submitted at", "email"), rows, empty="There are no submissions since then.")
    for form_id, found in read.items():
        output.say(f"{form_id}: {len(found)} submissions, {new[form_id]} of them not taken in before")
