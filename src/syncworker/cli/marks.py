"""What must be looked at, which records are parked and wait for a person, and why?"""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import CursorOption, JsonOption, LimitOption, PortalOption, YesOption, ask
from syncworker.cli.session import opened, portal_opened, who

if TYPE_CHECKING:
    from syncworker.sync.lists.list_lines import MarkLine, MarkPage
    from syncworker.sync.parked import Named

app = typer.Typer(
    help="See what is to be looked at again. A mark that failed too often is **parked**: it waits "
    "for a person, who tries it again or lets it go.",
)

# So few are shown with all that is known of each.
_IN_FULL = 5

KindArgument = Annotated[
    Literal["contact", "company", "domain", "notice"] | None,
    typer.Argument(metavar="[KIND]", help="contact, company, domain or notice; without it, all parked marks."),
]
IdArgument = Annotated[str | None, typer.Argument(metavar="[ID]", help="The record's id, or the domain.")]


ParkedOption = Annotated[bool, typer.Option("--parked", help="Only those that wait for a person, with the reason.")]
AnyPortalOption = Annotated[
    int | None, typer.Option("--portal", metavar="HUB_ID", help="This portal only; else all of them.")
]


@app.callback(invoke_without_command=True)
def marks(
    call: typer.Context,
    parked: ParkedOption = False,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    portal: AnyPortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """See what is to be looked at again. A mark that failed too often is **parked**: it waits for a person.

    `syncworker marks --parked` says of each why, since when, and the command that what to do about it means.
    """
    if call.invoked_subcommand is None:
        list_(parked, limit, cursor, portal, as_json)


@app.command("list")
def list_(
    parked: ParkedOption = False,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    portal: AnyPortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """List marks: those that are due first come first; of parked ones, the newest."""
    from syncworker.sync.lists import mark_lists

    with opened() as context, context.database.transaction() as tx:
        page = mark_lists.marks(tx, portal, parked=True if parked else None, limit=limit, cursor=cursor)
        number = mark_lists.parked_count(tx, portal) if parked else None
    document = {"parked": number, "items": [_document(one) for one in page.items], "next": page.next}
    people = partial(_show, page) if number is None else partial(_show_parked, page, number)
    output.show(document, as_json=as_json, people=people)


def _document(line: MarkLine) -> dict[str, object]:
    document = {field.name: getattr(line, field.name) for field in fields(line)}
    if line.why is not None:
        document |= {"why": line.why.meaning, "what_now": line.why.what_now, "runbook": line.why.section.link}
        document["then"] = line.then
    return document


def _show(page: MarkPage) -> None:
    rows = [
        (one.hub_id, one.kind, one.object_id, one.cause, one.attempts, one.not_before,
         "parked" if one.parked_at else "being looked at" if one.claimed else "", one.last_error)
        for one in page.items
    ]  # fmt: skip
    columns = ("portal", "kind", "id", "cause", "failed", "not before", "state", "last error")
    output.table("", columns, rows, empty="There are none.")
    _more(page)


def _show_parked(page: MarkPage, number: int) -> None:
    """A few with all that is known; many a line each, and where to read on."""
    from syncworker.sync.lists import mark_lists

    if len(page.items) <= _IN_FULL:
        for one in page.items:
            output.facts(_in_full(one))
            output.say("")
    else:
        rows = [
            (one.hub_id, one.kind, one.object_id, one.domain, one.parked_at, one.why.meaning if one.why else "")
            for one in page.items
        ]
        output.table("", ("portal", "kind", "id", "domain", "since", "why"), rows, empty="")
        for why in {one.why.section: one.why for one in page.items if one.why}.values():
            command = why.of_mark("KIND", "ID", "HUB_ID")
            output.say(f"{why.meaning}: {why.what_now}: {command}. See {why.section.link}")
        output.say("Without KIND and ID it is done to all parked marks of a portal.")
    output.say(f"{mark_lists.waiting_in_words(number)}.")
    _more(page)


def _in_full(one: MarkLine) -> dict[str, object]:
    why = one.why
    return {
        "record": f"{one.kind} {one.object_id} of portal {one.hub_id}",
        "domain": one.domain,
        "in HubSpot": one.address,
        "parked since": one.parked_at,
        "after": f"{one.attempts} failures; first marked by: {one.cause}",
        "why": why.meaning if why else None,
        "last error": one.last_error,
        "what to do": why.what_now if why else None,
        "read": why.section.link if why else None,
        "then": one.then,
    }


def _more(page: MarkPage) -> None:
    if page.next:
        output.note(f"there are more: --cursor {page.next}")


@app.command()
def retry(
    kind: KindArgument = None,
    object_id: IdArgument = None,
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try parked marks again: one, or all of the portal."""
    from syncworker.registration.rules.terms import Source
    from syncworker.sync import parked

    _whole(kind, object_id)
    with portal_opened(portal) as (context, chosen):
        many = parked.retry(context, chosen.hub_id, _named(kind, object_id), who=who(), source=Source.APP)
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
    from syncworker.registration.rules.terms import Source
    from syncworker.sync import parked

    _whole(kind, object_id)
    with portal_opened(portal) as (context, chosen):
        if object_id is None:
            ask(f"Let all parked marks of portal {chosen.hub_id} go?", yes=yes)
        many = parked.dismiss(context, chosen.hub_id, _named(kind, object_id), who=who(), source=Source.APP)
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


def _named(kind: str | None, object_id: str | None) -> Named | None:
    from syncworker.sync.marks import Kind

    return [(Kind(kind), object_id)] if kind else None


def _some(many: int, object_id: str | None) -> None:
    if object_id is not None and not many:
        message = f"{output.clean(object_id, most=80)} has no parked mark: see `syncworker marks --parked`"
        raise CommandError(message, code=ExitCode.NOT_FOUND)
