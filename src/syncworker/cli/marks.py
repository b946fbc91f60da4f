"""What must be looked at, what is parked and waits for a person?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import CursorOption, JsonOption, LimitOption, PortalOption, YesOption, ask
from syncworker.cli.session import portal_opened

if TYPE_CHECKING:
    from syncworker.sync.marks import Kind

app = typer.Typer(
    no_args_is_help=True,
    help="See what is to be looked at again. A mark that failed too often is **parked**: it waits "
    "for a person, who tries it again or lets it go.",
)

KindArgument = Annotated[
    Literal["contact", "company", "domain"] | None,
    typer.Argument(metavar="[KIND]", help="contact, company or domain; without it, all parked marks."),
]
IdArgument = Annotated[str | None, typer.Argument(metavar="[ID]", help="The record's id, or the domain.")]


@app.command("list")
def list_(
    parked: Annotated[bool, typer.Option("--parked", help="Only those that wait for a person.")] = False,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """List marks: those that are due first come first; of parked ones, the newest."""
    from syncworker.sync import lists

    with portal_opened(portal) as (context, chosen), context.database.transaction() as tx:
        page = lists.marks(tx, chosen.hub_id, parked=True if parked else None, limit=limit, cursor=cursor)
    rows = [
        (one.kind, one.object_id, one.cause, one.attempts, one.not_before,
         "parked" if one.parked_at else "being looked at" if one.claimed else "", one.last_error)
        for one in page.items
    ]  # fmt: skip

    def people() -> None:
        columns = ("kind", "id", "cause", "failed", "not before", "state", "last error")
        output.table("", columns, rows, empty="There are none.")
        if page.next:
            output.note(f"there are more: --cursor {page.next}")

    output.show(page, as_json=as_json, people=people)


@app.command()
def retry(
    kind: KindArgument = None,
    object_id: IdArgument = None,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try parked marks again: one, or all of the portal."""
    from syncworker.sync import marks
    from syncworker.sync.wake import Bell, Ring

    _whole(kind, object_id)
    with portal_opened(portal) as (context, chosen):
        many = context.database.run(lambda tx: marks.retry(tx, chosen.hub_id, _kind(kind), object_id))
        context.waker.ring(Ring(Bell.SERVE_INTERACTIVE, chosen.hub_id))
    _some(many, object_id)
    output.show(
        {"hub_id": chosen.hub_id, "retried": many},
        as_json=as_json,
        people=lambda: output.say(f"{many} parked marks are tried again now."),
    )


@app.command()
def dismiss(
    kind: KindArgument = None,
    object_id: IdArgument = None,
    portal: PortalOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let parked marks go: one, or all of the portal. The next change of a record marks it anew."""
    from syncworker.sync import marks

    _whole(kind, object_id)
    with portal_opened(portal) as (context, chosen):
        if object_id is None:
            ask(f"Let all parked marks of portal {chosen.hub_id} go?", yes=yes)
        many = context.database.run(lambda tx: marks.dismiss(tx, chosen.hub_id, _kind(kind), object_id))
    _some(many, object_id)
    output.show(
        {"hub_id": chosen.hub_id, "dismissed": many},
        as_json=as_json,
        people=lambda: output.say(f"{many} parked marks are let go."),
    )


def _whole(kind: str | None, object_id: str | None) -> None:
    if kind is not None and object_id is None:
        message = f"say which {kind}, by its id; or neither, for all parked marks"
        raise CommandError(message, code=ExitCode.USAGE)


def _kind(kind: str | None) -> Kind | None:
    from syncworker.sync.marks import Kind

    return Kind(kind) if kind else None


def _some(many: int, object_id: str | None) -> None:
    if object_id is not None and not many:
        message = f"{output.clean(object_id, most=80)} has no parked mark: see `syncworker marks list --parked`"
        raise CommandError(message, code=ExitCode.NOT_FOUND)
