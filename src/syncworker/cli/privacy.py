"""How is a person erased, of whom the CRM or somebody else asks it?"""

from __future__ import annotations

from typing import Annotated

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import DryRunOption, JsonOption, YesOption, ask
from syncworker.cli.session import opened

app = typer.Typer(no_args_is_help=True, help="Erase persons: contacts, and those who appear in the history.")


@app.command()
def erase(
    email: Annotated[
        str | None, typer.Option("--email", help="A contact's, or that of somebody who did something here.")
    ] = None,
    contact: Annotated[str | None, typer.Option("--contact", metavar="ID", help="A contact's id in HubSpot.")] = None,
    person: Annotated[
        str | None, typer.Option("--person", metavar="NAME", help="As the history shows it, such as cli:marta.")
    ] = None,
    portal: Annotated[
        int | None, typer.Option("--portal", metavar="HUB_ID", help="Only this portal's contacts; else every portal's.")
    ] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Erase every personal field that is kept here; ids, domains and what happened stay.

    A contact that is deleted for privacy in HubSpot is erased here by itself. HubSpot is not changed: delete the
    contact there first. What was submitted from the email before now is not taken in again.
    """
    from syncworker.sync.privacy import erasing

    if not (email or contact or person):
        raise CommandError("say whom: --email, --contact or --person", code=ExitCode.USAGE)
    with opened() as context:
        found = erasing.erase(context, hub_id=portal, email=email, contact_id=contact, person=person, dry_run=True)
        if not dry_run:
            if found.anything and not as_json:
                _tell(found, would=True)
            ask("Erase this for good?", yes=yes)
            found = erasing.erase(context, hub_id=portal, email=email, contact_id=contact, person=person)
    output.show({"dry_run": dry_run, **_document(found)}, as_json=as_json, people=lambda: _tell(found, would=dry_run))


def _document(found: object) -> dict[str, object]:
    fields = output.plain(found)
    return fields if isinstance(fields, dict) else {}


def _tell(found: object, *, would: bool) -> None:
    from syncworker.sync.privacy.erasing import Erased

    if not isinstance(found, Erased) or not found.anything:
        output.say("Nothing is kept of such a person.")
        return
    rows = [("contact", f"{contact_id} of portal {hub_id}") for hub_id, contact_id in found.contacts]
    rows += [("person in the history", name) for name in found.persons]
    rows += [("submissions that wait for their contact", str(found.submissions))] if found.submissions else []
    rows += [(f"texts in {where}", str(count)) for where, count in sorted(found.texts.items())]
    output.table("Would be erased" if would else "Erased", ("what", "which"), rows, empty="")
