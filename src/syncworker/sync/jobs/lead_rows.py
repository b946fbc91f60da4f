"""What does a CSV file of leads say, and which of its rows can be asked for?

Read as people have it: UTF-8, or UTF-16 with its mark, as Excel writes it; with commas, semicolons or tabs; its columns
named as HubSpot names them. Pure: nothing is looked up, in HubSpot or in the ledger.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper

from syncworker.languages import Words, to_translate
from syncworker.registration.rules.domain_rules import DomainRules
from syncworker.registration.rules.domains import registrable
from syncworker.store.texts import storable
from syncworker.sync.csv_rows import NeverClosed, whole_rows
from syncworker.sync.jobs.job import MOST_DOMAINS, Item, Outcome
from syncworker.sync.portals.takeover import DEFUSED, BadFile

COLUMNS = ("contact_id", "email", "domain", "lead")
"""By which a row names its lead; the first that is filled counts. `lead` may be any of the three."""
MOST_ROWS = MOST_DOMAINS
MOST_BYTES = 20_000_000
"""100,000 rows of 200 bytes: a list of ids or emails has a tenth of that."""
MOST_CHARACTERS = 254
"""Of an email, and a domain is shorter (RFC 5321, 4.5.3.1.3; RFC 1035, 2.3.4)."""

ID = re.compile(r"[1-9][0-9]{0,18}")
_EMAIL = re.compile(r"[^@\s]{1,64}@(?:[^@\s.]+\.)+[^@\s.]+")
_SEPARATORS = (",", ";", "\t")
_Row = tuple[int, list[str]]
# As HubSpot's exports, and people, call them; without what is no letter.
_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("contactid", "recordid", "recordidcontact", "kontaktid", "postid"), "contact_id"),
    **dict.fromkeys(("email", "emailaddress", "epost", "epostadress", "mail"), "email"),
    **dict.fromkeys(("domain", "website", "websiteurl", "companydomainname", "companydomain"), "domain"),
    **dict.fromkeys(("domän", "webbplats", "hemsida", "företagsdomän"), "domain"),
    **dict.fromkeys(("lead", "leads"), "lead"),
}


class BadLeadFile(BadFile):
    """The file as a whole cannot be used. `words` says what to change, to be translated."""

    def __init__(self, text: str, **values: str) -> None:
        self.words = Words(text, values)
        super().__init__(str(self.words))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRows:
    """What a file says."""

    columns: tuple[str, ...]
    """Those of COLUMNS that it has."""
    others: int
    """Columns that are left out."""
    items: tuple[Item, ...]
    """By line, as an editor counts them; with an outcome where that is known from the file alone."""


def read(content: bytes, name: str, rules: DomainRules) -> LeadRows:
    """The leads of a file; `name` names it in what BadLeadFile says."""
    # Somebody's texts are said back to them, and no more of them than fits into a line.
    named = storable(name)[:100] or "CSV"
    if len(content) > MOST_BYTES:
        raise BadLeadFile(_TOO_LARGE, name=named, most=f"{MOST_BYTES // 1_000_000}")
    if not content.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"):
        raise BadLeadFile(_EMPTY, name=named)
    for encoding in _encodings(content, named):
        try:
            return _read(content, encoding, named, rules)
        except UnicodeDecodeError:
            continue
    raise BadLeadFile(_NOT_UTF_8, name=named)


def _read(content: bytes, encoding: str, name: str, rules: DomainRules) -> LeadRows:
    # By the line, never a second copy of it all: a text of 20 MB may take four times that.
    with TextIOWrapper(BytesIO(content), encoding=encoding, errors=_errors(encoding), newline="") as lines:
        rows = _rows(lines, name)
        columns = _columns(rows, name)
        leads = list(_leads(rows, columns, name, is_guessed=encoding == _GUESSED))
    if not leads:
        raise BadLeadFile(_NO_ROWS, name=name)
    return LeadRows(
        columns=tuple(column for column in COLUMNS if column in columns),
        others=sum(column is None for column in columns),
        items=tuple(_judged(leads, rules)),
    )


def _rows(lines: TextIOWrapper, name: str) -> Iterator[_Row]:
    line = 0
    try:
        for line, cells in whole_rows(lines, separator=_separator(lines)):
            yield line, cells
    except NeverClosed as error:
        raise BadLeadFile(_NEVER_CLOSED, name=name, row=str(error.line)) from error
    except csv.Error as error:
        raise BadLeadFile(_NOT_CSV, name=name, row=str(line + 1), why=str(error)) from error


# Excel in Swedish and other western languages, where nobody chose UTF-8.
_GUESSED = "cp1252"


def _encodings(content: bytes, name: str) -> Sequence[str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if b"\0" in content[:1000]:
        raise BadLeadFile(_NOT_UTF_8, name=name)
    return ("utf-8-sig", _GUESSED)


def _errors(encoding: str) -> str:
    # A few bytes are no letter there; what is replaced is no ASCII, and so is not believed.
    return "replace" if encoding == _GUESSED else "strict"


def _separator(lines: TextIOWrapper) -> str:
    """The one that the header has most of; the file is at its beginning again."""
    first = lines.readline(10_000)
    if first.lower().startswith("sep="):
        # Excel's own word for it, and no header.
        return first[4:5] if first[4:5] in _SEPARATORS else ","
    lines.seek(0)
    return max(_SEPARATORS, key=first.count)


def _columns(rows: Iterator[_Row], name: str) -> list[str | None]:
    _, header = next(rows, (0, []))
    columns = [_NAMES.get(re.sub(r"[\W_]", "", cell.lower())) for cell in header]
    if any(columns):
        return columns
    if any("@" in cell or ID.fullmatch(cell.strip()) for cell in header):
        raise BadLeadFile(_NO_HEADER, name=name)
    raise BadLeadFile(_NO_COLUMN, name=name)


def _leads(
    rows: Iterator[_Row], columns: Sequence[str | None], name: str, *, is_guessed: bool
) -> Iterator[tuple[int, str]]:
    order = sorted((COLUMNS.index(column), number) for number, column in enumerate(columns) if column is not None)
    count = 0
    for line, cells in rows:
        found = (cells[number].strip() for _, number in order if number < len(cells))
        lead = next((cell for cell in found if cell), "")
        if not lead:
            continue
        count += 1
        if count > MOST_ROWS:
            raise BadLeadFile(_TOO_MANY, name=name, most=f"{MOST_ROWS:,}")
        if is_guessed and not lead.isascii():
            # One letter that is another one is another company's domain.
            raise BadLeadFile(_NOT_UTF_8_AT, name=name, row=str(line))
        yield line, DEFUSED.sub("", lead, count=1)


def _judged(leads: Sequence[tuple[int, str]], rules: DomainRules) -> Iterator[Item]:
    """What can be said of each row without looking anywhere else. A domain is in the ledger's spelling."""
    seen: set[str] = set()
    for place, typed in leads:
        lead = _lead(typed, rules)
        if lead is None:
            shown = storable("".join(one if one.isprintable() else " " for one in typed[: MOST_CHARACTERS + 1]))
            if len(shown) > MOST_CHARACTERS:
                shown = shown[: MOST_CHARACTERS - 1] + "…"
            yield Item(place=place, domain=shown, outcome=Outcome.BAD_LEAD)
        else:
            yield Item(place=place, domain=lead, outcome=Outcome.DUPLICATE if lead in seen else None)
            seen.add(lead)


def _lead(typed: str, rules: DomainRules) -> str | None:
    """An id, an email in lower case, or a registrable domain; None where it is none of them."""
    if ID.fullmatch(typed):
        return typed
    if "@" in typed:
        good = len(typed) <= MOST_CHARACTERS and typed.isprintable() and _EMAIL.fullmatch(typed)
        return typed.lower() if good else None
    found = registrable(typed, rules)
    return found if isinstance(found, str) else None


_TOO_LARGE = to_translate("%(name)s is larger than %(most)s MB: divide it, or leave out columns that nobody needs here")
_TOO_MANY = to_translate("%(name)s has more than %(most)s rows: divide it")
_EMPTY = to_translate("%(name)s is empty: it needs a header, such as email, and a row for each lead")
_NO_ROWS = to_translate("%(name)s names no leads: below its header every row is empty")
_NO_HEADER = to_translate("%(name)s has no header: add a first line that names its columns, such as email")
_NO_COLUMN = to_translate(
    "%(name)s has none of the columns that name a lead: call one of them contact_id, email or domain"
)
_NOT_UTF_8 = to_translate("%(name)s is not UTF-8: save it as CSV UTF-8")
_NOT_UTF_8_AT = to_translate(
    "%(name)s is not UTF-8, and the lead in line %(row)s has a letter that cannot be told without it: "
    "save it as CSV UTF-8"
)
_NEVER_CLOSED = to_translate(
    "%(name)s opens a quotation mark in line %(row)s that nothing closes: all that follows would be one cell"
)
_NOT_CSV = to_translate("%(name)s is no CSV from line %(row)s on (%(why)s): is a quotation mark missing there?")
