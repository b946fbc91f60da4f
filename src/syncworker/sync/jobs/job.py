"""What does a person ask to be done to many leads, how far has it come, and what came of each?

Owns the tables jobs and job_items. Who works them off is `job_work.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Row, select, text

from syncworker.languages import to_translate
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.store.arrays import SEPARATOR, joined, split
from syncworker.store.database import Tx
from syncworker.store.job_tables import jobs
from syncworker.store.texts import storable
from syncworker.sync.context import Context
from syncworker.sync.wake import Bell, Ring

MOST_DOMAINS = 100_000
_MOST_NOTE = 200


class JobAction(StrEnum):
    """What can be done to many."""

    DEREGISTER = "deregister"
    UNDO = "undo"
    """Take deregistrations back, within their undo time."""
    REGISTER_AGAIN = "register_again"
    """Ask anew for what expired or was deregistered, for the contact that stood for it."""
    RENEW = "renew"
    """Renew at expiry."""
    LET_EXPIRE = "let_expire"
    CONFIRM = "confirm"
    CONTRADICT = "contradict"
    REGISTER_FILE = "register_file"
    """Ask for the leads of a file; see `lead_file.py`."""


class Outcome(StrEnum):
    """What came of a domain."""

    DONE = "done"
    ALREADY = "already"
    """It is so already."""
    NOT_REGISTERED = "not_registered"
    """The partner has no active registration on it: somebody was quicker, or it expired."""
    TOO_LATE = "too_late"
    REGISTERED = "registered"
    """To be registered again, and registered it is."""
    NO_CONTACT = "no_contact"
    SEVERAL_CONTACTS = "several_contacts"
    """A domain of which more than one contact is known."""
    OTHER_PORTAL = "other_portal"
    NOT_IN_HUBSPOT = "not_in_hubspot"
    """Here this ledger is the authority: there is nothing to confirm."""
    BAD_LEAD = "bad_lead"
    DUPLICATE = "duplicate"


OUTCOME_WORDS: Mapping[Outcome, str] = {
    Outcome.DONE: to_translate("Done"),
    Outcome.ALREADY: to_translate("It was so already"),
    Outcome.NOT_REGISTERED: to_translate("Not registered any more: it expired, or somebody deregistered it meanwhile"),
    Outcome.TOO_LATE: to_translate("Too late to undo: register it again"),
    Outcome.REGISTERED: to_translate("Registered already"),
    Outcome.NO_CONTACT: to_translate("No contact stands for it: register it by its contact"),
    Outcome.SEVERAL_CONTACTS: to_translate("Several contacts could stand for it: name one by its id or email"),
    Outcome.OTHER_PORTAL: to_translate("It belongs to another portal: do it there"),
    Outcome.NOT_IN_HUBSPOT: to_translate("Nothing to confirm: this program asks nobody else"),
    Outcome.BAD_LEAD: to_translate("Neither an id, nor an email, nor a domain that can be registered"),
    Outcome.DUPLICATE: to_translate("The same as a row above"),
}


class UnknownJob(Exception):
    """The portal has no job of that id."""

    def __init__(self, job_id: int) -> None:
        self.job_id = job_id
        super().__init__(f"there is no job {job_id} of this portal")


class NotToUndo(Exception):
    """This job cannot be taken back, or cannot yet: nothing was changed."""

    def __init__(self, job_id: int, action: JobAction) -> None:
        self.job_id = job_id
        super().__init__(
            f"job {job_id} is not finished: undo it when it is"
            if action is JobAction.DEREGISTER
            else f"job {job_id} deregistered nothing that could be taken back"
        )


class TooManyDomains(ValueError):
    """More than can be done at once."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(f"{count} domains are more than {MOST_DOMAINS}: narrow the search")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """How far a job has come."""

    id: int
    hub_id: int
    action: JobAction
    source: Source
    who: str
    total: int
    done: int
    """Domains that have an outcome, whichever it is."""
    undoes: int | None
    held: bool
    """Nobody has said go yet."""
    note: str | None
    """The name of its file."""
    columns: tuple[str, ...]
    """Of its file: those that were read."""
    others: int
    """Of its file: how many columns were left out."""
    created_at: datetime
    finished_at: datetime | None
    outcomes: Mapping[Outcome, int]
    undo_until: datetime | None
    """Until when all that it deregistered can be taken back by one undo; None where it cannot."""

    @property
    def is_finished(self) -> bool:
        """Whether each domain has its outcome."""
        return self.finished_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A domain of a job; `outcome` is None until it was its turn."""

    place: int
    domain: str
    outcome: Outcome | None


def start(
    context: Context, hub_id: int, action: JobAction, domains: Collection[str], *, who: str, source: Source, key: str
) -> Job:
    """Ask for it; the same key is the same job. Workers do it, and `show` tells how far they are.

    Raises UnknownPortal, TooManyDomains.
    """
    wanted = in_order(dict.fromkeys(domains))
    if len(wanted) > MOST_DOMAINS:
        raise TooManyDomains(len(wanted))
    job_id = context.database.run(lambda tx: add(tx, hub_id, action, wanted, who=who, source=source, key=key))
    return begun(context, hub_id, job_id)


def undo(context: Context, hub_id: int, job_id: int, *, who: str, source: Source) -> Job:
    """Take back all that a job deregistered; asked for twice, it is one job. Raises UnknownJob, NotToUndo."""

    def keep(tx: Tx) -> int:
        of = show(tx, hub_id, job_id)
        # There is one undo of a job: of one that still goes on it would leave out the rest for good.
        if of.action is not JobAction.DEREGISTER or not of.is_finished:
            raise NotToUndo(job_id, of.action)
        domains = in_order(tx.connection.execute(_DONE, {"job_id": job_id}).scalars())
        key = f"undo:{job_id}"
        return add(tx, hub_id, JobAction.UNDO, domains, who=who, source=source, key=key, undoes=job_id)

    return begun(context, hub_id, context.database.run(keep))


def show(tx: Tx, hub_id: int, job_id: int) -> Job:
    """A job of the portal; raises UnknownJob."""
    row = tx.connection.execute(select(jobs).where(jobs.c.id == job_id, jobs.c.hub_id == hub_id)).one_or_none()
    if row is None:
        raise UnknownJob(job_id)
    return _job(tx, row)


def check(tx: Tx, hub_id: int, job_id: int, *, action: JobAction | None = None) -> None:
    """Raise UnknownJob unless the portal has it, of that kind where one is named. Nothing of it is counted."""
    kind = tx.connection.execute(
        select(jobs.c.action).where(jobs.c.id == job_id, jobs.c.hub_id == hub_id)
    ).scalar_one_or_none()
    if kind is None or (action is not None and kind != action.value):
        raise UnknownJob(job_id)


def newest(tx: Tx, hub_id: int, *, action: JobAction | None = None, limit: int = 10) -> list[Job]:
    """The portal's jobs, or those of one kind, the newest first."""
    query = select(jobs).where(jobs.c.hub_id == hub_id).order_by(jobs.c.id.desc()).limit(limit)
    if action is not None:
        query = query.where(jobs.c.action == action.value)
    return [_job(tx, row) for row in tx.connection.execute(query).all()]


def items(
    tx: Tx, hub_id: int, job_id: int, *, outcome: Outcome | None = None, after: int = 0, limit: int = 200
) -> list[Item]:
    """The domains of a job in its order, from behind a place on; raises UnknownJob."""
    check(tx, hub_id, job_id)
    values = {"job_id": job_id, "outcome": outcome, "after": after, "limit": limit}
    rows = tx.connection.execute(_ITEMS, values)
    return [
        Item(place=row.place, domain=row.domain, outcome=Outcome(row.outcome) if row.outcome else None) for row in rows
    ]


def in_order(domains: Iterable[str]) -> list[Item]:
    """Domains of a job, to be done in this order."""
    return [Item(place=place, domain=domain, outcome=None) for place, domain in enumerate(domains, start=1) if domain]


def begun(context: Context, hub_id: int, job_id: int) -> Job:
    """The job, of which the workers are told; raises UnknownJob."""
    context.waker.ring(Ring(Bell.DO_JOBS, hub_id))
    with context.database.transaction() as tx:
        return show(tx, hub_id, job_id)


def add(
    tx: Tx,
    hub_id: int,
    action: JobAction,
    items: Sequence[Item],
    *,
    who: str,
    source: Source,
    key: str,
    undoes: int | None = None,
    held: bool = False,
    note: str | None = None,
) -> int:
    """Keep a job with its items, those that need nothing done with their outcome; return its id.

    The same key is the same job, whatever its items. What is `held` is not begun, and not finished either, before
    somebody says go. Raises UnknownPortal.
    """
    done = sum(item.outcome is not None for item in items)
    values = {
        "hub_id": hub_id,
        "partner_id": portals.get(tx, hub_id).partner.id,
        "action": action.value,
        "source": source.value,
        "who": storable(who),
        "key": storable(key),
        "total": len(items),
        "done": done,
        "undoes": undoes,
        "held": held,
        "note": storable(note)[:_MOST_NOTE] if note is not None else None,
        "finished": done == len(items) and not held,
        "now": tx.now,
    }
    # The job of the same key may be discarded between the two statements, and then the key is free again.
    while (added := tx.connection.execute(_ADD, values).scalar_one_or_none()) is None:
        known = tx.connection.execute(_OF_KEY, values).scalar_one_or_none()
        if known is not None:
            return int(known)
    of_items = {
        "job_id": added,
        "places": joined(str(item.place) for item in items),
        "domains": joined(storable(item.domain).replace(SEPARATOR, " ") for item in items),
        "outcomes": joined(item.outcome.value if item.outcome else "" for item in items),
    }
    tx.connection.execute(_ADD_ITEMS, of_items)
    return int(added)


def _job(tx: Tx, row: Row[*tuple[object, ...]]) -> Job:
    outcomes = {Outcome(name): count for name, count in tx.connection.execute(_OUTCOMES, {"job_id": row.id})}
    until = row.undo_until if row.finished_at and row.undo_until is not None and row.undo_until > tx.now else None
    if until is not None and tx.connection.execute(_UNDONE, {"job_id": row.id}).first() is not None:
        until = None
    return Job(
        id=row.id,
        hub_id=row.hub_id,
        action=JobAction(row.action),
        source=Source(row.source),
        who=row.who,
        total=row.total,
        done=row.done,
        undoes=row.undoes,
        held=row.held,
        note=row.note,
        columns=tuple(filter(None, (row.columns or "").split(","))),
        others=row.others or 0,
        created_at=row.created_at,
        finished_at=row.finished_at,
        outcomes=outcomes,
        undo_until=until,
    )


_ADD = text("""
    INSERT INTO jobs (hub_id, partner_id, action, source, who, key, note, total, done, undoes, held, created_at,
                      finished_at)
    VALUES (:hub_id, :partner_id, :action, :source, :who, :key, :note, :total, :done, :undoes, :held, :now,
            CASE WHEN :finished THEN CAST(:now AS timestamptz) END)
    ON CONFLICT (hub_id, key) DO NOTHING
    RETURNING id
""")
_OF_KEY = text("SELECT id FROM jobs WHERE hub_id = :hub_id AND key = :key")
_ADD_ITEMS = text(f"""
    INSERT INTO job_items (job_id, place, domain, outcome)
    SELECT :job_id, CAST(place AS integer), domain, nullif(outcome, '')
      FROM unnest({split("places")}, {split("domains")}, {split("outcomes")}) AS wanted (place, domain, outcome)
     WHERE place <> ''
""")
_DONE = text("SELECT domain FROM job_items WHERE job_id = :job_id AND outcome = 'done' ORDER BY place")
_ITEMS = text("""
    SELECT place, domain, outcome FROM job_items
     WHERE job_id = :job_id AND place > :after AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome)
     ORDER BY place LIMIT :limit
""")
_OUTCOMES = text("""
    SELECT outcome, count(*) FROM job_items WHERE job_id = :job_id AND outcome IS NOT NULL GROUP BY outcome
""")
_UNDONE = text("SELECT FROM jobs WHERE undoes = :job_id")
