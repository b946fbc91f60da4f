"""Which domains may nobody register, and how are holds added, lifted, and brought in by the file?

Holds are of all portals. So is the operator's word about them.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import File, Form, Request, Response, UploadFile

from syncworker.registration.ledger.holds import NotHeld
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.terms import HoldKind
from syncworker.sync import operations
from syncworker.sync.context import Context
from syncworker.sync.lists import refusal_words
from syncworker.sync.lists.hold_list import hold_lines
from syncworker.sync.lists.page_cursor import BadCursor
from syncworker.sync.portals.hold_import import COLUMNS, Came, HoldRow, import_holds
from syncworker.sync.portals.takeover import BadFile
from syncworker.web.pages import rendering
from syncworker.web.pages.coming_back import Back
from syncworker.web.pages.operations import tabs
from syncworker.web.pages.route import pages
from syncworker.web.recognising import Held, Operator, Reader

router = pages()

LINES = 50
MOST_NOTE = 500
# A file of 200,000 rows, which is more than is taken of one.
MOST_BYTES = 20_000_000
# Of those that were left out: the rest is a number.
MOST_ROWS = 100


@router.get(tabs.HOLDS)
def holds(request: Request, context: Held, reader: Operator) -> Response:
    """The holds, by domain, found by domain and note."""
    return _holds(request, context, reader)


@router.post(tabs.HOLDS)
def add(
    request: Request,
    context: Held,
    reader: Operator,
    kind: Annotated[HoldKind, Form()],
    domain: Annotated[str, Form(max_length=2000)] = "",
    note: Annotated[str, Form(max_length=MOST_NOTE)] = "",
    back: Back = tabs.HOLDS,
) -> Response:
    """Let nobody register a domain. A registration on it goes on, and is shown to a person."""
    found = registrable(domain.strip(), context.domain_rules)
    if not isinstance(found, str):
        said = reader.language.say(refusal_words.words(found, domain))
        return _holds(
            request,
            context,
            reader,
            refused=said,
            status=422,
            domain=domain,
            note=note,
            kind=kind,
        )
    operations.add_hold(context, found, kind, note=note.strip(), who=reader.who)
    return tabs.done(request, tabs.HOLDS, "hold-added", back=back)


@router.post("/operations/holds/lift")
def lift(
    request: Request,
    context: Held,
    reader: Operator,
    domain: Annotated[str, Form(max_length=253)],
    back: Back = tabs.HOLDS,
) -> Response:
    """Lift a hold."""
    try:
        operations.lift_hold(context, domain, who=reader.who)
    except NotHeld:
        said = reader.language.gettext("Nobody holds this domain any more.")
        return _holds(request, context, reader, refused=said, status=409)
    return tabs.done(request, tabs.HOLDS, "hold-lifted", back=back)


@router.post("/operations/holds/import")
def bring_in(
    request: Request,
    context: Held,
    reader: Operator,
    file: Annotated[UploadFile, File()],
    check: Annotated[bool, Form()] = False,
) -> Response:
    """Keep the holds of a CSV file, or only say what would become of each row."""
    content = file.file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        said = reader.language.gettext("The file is larger than 20 MB: divide it.")
        return _holds(request, context, reader, refused=said, status=422)
    name = (file.filename or "CSV")[:100]
    try:
        rows = import_holds(context, content, name, who=reader.who, dry_run=check)
    except BadFile as refused:
        return _holds(request, context, reader, refused=rendering.told(reader, str(refused)), status=422)
    return _holds(request, context, reader, rows=rows, name=name, checked=check)


def _holds(
    request: Request,
    context: Context,
    reader: Reader,
    *,
    refused: str = "",
    status: int = 200,
    rows: list[HoldRow] | None = None,
    **typed: object,
) -> Response:
    q = request.query_params.get("q", "").strip()[:200]
    cursor = request.query_params.get("cursor", "")[:1000] or None
    with context.database.transaction() as tx:
        try:
            page = hold_lines(tx, q=q or None, limit=LINES, cursor=cursor)
        except BadCursor:
            page = hold_lines(tx, q=q or None, limit=LINES)
    counts = {came.value: sum(row.came is came for row in rows or []) for came in Came}
    left_out = [row for row in rows or [] if row.came is Came.LEFT_OUT]
    return tabs.show(
        request,
        reader,
        "holds",
        refused=refused,
        status=status,
        q=q,
        page=page,
        counted=reader.language.ngettext("%(count)s hold", "%(count)s holds", page.total),
        part=False,
        here=rendering.address(tabs.HOLDS, {"q": q, "cursor": cursor}),
        kinds=list(HoldKind),
        columns=COLUMNS,
        most_note=MOST_NOTE,
        next_link=rendering.address(tabs.HOLDS, {"q": q, "cursor": page.next}) if page.next else "",
        first_link=rendering.address(tabs.HOLDS, {"q": q}) if cursor else "",
        counts=counts if rows is not None else None,
        left_out=left_out[:MOST_ROWS],
        more_left_out=max(len(left_out) - MOST_ROWS, 0),
        typed={"domain": "", "note": "", "kind": "", "name": "", "checked": False, **typed},
    )
