"""How much room is there, what may nobody register, and what happened to a domain?"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from syncworker.cli import output
from syncworker.cli.options import (
    LEADS,
    CursorOption,
    DomainArgument,
    DryRunOption,
    FileArgument,
    JsonOption,
    LimitOption,
    PortalOption,
)
from syncworker.cli.session import domain_meant, opened, portal_opened, who

holds = typer.Typer(no_args_is_help=True, help="Say which domains nobody may register.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("capacity", rich_help_panel=LEADS)(capacity)
    app.command("history", rich_help_panel=LEADS)(history)
    app.command("why", rich_help_panel=LEADS)(why)
    app.add_typer(holds, name="holds", rich_help_panel=LEADS)


def capacity(portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Show how many registrations the partner may have, has, and how many leads wait for one."""
    from syncworker.sync.lists import lists

    with portal_opened(portal) as (context, chosen), context.database.transaction() as tx:
        picture = lists.capacity_of(context, tx, chosen.hub_id)
    document = {
        "limit": picture.limit,
        "used": picture.used,
        "free": picture.free,
        "waiting": picture.waiting,
        "source": picture.source,
    }
    output.show(document, as_json=as_json, people=lambda: output.facts(document))


def history(
    domain: Annotated[
        str | None, typer.Argument(metavar="[DOMAIN]", help="Of this lead; without it, what people did else.")
    ] = None,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what happened to the partner about a domain, the oldest first.

    Without a domain: what people did that is about no one lead (marks, resyncs, forms, holds, accounts, settings), in
    a portal or in all of them, the newest first.
    """
    if domain is None:
        _did(limit, cursor, portal, as_json=as_json)
    else:
        _of_domain(domain, portal, as_json=as_json)


def _of_domain(domain: str, portal: int | None, *, as_json: bool) -> None:
    from syncworker.sync.lists import form_list, lists
    from syncworker.sync.lists.history_words import with_form_name

    with portal_opened(portal) as (context, chosen):
        name = domain_meant(context, domain)
        with context.database.transaction() as tx:
            entries = lists.domain_history(tx, chosen.hub_id, name)
            forms = form_list.names(tx, chosen.hub_id)
    rows = [
        (one.at, one.event, with_form_name(one.who, forms), one.source, one.why, one.contact_id, one.company_id)
        for one in entries
    ]
    output.show(
        {"domain": name, "items": entries},
        as_json=as_json,
        people=lambda: output.table(
            name,
            ("at", "what", "who", "source", "why", "contact", "company"),
            rows,
            empty=f"Nothing happened about {name}.",
        ),
    )


def _did(limit: int, cursor: str | None, portal: int | None, *, as_json: bool) -> None:
    from syncworker.sync.lists.did_list import what_people_did
    from syncworker.sync.lists.event_words import EVENT_WORDS

    with opened() as context, context.database.transaction() as tx:
        page = what_people_did(tx, portal, limit=limit, cursor=cursor)
    rows = [
        (one.at, one.who, one.source, one.hub_id, EVENT_WORDS[one.event], one.about,
         ", ".join(f"{name}: {value}" for name, value in one.detail.items()) or one.why)
        for one in page.items
    ]  # fmt: skip

    def people() -> None:
        columns = ("at", "who", "by", "portal", "what", "to", "more")
        output.table("", columns, rows, empty="Nobody did anything yet.")
        if page.next:
            output.note(f"there are more: --cursor {page.next}")

    output.show(page, as_json=as_json, people=people)


def why(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="A domain, or a contact: id, email, address in HubSpot.")],
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why a lead shows what it shows: registration, hold, requests, what is parked, and what happened."""
    from syncworker.sync.lists import form_list
    from syncworker.sync.lists.history_words import with_form_name
    from syncworker.sync.lists.why import why as known_about

    with portal_opened(portal) as (context, chosen):
        known = known_about(context, chosen.hub_id, what)
        with context.database.transaction() as tx:
            forms = form_list.names(tx, chosen.hub_id)

    def people() -> None:
        output.say(known.answer, style="bold")
        claim = known.registration
        output.facts(
            {
                "domain": known.domain,
                "contact": known.contact_id or (claim.contact_id if claim else None),
                "registered on": claim.registered_on if claim else None,
                "expires on": claim.expires_on if claim else None,
                "hold": known.hold,
            }
        )
        for one in known.marks:
            output.say(
                f"{one.kind} {one.object_id}: marked by {one.cause}, {one.attempts} failures. {one.last_error or ''}"
            )
            if one.why is not None:
                output.say(f"  {one.why.what_now}: {one.then}. See {one.why.section.link}")
        asked_for = [
            (one.requested_at, one.action, one.source, one.state, one.reason, one.detail) for one in known.requests
        ]
        output.table("requests", ("asked", "for", "by", "state", "reason", "detail"), asked_for, empty="No requests.")
        happened = [(one.at, one.event, with_form_name(one.who, forms), one.source, one.why) for one in known.history]
        output.table("history", ("at", "what", "who", "source", "why"), happened, empty="No history of it.")

    output.show({"answer": known.answer, "known": known}, as_json=as_json, people=people)


@holds.command("list")
def list_(
    q: Annotated[str | None, typer.Option("--search", help="Look for this in domains and notes.")] = None,
    limit: LimitOption = 200,
    cursor: CursorOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the holds, with who added each, and when."""
    from syncworker.sync.lists.hold_list import hold_lines

    with opened() as context, context.database.transaction() as tx:
        page = hold_lines(tx, q=q, limit=limit, cursor=cursor)
    rows = [(one.domain, one.kind, one.note, one.added_by, one.added_at) for one in page.items]
    columns = ("domain", "kind", "note", "added by", "added at")
    output.show(
        {"total": page.total, "items": page.items, "next": page.next},
        as_json=as_json,
        people=lambda: output.table("holds", columns, rows, empty="There are no holds."),
    )
    if page.next and not as_json:
        output.note(f"{page.total} in all; there are more: --cursor {page.next}")


@holds.command("add")
def add(
    domain: DomainArgument,
    kind: Annotated[
        Literal["own_or_affiliated", "existing_customer", "pursued_by_vendor"],
        typer.Option("--kind", help="Why nobody may register it."),
    ],
    note: Annotated[str, typer.Option("--note", help="For whoever reads the list.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Let nobody register a domain. A registration on it is flagged for a person, and goes on."""
    from syncworker.registration.rules.terms import HoldKind
    from syncworker.sync import operations

    with opened() as context:
        name = domain_meant(context, domain)
        operations.add_hold(context, name, HoldKind(kind), note=note, who=who())
    output.show({"domain": name, "kind": kind}, as_json=as_json, people=lambda: output.facts({"held": name}))


@holds.command("remove")
def remove(domain: DomainArgument, as_json: JsonOption = False) -> None:
    """Lift the hold on a domain. What was refused for it stays refused until it is asked for again."""
    from syncworker.sync import operations

    with opened() as context:
        name = domain_meant(context, domain)
        operations.lift_hold(context, name, who=who())
    output.show({"domain": name}, as_json=as_json, people=lambda: output.facts({"no longer held": name}))


@holds.command("import")
def import_(file: FileArgument, dry_run: DryRunOption = False, as_json: JsonOption = False) -> None:
    """Take in holds from a CSV file, for all portals.

    Columns: domain, kind (own_or_affiliated, existing_customer, pursued_by_vendor) and note. A hold on a
    registered domain flags the registration for a person, and ends nothing. Rows that cannot be used are
    listed: exit code 1.
    """
    from syncworker.cli.registrations import show_outcome
    from syncworker.sync.portals.hold_import import Came, import_holds
    from syncworker.sync.portals.takeover import Outcome

    with opened() as context:
        rows = import_holds(context, file.read_bytes(), file.name, who=who(), dry_run=dry_run)
    outcome = Outcome(
        active=[str(row.domain) for row in rows if row.came in {Came.ADDED, Came.CHANGED}],
        known=[str(row.domain) for row in rows if row.came is Came.KNOWN],
        problems=[(row.number, row.written, str(row.why or "")) for row in rows if row.came is Came.LEFT_OUT],
    )
    show_outcome(outcome, dry_run=dry_run, as_json=as_json, what="holds")
