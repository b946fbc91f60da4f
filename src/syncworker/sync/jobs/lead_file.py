"""How are many leads registered by a CSV file: read, looked through before anything is done, then asked for row by row?

A file is a job that is held until somebody says go; its rows are the job's items, of which `file_rows.py` tells what
came. The key of a row's request is the file's hash and the row: the same file asks once. What was typed into it is kept
for 30 days, for the file of failures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import text

from syncworker.registration.rules.terms import Source
from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.jobs import job, lead_rows
from syncworker.sync.jobs.job import Item, Job, JobAction, UnknownJob
from syncworker.sync.jobs.lead_rows import LeadRows

KEPT_FOR = timedelta(days=30)
T = TypeVar("T")


class NothingToAskAgain(Exception):
    """No row of the file can be asked for again, or none yet: nothing was changed."""

    def __init__(self, job_id: int, *, is_finished: bool) -> None:
        self.job_id = job_id
        super().__init__(
            f"no row of file {job_id} can be asked for again: what waits or lacks data is decided by itself"
            if is_finished
            else f"file {job_id} is not through: ask again when it is"
        )


def upload(context: Context, hub_id: int, content: bytes, *, name: str, who: str) -> Job:
    """Keep the rows of a file, and do nothing with them yet; the same file again is the same job.

    Raises UnknownPortal, BadLeadFile.
    """
    found = lead_rows.read(content, name, context.domain_rules)
    job_id = context.database.run(lambda tx: _keep(tx, hub_id, found, content, name=name, who=who))
    with context.database.transaction() as tx:
        return show(tx, hub_id, job_id)


def trial(context: Context, hub_id: int, content: bytes, *, name: str, look: Callable[[Tx, int], T]) -> T:
    """What `look` sees of the file as if it had been uploaded, given the job's id; nothing of it is kept.

    Raises UnknownPortal, BadLeadFile.
    """
    found = lead_rows.read(content, name, context.domain_rules)

    def kept(tx: Tx) -> T:
        # Kept, looked at, and taken back: what is shown is what the same code says of a file that was uploaded.
        uploading = tx.connection.begin_nested()
        try:
            return look(tx, _keep(tx, hub_id, found, content, name=name, who="trial"))
        finally:
            uploading.rollback()

    return context.database.run(kept)


def show(tx: Tx, hub_id: int, job_id: int) -> Job:
    """A file of the portal; raises UnknownJob, also where the job is of something else."""
    found = job.show(tx, hub_id, job_id)
    if found.action is not JobAction.REGISTER_FILE:
        raise UnknownJob(job_id)
    return found


def check(tx: Tx, hub_id: int, job_id: int) -> None:
    """Raise UnknownJob unless the portal has such a file. Nothing of it is counted."""
    job.check(tx, hub_id, job_id, action=JobAction.REGISTER_FILE)


def take(context: Context, hub_id: int, job_id: int) -> Job:
    """Ask for the leads of a file; asked for twice, it is done once. Raises UnknownJob."""

    def go(tx: Tx) -> None:
        show(tx, hub_id, job_id)
        tx.connection.execute(_TAKE, {"job_id": job_id, "now": tx.now})

    context.database.run(go)
    return job.begun(context, hub_id, job_id)


def discard(context: Context, hub_id: int, job_id: int) -> bool:
    """Forget a file that nobody said go for; return whether it was so. Raises UnknownJob."""

    def drop(tx: Tx) -> bool:
        show(tx, hub_id, job_id)
        return tx.connection.execute(_DISCARD, {"job_id": job_id}).rowcount == 1

    return context.database.run(drop)


def again(context: Context, hub_id: int, job_id: int, *, who: str) -> Job:
    """Ask once more for those of a file that were not registered and do not wait; twice, it is done once.

    For what was mended in HubSpot meanwhile. Raises UnknownJob, NothingToAskAgain.
    """

    def ask(tx: Tx) -> int:
        before = show(tx, hub_id, job_id)
        leads = tx.connection.execute(_TO_ASK_AGAIN, {"job_id": job_id}).all()
        key = f"import:again:{job_id}"
        # It is asked for again once: an empty one, made too early, would be all there is ever after.
        if not leads and tx.connection.execute(_OF_KEY, {"hub_id": hub_id, "key": key}).first() is None:
            raise NothingToAskAgain(job_id, is_finished=before.is_finished)
        items = [Item(place=row.place, domain=row.lead, outcome=None) for row in leads]
        new = job.add(
            tx, hub_id, JobAction.REGISTER_FILE, items, who=who, source=Source.IMPORT, key=key, note=before.note
        )
        tx.connection.execute(_ABOUT, {"job_id": new, "columns": ",".join(before.columns), "others": before.others})
        return new

    return job.begun(context, hub_id, context.database.run(ask))


def count_to_ask_again(tx: Tx, hub_id: int, job_id: int) -> int:
    """How many those are; none before the file is through. Raises UnknownJob."""
    check(tx, hub_id, job_id)
    return int(tx.connection.execute(_COUNT_TO_ASK_AGAIN, {"job_id": job_id}).scalar_one())


def newest(tx: Tx, hub_id: int, *, limit: int = 10) -> list[Job]:
    """The portal's files, the newest first."""
    return job.newest(tx, hub_id, action=JobAction.REGISTER_FILE, limit=limit)


def forget_old(tx: Tx) -> int:
    """Delete files of a while ago, with all that was typed into them; return how many."""
    return tx.connection.execute(_FORGET, {"before": tx.now - KEPT_FOR}).rowcount


def _keep(tx: Tx, hub_id: int, found: LeadRows, content: bytes, *, name: str, who: str) -> int:
    key = f"import:{hashlib.sha256(content).hexdigest()[:32]}"
    job_id = job.add(
        tx, hub_id, JobAction.REGISTER_FILE, found.items, who=who, source=Source.IMPORT, key=key, held=True, note=name
    )
    about = {"job_id": job_id, "columns": ",".join(found.columns), "others": found.others}
    tx.connection.execute(_ABOUT, about)
    return job_id


# The rows of a file, each with the request that was made of it, by the key that `lead_asking.py` gives it.
ROWS_ASKED = """
      FROM job_items AS i JOIN jobs ON jobs.id = i.job_id
      LEFT JOIN requests AS q ON q.hub_id = jobs.hub_id AND q.key = jobs.key || ':' || i.place AND i.outcome = 'done'
     WHERE i.job_id = :job_id"""
_ABOUT = text("UPDATE jobs SET columns = :columns, others = :others WHERE id = :job_id")
# Behind all that was asked for while it was held.
_TAKE = text("""
    UPDATE jobs SET held = false, turn = nextval(pg_get_serial_sequence('jobs', 'id')),
           finished_at = CASE WHEN done = total THEN CAST(:now AS timestamptz) END
     WHERE id = :job_id AND held
""")
_OF_KEY = text("SELECT FROM jobs WHERE hub_id = :hub_id AND key = :key")
_DISCARD = text("DELETE FROM jobs WHERE id = :job_id AND held")
# What is no lead stays none; what is open is decided by itself.
_TO_ASK = f"""{ROWS_ASKED} AND jobs.finished_at IS NOT NULL
       AND (i.outcome IN ('no_contact', 'several_contacts') OR q.state IN ('unavailable', 'unresolved', 'ended',
                                                                           'withdrawn'))
"""
_TO_ASK_AGAIN = text(f"SELECT i.place, i.domain AS lead {_TO_ASK} ORDER BY i.place")
_COUNT_TO_ASK_AGAIN = text(f"SELECT count(*) {_TO_ASK}")
_FORGET = text("DELETE FROM jobs WHERE action = 'register_file' AND created_at <= :before")
