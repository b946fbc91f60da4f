"""How does a person register a lead, or give a registration up?"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import LEADS, DomainArgument, JsonOption, PortalOption, YesOption, ask
from syncworker.cli.session import domain_meant, portal_opened, who

if TYPE_CHECKING:
    from syncworker.registration.ledger.requests import Stored
    from syncworker.sync.context import Context
    from syncworker.sync.lists.check import Checked

_OUTCOME_SECONDS = 10.0
_LOOK_SECONDS = 0.1


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("register", rich_help_panel=LEADS)(register)
    app.command("deregister", rich_help_panel=LEADS)(deregister)


def register(
    what: Annotated[
        str,
        typer.Argument(metavar="WHAT", help="A contact: id, email, its company's domain, or its address in HubSpot."),
    ],
    portal: PortalOption = None,
    yes: YesOption = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait up to 10 s for what becomes of it.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Ask to register a lead.

    First shows what would become of it: missing data, holds, capacity. Exit code 1 where the lead is not
    registered in the end: refused, or its data is not enough; 0 where it is, or waits for capacity or for
    the mode write.
    """
    from syncworker.registration.rules.terms import Source
    from syncworker.store.portals import Mode
    from syncworker.sync import operations
    from syncworker.sync.lists.check import check
    from syncworker.sync.lists.finding import find_contact

    with portal_opened(portal) as (context, chosen):
        contact_id = find_contact(context, chosen.hub_id, what)
        checked = check(context, chosen.hub_id, contact_id, source=Source.APP)
        if not as_json:
            show_checked(checked)
        ask(_question(checked), yes=yes)
        request = operations.register(
            context, chosen.hub_id, contact_id, who=who(), source=Source.APP, key=str(uuid.uuid4())
        )
        if request is None:  # the key is random: it cannot be known
            raise CommandError("the request was not taken: try again", code=ExitCode.REFUSED)
        # Only in mode `write` is anything decided that could be waited for.
        if wait and chosen.mode is Mode.WRITE:
            request = _outcome(context, request)
    output.show(
        {"checked": checked_fields(checked), "request": request},
        as_json=as_json,
        people=lambda: _show_request(request, chosen.mode, waited=wait),
    )
    raise typer.Exit(_code(request, waited=wait and chosen.mode is Mode.WRITE))


def deregister(
    domain: DomainArgument, portal: PortalOption = None, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Give a registration up. Commission eligibility is lost; it can be undone for a while."""
    from syncworker.registration.ledger import registrations
    from syncworker.registration.rules.terms import Source
    from syncworker.sync import operations

    with portal_opened(portal) as (context, chosen):
        registrable = domain_meant(context, domain)
        with context.database.transaction() as tx:
            claim = registrations.active_of(tx, chosen.partner.id, registrable)
        undo_seconds = context.settings.undo_seconds
        ask(
            f"Deregister {registrable}, registered from {claim.registered_on} to {claim.expires_on}? "
            "Commission eligibility for it is lost, and its slot goes to whoever waits. "
            + (f"It can be undone for {undo_seconds} s." if undo_seconds else "It cannot be undone."),
            yes=yes,
        )
        ended = operations.deregister(context, chosen.hub_id, registrable, who=who(), source=Source.APP)

    def people() -> None:
        output.say(f"{registrable} is deregistered.", style="green")
        if ended.undo_until is not None and undo_seconds:
            until = output.written(ended.undo_until)
            output.say(f"Until {until} it can be undone: syncworker registrations undo {registrable}")

    output.show(ended, as_json=as_json, people=people)


def _outcome(context: Context, request: Stored) -> Stored:
    """The request once it is decided, or as it stands after ten seconds."""
    from syncworker.registration.ledger import requests
    from syncworker.registration.ledger.requests import State

    deadline = time.monotonic() + _OUTCOME_SECONDS
    while request.state is State.PROCESSING and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        with context.database.transaction() as tx:
            request = requests.get(tx, request.id)
    return request


def _question(checked: Checked) -> str:
    what = checked.domain or f"contact {checked.contact_id}"
    mode = str(checked.portal.mode)
    where = f"Portal {checked.portal.hub_id}"
    if mode == "observe":
        return f"Ask for {what} all the same? {where} only observes: it is decided in mode write."
    if mode == "paused":
        return f"Ask for {what} all the same? {where} is paused: nothing happens until it is not."
    return f"Ask to register {what}?"


def show_checked(checked: Checked) -> None:
    """Print what is known of a lead, and what asking for it would come to."""
    decision, capacity = checked.decision, checked.capacity
    output.facts(
        {
            "contact": f"{checked.contact_id} in portal {checked.portal.hub_id}",
            "name": checked.name,
            "email": checked.email,
            "company": checked.company,
            "country": checked.country,
            "domain": checked.domain,
            "read from": f"{checked.read_from}: {checked.typed}" if checked.typed else checked.read_from,
            "hold": checked.hold,
            "capacity": f"{capacity.used} of {capacity.limit} used, {capacity.waiting} waiting",
            "place in line": checked.position,
            "it would be": decision.status,
            "because": decision.reason,
            "that is": decision.detail,
            "what now": str(checked.answer.what_now) if checked.answer else None,
        }
    )


def checked_fields(checked: Checked) -> dict[str, object]:
    """The same as a document."""
    decision, capacity = checked.decision, checked.capacity
    return {
        "hub_id": checked.portal.hub_id,
        "mode": checked.portal.mode,
        "contact_id": checked.contact_id,
        "name": checked.name,
        "email": checked.email,
        "company": checked.company,
        "country": checked.country,
        "read_from": checked.read_from,
        "domain": checked.domain,
        "hold": checked.hold,
        "would_be": decision.status,
        "reason": decision.reason,
        "detail": decision.detail,
        "position": checked.position,
        "capacity": {
            "limit": capacity.limit,
            "used": capacity.used,
            "free": capacity.free,
            "waiting": capacity.waiting,
        },
    }


def _show_request(request: Stored, mode: object, *, waited: bool) -> None:
    where = f"syncworker requests list ({request.id})"
    if str(mode) != "write":
        output.say(f"Request {request.id} is kept. In mode {mode} nothing is registered: it is decided in `write`.")
    elif request.state == "processing":
        still = "It is not decided yet; does a worker run?" if waited else "It is being decided."
        output.say(f"Request {request.id} is kept. {still} See {where}.")
    else:
        good = request.state in {"registered", "waiting"}
        domain = f" {request.domain}" if request.domain else ""
        text = f"Request {request.id}:{domain} {request.state}. {request.detail}"
        output.say(text.strip(), style="green" if good else "yellow")


def _code(request: Stored, *, waited: bool) -> ExitCode:
    undecided = request.state == "processing"
    if request.state in {"registered", "waiting"} or (undecided and not waited):
        return ExitCode.OK
    return ExitCode.LOOK
