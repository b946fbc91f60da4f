"""How are many leads registered by a CSV file: looked through, taken, and told of row by row?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field
from starlette.datastructures import UploadFile

from syncworker import languages
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.domain_rules import DomainRules
from syncworker.registration.rules.terms import Reason, Status
from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.jobs import file_rows, lead_file
from syncworker.sync.jobs.file_rows import FileRow
from syncworker.sync.jobs.job import Job, Outcome
from syncworker.sync.lists import csv_lists, file_words, page_cursor
from syncworker.web.api.answers import Answer
from syncworker.web.api.asked_of import LARGEST_ID, Cursor, Held, HubId, Limit, Who
from syncworker.web.api.leads import Csv
from syncworker.web.api.operator import ManagerRoute
from syncworker.web.api.refusals import NoFile

router = APIRouter(prefix="/lead-files", route_class=ManagerRoute, tags=["lead files"])

_FileId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
_CURSOR = "file rows"
# Of an answer that is not asked for rows.
_FIRST_ROWS = 100


class ExpectedAnswer(Answer):
    """What a file would come to, as far as it is known without asking HubSpot."""

    bad: int = Field(description="rows that name no lead")
    duplicates: int
    registered: int = Field(description="by this partner already")
    unavailable: int = Field(description="on hold, or another's")
    to_ask: int = Field(description="all others")
    fitting: int = Field(description="how many of those fit into the free capacity")


class CameAnswer(Answer):
    """What has come of a file by now, in rows."""

    registered: int
    pending: int
    unavailable: int
    invalid_data: int
    not_asked: int = Field(description="no lead, no contact, or taken back")
    duplicates: int
    to_do: int = Field(description="not their turn yet")


class RowAnswer(Answer):
    """A row of a file, and what came, or would come, of it."""

    row: int = Field(description="its line in the file, as an editor shows it")
    lead: str
    outcome: Outcome | None = Field(description="null until it was its turn")
    status: Status | None = Field(description="what its record shows, or would; null where it was not asked for")
    state: State | None = Field(description="of its request")
    reason: Reason | None
    domain: str | None
    contact_id: str | None
    why: str
    what_now: str | None
    missing: list[str] = Field(description="fields of the record that are empty")
    wrong: list[str] = Field(description="fields of the record that cannot be used")

    @classmethod
    def of(cls, row: FileRow, rules: DomainRules) -> Self:
        """The answer of a row."""
        said = file_words.said(row, rules)
        return cls(
            row=row.place,
            lead=row.lead,
            outcome=row.outcome,
            status=said.status,
            state=row.state,
            reason=row.reason,
            domain=row.domain,
            contact_id=row.contact_id,
            why=str(said.why),
            what_now=str(said.what_now) if said.what_now else None,
            missing=list(said.missing),
            wrong=list(said.wrong),
        )


class LeadFileAnswer(Answer):
    """A file as it stands, with a page of its rows."""

    id: int | None = Field(description="null of one that was only tried")
    name: str | None
    who: str
    held: bool = Field(description="looked through, and not taken")
    columns: list[str] = Field(description="those that were read")
    others: int = Field(description="columns that were left out")
    total: int
    done: int = Field(description="rows that have an outcome, whichever it is")
    created_at: datetime
    finished_at: datetime | None
    expected: ExpectedAnswer | None = Field(description="null once it is taken")
    came: CameAnswer | None = Field(description="null before it is taken")
    items: list[RowAnswer]
    next: str | None


@router.post(
    "",
    status_code=202,
    responses={200: {"description": "only tried: nothing is kept", "model": LeadFileAnswer}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": {"type": "string", "format": "binary"}},
                    }
                },
            },
        }
    },
)
async def bring_in(
    request: Request,
    response: Response,
    context: Held,
    who: Who,
    hub_id: HubId,
    name: Annotated[str, Query(max_length=200, description="of the file, where the body is CSV itself")] = "leads.csv",
    dry_run: Annotated[bool, Query(description="say what would come of it, and keep nothing")] = False,
) -> LeadFileAnswer:
    """Ask for the leads of a CSV file: workers do it, and `GET /lead-files/{id}` tells. The same file asks once."""
    content, named = await _sent(request, name)
    response.status_code = 200 if dry_run else 202
    return await run_in_threadpool(_brought_in, context, hub_id, content, name=named, who=who, dry_run=dry_run)


@router.get("/{file_id}")
def show(
    context: Held,
    hub_id: HubId,
    file_id: _FileId,
    failed: Annotated[bool, Query(description="of its rows, only those that failed")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> LeadFileAnswer:
    """How far a file of the portal has come, and what came of its rows."""
    after = page_cursor.Key(_CURSOR, cursor, parts=1).number(0) if cursor else 0
    with context.database.transaction() as tx:
        return _answer(context, tx, hub_id, file_id, failed=failed, limit=limit, after=after)


@router.get("/{file_id}/failures.csv", response_model=None, responses={200: {"content": {"text/csv": {}}}})
def failures(context: Held, hub_id: HubId, file_id: _FileId) -> Csv:
    """What failed, with why, as CSV: to be mended and sent again as it is."""
    with context.database.transaction() as tx:
        rows = csv_lists.file_rows(tx, hub_id, file_id, say=languages.language(None), rules=context.domain_rules)
        content = "".join(csv_lists.lines(csv_lists.FILE_COLUMNS, rows))
    return Csv(content, headers={"Content-Disposition": f'attachment; filename="leads-{file_id}-failures.csv"'})


@router.post("/{file_id}/again", status_code=202)
def again(context: Held, who: Who, hub_id: HubId, file_id: _FileId) -> LeadFileAnswer:
    """Ask once more for what was refused or had no contact: a file of its own; asked for twice, it is one."""
    made = lead_file.again(context, hub_id, file_id, who=who)
    with context.database.transaction() as tx:
        return _answer(context, tx, hub_id, made.id)


async def _sent(request: Request, name: str) -> tuple[bytes, str]:
    """The file that was sent, and its name; raises NoFile."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body(), name
    async with request.form(max_files=1) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise NoFile
        return await file.read(), file.filename or name


def _brought_in(context: Context, hub_id: int, content: bytes, *, name: str, who: str, dry_run: bool) -> LeadFileAnswer:
    if dry_run:

        def look(tx: Tx, file_id: int) -> LeadFileAnswer:
            return _answer(context, tx, hub_id, file_id).model_copy(update={"id": None, "who": who, "next": None})

        return lead_file.trial(context, hub_id, content, name=name, look=look)
    of = lead_file.upload(context, hub_id, content, name=name, who=who)
    lead_file.take(context, hub_id, of.id)
    with context.database.transaction() as tx:
        return _answer(context, tx, hub_id, of.id)


def _answer(
    context: Context, tx: Tx, hub_id: int, file_id: int, *, failed: bool = False, limit: int = _FIRST_ROWS,
    after: int = 0,
) -> LeadFileAnswer:  # fmt: skip
    of: Job = lead_file.show(tx, hub_id, file_id)
    if of.held:
        found = file_rows.preview(tx, hub_id, file_id, after=after, limit=limit + 1)
    else:
        found = file_rows.rows(tx, hub_id, file_id, after=after, limit=limit + 1, failed=failed)
    shown = found[:limit]
    expected = file_rows.expected(context, tx, hub_id, file_id) if of.held else None
    came = None if of.held else file_rows.came(tx, hub_id, file_id)
    return LeadFileAnswer(
        id=of.id,
        name=of.note,
        who=of.who,
        held=of.held,
        columns=list(of.columns),
        others=of.others,
        total=of.total,
        done=of.done,
        created_at=of.created_at,
        finished_at=of.finished_at,
        expected=ExpectedAnswer.model_validate(expected) if expected else None,
        came=CameAnswer.model_validate(came) if came else None,
        items=[RowAnswer.of(row, context.domain_rules) for row in shown],
        next=page_cursor.encode(_CURSOR, shown[-1].place) if len(found) > len(shown) else None,
    )
