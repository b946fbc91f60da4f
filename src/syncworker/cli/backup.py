"""How is all of it kept safe, and brought back?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import RUNNING, DryRunOption, JsonOption, PortalOption, YesOption, ask
from syncworker.cli.session import meant, opened, who

if TYPE_CHECKING:
    from syncworker.store.backup import Manifest
    from syncworker.store.secrets import Secrets
    from syncworker.sync.recovery.rebuild import Rebuilt


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("backup", rich_help_panel=RUNNING)(backup)
    app.command("restore", rich_help_panel=RUNNING)(restore)
    app.command("rebuild", rich_help_panel=RUNNING)(rebuild)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="Where to; an older one is replaced.")],
    as_json: JsonOption = False,
) -> None:
    """Write all that the database holds to one file, as it is at one instant. The workers go on working.

    Keep it like the database: it holds what the CRM knows of people. Credentials in it are of use only with
    SYNCWORKER_SECRET_KEY, which is not in it: keep that elsewhere.
    """
    from syncworker.store.backup import back_up

    if str(file) == "-":
        raise CommandError("a backup is not written to standard output: name a file", code=ExitCode.USAGE)
    made = back_up(*_database(), file)

    def people() -> None:
        output.say(f"{file} holds {sum(table.rows for table in made.tables)} rows.", style="green")

    output.show(_fields(made), as_json=as_json, people=people)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Of `syncworker backup`.")],
    force: Annotated[bool, typer.Option("--force", help="Delete what the database holds now.")] = False,
    other_key: Annotated[
        bool, typer.Option("--other-key", help="Restore although its credentials cannot be read.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make the database what it was when the backup was made. Stop the workers first.

    The CRM has gone on since: every portal comes up paused, so that nothing newer is overwritten. Next:
    syncworker rebuild, which takes that in and lets the portals go on.
    """
    from syncworker.store import backup as store

    manifest = store.read_manifest(file)
    if force:
        ask(f"Delete what the database holds, for what it held at {manifest.taken_at:%Y-%m-%d %H:%M} UTC?", yes=yes)
    url, secrets = _database()
    made = store.restore(url, secrets, file, force=force, other_key=other_key)

    def people() -> None:
        output.say(f"The database is as it was at {made.taken_at:%Y-%m-%d %H:%M} UTC.", style="green")
        output.say("All portals are paused. Next: syncworker rebuild")

    output.show(_fields(made), as_json=as_json, people=people)


def rebuild(
    portal: PortalOption = None, dry_run: DryRunOption = False, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Take in from the CRM what the ledger does not know: after `restore`, or with a database that is new.

    Registrations come in with their own dates, what was deregistered since ends, what was asked since is
    asked again. Reads the records of all portals, or of one; writes nothing to the CRM. Portals that `restore`
    paused then go on. Exit code 1: something is listed that a person must settle.
    """
    from syncworker.store import portals
    from syncworker.sync.recovery import rebuild as rebuilding

    with opened() as context:
        with context.database.transaction() as tx:
            chosen = portals.everyone(tx)
        if portal is not None or not chosen:
            chosen = [meant(context, portal)]
        if not dry_run:
            many = ", ".join(str(one.hub_id) for one in chosen)
            ask(f"Read all records of portal {many}, and bring the ledger to what they show?", yes=yes)
        done = rebuilding.rebuild(context, chosen, who=who(), dry_run=dry_run, progress=output.now_and_then())
    output.show(
        {"dry_run": dry_run, "rebuilt": done},
        as_json=as_json,
        people=lambda: _show_rebuilt(done, dry_run=dry_run),
    )
    raise typer.Exit(ExitCode.LOOK if done.claims.problems else ExitCode.OK)


def _show_rebuilt(done: Rebuilt, *, dry_run: bool) -> None:
    claims = done.claims
    output.say("Nothing was kept; this would become of it:" if dry_run else "The ledger has what the CRM shows:")
    output.facts(
        {
            "records that show a status": done.records,
            "domains known already": claims.known,
            "registrations that came in": claims.number("registered"),
            "came in as ended": claims.number("past"),
            "renewed since": claims.number("renewed"),
            "deregistered since": claims.number("ended"),
            "taken back since": claims.number("undone"),
            "submissions found again": done.submissions,
            "requests decided since": done.decided,
            "requests asked again": done.asked_again,
            "portals that go on": ", ".join(map(str, done.going_on)),
        }
    )
    if claims.problems:
        output.table("For a person", ("domain", "what does not fit"), claims.problems, empty="")
    if more := claims.more["problems"]:
        output.say(f"And {more} more: settle these, then run it again.")


def _database() -> tuple[str, Secrets]:
    from syncworker.settings import load
    from syncworker.store.secrets import Secrets

    settings = load()
    settings.require("database_url", "secret_key")
    key = settings.secret_key.get_secret_value() if settings.secret_key else ""
    return str(settings.database_url), Secrets(key)


def _fields(manifest: Manifest) -> dict[str, object]:
    return {
        "taken_at": manifest.taken_at,
        "revision": manifest.revision,
        "tables": {table.name: table.rows for table in manifest.tables},
    }
