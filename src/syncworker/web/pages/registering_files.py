"""How does a manager register many leads by a file: what would come of it, how far it is, what came of each row?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, File, HTTPException, Path, Query, Request, Response, UploadFile

from syncworker.languages import Language
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.jobs import file_rows, lead_file
from syncworker.sync.jobs.file_rows import FileRow
from syncworker.sync.jobs.job import Job, Outcome
from syncworker.sync.jobs.lead_rows import MOST_BYTES, BadLeadFile
from syncworker.sync.lists import csv_lists, file_words
from syncworker.sync.lists.changes import Topic
from syncworker.sync.lists.column_names import named
from syncworker.sync.lists.file_words import Said
from syncworker.web.pages import jobs, listening, registering, rendering, told_words
from syncworker.web.pages.coming_back import telling
from syncworker.web.pages.registering import REGISTER
from syncworker.web.pages.route import go_to, pages
from syncworker.web.recognising import Held, Manager, Reader, ThePortal

router = pages()

FILES = REGISTER + "/files"
# Of a file that is looked through: the rest is a number.
FIRST_ROWS = 20
MOST_BAD = 100
LINES = 50
# Of larger ones what would come is counted after the page is shown: of 100,000 rows that takes a second.
COUNTED_AT_ONCE = 5_000
# Of larger ones what came is counted in a second, and not anew for every lead that is decided.
MOST_LIVE = 5_000

FileId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of a file, and what is said of it."""

    row: FileRow
    said: Said


@router.post(FILES)
def bring_in(
    request: Request, context: Held, reader: Manager, portal: ThePortal, file: Annotated[UploadFile, File()]
) -> Response:
    """Keep a file, to be looked through: nothing of it is asked for yet."""
    # One byte more tells that there is more, and no more of it is read.
    content = file.file.read(MOST_BYTES + 1)
    try:
        of = lead_file.upload(context, portal.hub_id, content, name=file.filename or "CSV", who=reader.who)
    except BadLeadFile as refused:
        said = reader.language.say(refused.words)
        return registering.show(request, context, reader, portal, bad_file=f"{said}.", status=422)
    return go_to(request, f"{FILES}/{of.id}")


@router.get(FILES + "/{file_id}")
def one_file(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    file_id: FileId,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    failed: bool = False,
    count: bool = False,
) -> Response:
    """A file as it stands: what would come of it; its bar; or what came of each row."""
    listening.listen(request, portal, Topic.LEADS)
    with context.database.transaction() as tx:
        of = lead_file.show(tx, portal.hub_id, file_id)
        if of.held:
            values = _would_come(context, reader, tx, portal, of, count=count or of.total <= COUNTED_AT_ONCE)
        else:
            values = _came(context, reader, tx, portal, of, after=after, failed=failed)
    return rendering.page(
        request,
        reader,
        "register/preview.html" if of.held else "register/came.html",
        file=of,
        here=f"{FILES}/{of.id}",
        said=told_words.said(request, reader.language),
        lead_path=rendering.lead_path(request),
        **values,
    )


@router.post(FILES + "/{file_id}/go")
def go(request: Request, context: Held, _reader: Manager, portal: ThePortal, file_id: FileId) -> Response:
    """Ask for its leads."""
    lead_file.take(context, portal.hub_id, file_id)
    return go_to(request, f"{FILES}/{file_id}")


@router.post(FILES + "/{file_id}/discard")
def discard(request: Request, context: Held, _reader: Manager, portal: ThePortal, file_id: FileId) -> Response:
    """Forget a file that was only looked through."""
    done = lead_file.discard(context, portal.hub_id, file_id)
    # Somebody said go meanwhile: what is done is told there.
    return go_to(request, telling(REGISTER, told="discarded") if done else f"{FILES}/{file_id}")


@router.post(FILES + "/{file_id}/again")
def again(request: Request, context: Held, reader: Manager, portal: ThePortal, file_id: FileId) -> Response:
    """Ask once more for what was not registered."""
    of = lead_file.again(context, portal.hub_id, file_id, who=reader.who)
    return go_to(request, f"{FILES}/{of.id}")


def _which(which: str) -> bool:
    if which not in {"failures", "rows"}:
        raise HTTPException(404)
    return which == "failures"


@router.get(FILES + "/{file_id}/{which}.csv")
def file_csv(
    context: Held,
    reader: Manager,
    portal: ThePortal,
    file_id: FileId,
    failures_only: Annotated[bool, Depends(_which)],
) -> Response:
    """What failed, with why, to be mended and brought in again; or all rows."""
    rules = context.domain_rules
    with context.database.transaction() as tx:
        rows = csv_lists.file_rows(
            tx, portal.hub_id, file_id, say=reader.language, rules=rules, failures_only=failures_only
        )
        content = "".join(csv_lists.lines(named(csv_lists.FILE_COLUMNS, reader.language), rows))
    name = f"leads-{file_id}-{'failures' if failures_only else 'rows'}.csv"
    kept = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=kept)


# Any: as the values of a template are.
def _would_come(context: Context, reader: Reader, tx: Tx, portal: Portal, of: Job, *, count: bool) -> dict[str, Any]:
    """What the page of a file says that nobody said go for."""
    expected = file_rows.expected(context, tx, portal.hub_id, of.id) if count else None
    no_lead = of.outcomes.get(Outcome.BAD_LEAD, 0)
    first = file_rows.preview(tx, portal.hub_id, of.id, limit=FIRST_ROWS)
    bad = file_rows.preview(tx, portal.hub_id, of.id, limit=MOST_BAD, bad=True) if no_lead else ()
    return {
        "expected": expected,
        "no_lead": no_lead,
        "duplicates": of.outcomes.get(Outcome.DUPLICATE, 0),
        "first": _lines(context, first),
        "bad": _lines(context, bad),
        "columns": ", ".join(of.columns),
        "may_go": expected.to_ask + expected.unavailable > 0 if expected else of.total > of.done,
        "verb": _verb(reader.language, expected.to_ask if expected else None),
    }


def _came(
    context: Context, reader: Reader, tx: Tx, portal: Portal, of: Job, *, after: int, failed: bool
) -> dict[str, Any]:
    """What the page of a file says that was taken: its bar, and what came of each row."""
    found = file_rows.rows(tx, portal.hub_id, of.id, after=after, limit=LINES + 1, failed=failed)
    here, kept = f"{FILES}/{of.id}", {"failed": "1" if failed else None}
    return {
        "told": jobs.of_id(tx, reader, portal, of.id),
        "came": file_rows.came(tx, portal.hub_id, of.id),
        "lines": _lines(context, found[:LINES]),
        "failed": failed,
        "most_live": MOST_LIVE,
        "again": lead_file.count_to_ask_again(tx, portal.hub_id, of.id),
        "from_here": rendering.address(here, {**kept, "after": after or None}),
        "next_link": rendering.address(here, {**kept, "after": found[LINES - 1].place}) if len(found) > LINES else "",
        "first_link": rendering.address(here, kept) if after else "",
    }


def _lines(context: Context, rows: tuple[FileRow, ...]) -> list[Line]:
    return [Line(row=row, said=file_words.said(row, context.domain_rules)) for row in rows]


def _verb(say: Language, count: int | None) -> str:
    if count is None:
        return say.gettext("Ask for its leads")
    return say.ngettext("Ask for %(count)s lead", "Ask for %(count)s leads", count)
