"""Who waits for capacity, in which order, and how does a manager change that?"""

from __future__ import annotations

from typing import Annotated

import typer

from syncworker.cli import output
from syncworker.cli.leads import asked_rows
from syncworker.cli.options import DomainArgument, JsonOption, PortalOption, YesOption, ask
from syncworker.cli.session import domain_meant, portal_opened, who

app = typer.Typer(
    no_args_is_help=True,
    help="See the waiting list, and change its order. A lead in it is named by the number of its request.",
)

RequestArgument = Annotated[int, typer.Argument(metavar="ID", help="The request's number: `line list`.")]


@app.command("list")
def list_(
    q: Annotated[str | None, typer.Option("--q", help="Only where domain, company, contact or country has it.")] = None,
    page: Annotated[int, typer.Option("--page", min=1, help="Which page.")] = 1,
    size: Annotated[int, typer.Option("--limit", min=1, max=200, help="Lines of a page.")] = 50,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who waits, by place: 1 is next. What is not decided yet has no place."""
    from syncworker.sync.lists import asked_list
    from syncworker.sync.lists.asked_list import Asked, AskedView

    view = AskedView(q=q, page=page, size=size)
    with portal_opened(portal) as (context, chosen), context.database.transaction() as tx:
        found = asked_list.asked(tx, chosen.hub_id, Asked.PENDING, view)
    columns, rows = asked_rows(found.items)
    output.show(
        {"hub_id": chosen.hub_id, "total": found.total, "page": found.page, "pages": found.pages, "items": found.items},
        as_json=as_json,
        people=lambda: output.table("", columns, rows, empty="Nobody waits."),
    )


@app.command()
def move(
    request_id: RequestArgument,
    to: Annotated[int, typer.Option("--to", min=1, max=1_000_000, help="The place: 1 is next.")],
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a lead at another place of the line, with all that ask for its domain."""
    from syncworker.registration.rules.terms import Source
    from syncworker.sync import waiting

    with portal_opened(portal) as (context, chosen):
        place = waiting.move(context, chosen.hub_id, request_id, to=to, who=who(), source=Source.APP)
    output.show(
        {"hub_id": chosen.hub_id, "id": request_id, "place": place},
        as_json=as_json,
        people=lambda: output.say(f"Request {request_id} stands at place {place}."),
    )


@app.command()
def exchange(
    request_id: RequestArgument,
    domain: DomainArgument,
    portal: PortalOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Give a registered lead up for one that waits, at once: nobody else gets its place. It cannot be undone."""
    from syncworker.registration.rules.terms import Source
    from syncworker.sync import waiting

    with portal_opened(portal) as (context, chosen):
        name = domain_meant(context, domain)
        with context.database.transaction() as tx:
            wanted = waiting.waiting_of(tx, chosen.hub_id, request_id).domain
        ask(
            f"Deregister {name} and register {wanted} in its place? Commission eligibility for {name} is lost, and it "
            "cannot be undone.",
            yes=yes,
        )
        request = waiting.exchange(context, chosen.hub_id, name, request_id, who=who(), source=Source.APP)
    output.show(
        request,
        as_json=as_json,
        people=lambda: output.say(f"{request.domain} is registered; {name} is given up.", style="green"),
    )
