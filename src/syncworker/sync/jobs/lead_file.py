"""How are many leads registered by a CSV file: read, looked through before anything is done, then asked for row by row?

A file is a job that is held until somebody says go; its rows are the job's items. The key of a row's request is the
file's hash and the row: the same file asks once. What was typed into it is kept for 30 days, for the file of failures.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from syncworker.registration.ledger import holds, registrations
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.requests import NewRequest, State
from syncworker.registration.ledger.requests import reason as reason_in
from syncworker.registration.rules.domain_rules import DomainRules
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.terms import Action, Reason, Source, Status
from syncworker.store import portals
from syncworker.store.arrays import joined, split
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.store.texts import storable
from syncworker.sync.context import Context
from syncworker.sync.jobs import job
from syncworker.sync.jobs.job import MOST_DOMAINS, Job, JobAction, Outcome
from syncworker.sync.portals.takeover import BadFile, rows_of
from syncworker.sync.wake import Bell, Ring

COLUMNS = ("contact_id", "email", "domain")
KEPT_FOR = timedelta(days=30)
_MOST_CHARACTERS = 254
_ID = re.compile(r"[1-9][0-9]{0,18}")
_EMAIL = re.compile(r"[^@\s]{1,64}@(?:[^@\s.]+\.)+[^@\s.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A row of a file: what it names, and what came, or would come, of it."""

    place: int
    """Its line in the file, as an editor shows it."""
    lead: str
    """The contact's id, its email, or a domain; untrusted."""
    outcome: Outcome | None
    """Before the file is taken: only what keeps the row from being asked for."""
    domain: str | None = None
    """Where we know it."""
    would_be: Status | None = None
    """Before the file is taken, where we know the contact: what asking comes to, but for missing data."""
    state: State | None = None
    """How far its request has come."""
    reason: Reason | None = None
    detail: str = ""

    @property
    def failed(self) -> bool:
        """Whether a person must do something about it."""
        good = self.outcome in {None, Outcome.DONE, Outcome.REGISTERED, Outcome.DUPLICATE}
        return not good or self.state in {State.INVALID_DATA, State.UNAVAILABLE, State.UNRESOLVED, State.ENDED}


def upload(context: Context, hub_id: int, content: bytes, *, name: str, who: str) -> Job:
    """Keep the rows of a file, and do nothing with them yet; the same file again is the same job.

    Raises UnknownPortal, BadFile: not UTF-8, no CSV, none of the columns, too many rows.
    """
    # PostgreSQL would refuse the whole of it for one NUL.
    found = rows_of(content, name, COLUMNS, required=())
    rows = [(number, next((row[column] for column in COLUMNS if row[column]), "")) for number, row in found]
    rows = [(number, storable(lead).lower()[:_MOST_CHARACTERS]) for number, lead in rows if lead]
    if not rows:
        raise BadFile(f"{name} names no leads: it needs a header, with one of the columns {', '.join(COLUMNS)}")
    if len(rows) > MOST_DOMAINS:
        raise BadFile(f"{name} has {len(rows)} rows; divide it into files of {MOST_DOMAINS}")
    outcomes = _of_file_alone([lead for _, lead in rows], context.domain_rules)
    key = f"import:{hashlib.sha256(content).hexdigest()[:32]}"

    def keep(tx: Tx) -> int:
        values: dict[str, object] = {
            "hub_id": hub_id,
            "partner_id": portals.get(tx, hub_id).partner.id,
            "action": JobAction.REGISTER_FILE.value,
            "source": Source.IMPORT.value,
            "who": storable(who),
            "key": key,
            "note": storable(name)[:200],
            "total": len(rows),
            "done": sum(outcome is not None for outcome in outcomes),
            "now": tx.now,
        }
        added = tx.connection.execute(_ADD, values).scalar_one_or_none()
        if added is None:
            return int(tx.connection.execute(_OF_KEY, values).scalar_one())
        items = {
            "job_id": added,
            "places": joined(str(number) for number, _ in rows),
            "leads": joined(lead for _, lead in rows),
            "outcomes": joined(outcome.value if outcome else "" for outcome in outcomes),
        }
        tx.connection.execute(_ADD_ITEMS, items)
        return int(added)

    job_id = context.database.run(keep)
    with context.database.transaction() as tx:
        return job.show(tx, hub_id, job_id)


def preview(
    context: Context, tx: Tx, hub_id: int, job_id: int, *, after: int = 0, limit: int = 100
) -> tuple[FileRow, ...]:
    """Rows of a file from behind a place on, with what would come of each; nothing is done, HubSpot is not asked.

    Raises UnknownPortal, UnknownJob.
    """
    items = job.items(tx, hub_id, job_id, after=after, limit=limit)
    portal = portals.get(tx, hub_id)
    known = _known(tx, hub_id, [item.domain for item in items], context.domain_rules)
    domains = {domain for _, domain in known.values() if domain}
    held = registrations.held_on(tx, domains)
    on_hold = holds.on(tx, domains)
    rows = []
    for item in items:
        contact, domain = known[item.domain]
        claim = held.get(domain or "")
        outcome, would_be = item.outcome, None
        if outcome is None and claim is not None and claim.partner_id == portal.partner.id and claim.is_active:
            outcome, would_be = Outcome.REGISTERED, Status.REGISTERED
        elif outcome is None and contact is None and "@" not in item.domain:
            outcome = Outcome.NO_CONTACT
        elif domain in on_hold or (claim is not None and claim.partner_id != portal.partner.id):
            would_be = Status.UNAVAILABLE
        rows.append(FileRow(place=item.place, lead=item.domain, outcome=outcome, domain=domain, would_be=would_be))
    return tuple(rows)


def take(context: Context, hub_id: int, job_id: int) -> Job:
    """Ask for the leads of a file; asked for twice, it is done once. Raises UnknownJob."""

    def go(tx: Tx) -> None:
        job.show(tx, hub_id, job_id)
        tx.connection.execute(_TAKE, {"job_id": job_id, "now": tx.now})

    context.database.run(go)
    context.waker.ring(Ring(Bell.DO_JOBS, hub_id))
    with context.database.transaction() as tx:
        return job.show(tx, hub_id, job_id)


def rows(tx: Tx, hub_id: int, job_id: int, *, after: int = 0, limit: int = 200) -> tuple[FileRow, ...]:
    """Rows of a file that was taken, with what came of each; raises UnknownJob."""
    job.show(tx, hub_id, job_id)
    found = tx.connection.execute(_ROWS, {"job_id": job_id, "after": after, "limit": limit})
    return tuple(
        FileRow(
            place=row.place,
            lead=row.lead,
            outcome=Outcome(row.outcome) if row.outcome else None,
            domain=row.domain,
            state=State(row.state) if row.state else None,
            reason=reason_in(row.reason),
            detail=row.detail or "",
        )
        for row in found
    )


def ask(
    tx: Tx, portal: Portal, items: Mapping[str, int], *, key: str, who: str, rules: DomainRules, changes: Changes
) -> Mapping[str, Outcome]:
    """Ask for a batch of leads, given with their rows; what is registered already is left alone."""
    known = _known(tx, portal.hub_id, list(items), rules)
    held = registrations.held_on(tx, {domain for _, domain in known.values() if domain})
    outcomes: dict[str, Outcome] = {}
    new: list[NewRequest] = []
    for lead, place in items.items():
        contact, domain = known[lead]
        claim = held.get(domain or "")
        if claim is not None and claim.partner_id == portal.partner.id and claim.is_active:
            outcomes[lead] = Outcome.REGISTERED
        elif contact is None and "@" not in lead:
            outcomes[lead] = Outcome.NO_CONTACT
        else:
            outcomes[lead] = Outcome.DONE
            new.append(
                NewRequest(
                    key=f"{key}:{place}",
                    action=Action.REGISTER,
                    source=Source.IMPORT,
                    who=who,
                    requested_at=tx.now,
                    contact_id=contact,
                    email=lead if contact is None else None,
                )
            )
    asked.add(tx, partner_id=portal.partner.id, hub_id=portal.hub_id, new=new)
    changes.contacts |= {(portal.hub_id, one.contact_id) for one in new if one.contact_id is not None}
    return outcomes


def forget_old(tx: Tx) -> int:
    """Delete files of a while ago, with all that was typed into them; return how many."""
    return tx.connection.execute(_FORGET, {"before": tx.now - KEPT_FOR}).rowcount


def _of_file_alone(leads: Sequence[str], rules: DomainRules) -> list[Outcome | None]:
    """What can be said of each row without looking anywhere else."""
    seen: set[str] = set()
    outcomes: list[Outcome | None] = []
    for lead in leads:
        good = _ID.fullmatch(lead) or _EMAIL.fullmatch(lead) or ("@" not in lead and _domain(lead, rules))
        outcomes.append(Outcome.BAD_LEAD if not good else Outcome.DUPLICATE if lead in seen else None)
        seen.add(lead)
    return outcomes


def _domain(lead: str, rules: DomainRules) -> str | None:
    found = registrable(lead, rules)
    return found if isinstance(found, str) else None


def _known(tx: Tx, hub_id: int, leads: Sequence[str], rules: DomainRules) -> dict[str, tuple[str | None, str | None]]:
    """The contact and the domain of each, as far as we know them."""
    ids = {lead for lead in leads if _ID.fullmatch(lead)}
    emails = {lead for lead in leads if "@" in lead}
    of_domain = {lead: _domain(lead, rules) for lead in leads if lead not in ids and lead not in emails}
    names = {domain for domain in of_domain.values() if domain}
    values = {"hub_id": hub_id, "ids": joined(ids), "emails": joined(emails), "domains": joined(names)}
    by_id: dict[str, str | None] = {}
    by_email: dict[str, tuple[str | None, str | None]] = {}
    by_domain: dict[str, set[str]] = {}
    for row in tx.connection.execute(_CONTACTS, values):
        by_id[row.object_id] = row.domain
        by_email[row.email or ""] = (row.object_id, row.domain)
        by_domain.setdefault(row.domain or "", set()).add(row.object_id)
    known: dict[str, tuple[str | None, str | None]] = {}
    for lead in leads:
        if lead in ids:
            known[lead] = (lead, by_id.get(lead))
        elif lead in emails:
            known[lead] = by_email.get(lead, (None, None))
        else:
            domain = of_domain[lead]
            contacts = by_domain.get(domain or "", set())
            # More than one: nobody said which of them is meant.
            known[lead] = (next(iter(contacts)) if len(contacts) == 1 else None, domain)
    return known


_ADD = text("""
    INSERT INTO jobs (hub_id, partner_id, action, source, who, key, note, total, done, held, created_at)
    VALUES (:hub_id, :partner_id, :action, :source, :who, :key, :note, :total, :done, true, :now)
    ON CONFLICT (hub_id, key) DO NOTHING
    RETURNING id
""")
_OF_KEY = text("SELECT id FROM jobs WHERE hub_id = :hub_id AND key = :key")
_ADD_ITEMS = text(f"""
    INSERT INTO job_items (job_id, place, domain, outcome)
    SELECT :job_id, CAST(place AS integer), lead, nullif(outcome, '')
      FROM unnest({split("places")}, {split("leads")}, {split("outcomes")}) AS r (place, lead, outcome)
""")
_TAKE = text("""
    UPDATE jobs SET held = false, finished_at = CASE WHEN done = total THEN CAST(:now AS timestamptz) END
     WHERE id = :job_id AND held
""")
_CONTACTS = text(f"""
    SELECT object_id, email, domain FROM records
     WHERE hub_id = :hub_id AND kind = 'contact' AND presence = 'live'
       AND (object_id = ANY({split("ids")}) OR email = ANY({split("emails")}) OR domain = ANY({split("domains")}))
""")
_ROWS = text("""
    SELECT i.place, i.domain AS lead, i.outcome, q.domain, q.state, q.reason, q.detail
      FROM job_items AS i JOIN jobs ON jobs.id = i.job_id
      LEFT JOIN requests AS q ON q.hub_id = jobs.hub_id AND q.key = jobs.key || ':' || i.place AND i.outcome = 'done'
     WHERE i.job_id = :job_id AND i.place > :after ORDER BY i.place LIMIT :limit
""")
_FORGET = text("DELETE FROM jobs WHERE action = 'register_file' AND created_at <= :before")
