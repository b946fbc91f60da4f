"""What is registered, and what can a person do about one registration?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from syncworker.cli import output
from syncworker.cli.failures import ExitCode
from syncworker.cli.options import (
    CursorOption,
    DomainArgument,
    DryRunOption,
    FileArgument,
    JsonOption,
    LimitOption,
    PortalOption,
)
from syncworker.cli.session import domain_meant, portal_opened, who

if TYPE_CHECKING:
    from syncworker.store.database import Tx
    from syncworker.store.portals import Portal
    from syncworker.sync.lists.list_lines import RegistrationLine
    from syncworker.sync.portals.takeover import Outcome

app = typer.Typer(
    no_args_is_help=True,
    help="See, take over and look after registrations. A registration is named by its domain.",
)


@app.command("list")
def list_(
    status: Annotated[Literal["registered", "expired", "deregistered"] | None, typer.Option(help="Only these.")] = None,
    q: Annotated[
        str | None, typer.Option("--q", help="Only where domain, company, contact or country contains it.")
    ] = None,
    orphaned: Annotated[
        bool, typer.Option("--orphaned", help="Only those whose contact and company are gone from the CRM.")
    ] = False,
    needs_person: Annotated[
        bool, typer.Option("--needs-person", help="Only those that a person has to decide about.")
    ] = False,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the partner's registrations, by domain."""
    from syncworker.sync.lists import lists

    with portal_opened(portal) as (context, chosen), context.database.transaction() as tx:
        page = lists.registrations(
            tx, chosen.hub_id, status=status, q=q, orphaned=orphaned, needs_person=needs_person, limit=limit,
            cursor=cursor,
        )  # fmt: skip
    rows = [
        (one.domain, one.status, one.registered_on, one.expires_on, one.company, one.contact_name, one.source,
         one.confirmation, _remarks(one))
        for one in page.items
    ]  # fmt: skip

    def people() -> None:
        columns = (
            "domain",
            "status",
            "from",
            "last day",
            "company",
            "contact",
            "source",
            "confirmed",
            "remarks",
        )
        output.table("", columns, rows, empty="There are none.")
        if page.next:
            output.note(f"there are more: --cursor {page.next}")

    output.show(page, as_json=as_json, people=people)


@app.command("import")
def import_(
    file: FileArgument,
    portal: PortalOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take over what is registered already, with its own dates, from a CSV file.

    Columns: domain, registered_on; and, where known, expires_on, contact_id, company_id. Days as
    2026-03-31. Past ones come in as expired; capacity does not keep any out. Conflicts are listed and left
    alone: exit code 1.
    """
    from syncworker.sync.portals.takeover import import_registrations

    with portal_opened(portal) as (context, chosen):
        outcome = import_registrations(context, chosen.hub_id, file, who=who(), dry_run=dry_run)
    show_outcome(outcome, dry_run=dry_run, as_json=as_json, what="active")


@app.command()
def undo(domain: DomainArgument, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Take a deregistration back, as long as it can be."""
    from syncworker.registration.rules.terms import Source
    from syncworker.sync import operations

    with portal_opened(portal) as (context, chosen):
        name = domain_meant(context, domain)
        back = operations.undo(context, chosen.hub_id, name, who=who(), source=Source.APP)
    output.show(
        back,
        as_json=as_json,
        people=lambda: output.say(f"{name} is registered again, until {back.expires_on}.", style="green"),
    )


@app.command()
def confirm(domain: DomainArgument, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Say that HubSpot shows the registration too."""
    _say(domain, portal, "confirmed", as_json=as_json)


@app.command()
def contradict(domain: DomainArgument, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Say that HubSpot does not have the registration, or has it otherwise."""
    _say(domain, portal, "contradicted", as_json=as_json)


@app.command()
def renew(
    domain: DomainArgument,
    off: Annotated[bool, typer.Option("--off", help="Let it expire instead.")] = False,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a registration renew itself when it expires, before anybody who waits gets its slot."""
    from syncworker.sync import operations

    with portal_opened(portal) as (context, chosen):
        name = domain_meant(context, domain)
        operations.set_renewal(context, chosen.hub_id, name, renew=not off, who=who())
    output.show(
        {"hub_id": chosen.hub_id, "domain": name, "renew_at_expiry": not off},
        as_json=as_json,
        people=lambda: output.say(f"{name} {'expires on its last day' if off else 'renews itself'}."),
    )


@app.command("lead-contact")
def lead_contact(
    domain: DomainArgument,
    what: Annotated[str, typer.Argument(metavar="WHAT", help="The contact: its id, email, or address in HubSpot.")],
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let another contact stand for a registration: after a merge, or where its own is gone."""
    from syncworker.registration.rules.terms import Source
    from syncworker.sync import operations
    from syncworker.sync.lists.finding import find_contact

    with portal_opened(portal) as (context, chosen):
        name = domain_meant(context, domain)
        contact_id = find_contact(context, chosen.hub_id, what)
        done = operations.choose_lead_contact(context, chosen.hub_id, name, contact_id, who=who(), source=Source.APP)
    output.show(done, as_json=as_json, people=lambda: output.say(f"Contact {done.contact_id} stands for {name} now."))


@app.command()
def leave(domain: DomainArgument, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Leave a registration that needs a person's decision as it is."""
    from syncworker.registration.rules.terms import Source
    from syncworker.sync import operations

    with portal_opened(portal) as (context, chosen):
        name = domain_meant(context, domain)
        done = operations.leave_lead_contact(context, chosen.hub_id, name, who=who(), source=Source.APP)
    output.show(done, as_json=as_json, people=lambda: output.say(f"{name} stays as it is."))


@app.command("to-confirm")
def to_confirm(portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """List what HubSpot is not known to show yet, and where to click.

    HubSpot has no public API to register a lead with it: where the program says that HubSpot decides, a
    person registers it there, and confirms it here.
    """
    with portal_opened(portal) as (context, chosen), context.database.transaction() as tx:
        items = [
            {
                "domain": one.domain,
                "registered_on": one.registered_on,
                "company": one.company,
                "contact_id": one.contact_id,
                "address": _address(chosen, one),
            }
            for one in _registered(tx, chosen.hub_id)
            if one.confirmation == "unconfirmed"
        ]
    output.show(
        {"items": items},
        as_json=as_json,
        people=lambda: output.table(
            "",
            ("domain", "from", "company", "where to click"),
            [(i["domain"], i["registered_on"], i["company"], i["address"]) for i in items],
            empty="There is nothing to confirm.",
        ),
    )


def show_outcome(outcome: Outcome, *, dry_run: bool, as_json: bool, what: str) -> None:
    """Print what became of the rows of a file, and end the command: exit code 1 where rows were left out."""
    document = {
        "dry_run": dry_run,
        what: outcome.active,
        "expired": outcome.expired,
        "known": outcome.known,
        "problems": [
            {"row": row, "domain": output.clean(domain), "problem": problem}
            for row, domain, problem in outcome.problems
        ],
    }

    def people() -> None:
        if outcome.problems:
            output.table("Left out", ("row", "domain", "why"), outcome.problems, empty="")
        counted = {what: outcome.active, "expired": outcome.expired, "known already": outcome.known}
        said = ", ".join(f"{len(found)} {name}" for name, found in counted.items() if found or name == what)
        lead = "It would come to" if dry_run else "Taken in"
        output.say(f"{lead}: {said}; {len(outcome.problems)} left out.")

    output.show(document, as_json=as_json, people=people)
    raise typer.Exit(ExitCode.LOOK if outcome.problems else ExitCode.OK)


def _say(domain: str, portal: int | None, to: str, *, as_json: bool) -> None:
    from syncworker.registration.rules.terms import Confirmation, Source
    from syncworker.sync import operations

    said = Confirmation(to)
    with portal_opened(portal) as (context, chosen):
        name = domain_meant(context, domain)
        operations.confirm_registration(context, chosen.hub_id, name, said, who=who(), source=Source.APP)
    output.show(
        {"hub_id": chosen.hub_id, "domain": name, "confirmation": said},
        as_json=as_json,
        people=lambda: output.say(f"{name} is {said}."),
    )


def _registered(tx: Tx, hub_id: int) -> Iterator[RegistrationLine]:
    from syncworker.sync.lists import lists

    cursor: str | None = None
    while True:
        page = lists.registrations(tx, hub_id, status="registered", limit=200, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def _address(portal: Portal, of: RegistrationLine) -> str:
    """The record in HubSpot, as a browser opens it."""
    if of.contact_id:
        return portal.address("contact", of.contact_id)
    if of.company_id:
        return portal.address("company", of.company_id)
    return f"https://{portal.ui_domain}/contacts/{portal.hub_id}/records"


def _remarks(of: RegistrationLine) -> str:
    remarks = [
        f"can be undone until {output.written(of.undo_until)}" if of.undo_until else "",
        f"hold: {of.hold}" if of.hold else "",
        "website says another domain" if of.drift else "",
        "its contact and company are gone" if of.orphaned else "",
        of.needs_person or "",
        "renews itself" if of.renew_at_expiry else "",
    ]
    return ", ".join(remark for remark in remarks if remark)
