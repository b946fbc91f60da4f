"""How is a job worked off, so that a killed worker loses nothing and nothing is done twice?

A batch of domains a transaction, which does it, marks what changed, and says what came of each. The job's row is locked
meanwhile: a second worker finds nothing to do, and begins no later job. Under the partner's lock for a fraction of a
second at a time, so that forms are decided in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import text

from syncworker.registration.ledger import allocation, registrations
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.registrations import Registration
from syncworker.registration.ledger.requests import NewRequest
from syncworker.registration.rules.terms import Action, Confirmation, Source
from syncworker.store import portals
from syncworker.store.arrays import joined, split
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.sync.context import Context
from syncworker.sync.jobs import lead_asking
from syncworker.sync.jobs.job import JobAction, Outcome
from syncworker.sync.marks import Priority
from syncworker.sync.reconcile.fan_out import mark_changes
from syncworker.sync.under_lock import locked
from syncworker.sync.wake import Bell, Ring

BATCH = 500
# More than a person reads through: forms and single words of people go before them.
MANY = 100

Outcomes = Mapping[str, Outcome]


def continue_jobs(context: Context, hub_id: int) -> bool:
    """Work off a batch of the portal's oldest unfinished job; return whether there may be more.

    Nothing in a paused portal, or where HubSpot has to be asked and cannot be: its jobs go on when that is over.
    """
    found = lead_asking.look_up(context, hub_id, batch=BATCH)
    if found is None:
        return False
    done, rings = context.database.run(lambda tx: _batch(tx, context, hub_id, found))
    context.waker.ring(*rings)
    return done


def _batch(tx: Tx, context: Context, hub_id: int, found: lead_asking.Found) -> tuple[bool, set[Ring]]:
    portal = portals.find(tx, hub_id)
    if portal is None or portal.mode is Mode.PAUSED:
        return False, set()
    job = tx.connection.execute(_NEXT_JOB, {"hub_id": hub_id}).one_or_none()
    if job is None:
        return False, set()
    items = tx.connection.execute(_NEXT_ITEMS, {"job_id": job.id, "batch": BATCH}).all()
    changes = Changes()
    # A file's leads are no domains yet; what they come to is decided when they are.
    domains = [item.domain for item in items] if job.action != JobAction.REGISTER_FILE else []
    portal = locked(tx, context, hub_id, changes, domains=domains)
    if portal.mode is Mode.PAUSED:
        # Paused while this waited for the lock: whoever paused it was told that nothing is done any more. What has
        # ended is other portals'.
        return False, mark_changes(tx, changes, cause="expiry", priority=Priority.WEBHOOK)
    if job.action == JobAction.REGISTER_FILE:
        of_file = {item.domain: item.place for item in items}
        outcomes = lead_asking.ask(tx, portal, of_file, found, key=job.key, who=job.who, changes=changes)
    else:
        work = _Work(
            tx, context, portal, who=job.who, source=Source(job.source), changes=changes, job_id=job.id,
            undoes=job.undoes,
        )  # fmt: skip
        outcomes = work.do(JobAction(job.action), [item.domain for item in items])
    by_place = {item.place: outcomes[item.domain] for item in items if item.domain in outcomes}
    values = {
        "job_id": job.id,
        "places": joined(str(place) for place in by_place),
        "outcomes": joined(outcome.value for outcome in by_place.values()),
        "now": tx.now,
        # The first that can be undone no more decides: an undo is of all of it.
        "undo_until": tx.now + timedelta(seconds=context.settings.undo_seconds)
        if job.action == JobAction.DEREGISTER
        else None,
    }
    rings = mark_changes(
        tx, changes, cause=f"job {job.action}", priority=Priority.POLL if job.total > MANY else Priority.PERSON
    )
    # Requests without a contact are no marks, and are looked for in a turn.
    rings.add(Ring(Bell.SERVE_INTERACTIVE, hub_id))
    tx.connection.execute(_SETTLE, values)
    tx.connection.execute(_COUNT, values)
    return True, rings


class _Work:
    """What is done to a batch of domains, in one transaction."""

    def __init__(
        self, tx: Tx, context: Context, portal: Portal, *, who: str, source: Source, changes: Changes, job_id: int,
        undoes: int | None,
    ) -> None:  # fmt: skip
        self._tx = tx
        self._context = context
        self._portal = portal
        self._who = who
        self._source = source
        self._changes = changes
        self._job_id = job_id
        self._undoes = undoes

    def do(self, action: JobAction, domains: Sequence[str]) -> Outcomes:
        held = registrations.held_on(self._tx, domains)
        ours = {domain: claim for domain, claim in held.items() if claim.partner_id == self._portal.partner.id}
        doing: Mapping[JobAction, Callable[[Sequence[str], Mapping[str, Registration]], Outcomes]] = {
            JobAction.DEREGISTER: self._deregister,
            JobAction.UNDO: self._undo,
            JobAction.REGISTER_AGAIN: self._register_again,
            JobAction.RENEW: lambda names, of: self._renewal(names, of, renew=True),
            JobAction.LET_EXPIRE: lambda names, of: self._renewal(names, of, renew=False),
            JobAction.CONFIRM: lambda names, of: self._confirmation(names, of, Confirmation.CONFIRMED),
            JobAction.CONTRADICT: lambda names, of: self._confirmation(names, of, Confirmation.CONTRADICTED),
        }
        return doing[action](domains, ours)

    def _deregister(self, domains: Sequence[str], ours: Mapping[str, Registration]) -> Outcomes:
        active = [claim for claim in ours.values() if claim.is_active]
        undo = timedelta(seconds=self._context.settings.undo_seconds)
        self._changes.add(registrations.deregister(self._tx, active, who=self._who, source=self._source, undo=undo))
        if not undo:
            granted = self._context.terms(self._portal.partner, self._tx)
            self._changes.add(allocation.allocate(self._tx, self._portal.partner.id, granted))
        return _outcomes(domains, {claim.domain for claim in active}, Outcome.NOT_REGISTERED)

    def _undo(self, domains: Sequence[str], ours: Mapping[str, Registration]) -> Outcomes:
        undone = self._tx.connection.execute(_UNDONE, {"job_id": self._undoes}).one_or_none()
        others: dict[str, Outcome] = {}
        back = []
        for domain, claim in ours.items():
            if claim.is_active:
                others[domain] = Outcome.ALREADY
            elif undone and undone.finished_at and claim.deregistered_at and claim.deregistered_at > undone.finished_at:
                # Taken back before, and given up anew by somebody who meant it: that is not this job's to take back.
                others[domain] = Outcome.NOT_REGISTERED
            elif claim.can_be_undone(self._tx.now):
                back.append(claim)
        self._changes.add(registrations.undo(self._tx, back, who=self._who, source=self._source))
        return {**_outcomes(domains, {claim.domain for claim in back}, Outcome.TOO_LATE), **others}

    def _renewal(self, domains: Sequence[str], ours: Mapping[str, Registration], *, renew: bool) -> Outcomes:
        active = [claim for claim in ours.values() if claim.is_active]
        changed = [claim for claim in active if claim.renew_at_expiry is not renew]
        self._changes.add(registrations.set_renewal(self._tx, changed, renew=renew, who=self._who, source=self._source))
        already = {claim.domain: Outcome.ALREADY for claim in active if claim.renew_at_expiry is renew}
        return {**_outcomes(domains, {claim.domain for claim in changed}, Outcome.NOT_REGISTERED), **already}

    def _confirmation(self, domains: Sequence[str], ours: Mapping[str, Registration], to: Confirmation) -> Outcomes:
        active = [claim for claim in ours.values() if claim.is_active]
        changed = [claim for claim in active if claim.confirmation not in {None, to}]
        self._changes.add(registrations.set_confirmation(self._tx, changed, to, who=self._who, source=self._source))
        others = {
            claim.domain: Outcome.ALREADY if claim.confirmation is to else Outcome.NOT_IN_HUBSPOT
            for claim in active
            if claim.confirmation in {None, to}
        }
        return {**_outcomes(domains, {claim.domain for claim in changed}, Outcome.NOT_REGISTERED), **others}

    def _register_again(self, domains: Sequence[str], ours: Mapping[str, Registration]) -> Outcomes:
        values = {"partner_id": self._portal.partner.id, "domains": joined(domains)}
        newest = {row.domain: registrations.registration(row) for row in self._tx.connection.execute(_NEWEST, values)}
        outcomes: dict[str, Outcome] = {}
        new: list[NewRequest] = []
        for domain in domains:
            claim = newest.get(domain)
            if domain in ours and ours[domain].is_active and not ours[domain].is_over(self._tx.now):
                outcomes[domain] = Outcome.REGISTERED
            elif claim is None or claim.contact_id is None:
                outcomes[domain] = Outcome.NO_CONTACT
            elif claim.hub_id != self._portal.hub_id:
                outcomes[domain] = Outcome.OTHER_PORTAL
            else:
                outcomes[domain] = Outcome.DONE
                new.append(
                    NewRequest(
                        key=f"job:{self._job_id}:{domain}",
                        action=Action.REGISTER,
                        source=self._source,
                        who=self._who,
                        requested_at=self._tx.now,
                        contact_id=claim.contact_id,
                    )
                )
        asked.add(self._tx, partner_id=self._portal.partner.id, hub_id=self._portal.hub_id, new=new)
        self._changes.contacts |= {(self._portal.hub_id, str(one.contact_id)) for one in new}
        return outcomes


def _outcomes(domains: Sequence[str], done: set[str], otherwise: Outcome) -> Outcomes:
    return {domain: Outcome.DONE if domain in done else otherwise for domain in domains}


# The partner's lock is taken after it, and by nobody who holds that one. The first, or none while somebody is at it:
# what was asked for later about the same leads is done later.
_NEXT_JOB = text("""
    SELECT id, action, who, source, total, key, undoes FROM jobs
     WHERE id = (SELECT id FROM jobs WHERE hub_id = :hub_id AND finished_at IS NULL AND NOT held
                  ORDER BY coalesce(turn, id) LIMIT 1)
       AND finished_at IS NULL FOR UPDATE SKIP LOCKED
""")
_UNDONE = text("SELECT finished_at FROM jobs WHERE id = :job_id")
_NEXT_ITEMS = text("""
    SELECT place, domain FROM job_items WHERE job_id = :job_id AND outcome IS NULL ORDER BY place LIMIT :batch
""")
_SETTLE = text(f"""
    UPDATE job_items AS i SET outcome = said.outcome
      FROM unnest({split("places")}, {split("outcomes")}) AS said (place, outcome)
     WHERE i.job_id = :job_id AND i.place = CAST(said.place AS integer)
""")
_COUNT = text("""
    UPDATE jobs SET undo_until = coalesce(undo_until, CAST(:undo_until AS timestamptz)), done = of.done,
           finished_at = CASE WHEN of.left_over = 0 THEN CAST(:now AS timestamptz) END
      FROM (SELECT count(outcome) AS done, count(*) - count(outcome) AS left_over FROM job_items
             WHERE job_id = :job_id) AS of
     WHERE jobs.id = :job_id
""")
_NEWEST = text(f"""
    SELECT DISTINCT ON (domain) * FROM registrations
     WHERE partner_id = :partner_id AND domain = ANY({split("domains")}) ORDER BY domain, id DESC
""")
