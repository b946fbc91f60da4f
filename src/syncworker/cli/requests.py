"""Who asked for what, and what can a person do about one request?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from syncworker.cli import output
from syncworker.cli.options import CursorOption, JsonOption, LimitOption, PortalOption
from syncworker.cli.session import portal_opened, who

if TYPE_CHECKING:
    from syncworker.registration.ledger.requests import Stored
    from syncworker.sync.lists.list_lines import RequestLine

app = typer.Typer(
    no_args_is_help=True,
    help="See what was asked for, and settle what waits for a person. A request is named by its number.",
)

RequestArgument = Annotated[int, typer.Argument(metavar="ID", help="The request's number: `requests list`.")]
StateOption = Annotated[
    Literal[
        "processing", "invalid_data", "waiting", "confirming", "unresolved", "registered", "unavailable",
        "refused", "deregistered", "withdrawn", "ended",
    ]
    | None,
    typer.Option("--state", help="Only these; `waiting` in the order of the line, all others newest first."),
]  # fmt: skip


@app.command("list")
def list_(
    state: StateOption = None,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the partner's requests."""
    from syncworker.sync.lists import lists

    with portal_opened(portal) as (context, chosen), context.database.transaction() as tx:
        page = lists.requests_(tx, chosen.hub_id, state=state, limit=limit, cursor=cursor)
    rows = [
        (one.position or "", one.request.id, one.request.requested_at, one.request.action, one.request.source,
         one.request.contact_id, one.request.domain, one.request.state,
         one.request.detail or one.request.reason)
        for one in page.items
    ]  # fmt: skip

    def people() -> None:
        columns = ("place", "id", "asked at", "for", "source", "contact", "domain", "state", "detail")
        # Only the waiting list alone counts its places.
        first = 0 if any(one.position for one in page.items) else 1
        output.table("", columns[first:], [row[first:] for row in rows], empty="There are none.")
        if page.next:
            output.note(f"there are more: --cursor {page.next}")

    output.show({"items": [_fields(one) for one in page.items], "next": page.next}, as_json=as_json, people=people)


@app.command()
def confirm(request_id: RequestArgument, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Confirm a deregistration that was asked for in the CRM. Commission eligibility is lost by it."""
    from syncworker.sync import waiting

    with portal_opened(portal) as (context, chosen):
        request = waiting.confirm_deregistration(context, chosen.hub_id, request_id, who=who())
    _show(request, "is confirmed; a worker carries it out", as_json=as_json)


@app.command()
def refuse(request_id: RequestArgument, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Leave registered what somebody asked in the CRM to deregister."""
    from syncworker.sync import waiting

    with portal_opened(portal) as (context, chosen):
        request = waiting.refuse_deregistration(context, chosen.hub_id, request_id, who=who())
    _show(request, "is refused; the domain stays registered", as_json=as_json)


@app.command()
def withdraw(request_id: RequestArgument, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Take back an open request."""
    from syncworker.sync import operations
    from syncworker.sync.lists import lists

    with portal_opened(portal) as (context, chosen):
        with context.database.transaction() as tx:
            lists.request_of(tx, chosen.hub_id, request_id)
        request = operations.withdraw(context, request_id, who=who())
    _show(request, "is withdrawn", as_json=as_json)


@app.command()
def retry(request_id: RequestArgument, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """Look again for the contact of a submission that none was found for."""
    from syncworker.sync import operations
    from syncworker.sync.lists import lists

    with portal_opened(portal) as (context, chosen):
        with context.database.transaction() as tx:
            lists.request_of(tx, chosen.hub_id, request_id)
        request = operations.retry_request(context, request_id, who=who())
    _show(request, "is looked at again", as_json=as_json)


def _show(request: Stored, what: str, *, as_json: bool) -> None:
    output.show(request, as_json=as_json, people=lambda: output.say(f"Request {request.id} {what}."))


def _fields(line: RequestLine) -> dict[str, object]:
    fields = output.plain(line.request)
    return {**(fields if isinstance(fields, dict) else {}), "position": line.position}
