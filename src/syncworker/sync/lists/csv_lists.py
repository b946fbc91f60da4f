"""How does a list leave as CSV, so that nothing in it runs as a formula where it is opened?

UTF-8 with a byte order mark, by which Excel knows it. A cell that begins as a formula would, whoever typed it into the
CRM, is preceded by an apostrophe (OWASP, CSV Injection).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from io import StringIO
from itertools import islice

from syncworker.languages import SOURCE, Language, language
from syncworker.registration.rules.domain_rules import DomainRules
from syncworker.registration.rules.readable import readable
from syncworker.store.database import Database, Tx
from syncworker.sync.jobs import job
from syncworker.sync.jobs.file_rows import rows as rows_of_file
from syncworker.sync.lists import asked_list, file_words, lead_list
from syncworker.sync.lists.asked_list import Asked, AskedLine, AskedView
from syncworker.sync.lists.lead_list import Leads, View
from syncworker.sync.lists.list_lines import RegistrationLine

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_A_PAGE = 200
# Of lines that are sent at a time.
_A_PIECE = 500

LEAD_COLUMNS = (
    "domain", "company", "contact", "country", "registered_on", "expires_on", "renew_at_expiry", "source", "status",
    "confirmation", "hold", "website", "contact_id", "company_id", "domain_readable",
)  # fmt: skip
ASKED_COLUMNS = (
    "domain", "company", "contact", "country", "requested_at", "source", "state", "reason", "position", "why",
    "what_now", "missing", "wrong", "contact_id", "company_id", "domain_readable",
)  # fmt: skip
# `lead` is a column that a file of leads may have: what failed is mended, and brought in as it is.
FILE_COLUMNS = ("lead", "why", "what_now", "missing", "wrong", "status", "outcome", "row", "domain", "contact_id_found")


def defused(cell: object) -> str:
    """The cell as a text that no spreadsheet takes for a formula."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The file, line by line: the columns' names, then the rows."""
    yield "\ufeff" + _line(columns)
    for row in rows:
        yield _line([defused(cell) for cell in row])


def pieces(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The same, some hundred lines at a time: for whoever sends it while it is read."""
    left = lines(columns, rows)
    while piece := "".join(islice(left, _A_PIECE)):
        yield piece


def leads(database: Database, hub_id: int, which: Leads, view: View) -> Iterator[Sequence[object]]:
    """All that match, across pages, in the order of the table, as rows of LEAD_COLUMNS. Raises UnknownPortal at once.

    However many they are, a few hundred are read at a time, each in a transaction of its own.
    """
    return (_of_lead(item, hub_id) for item in lead_list.everything(database, hub_id, which, view, at_once=_A_PIECE))


def asked(
    database: Database, hub_id: int, which: Asked, view: AskedView, *, say: Language | None = None
) -> Iterator[Sequence[object]]:
    """The same of what was asked for, as rows of ASKED_COLUMNS; sentences in the reader's language, else in English."""
    in_ = say or language(SOURCE)
    found = asked_list.everything(database, hub_id, which, view, at_once=_A_PIECE)
    return (_of_request(item, in_) for item in found)


def file_rows(
    tx: Tx, hub_id: int, job_id: int, *, say: Language, rules: DomainRules, failures_only: bool = True
) -> Iterator[Sequence[object]]:
    """What came of a file that was taken, as rows of FILE_COLUMNS: only what failed, or all. Raises UnknownJob.

    Why, and what now, are in the reader's language: a person reads them, and no program.
    """
    after = 0
    while found := rows_of_file(tx, hub_id, job_id, after=after, limit=_A_PAGE, failed=failures_only):
        for row in found:
            said = file_words.said(row, rules)
            yield (
                row.lead, say.say(said.why), say.say(said.what_now) if said.what_now else "",
                ", ".join(map(say.gettext, said.missing)), ", ".join(map(say.gettext, said.wrong)), said.status,
                row.outcome, row.place, row.domain, row.contact_id,
            )  # fmt: skip
        after = found[-1].place


def job_items(tx: Tx, hub_id: int, job_id: int) -> Iterator[Sequence[object]]:
    """What came of each domain of a job: its place, the domain, the outcome. Raises UnknownJob."""
    after = 0
    while found := job.items(tx, hub_id, job_id, after=after, limit=_A_PAGE):
        yield from ((item.place, item.domain, item.outcome) for item in found)
        after = found[-1].place


def _of_lead(item: RegistrationLine, hub_id: int) -> Sequence[object]:
    return (
        item.domain, item.company, item.contact_name, item.country, item.registered_on, item.expires_on,
        item.renew_at_expiry, item.source, item.status, item.confirmation, item.hold, item.website,
        item.contact_id if item.hub_id == hub_id else None, item.company_id if item.hub_id == hub_id else None,
        readable(item.domain),
    )  # fmt: skip


def _of_request(item: AskedLine, say: Language) -> Sequence[object]:
    said = item.answer
    return (
        item.domain, item.company, item.contact_name, item.country, item.requested_at, item.source, item.state,
        item.reason, item.position, say.say(said.why), say.say(said.what_now),
        ", ".join(map(say.gettext, said.missing)), ", ".join(map(say.gettext, said.wrong)),
        item.contact_id, item.company_id, readable(item.domain) if item.domain else None,
    )  # fmt: skip


def _line(cells: Sequence[str]) -> str:
    line = StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
