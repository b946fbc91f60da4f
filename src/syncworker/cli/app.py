"""Which commands are there?

Nothing heavy is imported here or by the modules of the commands: `syncworker --help` must answer at once. What a
command needs, it imports when it runs.
"""

from __future__ import annotations

import typer

from syncworker.cli import (
    forms,
    ledger,
    marks,
    portals,
    registering,
    registrations,
    requests,
    resync,
    running,
    setting_up,
)
from syncworker.cli.failures import EXIT_CODES, Commands

app = typer.Typer(
    cls=Commands,
    name="syncworker",
    help=(
        "Keeps a HubSpot portal and a partner's lead registrations true to each other.\n\n"
        "A record is named by its id, a contact's email, a company's domain, or its address in HubSpot, pasted. "
        "Settings are the environment's SYNCWORKER_..., or lines in [bold].env[/bold]; "
        "[bold]syncworker up[/bold] needs none."
    ),
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    # A traceback with the values of variables would show tokens.
    pretty_exceptions_enable=False,
)

for group in (running, setting_up, registering, ledger, resync):
    group.add_to(app)
for named in (portals, forms, registrations, requests, marks):
    app.add_typer(named.app)


@app.callback()
def begin() -> None:
    """Prepare what all commands share."""
    from syncworker import logs

    # A command's own lines say what went wrong; the log says the rest.
    logs.configure(level="warning")
