"""How does a person stop everything at once, and let it go on?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import WORK, JsonOption, PortalOption, YesOption, ask
from syncworker.cli.session import meant, opened, who

if TYPE_CHECKING:
    from syncworker.store.portals import Portal
    from syncworker.sync.context import Context

AllOption = Annotated[bool, typer.Option("--all", help="All portals.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pause", rich_help_panel=WORK)(pause)
    app.command("unpause", rich_help_panel=WORK)(unpause)


def pause(
    portal: PortalOption = None,
    everything: AllOption = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; doctor and the history say it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Stop a portal at once: nothing is registered, ends or is written until `unpause`. Nothing is lost.

    What comes in meanwhile is kept, and done afterwards. Dates of registrations do not change.
    """
    from syncworker.registration.rules.terms import Source
    from syncworker.sync.portals import pausing

    with opened() as context:
        paused = [
            pausing.pause(context, one.hub_id, who=who(), source=Source.APP, reason=reason)
            for one in _chosen(context, portal, everything=everything)
        ]
    _show(paused, as_json=as_json)


def unpause(
    portal: PortalOption = None, everything: AllOption = False, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Let a paused portal go on in the mode it was in; also one that the brake stopped, for an hour.

    Asks before what the brake held back is written.
    """
    from syncworker.registration.rules.terms import Source
    from syncworker.sync.portals import pausing
    from syncworker.sync.reconcile import brake

    with opened() as context:
        chosen = _chosen(context, portal, everything=everything)
        with context.database.transaction() as tx:
            now = tx.now
        for one in chosen:
            if brake.is_on(one, now):
                ask(f"Portal {one.hub_id} ({one.name}): {one.blocked_detail}. Write all that, for an hour?", yes=yes)
        on = [pausing.unpause(context, one.hub_id, who=who(), source=Source.APP) for one in chosen]
    _show(on, as_json=as_json)


def _chosen(context: Context, hub_id: int | None, *, everything: bool) -> list[Portal]:
    from syncworker.store import portals

    if not everything:
        return [meant(context, hub_id)]
    if hub_id is not None:
        raise CommandError("say --portal or --all, not both", code=ExitCode.USAGE)
    with context.database.transaction() as tx:
        return portals.everyone(tx)


def _show(portals: list[Portal], *, as_json: bool) -> None:
    lines = [
        {"hub_id": one.hub_id, "name": one.name, "mode": one.mode, "pause": one.pause, "blocked": one.blocked_detail}
        for one in portals
    ]

    def people() -> None:
        for one in portals:
            output.say(f"Portal {one.hub_id} ({one.name}) is in mode {one.mode}{_whose(one)}.", style="green")

    output.show({"items": lines}, as_json=as_json, people=people)


def _whose(portal: Portal) -> str:
    """Whose pause it is: somebody's before, where it was paused already."""
    pause = portal.pause
    if pause is None:
        return ""
    return f": by {pause.by} at {pause.at:%Y-%m-%d %H:%M} UTC" + (f", {pause.reason}" if pause.reason else "")
