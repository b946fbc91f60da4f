"""How is taken over what is registered already? By CSV, checked before anything is kept.

A row that is taken over keeps its own domain and dates, needs no contact and no conversion, and counts even over
capacity: it is so already. Past ones come in as expired.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from io import StringIO
from pathlib import Path

from sqlalchemy import insert

from syncworker.program import Authority
from syncworker.registration.ledger import history, moves
from syncworker.registration.ledger import registrations as claimed
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Event, Happened
from syncworker.registration.rules.domain_rules import DomainRules
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.terms import Confirmation, EndReason, Source
from syncworker.registration.rules.validity import expires_on, today_in
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.store.tables import registrations
from syncworker.sync.context import Context, program
from syncworker.sync.csv_rows import whole_rows
from syncworker.sync.lists.column_names import meant
from syncworker.sync.marks import Priority
from syncworker.sync.reconcile.fan_out import mark_changes

REGISTRATION_COLUMNS = ("domain", "registered_on", "expires_on", "contact_id", "company_id")
_ROWS_MOST = 200_000
# HubSpot's record ids are positive 64-bit numbers.
_RECORD_ID = re.compile(r"[1-9][0-9]{0,18}")


# What a list that left as CSV has before a cell that would run as a formula.
DEFUSED = re.compile(r"'(?=[=+\-@])")


class BadFile(Exception):
    """The file as a whole cannot be used; says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row that can be taken over."""

    number: int
    domain: str
    registered_on: date
    expires_on: date
    contact_id: str | None
    company_id: str | None


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of the rows of a file, or would become of them."""

    active: list[str] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    """Registered by this partner already, with these dates: nothing to do."""
    problems: list[tuple[int, str, str]] = field(default_factory=list)
    """(row, domain as written, what is wrong)"""


def import_registrations(context: Context, hub_id: int, path: Path, *, who: str, dry_run: bool) -> Outcome:
    """Take over the registrations of a file; with `dry_run` say what would become of each row, and keep nothing.

    Raises BadFile, UnknownPortal.
    """
    rows = read_rows(path, REGISTRATION_COLUMNS, required=("domain", "registered_on"))
    outcome = Outcome()

    def work(tx: Tx) -> Changes:
        outcome.__init__()  # type: ignore[misc] # a transaction that runs again begins anew
        portal = portals.get(tx, hub_id)
        # As the partner is now: whoever held the lock may have changed its tier.
        portal = replace(portal, partner=portals.lock_partner(tx, portal.partner.id))
        good = _checked(rows, context, tx, portal, outcome)
        return _keep(tx, portal, good, outcome, who=who, path=path, dry_run=dry_run)

    _carry_out(context, work)
    return outcome


def read_rows(path: Path, columns: tuple[str, ...], *, required: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with a header, numbered as an editor shows them; raises BadFile."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path.name} cannot be read: {error.strerror}") from error
    return rows_of(content, path.name, columns, required=required)


def rows_of(
    content: bytes, name: str, columns: tuple[str, ...], *, required: tuple[str, ...]
) -> list[tuple[int, dict[str, str]]]:
    """The same of a file's content; `name` names it in what BadFile says."""
    try:
        lines = content.decode("utf-8-sig")
        # Excel writes semicolons where the comma is the decimal mark, as in Swedish.
        semicolons = ";" in lines[:4096].partition("\n")[0]
        read = whole_rows(StringIO(lines, newline=""), separator=";" if semicolons else ",")
        _, header = next(read, (0, []))
        names = [meant(name, columns) for name in header]
        missing = [name for name in required if name not in names]
        if missing:
            raise BadFile(f"{name} lacks the columns {', '.join(missing)}; known are {', '.join(columns)}")
        rows = [
            (line, {name: _typed(row.get(name, "")) for name in columns})
            for line, row in ((line, dict(zip(names, cells, strict=False))) for line, cells in read if cells)
        ]
    except UnicodeDecodeError:
        raise BadFile(f"{name} is not UTF-8: save it as CSV UTF-8") from None
    except csv.Error as error:
        raise BadFile(f"{name} is not CSV: {error}") from error
    if len(rows) > _ROWS_MOST:
        raise BadFile(f"{name} has {len(rows)} rows; divide it into files of {_ROWS_MOST}")
    return rows


def _typed(cell: str) -> str:
    """What somebody typed into a cell, or had in it before it left as CSV."""
    return DEFUSED.sub("", cell.strip(), count=1)


def _checked(
    rows: Iterable[tuple[int, dict[str, str]]], context: Context, tx: Tx, portal: Portal, outcome: Outcome
) -> list[Row]:
    good: dict[str, Row] = {}
    validity = context.terms(portal.partner, tx).validity
    today = today_in(portal.time_zone, tx.now)
    for number, row in rows:
        domain, problem = _domain(row["domain"], context.domain_rules)
        began, ends = _date(row["registered_on"]), _date(row["expires_on"])
        if not problem and began is None:
            problem = "registered_on must be a date such as 2026-03-31"
        elif not problem and row["expires_on"] and ends is None:
            problem = "expires_on must be a date such as 2027-03-31, or empty for the program's validity"
        elif not problem and began is not None and began > today:
            problem = "registered_on is in the future"
        elif not problem and began is not None and ends is not None and ends < began:
            problem = "expires_on is before registered_on"
        elif not problem and domain in good:
            problem = f"the same domain as in row {good[domain].number}"
        elif not problem and any(
            row[key] and not _RECORD_ID.fullmatch(row[key]) for key in ("contact_id", "company_id")
        ):
            problem = "contact_id and company_id are HubSpot's record ids, in digits"
        if problem or began is None:
            outcome.problems.append((number, row["domain"], problem))
            continue
        good[domain] = Row(
            number=number,
            domain=domain,
            registered_on=began,
            expires_on=ends or expires_on(began, validity),
            contact_id=row["contact_id"] or None,
            company_id=row["company_id"] or None,
        )
    return list(good.values())


def _keep(tx: Tx, portal: Portal, rows: list[Row], outcome: Outcome, *, who: str, path: Path, dry_run: bool) -> Changes:
    changes = Changes()
    held = claimed.held_on(tx, [row.domain for row in rows])
    authority = program(portal.partner.program).authority
    batch = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    for row in sorted(rows, key=lambda r: r.domain):
        holder = held.get(row.domain)
        ends = claimed.expires_at(row.expires_on, portal.time_zone)
        past = ends <= tx.now
        if holder is not None and holder.partner_id != portal.partner.id:
            outcome.problems.append((row.number, row.domain, "conflict: registered by another partner here"))
            continue
        if holder is not None:
            same = (holder.registered_on, holder.expires_on) == (row.registered_on, row.expires_on)
            dates = f"{holder.registered_on} to {holder.expires_on}"
            if same:
                outcome.known.append(row.domain)
            else:
                outcome.problems.append((row.number, row.domain, f"conflict: registered here already, {dates}"))
            continue
        if past and _came_in_before(tx, portal, row):
            outcome.known.append(row.domain)
            continue
        (outcome.expired if past else outcome.active).append(row.domain)
        if not dry_run:
            _insert(tx, portal, row, changes, past=past, authority=authority, who=who, batch=batch)
    if not dry_run:
        changes.contacts |= moves.contacts_waiting_elsewhere(tx, portal.partner.id, outcome.active)
    return changes


def _came_in_before(tx: Tx, portal: Portal, row: Row) -> bool:
    same = claimed.query().where(
        registrations.c.partner_id == portal.partner.id,
        registrations.c.domain == row.domain,
        registrations.c.registered_on == row.registered_on,
    )
    return tx.connection.execute(same.limit(1)).first() is not None


def _insert(
    tx: Tx,
    portal: Portal,
    row: Row,
    changes: Changes,
    *,
    past: bool,
    authority: Authority,
    who: str,
    batch: str,
) -> None:
    ends = claimed.expires_at(row.expires_on, portal.time_zone)
    made = insert(registrations).values(
        partner_id=portal.partner.id,
        domain=row.domain,
        hub_id=portal.hub_id,
        contact_id=row.contact_id,
        company_id=row.company_id,
        source=Source.IMPORT.value,
        registered_on=row.registered_on,
        expires_on=row.expires_on,
        expires_at=ends,
        confirmation=Confirmation.UNCONFIRMED.value if authority is Authority.HUBSPOT else None,
        created_at=tx.now,
        ended_at=ends if past else None,
        end_reason=EndReason.EXPIRED.value if past else None,
    )
    registration_id = tx.connection.execute(made.returning(registrations.c.id)).scalar_one()
    event = Event(
        partner_id=portal.partner.id,
        hub_id=portal.hub_id,
        domain=row.domain,
        event=Happened.IMPORTED,
        source=Source.IMPORT.value,
        who=who,
        why=f"file {batch}, row {row.number}, {'expired' if past else 'active'}",
        contact_id=row.contact_id,
        company_id=row.company_id,
        registration_id=registration_id,
    )
    history.record(tx, [event])
    changes.registration(
        partner_id=portal.partner.id,
        domain=row.domain,
        hub_id=portal.hub_id,
        contact_id=row.contact_id,
        company_id=row.company_id,
    )


def _carry_out(context: Context, work: Callable[[Tx], Changes]) -> None:
    rings = context.database.run(lambda tx: mark_changes(tx, work(tx), cause="import", priority=Priority.POLL))
    context.waker.ring(*rings)


def _domain(written: str, rules: DomainRules) -> tuple[str, str]:
    found = registrable(written, rules)
    return (found, "") if isinstance(found, str) else ("", found.sentence)


def _date(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
