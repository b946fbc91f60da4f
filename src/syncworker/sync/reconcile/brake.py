"""Would these write-backs take too many statuses away?

A wrong clock, a wrong rule, a database that was restored: each would clear what thousands of records show, and do it
as fast as HubSpot allows. So whatever clears or downgrades a status is counted before it is written, for all workers
together, and when an hour's count passes one in twenty of the known statuses (and is at least twenty), nothing more is
written to the portal until a person has looked. The ledger is as it was decided; the marks stay.

Not even registrations that ended by their date are exempt: a wrong clock ends them by their date, too. Only what a
person gave up domain by domain is, in a job of which each domain has its row: no rule and no clock makes those. It
owns the tables `brakes` (locked by whoever counts; last in the lock order) and `downgrades`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text

from syncworker.registration.ledger import history
from syncworker.registration.ledger.history import Event, Happened
from syncworker.registration.rules.terms import Status
from syncworker.store import portals
from syncworker.store.arrays import joined, split
from syncworker.store.database import Tx
from syncworker.store.portals import UNTIL_A_PERSON_ACTS, Portal
from syncworker.sync.claims import Key
from syncworker.sync.portals.failures import Blocked
from syncworker.sync.reconcile.plan import Plan

log = structlog.get_logger(__name__)

WITHIN = timedelta(hours=1)
SHARE = 0.05
AT_LEAST = 20
# A person has looked: for as long all of it may be written.
RELEASED_FOR = timedelta(hours=1)
# Counting a million records takes a second; how many statuses are known hardly changes from batch to batch.
COUNT_AGAIN = timedelta(minutes=10)
_EXAMPLES = 3


def is_downgrade(before: str, after: str) -> bool:
    """Whether a record that shows `before` shows less with `after`: a status is cleared, or a registration lost."""
    if not before or before == after:
        return False
    # What waited and is refused got its answer: two partners who race for a list of domains are no accident.
    return not after or before == Status.REGISTERED.value


def is_too_many(falling: int, known: int) -> bool:
    """Whether so many of the known statuses are a case for a person."""
    return falling >= AT_LEAST and falling > known * SHARE


def is_on(portal: Portal, now: datetime) -> bool:
    """Whether the brake holds the portal."""
    return portal.blocked_reason == Blocked.BRAKE and portal.is_blocked(now)


def hold_back(tx: Tx, portal: Portal, plan: Plan, status: str, domain: str) -> bool:
    """Count what a plan takes away, and take all writes out of it if that is too much; return whether it was.

    `status` names the property that is counted, `domain` the one of the domain that a record shows. This is the last
    thing of the transaction that decides: whoever counts waits for nobody. `portal` is as it stands then: another batch
    may have pulled the brake since this one began.
    """
    if is_on(portal, tx.now):
        plan.writes.clear()
        return True
    falling = _falling(plan, status)
    falling = _without_given_up(tx, portal, plan, falling, domain) if falling else falling
    if not falling:
        return False
    values: dict[str, object] = {"hub_id": portal.hub_id, "now": tx.now, "since": tx.now - WITHIN}
    row = tx.connection.execute(_LOCK, {"hub_id": portal.hub_id}).one()
    # One that ends later than a release lasts is of a clock that was ahead: it would let all pass until then.
    if row.released_until is not None and tx.now < row.released_until <= tx.now + RELEASED_FOR:
        return False
    ordered = sorted(falling)
    keys = {"kinds": [kind.value for kind, _ in ordered], "ids": [object_id for _, object_id in ordered]}
    tx.connection.execute(_FORGET, values)
    tx.connection.execute(_ADD, {**values, **keys})
    count = int(tx.connection.execute(_COUNT, values).scalar_one())
    if count < AT_LEAST:
        return False
    known = row.known
    if row.counted_at is None or not tx.now - COUNT_AGAIN < row.counted_at <= tx.now:
        known = tx.connection.execute(_COUNT_KNOWN, {**values, "status": status}).scalar_one()
    if not is_too_many(count, known):
        return False
    _pull(tx, portal, _words(portal.hub_id, count, known, falling))
    plan.writes.clear()
    return True


def release(tx: Tx, portal: Portal) -> None:
    """Let the portal write for an hour, whatever that takes away."""
    values = {"hub_id": portal.hub_id, "until": tx.now + RELEASED_FOR}
    tx.connection.execute(_LOCK, values)
    tx.connection.execute(_RELEASE, values)
    portals.unblock(tx, portal.hub_id, brake=True)


def fallen(tx: Tx, hub_id: int) -> int:
    """How many statuses were cleared or downgraded within the last hour, or were about to be."""
    return int(tx.connection.execute(_COUNT, {"hub_id": hub_id, "since": tx.now - WITHIN}).scalar_one())


def _falling(plan: Plan, status: str) -> dict[Key, tuple[str, str]]:
    """What these records show now, and would show less."""
    falling = {}
    for key, write in plan.writes.items():
        before = write.current.get(status) or ""
        after = write.changes.get(status, before)
        if is_downgrade(before, after):
            falling[key] = (before, after)
    return falling


def _without_given_up(
    tx: Tx, portal: Portal, plan: Plan, falling: Mapping[Key, tuple[str, str]], domain: str
) -> dict[Key, tuple[str, str]]:
    """Those whose domain nobody gave up by a job."""
    shown = {key: plan.writes[key].current.get(domain) or "" for key in falling}
    values = {"partner_id": portal.partner.id, "domains": joined(sorted(set(shown.values())))}
    given_up = set(tx.connection.execute(_GIVEN_UP, values).scalars())
    return {key: what for key, what in falling.items() if shown[key] not in given_up}


def _pull(tx: Tx, portal: Portal, words: str) -> None:
    log.error("brake_pulled", hub_id=portal.hub_id, detail=words)
    portals.block(tx, portal.hub_id, until=UNTIL_A_PERSON_ACTS, reason=Blocked.BRAKE, detail=words)
    event = Event(
        partner_id=portal.partner.id,
        hub_id=portal.hub_id,
        event=Happened.BRAKED,
        source="brake",
        who="syncworker",
        why=words,
    )
    history.record(tx, [event])


def _words(hub_id: int, count: int, known: int, falling: Mapping[Key, tuple[str, str]]) -> str:
    some = [
        f"{kind} {object_id}: {before} to {after or 'nothing'}"
        for (kind, object_id), (before, after) in sorted(falling.items())[:_EXAMPLES]
    ]
    # What to do comes first: tables show but the beginning.
    return (
        f"{count} of {known} known statuses would be cleared or downgraded within an hour: nothing more is written. "
        "If that is meant, such as registrations that all end on one day, let it go on: "
        f"`syncworker unpause --portal {hub_id}`. Some of them: {'; '.join(some)}"
    )


_GIVEN_UP = text(f"""
    SELECT i.domain FROM job_items AS i JOIN jobs ON jobs.id = i.job_id
     WHERE i.domain = ANY({split("domains")}) AND i.outcome = 'done' AND jobs.partner_id = :partner_id
       AND jobs.action = 'deregister'
       AND NOT EXISTS (SELECT FROM registrations AS r WHERE r.domain = i.domain AND r.partner_id = :partner_id
                          AND r.ended_at IS NULL AND r.deregistered_at IS NULL)
""")
_LOCK = text("""
    INSERT INTO brakes AS b (hub_id) VALUES (:hub_id) ON CONFLICT (hub_id) DO UPDATE SET hub_id = excluded.hub_id
    RETURNING known, counted_at, released_until
""")
# What was counted by a clock that was ahead counts for an hour from now, and not until that time comes.
_FORGET = text("""
    WITH forgotten AS (DELETE FROM downgrades WHERE hub_id = :hub_id AND at <= :since)
    UPDATE downgrades SET at = :now WHERE hub_id = :hub_id AND at > :now
""")
# A record that is tried again counts once.
_ADD = text("""
    INSERT INTO downgrades (hub_id, kind, object_id, at)
    SELECT :hub_id, kind, object_id, :now
      FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS falling (kind, object_id)
    ON CONFLICT (hub_id, kind, object_id) DO UPDATE SET at = excluded.at
""")
_COUNT = text("SELECT count(*) FROM downgrades WHERE hub_id = :hub_id AND at > :since")
_COUNT_KNOWN = text("""
    UPDATE brakes SET counted_at = :now, known = (
        SELECT count(*) FROM records WHERE records.hub_id = :hub_id AND written ->> :status <> '')
     WHERE hub_id = :hub_id
    RETURNING known
""")
_RELEASE = text("""
    WITH gone AS (DELETE FROM downgrades WHERE hub_id = :hub_id)
    UPDATE brakes SET released_until = :until WHERE hub_id = :hub_id
""")
