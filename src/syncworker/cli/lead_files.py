"""How does a person look at a lead before asking for it, and register many by a CSV file?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.job_progress import watched
from syncworker.cli.options import DryRunOption, JsonOption, PortalOption, YesOption, ask
from syncworker.cli.registering import checked_fields, show_checked
from syncworker.cli.resync_progress import somebody_looks_on
from syncworker.cli.session import portal_opened, who

if TYPE_CHECKING:
    from syncworker.registration.rules.domain_rules import DomainRules
    from syncworker.store.database import Tx
    from syncworker.sync.context import Context
    from syncworker.sync.jobs.file_rows import Came, Expected, FileRow
    from syncworker.sync.jobs.job import Job

# Of a file that is looked through.
_FIRST_ROWS = 20
_A_PAGE = 200

LeadFileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", exists=True, dir_okay=False, readable=True,
        help="A CSV file with a header and a row for each lead, in a column contact_id, email or domain.",
    ),
]  # fmt: skip
FileIdArgument = Annotated[int, typer.Argument(metavar="ID", help="The file's number: `jobs list`.")]
FailuresOption = Annotated[
    Path | None,
    typer.Option("--failures", help="Write what failed, with why, to this file: to be mended and imported again."),
]
WaitOption = Annotated[
    bool | None,
    typer.Option("--wait/--no-wait", help="Follow it until each row was asked for; by default if a person looks on."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to those about leads."""
    app.command("check")(check)
    app.command("import")(import_)
    app.command("file")(file)
    app.command("again")(again)


def check(
    what: Annotated[
        str,
        typer.Argument(metavar="WHAT", help="A contact: id, email, its company's domain, or its address in HubSpot."),
    ],
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what asking to register a lead would come to; nothing is done.

    Exit code 1 where it would not be registered: it is refused, or its data is not enough. `syncworker register` asks.
    """
    from syncworker.registration.rules.terms import Source
    from syncworker.sync.lists.check import check_meant

    with portal_opened(portal) as (context, chosen):
        found = check_meant(context, chosen.hub_id, what, source=Source.APP)
    output.show(checked_fields(found), as_json=as_json, people=lambda: show_checked(found))
    good = found.decision.status in {"registered", "pending"}
    raise typer.Exit(ExitCode.OK if good else ExitCode.LOOK)


def import_(
    file: LeadFileArgument,
    portal: PortalOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    failures: FailuresOption = None,
    wait: WaitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register many leads from a CSV file: shows what would come of it, and asks before anything is done.

    The same file asks once. UTF-8, or UTF-16 as Excel writes it; commas, semicolons or tabs; 100,000 rows, 20 MB.
    Exit code 1 where rows were left out or refused.
    """
    from syncworker.sync.jobs import lead_file

    content = _read(file)
    _see_writable(failures)
    with portal_opened(portal) as (context, chosen):
        rules = context.domain_rules
        job, expected, rows = _looked_through(context, chosen.hub_id, content, file.name)
        document = {"dry_run": True, "columns": job.columns, "total": job.total, "expected": expected,
                    "rows": _documents(rows, rules)}  # fmt: skip
        if dry_run:
            output.show(document, as_json=as_json, people=lambda: _show_expected(job, expected, rows, rules))
            raise typer.Exit(ExitCode.LOOK if expected is None or expected.bad else ExitCode.OK)
        if not as_json:
            _show_expected(job, expected, rows, rules)
        if expected is not None:
            ask(f"Ask for {expected.to_ask + expected.unavailable} leads?", yes=yes)
        taken = lead_file.upload(context, chosen.hub_id, content, name=file.name, who=who())
        taken = lead_file.take(context, chosen.hub_id, taken.id)
        _tell(context, taken, failures=failures, wait=wait, as_json=as_json)


def file(
    file_id: FileIdArgument,
    portal: PortalOption = None,
    failures: FailuresOption = None,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say how far a file has come, and what failed. Exit code 1 where something did."""
    from syncworker.sync.jobs import lead_file

    _see_writable(failures)
    with portal_opened(portal) as (context, chosen):
        with context.database.transaction() as tx:
            job = lead_file.show(tx, chosen.hub_id, file_id)
        _tell(context, job, failures=failures, wait=wait, as_json=as_json)


def again(
    file_id: FileIdArgument, portal: PortalOption = None, wait: WaitOption = None, as_json: JsonOption = False
) -> None:
    """Ask once more for those of a file that were refused, or had no contact: once they are mended in HubSpot."""
    from syncworker.sync.jobs import lead_file

    with portal_opened(portal) as (context, chosen):
        job = lead_file.again(context, chosen.hub_id, file_id, who=who())
        _tell(context, job, failures=None, wait=wait, as_json=as_json)


def _read(file: Path) -> bytes:
    from syncworker.sync.jobs.lead_rows import MOST_BYTES

    try:
        with file.open("rb") as content:
            # One byte more tells that there is more, and no more of it is read.
            return content.read(MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{file.name} cannot be read: {error.strerror}", code=ExitCode.USAGE) from error


def _looked_through(
    context: Context, hub_id: int, content: bytes, name: str
) -> tuple[Job, Expected | None, tuple[FileRow, ...]]:
    """The file as if it had been uploaded; without what is expected where it was taken before."""
    from syncworker.sync.jobs import file_rows, lead_file

    def look(tx: Tx, file_id: int) -> tuple[Job, Expected | None, tuple[FileRow, ...]]:
        job = lead_file.show(tx, hub_id, file_id)
        if not job.held:
            return job, None, file_rows.rows(tx, hub_id, file_id, limit=_FIRST_ROWS, failed=True)
        expected = file_rows.expected(context, tx, hub_id, file_id)
        bad = file_rows.preview(tx, hub_id, file_id, limit=_FIRST_ROWS, bad=True) if expected.bad else ()
        return job, expected, bad or file_rows.preview(tx, hub_id, file_id, limit=_FIRST_ROWS)

    return lead_file.trial(context, hub_id, content, name=name, look=look)


def _show_expected(job: Job, expected: Expected | None, rows: Sequence[FileRow], rules: DomainRules) -> None:
    _table("rows that name no lead" if expected and expected.bad else "the first rows", rows, rules)
    if expected is None:
        output.say(f"This file was taken before, by {job.who}: syncworker leads file {job.id}")
        return
    output.facts(
        {
            "rows": job.total,
            "columns": ", ".join(job.columns) + (f" ({job.others} others left out)" if job.others else ""),
            "to be asked for": expected.to_ask,
            "fit into the capacity": expected.fitting,
            "registered already": expected.registered,
            "unavailable": expected.unavailable,
            "named twice": expected.duplicates,
            "no lead": expected.bad,
        }
    )


def _tell(context: Context, job: Job, *, failures: Path | None, wait: bool | None, as_json: bool) -> None:
    from syncworker.sync.jobs import file_rows

    if wait or (wait is None and not as_json and somebody_looks_on()):
        job = watched(context, job, called="file", again=f"leads file {job.id} --wait")
    with context.database.transaction() as tx:
        came = file_rows.came(tx, job.hub_id, job.id)
        rows = file_rows.rows(tx, job.hub_id, job.id, limit=_A_PAGE, failed=True)
    document = {"file": job, "came": came, "failed": _documents(rows, context.domain_rules)}
    output.show(document, as_json=as_json, people=lambda: _show(job, came, rows, context.domain_rules))
    # After the file's number is told: without it nobody would find again what was asked for.
    if failures is not None:
        _write(context, job, failures)
    raise typer.Exit(ExitCode.LOOK if came.failed else ExitCode.OK)


def _show(job: Job, came: Came, rows: Sequence[FileRow], rules: DomainRules) -> None:
    if rows:
        _table("what failed", rows, rules)
    output.facts(
        {
            "file": f"{job.id}, {output.clean(job.note or '')}",
            "rows": f"{job.done} of {job.total}",
            "registered": came.registered,
            "pending": came.pending,
            "unavailable": came.unavailable,
            "invalid data": came.invalid_data,
            "not asked for": came.not_asked,
            "named twice": came.duplicates,
        }
    )
    if came.failed > len(rows):
        output.note(f"{came.failed} rows failed: --failures FILE writes them all")
    if not job.is_finished or came.pending:
        output.note(f"to see how far it is: syncworker leads file {job.id}")


def _see_writable(to: Path | None) -> None:
    """Raise CommandError before anything is asked for where what fails could not be written; changes no file."""
    if to is None:
        return
    try:
        is_new = not to.exists()
        if is_new or to.is_file() or to.is_dir():  # To open a pipe or a terminal is to begin writing.
            to.open("ab").close()
        if is_new:
            # Where a link leads, too: the link stays.
            to.resolve().unlink()
    except OSError as error:
        said = f"{to} cannot be written: {error.strerror}; nothing was done, choose another place"
        raise CommandError(said, code=ExitCode.USAGE) from error


def _write(context: Context, job: Job, to: Path) -> None:
    from syncworker import languages
    from syncworker.sync.lists import csv_lists

    with context.database.transaction() as tx:
        rows = csv_lists.file_rows(tx, job.hub_id, job.id, say=languages.language(None), rules=context.domain_rules)
        text = "".join(csv_lists.lines(csv_lists.FILE_COLUMNS, rows))
    try:
        to.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        said = (
            f"{to} cannot be written: {error.strerror}; choose another: syncworker leads file {job.id} --failures FILE"
        )
        raise CommandError(said, code=ExitCode.USAGE) from error


def _table(title: str, rows: Sequence[FileRow], rules: DomainRules) -> None:
    from syncworker.sync.lists import file_words

    told = [(row, file_words.said(row, rules)) for row in rows]
    lines = [
        (
            row.place,
            row.lead,
            said.status,
            " ".join([str(said.why), *_lacking(said.missing, said.wrong)]),
            said.what_now,
        )
        for row, said in told
    ]
    output.table(title, ("row", "lead", "status", "why", "what now"), lines, empty="There are none.")


def _documents(rows: Sequence[FileRow], rules: DomainRules) -> list[dict[str, object]]:
    from syncworker.sync.lists import file_words

    return [
        {
            "row": row.place,
            "lead": output.clean(row.lead),
            "outcome": row.outcome,
            "status": said.status,
            "domain": row.domain,
            "contact_id": row.contact_id,
            "why": str(said.why),
            "what_now": str(said.what_now) if said.what_now else None,
            "missing": said.missing,
            "wrong": said.wrong,
        }
        for row, said in ((row, file_words.said(row, rules)) for row in rows)
    ]


def _lacking(missing: Sequence[str], wrong: Sequence[str]) -> list[str]:
    return [f"{what}: {', '.join(names)}" for what, names in (("missing", missing), ("wrong", wrong)) if names]
