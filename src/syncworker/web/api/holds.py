"""Which domains may nobody register, and how are holds added, lifted, and brought in by a file? Of all portals."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, File, Query, UploadFile
from pydantic import BaseModel, ConfigDict, Field, field_validator

from syncworker.registration.rules.terms import HoldKind, Source
from syncworker.sync import operations
from syncworker.sync.lists.hold_list import hold_lines
from syncworker.sync.lists.line_query import MOST_Q_CHARACTERS
from syncworker.sync.portals.hold_import import NOTE_CHARACTERS, Came, import_holds
from syncworker.web.api.answers import Answer
from syncworker.web.api.asked_of import Cursor, Domain, Held, Limit, Who, domain_meant
from syncworker.web.api.operator import OperatorRoute

router = APIRouter(prefix="/holds", route_class=OperatorRoute, tags=["holds"])


class NewHold(BaseModel):
    """A domain that nobody may register, and why."""

    model_config = ConfigDict(extra="forbid")

    domain: str = Field(max_length=2000, description="or any address on it")
    kind: HoldKind
    note: str = Field(default="", max_length=NOTE_CHARACTERS, description="for whoever reads the list")


class HoldAnswer(Answer):
    """A hold."""

    domain: str
    kind: HoldKind
    note: str
    added_by: str
    added_at: datetime


class HoldsAnswer(Answer):
    """A page of holds, by domain."""

    items: list[HoldAnswer]
    total: int = Field(description="all that match, across pages")
    next: str | None


class HeldAnswer(Answer):
    """A domain, and whether it is held now."""

    domain: str
    held: bool


class HoldRowAnswer(Answer):
    """What became, or would become, of a row of a file."""

    number: int = Field(description="as an editor shows it")
    written: str = Field(description="the domain as the file has it")
    domain: str | None
    came: Came
    why: str = Field(description="why it was left out")

    @field_validator("why", mode="before")
    @classmethod
    def _in_english(cls, why: object) -> str:
        return "" if why is None else str(why)


class HoldRowsAnswer(Answer):
    """What became of a file."""

    dry_run: bool
    items: list[HoldRowAnswer]


@router.get("")
def list_(
    context: Held,
    q: Annotated[str | None, Query(max_length=MOST_Q_CHARACTERS, description="part of the domain or the note")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> HoldsAnswer:
    """The holds, with who added each, and when."""
    with context.database.transaction() as tx:
        page = hold_lines(tx, q=q, limit=limit, cursor=cursor)
    return HoldsAnswer(items=[HoldAnswer.model_validate(one) for one in page.items], total=page.total, next=page.next)


@router.post("")
def add(context: Held, who: Who, hold: NewHold) -> HeldAnswer:
    """Let nobody register a domain. A registration on it is flagged for a person, and goes on."""
    domain = domain_meant(context, hold.domain)
    operations.add_hold(context, domain, hold.kind, note=hold.note, who=who, source=Source.API)
    return HeldAnswer(domain=domain, held=True)


@router.delete("/{domain}")
def lift(context: Held, who: Who, domain: Domain) -> HeldAnswer:
    """Lift a hold. What was refused for it stays refused until it is asked for again."""
    operations.lift_hold(context, domain, who=who, source=Source.API)
    return HeldAnswer(domain=domain, held=False)


@router.post("/import")
def bring_in(
    context: Held,
    who: Who,
    file: Annotated[UploadFile, File(description="CSV with the columns domain, kind, and note")],
    dry_run: Annotated[bool, Query(description="only say what would become of each row")] = False,
) -> HoldRowsAnswer:
    """Keep the holds of a CSV file; rows that cannot be used are left out, and say why."""
    name = (file.filename or "CSV")[:100]
    rows = import_holds(context, file.file.read(), name, who=who, dry_run=dry_run, source=Source.API)
    return HoldRowsAnswer(dry_run=dry_run, items=[HoldRowAnswer.model_validate(row) for row in rows])
