"""What does the database hold of a person, and how is it erased at somebody's word?

For contacts, and for those who appear in the history. HubSpot is not asked: delete the contact there first. Besides
what is known to be personal, every text of every table is looked through for the email: what a person typed somewhere,
and what a later version keeps, is found, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Column, ColumnElement, Text, cast, func, select, update
from sqlalchemy.dialects.postgresql import JSONB

from syncworker.access import users
from syncworker.registration.ledger import people
from syncworker.store import portals as known
from syncworker.store.access_tables import users as users_table
from syncworker.store.database import Tx
from syncworker.store.job_tables import jobs
from syncworker.store.line_tables import asked_lines, lead_lines
from syncworker.store.tables import history, holds, metadata, persons, portals, records, requests, resyncs
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.privacy import privacy
from syncworker.sync.wake import Bell, Ring

# History is never changed: it names nobody, and is kept from emails where it is written. Names are erased row by row.
# Lines of lists follow the records they were made of.
_KEPT = (history, persons, lead_lines, asked_lines)
# Where a name is looked for: a person may be called as a state or a source is, and those are no names.
_NAMES = frozenset(
    (
        requests.c.who, requests.c.confirmed_by, holds.c.added_by, portals.c.paused_by, resyncs.c.asked_by,
        users_table.c.added_by, jobs.c.who,
    )
)  # fmt: skip
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


class NotAnEmail(Exception):
    """What is taken out of every text must not be a word that stands there for something else."""

    def __init__(self, given: str) -> None:
        super().__init__(f"{given[:100]!r} is no email address: nothing was erased. Give it in full, or use --person")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was erased, or would be."""

    contacts: tuple[tuple[int, str], ...]
    """(hub id, contact id)"""
    submissions: int
    """Submissions whose contact was not found yet: they end."""
    persons: tuple[str, ...]
    """Names that history had."""
    texts: dict[str, int] = field(default_factory=dict)
    """How many texts held the email or the name, by `table.column`."""

    @property
    def anything(self) -> bool:
        """Whether anything was found at all."""
        return bool(self.contacts or self.submissions or self.persons or self.texts)


def erase(
    context: Context,
    *,
    hub_id: int | None = None,
    email: str | None = None,
    contact_id: str | None = None,
    person: str | None = None,
    dry_run: bool = False,
) -> Erased:
    """Erase whoever is named: a contact by id or email, a person of the history by email or name.

    `hub_id`: only what we keep of this portal's contacts; None: of every portal. With `dry_run` nothing is changed.
    Raises UnknownPortal, NotAnEmail.
    """
    email = email.strip().lower() if email else None
    if email and not _EMAIL.fullmatch(email):
        raise NotAnEmail(email)
    if person and not people.is_person(person):
        person = None  # a machine's word for itself stands in a thousand rows, and is nobody's name

    def work(tx: Tx) -> Erased:
        hub_ids = [known.get(tx, hub_id).hub_id] if hub_id is not None else [p.hub_id for p in known.everyone(tx)]
        contacts = _contacts(tx, hub_ids, email=email, contact_id=contact_id)
        emails = _emails(tx, contacts) | ({email} if email else set())
        names = sorted({*(people.named_after(tx, email) if email else ()), *([person] if person else ())})
        found = Erased(
            contacts=tuple(contacts),
            submissions=_waiting(tx, hub_ids, emails),
            persons=tuple(name for name in names if _is_known(tx, name)),
            texts=_texts(tx, emails, names, context, change=False),
        )
        if not dry_run:
            _erase(tx, context, hub_ids, contacts, emails, names)
        return found

    found = context.database.run(work)
    if not dry_run:
        hubs = {hub for hub, _ in found.contacts}
        context.waker.ring(*(Ring(Bell.SERVE_INTERACTIVE, hub) for hub in sorted(hubs)))
    return found


def _erase(
    tx: Tx,
    context: Context,
    hub_ids: Iterable[int],
    contacts: Iterable[tuple[int, str]],
    emails: set[str],
    names: Iterable[str],
) -> None:
    privacy.erase_contacts(tx, context.secrets, dict.fromkeys(contacts, tx.now), gone=False)
    for hub_id in hub_ids:
        privacy.remember(tx, context.secrets, hub_id, emails, at=tx.now)
        privacy.end_unresolved(tx, hub_id, emails, until=tx.now)
    for name in names:
        people.erase(tx, name)
    # An account whose email is taken out of it is nobody's.
    users.forget(tx, emails)
    _texts(tx, emails, names, context, change=True)
    for hub_id, contact_id in sorted(contacts):
        mark(tx, hub_id, Kind.CONTACT, [contact_id], priority=Priority.PERSON, cause="erased")


def _contacts(tx: Tx, hub_ids: Iterable[int], *, email: str | None, contact_id: str | None) -> list[tuple[int, str]]:
    """The contacts that are meant, as far as anything here knows of them."""
    hubs = list(hub_ids)
    of_contact = (records.c.hub_id.in_(hubs)) & (records.c.kind == Kind.CONTACT.value)
    found: set[tuple[int, str]] = set()
    if email:
        by_email = select(records.c.hub_id, records.c.object_id).where(of_contact, func.lower(records.c.email) == email)
        found |= {(row.hub_id, row.object_id) for row in tx.connection.execute(by_email)}
    if contact_id:
        known = select(records.c.hub_id).where(of_contact, records.c.object_id == contact_id)
        asked = select(requests.c.hub_id).where(requests.c.hub_id.in_(hubs), requests.c.contact_id == contact_id)
        found |= {(hub_id, contact_id) for hub_id in tx.connection.execute(known.union(asked)).scalars()}
    return sorted(found)


def _emails(tx: Tx, contacts: Iterable[tuple[int, str]]) -> set[str]:
    return {email.lower() for hub_id, contact_id in contacts for email in privacy.emails_kept(tx, hub_id, [contact_id])}


def _waiting(tx: Tx, hub_ids: Iterable[int], emails: Iterable[str]) -> int:
    waiting = select(func.count()).where(
        requests.c.hub_id.in_(list(hub_ids)), requests.c.contact_id.is_(None), requests.c.email.in_(sorted(emails))
    )
    return int(tx.connection.execute(waiting).scalar_one())


def _is_known(tx: Tx, name: str) -> bool:
    return tx.connection.execute(select(persons.c.id).where(persons.c.name == name)).first() is not None


def _texts(tx: Tx, emails: Iterable[str], names: Iterable[str], context: Context, *, change: bool) -> dict[str, int]:
    """Count the texts that hold one of the emails, or are one of the names; with `change`, take them out.

    It reads every table once for each. A request's key keeps a keyed hash in place, so that it stays what it was.
    """
    found: dict[str, int] = {}
    for column in _columns():
        text = column if isinstance(column.type, Text) else cast(column, Text)
        count = 0
        for email in sorted(email for email in emails if _EMAIL.fullmatch(email)):
            pattern = _alone(email)
            holds = text.op("~*")(pattern)
            instead = context.secrets.email_hash(email) if column is requests.c.key else people.ERASED
            without = func.regexp_replace(text, pattern, instead, "gi")
            new = without if isinstance(column.type, Text) else cast(without, JSONB)
            count += _apply(tx, column, holds, new, change=change)
        if column in _NAMES:
            for name in sorted(names):
                count += _apply(tx, column, column == name, people.ERASED, change=change)
        if count:
            found[f"{column.table.name}.{column.name}"] = count
    return found


def _alone(email: str) -> str:
    """A pattern of PostgreSQL that finds the email, and no longer one that ends or begins with it."""
    return rf"(?<![\w.%+-]){re.escape(email)}(?![\w-]|\.\w)"


def _apply(tx: Tx, column: Column[object], holds: ColumnElement[bool], new: object, *, change: bool) -> int:
    if change:
        return tx.connection.execute(update(column.table).where(holds).values({column: new})).rowcount
    return int(tx.connection.execute(select(func.count()).select_from(column.table).where(holds)).scalar_one())


def _columns() -> list[Column[object]]:
    """Every column of text or JSON whose values may be replaced."""
    return [
        column
        for table in metadata.sorted_tables
        if table not in _KEPT
        for column in table.columns
        if isinstance(column.type, Text | JSONB) and not column.primary_key and column.computed is None
    ]
