"""Which commands are there?

Nothing heavy is imported here or by the modules of the commands: `syncworker --help` must answer at once.
What a command needs, it imports when it runs.
"""

from __future__ import annotations

import typer

from syncworker.cli import (
    backup,
    brake,
    forms,
    jobs,
    lead_files,
    leads,
    ledger,
    line,
    marks,
    notices,
    portals,
    privacy,
    registering,
    registrations,
    requests,
    resync,
    running,
    setting_up,
    users,
)
from syncworker.cli.failures import EXIT_CODES, Commands
from syncworker.cli.options import DAY_ONE, LEADS, WORK

app = typer.Typer(
    cls=Commands,
    name="syncworker",
    help=(
        "Keeps a HubSpot portal and a partner's lead registrations true to each other.\n\n"
        "A record is named by its id, a contact's email, a company's domain, or its address in HubSpot, "
        "pasted. Settings are the environment's SYNCWORKER_..., or lines in **.env**; "
        "**syncworker up** needs none."
    ),
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    # A traceback with the values of variables would show tokens.
    pretty_exceptions_enable=False,
)

running.add_to(app)
setting_up.add_to(app)
app.add_typer(portals.app, name="portals", rich_help_panel=DAY_ONE)
app.add_typer(forms.app, name="forms", rich_help_panel=DAY_ONE)
app.add_typer(users.app, name="users", rich_help_panel=DAY_ONE)
registering.add_to(app)
ledger.add_to(app)
lead_files.add_to(leads.app)
app.add_typer(leads.app, name="leads", rich_help_panel=LEADS)
app.add_typer(line.app, name="line", rich_help_panel=LEADS)
app.add_typer(jobs.app, name="jobs", rich_help_panel=LEADS)
app.add_typer(registrations.app, name="registrations", rich_help_panel=LEADS)
app.add_typer(requests.app, name="requests", rich_help_panel=LEADS)
app.add_typer(privacy.app, name="privacy", rich_help_panel=LEADS)
resync.add_to(app)
app.add_typer(marks.app, name="marks", rich_help_panel=WORK)
app.add_typer(notices.app, name="notices", rich_help_panel=WORK)
brake.add_to(app)
backup.add_to(app)


@app.callback()
def begin() -> None:
    """Prepare what all commands share."""
    from syncworker import logs

    # A command's own lines say what went wrong, a call to HubSpot that failed included; the log says the rest.
    logs.configure(level="warning", without=("syncworker.hubspot.call_log", "syncworker.sync.notices.delivering"))
