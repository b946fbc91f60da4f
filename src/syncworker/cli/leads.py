"""Which leads are in which state, why, and what is known of one?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.files import opened_to_write
from syncworker.cli.options import DomainArgument, JsonOption, PortalOption
from syncworker.cli.session import domain_meant, portal_opened

if TYPE_CHECKING:
    from syncworker.hubspot.properties import PropertyNames
    from syncworker.sync.lists.asked_list import AskedLine
    from syncworker.sync.lists.list_lines import RegistrationLine
    from syncworker.sync.lists.one_lead import Lead
    from syncworker.sync.watch.audit import Difference

app = typer.Typer(
    no_args_is_help=True,
    help="See leads by their state, as the pages show them, and all that is known of one.",
)

Rows = tuple[Sequence[str], list[Sequence[object]]]

ListArgument = Annotated[
    Literal[
        "registered", "pending", "unavailable", "invalid", "expired", "expiring", "deregistrations", "unresolved",
        "to-confirm",
    ],
    typer.Argument(
        metavar="LIST",
        help="registered, pending, unavailable, invalid (data), expired, expiring (soon), deregistrations (asked for "
        "in the CRM), unresolved (submissions without a contact), to-confirm.",
    ),
]  # fmt: skip


@app.command("list")
def list_(
    which: ListArgument = "registered",
    q: Annotated[str | None, typer.Option("--q", help="Only where domain, company, contact or country has it.")] = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", help="domain, company, contact, country, source, registered_on, expires_on, place, ..."),
    ] = None,
    descending: Annotated[bool, typer.Option("--desc", help="The other way round; with --sort.")] = False,
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="Of `expiring`: within how many days.")] = 30,
    page: Annotated[int, typer.Option("--page", min=1, help="Which page.")] = 1,
    size: Annotated[int, typer.Option("--limit", min=1, max=200, help="Lines of a page.")] = 50,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write all that match to this file as CSV; - is standard output.")
    ] = None,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """List leads in a state. What is refused says why, and what can be done now."""
    from syncworker.sync.lists import lead_lists
    from syncworker.sync.lists.lead_lists import LISTS, Look

    if csv is not None and as_json:
        raise CommandError("--csv or --json, not both", code=ExitCode.USAGE)
    of = LISTS[which]
    look = Look(q=q, sort=sort, descending=descending, days=days, page=page, size=size)
    with portal_opened(portal) as (context, chosen):
        if csv is not None:
            from syncworker.sync.lists import csv_lists

            text = "".join(csv_lists.lines(*lead_lists.rows(context.database, chosen.hub_id, of, look)))
            with opened_to_write(csv) as file:
                file.write(text)
            return
        with context.database.transaction() as tx:
            found = lead_lists.page(tx, chosen.hub_id, of, look)
    columns, rows = _rows(found.items)

    def people() -> None:
        output.table("", columns, rows, empty="There are none.")
        if found.page < found.pages:
            output.note(f"{found.total} in all, on {found.pages} pages: --page {found.page + 1}")

    document = {"list": which, "total": found.total, "page": found.page, "pages": found.pages}
    output.show({**document, "items": [_document(one) for one in found.items]}, as_json=as_json, people=people)


@app.command()
def show(
    domain: DomainArgument,
    compare: Annotated[
        bool, typer.Option("--compare", help="Ask HubSpot what it shows now, and list what differs.")
    ] = False,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all that is known of a lead: its state and why, its records, what can be done, what happened."""
    from syncworker.sync.lists import form_list, one_lead

    with portal_opened(portal) as (context, chosen):
        name = domain_meant(context, domain)
        with context.database.transaction() as tx:
            lead = one_lead.lead(tx, chosen.hub_id, name)
            forms = form_list.names(tx, chosen.hub_id)
        if not lead.is_known:
            raise CommandError(f"nothing is known of {name}: see `syncworker leads list`", code=ExitCode.NOT_FOUND)
        found = one_lead.differences(context, chosen.hub_id, name) if compare else None
    answer = lead.answer
    document = {
        "domain": name,
        "status": lead.status,
        "why": str(answer.why) if answer else None,
        "what_now": str(answer.what_now) if answer else None,
        "can_be_done": sorted(lead.deeds),
        "registration": lead.line,
        "requests": lead.known.requests,
        "records": lead.records,
        "differences": found,
        "history": lead.history,
    }
    output.show(document, as_json=as_json, people=lambda: _show(name, lead, found, context.names, forms))


@app.command()
def look(domain: DomainArgument, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Have a lead's records read, decided and written back now."""
    from syncworker.sync.lists import one_lead

    with portal_opened(portal) as (context, chosen):
        name = domain_meant(context, domain)
        with context.database.transaction() as tx:
            known = one_lead.lead(tx, chosen.hub_id, name).is_known
        if not known:
            raise CommandError(f"nothing is known of {name}: see `syncworker leads list`", code=ExitCode.NOT_FOUND)
        many = one_lead.look_again(context, chosen.hub_id, name)
    output.show(
        {"hub_id": chosen.hub_id, "domain": name, "records": many},
        as_json=as_json,
        people=lambda: output.say(f"{many} records of {name} are looked at again now."),
    )


def asked_rows(items: Sequence[AskedLine]) -> Rows:
    """Columns and rows of what is asked for."""
    columns = ("place", "id", "domain", "company", "contact", "asked at", "by", "state", "why", "what now")
    rows: list[Sequence[object]] = [
        (one.position, one.id, one.domain, one.company, one.contact_name or one.contact_id, one.requested_at,
         one.source, one.state, _why(one), str(one.answer.what_now))
        for one in items
    ]  # fmt: skip
    return columns, rows


def _why(one: AskedLine) -> str:
    said = one.answer
    lacking = [f"{what}: {', '.join(names)}" for what, names in (("missing", said.missing), ("wrong", said.wrong))
               if names]  # fmt: skip
    return " ".join([str(said.why), *lacking])


def _rows(items: Sequence[RegistrationLine] | Sequence[AskedLine]) -> Rows:
    from syncworker.sync.lists.list_lines import RegistrationLine

    claims = [one for one in items if isinstance(one, RegistrationLine)]
    if len(claims) < len(items):
        return asked_rows([one for one in items if not isinstance(one, RegistrationLine)])
    columns = ("domain", "company", "contact", "country", "from", "last day", "source", "status", "confirmed")
    rows: list[Sequence[object]] = [
        (one.domain, one.company, one.contact_name or one.contact_id, one.country, one.registered_on, one.expires_on,
         one.source, one.status, one.confirmation)
        for one in claims
    ]  # fmt: skip
    return columns, rows


def _document(one: RegistrationLine | AskedLine) -> object:
    from syncworker.sync.lists.list_lines import RegistrationLine

    fields = output.plain(one)
    if isinstance(one, RegistrationLine) or not isinstance(fields, dict):
        return fields
    said = one.answer
    more = {"why": str(said.why), "what_now": str(said.what_now), "missing": said.missing, "wrong": said.wrong}
    return {**fields, **more}


def _show(
    domain: str, lead: Lead, found: Sequence[Difference] | None, our: PropertyNames, forms: Mapping[str, str]
) -> None:
    from syncworker.sync.lists import crm_words
    from syncworker.sync.lists.event_words import EVENT_WORDS
    from syncworker.sync.lists.history_words import with_form_name

    line, answer = lead.line, lead.answer
    output.facts(
        {
            "domain": domain,
            "status": lead.status,
            "why": str(answer.why) if answer else None,
            "what now": str(answer.what_now) if answer else None,
            "from": line.registered_on if line else None,
            "last day": line.expires_on if line else None,
            "renews itself": line.renew_at_expiry if line else None,
            "hold": lead.known.hold,
            "can be done": ", ".join(sorted(lead.deeds)),
        }
    )
    records = [(one.kind, one.object_id, one.name, one.is_there, one.reconciled_at, one.address)
               for one in lead.records]  # fmt: skip
    output.table("records", ("kind", "id", "name", "there", "last seen", "in HubSpot"), records, empty="No records.")
    shown = [
        (one.kind, one.object_id, name, one.shown[name])
        for one in lead.records
        for name in crm_words.in_order(our, one.shown)
    ]
    output.table("as last seen", ("kind", "id", "property", "shows"), shown, empty="Nothing was written to them.")
    if found is not None:
        rows = [(one.kind, one.object_id, one.property, one.crm, one.ledger) for one in found]
        columns = ("kind", "id", "property", "HubSpot shows", "should be")
        output.table("differences", columns, rows, empty="HubSpot shows what it should.")
    happened = [
        (one.at, EVENT_WORDS[one.event], with_form_name(one.who, forms), one.source, one.why) for one in lead.history
    ]
    output.table("history", ("at", "what", "who", "source", "why"), happened, empty="No history of it.")
