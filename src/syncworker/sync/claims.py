"""Who is looking at which marks, and what if that fails?

A claim takes due marks with a random token and a lease; a killed worker's lease runs out, and that is the recovery
time. Renewing, failing and finishing need the token, and finishing deletes a mark only at the generation that was
claimed: whatever was marked again meanwhile is looked at again.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Row, text

from syncworker.hubspot.quota import Lane as Lane  # which marks a claim may take
from syncworker.store.arrays import joined, split
from syncworker.store.database import Tx, in_drivers_words
from syncworker.sync.marks import Kind, Priority
from syncworker.sync.watch.observed import Finished

# How long a killed worker's marks rest: with the sweep after it, well within a minute. No batch takes as long between
# two renewals, but when HubSpot hardly answers; then the batch writes nothing and is tried again.
LEASE = timedelta(seconds=45)
BATCH = 100  # what one call of HubSpot's batch endpoints takes
WEBHOOK_FLOOD = 500

# How long a record rests after each failure; after the last one it is parked.
BACKOFF = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 3600, 6 * 3600))
JITTER = 0.2

Key = tuple[Kind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A claimed mark."""

    generation: int
    attempts: int
    marked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Marks of one portal that are ours until the lease ends: of one kind, and the companies that came along."""

    hub_id: int
    kind: Kind
    token: uuid.UUID
    marks: dict[Key, Mark] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """The ids of the claimed kind."""
        return [object_id for kind, object_id in self.marks if kind is self.kind]

    def halves(self) -> list[Claim]:
        """The same claim in two parts, each with half of the marks."""
        keys = list(self.marks)
        middle = len(keys) // 2
        return [
            Claim(hub_id=self.hub_id, kind=self.kind, token=self.token, marks={key: self.marks[key] for key in half})
            for half in (keys[:middle], keys[middle:])
        ]


# Each of these is a walk along one range of an index, written so that no planner can think otherwise: what it expects
# of a portal, a kind or a limit that it does not know is off by a million. Hence an order where any will do, one range
# for each priority, and ids in an array.
_FLOOD = text("""
    SELECT count(*) FROM (
        SELECT FROM marks
         WHERE hub_id = :hub_id AND kind = :kind AND priority = 1 AND parked_at IS NULL AND not_before <= :now
         ORDER BY not_before LIMIT :flood
    ) AS due
""")
_HAS_DUE = text("""
    SELECT count(*) > 0 FROM (
        SELECT FROM marks
         WHERE hub_id = :hub_id AND kind = :kind AND priority = :priority AND parked_at IS NULL AND not_before <= :now
         ORDER BY not_before LIMIT 1
    ) AS due
""")
# By priority, or the oldest: `first` says in which order those of several priorities go.
_CLAIM = """
    WITH picked AS MATERIALIZED (
        SELECT due.object_id
          FROM unnest(CAST(:priorities AS smallint[])) AS p (priority), LATERAL (
            SELECT object_id, not_before FROM marks
             WHERE hub_id = :hub_id AND kind = :kind AND priority = p.priority AND parked_at IS NULL
               AND not_before <= :now
             ORDER BY not_before LIMIT :limit FOR UPDATE SKIP LOCKED) AS due
         ORDER BY {first} LIMIT :limit
    )
    UPDATE marks SET claim_token = :token, not_before = :lease
     WHERE hub_id = :hub_id AND kind = :kind AND object_id = ANY(ARRAY(SELECT object_id FROM picked))
    RETURNING kind, object_id, generation, attempts, marked_at
"""
_CLAIM_PRIORITY = text(_CLAIM.format(first="p.priority, due.not_before"))
_CLAIM_OLDEST = text(_CLAIM.format(first="due.not_before"))


def served_priorities(tx: Tx, hub_id: int, kind: Kind, lane: Lane) -> list[Priority]:
    """Which priorities a lane serves now: more than 500 due webhook marks of a portal count as bulk."""
    parameters = {"hub_id": hub_id, "kind": kind.value, "now": tx.now, "flood": WEBHOOK_FLOOD + 1}
    flood = tx.connection.execute(_FLOOD, parameters).scalar_one() > WEBHOOK_FLOOD
    first_of_bulk = Priority.WEBHOOK if flood else Priority.POLL
    return [p for p in Priority if (p < first_of_bulk) == (lane is Lane.INTERACTIVE)]


def has_due(tx: Tx, hub_id: int, kind: Kind, lane: Lane) -> bool:
    """Whether a claim would find something."""
    parameters = {"hub_id": hub_id, "kind": kind.value, "now": tx.now}
    return any(
        tx.connection.execute(_HAS_DUE, {**parameters, "priority": int(priority)}).scalar_one()
        for priority in served_priorities(tx, hub_id, kind, lane)
    )


def claim(tx: Tx, hub_id: int, kind: Kind, *, lane: Lane, limit: int = BATCH, oldest_first: bool = False) -> Claim:
    """Take up to `limit` due marks of one portal and kind: by priority, or the oldest whatever their priority."""
    taken = Claim(hub_id=hub_id, kind=kind, token=uuid.uuid4())
    priorities = [int(p) for p in served_priorities(tx, hub_id, kind, lane)]
    parameters: dict[str, object] = {
        "hub_id": hub_id,
        "kind": kind.value,
        "now": tx.now,
        "lease": tx.now + LEASE,
        "token": taken.token,
        "limit": limit,
        "priorities": priorities,
    }
    rows = tx.connection.execute(_CLAIM_OLDEST if oldest_first else _CLAIM_PRIORITY, parameters)
    taken.marks.update(_marks(rows.all()))
    return taken


_MARKED = text("""
    SELECT object_id FROM marks WHERE hub_id = :hub_id AND kind = :kind AND object_id = ANY(:ids)
""")


def marked(tx: Tx, hub_id: int, kind: Kind, ids: Collection[str]) -> set[str]:
    """Which of these are marked."""
    parameters = {"hub_id": hub_id, "kind": kind.value, "ids": sorted(ids)}
    return set(tx.connection.execute(_MARKED, parameters).scalars())


_CLAIM_NAMED = f"""
    INSERT INTO marks AS m
        (hub_id, kind, object_id, generation, priority, cause, marked_at, not_before, claim_token)
    SELECT :hub_id, :kind, id, nextval('mark_generation'), :priority, :cause, :now, :lease, :token
      FROM unnest({split("ids")}) AS id
"""
_CLAIM_NEW = in_drivers_words(
    _CLAIM_NAMED
    + """
    ON CONFLICT (hub_id, kind, object_id) DO NOTHING
    RETURNING m.kind, m.object_id, m.generation, m.attempts, m.marked_at
"""
)
# Taken where nobody holds it, and it does not rest after a failure, nor is it parked.
_CLAIM_ALSO = text(
    _CLAIM_NAMED
    + """
    ON CONFLICT (hub_id, kind, object_id) DO UPDATE SET
        generation = excluded.generation,
        marked_at = excluded.marked_at,
        claim_token = CASE
            WHEN m.parked_at IS NULL
             AND (m.not_before <= :now OR (m.claim_token IS NULL AND m.attempts = 0))
            THEN excluded.claim_token ELSE m.claim_token END,
        not_before = CASE
            WHEN m.parked_at IS NULL
             AND (m.not_before <= :now OR (m.claim_token IS NULL AND m.attempts = 0))
            THEN excluded.not_before ELSE m.not_before END
    RETURNING m.kind, m.object_id, m.generation, m.attempts, m.marked_at, m.claim_token
"""
)


def claim_also(
    tx: Tx, taken: Claim, kind: Kind, ids: Collection[str], *, cause: str, priority: Priority = Priority.POLL
) -> None:
    """Mark these records and claim them under the same token: the companies of a batch of contacts, named records.

    One that somebody else holds is marked again instead: whoever holds it may have read the ledger before us. One
    that is parked, or rests after a failure, is left to its turn.
    """
    if ids:
        rows = tx.connection.execute(_CLAIM_ALSO, _named(tx, taken, kind, ids, cause=cause, priority=priority)).all()
        taken.marks.update(_marks([row for row in rows if row.claim_token == taken.token]))


def claim_unmarked(tx: Tx, taken: Claim, kind: Kind, ids: Collection[str], *, cause: str, priority: Priority) -> None:
    """Mark and claim those of these records that have no mark.

    For records that were read before they are claimed: one that is marked may have changed since, and whoever takes
    its mark reads it anew.
    """
    if ids:
        for of, object_id, generation, attempts, at in tx.ask(
            _CLAIM_NEW, _named(tx, taken, kind, ids, cause=cause, priority=priority)
        ).rows:
            taken.marks[Kind(of), object_id] = Mark(generation=generation, attempts=attempts, marked_at=at)


def _named(
    tx: Tx, taken: Claim, kind: Kind, ids: Collection[str], *, cause: str, priority: Priority
) -> dict[str, object]:
    return {
        "hub_id": taken.hub_id,
        "kind": kind.value,
        "ids": joined(sorted(set(ids))),
        "priority": int(priority),
        "cause": cause,
        "now": tx.now,
        "lease": tx.now + LEASE,
        "token": taken.token,
    }


_OURS = """
       m.hub_id = :hub_id AND m.claim_token = :token
   AND (m.kind, m.object_id) IN (SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])))
"""
_RENEW = text(f"""
    WITH ours AS MATERIALIZED (
        SELECT m.kind, m.object_id FROM marks AS m WHERE {_OURS} ORDER BY m.kind, m.object_id FOR UPDATE
    )
    UPDATE marks AS m SET not_before = :lease FROM ours
     WHERE m.hub_id = :hub_id AND m.kind = ours.kind AND m.object_id = ours.object_id
    RETURNING m.kind, m.object_id
""")
_GIVE_BACK = text(
    f"UPDATE marks AS m SET claim_token = NULL, not_before = :now, last_error = coalesce(:error, last_error) WHERE {_OURS}"  # noqa: E501
)
_FINISH = in_drivers_words(f"""
    DELETE FROM marks AS m
     USING unnest({split("kinds")}, {split("ids")}, CAST({split("generations")} AS bigint[]))
        AS done (kind, object_id, generation)
     WHERE m.hub_id = :hub_id AND m.claim_token = :token AND m.kind = done.kind AND m.object_id = done.object_id
       AND m.generation = done.generation
    RETURNING m.cause, m.priority, m.marked_at
""")
_FINISH_MARKED_AGAIN = text(f"""
    UPDATE marks AS m SET claim_token = NULL, not_before = :now, attempts = 0, last_error = NULL WHERE {_OURS}
""")
_FAIL = text("""
    UPDATE marks AS m
       -- Marked again since it was claimed: that word is heard once more before it is parked.
       SET claim_token = NULL, last_error = failed.error, not_before = failed.not_before,
           attempts = CASE WHEN failed.parked_at IS NULL OR m.generation = failed.generation
               THEN m.attempts + 1 ELSE m.attempts END,
           parked_at = CASE WHEN m.generation = failed.generation THEN failed.parked_at END
      FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[]), CAST(:not_before AS timestamptz[]),
                  CAST(:errors AS text[]), CAST(:parked_at AS timestamptz[]), CAST(:generations AS bigint[]))
        AS failed (kind, object_id, not_before, error, parked_at, generation)
     WHERE m.hub_id = :hub_id AND m.claim_token = :token AND m.kind = failed.kind AND m.object_id = failed.object_id
    RETURNING m.kind, m.object_id, m.parked_at
""")
# That a notice could not be sent is no reason for another one.
_UNTOLD = text("""
    INSERT INTO untold (hub_id, kind, at, record_kind, object_id)
    SELECT :hub_id, 'parked', CAST(:now AS timestamptz), kind, object_id
      FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS parked (kind, object_id)
     WHERE kind <> 'notice' AND EXISTS (SELECT FROM notice_switches WHERE hub_id = :hub_id)
""")


def renew(tx: Tx, taken: Claim) -> frozenset[Key]:
    """Start the lease anew; return what is still ours."""
    rows = tx.connection.execute(_RENEW, {**_ours(taken, taken.marks), "lease": tx.now + LEASE}).all()
    return frozenset((Kind(row.kind), row.object_id) for row in rows)


def finish(tx: Tx, taken: Claim, done: Collection[Key]) -> list[Finished]:
    """Delete these marks, and return them; those marked again since they were claimed are due at once instead."""
    if not done:
        return []
    ordered = sorted(done)
    parameters = {
        "hub_id": taken.hub_id,
        "token": taken.token,
        "kinds": joined([kind.value for kind, _ in ordered]),
        "ids": joined([object_id for _, object_id in ordered]),
        "generations": joined([str(taken.marks[key].generation) for key in ordered]),
    }
    rows = tx.ask(_FINISH, parameters).rows
    if len(rows) < len(done):
        tx.connection.execute(_FINISH_MARKED_AGAIN, {**_ours(taken, ordered), "now": tx.now})
    return [Finished(cause=cause, priority=Priority(priority), marked_at=at) for cause, priority, at in rows]


def fail(tx: Tx, taken: Claim, errors: Mapping[Key, str], *, park: bool = False) -> None:
    """Count a failure of each record: it rests for the next step of the schedule, or is parked after the last."""
    if not errors:
        return
    steps = [taken.marks[key].attempts for key in sorted(errors)]
    parked = [park or step >= len(BACKOFF) for step in steps]
    jitter = [random.uniform(1 - JITTER, 1 + JITTER) for _ in steps]  # noqa: S311 - not a secret
    rests = [
        BACKOFF[0 if is_parked else step] * factor
        for step, is_parked, factor in zip(steps, parked, jitter, strict=True)
    ]
    parameters = {
        **_ours(taken, errors),
        "not_before": [tx.now + rest for rest in rests],
        "errors": [errors[key][:500] for key in sorted(errors)],
        "parked_at": [tx.now if is_parked else None for is_parked in parked],
        "generations": [taken.marks[key].generation for key in sorted(errors)],
    }
    rows = tx.connection.execute(_FAIL, parameters).all()
    left = [row for row in rows if row.parked_at is not None]
    if left:
        told = {"kinds": [row.kind for row in left], "ids": [row.object_id for row in left]}
        tx.connection.execute(_UNTOLD, {**told, "hub_id": taken.hub_id, "now": tx.now})


def give_back(tx: Tx, taken: Claim, *, error: str | None = None) -> None:
    """Return all that is still claimed, attempts unchanged: the failure was not the records'."""
    parameters = {**_ours(taken, taken.marks), "now": tx.now, "error": error[:500] if error else None}
    tx.connection.execute(_GIVE_BACK, parameters)


def _ours(taken: Claim, keys: Collection[Key]) -> dict[str, object]:
    ordered = sorted(keys)
    return {
        "hub_id": taken.hub_id,
        "token": taken.token,
        "kinds": [kind.value for kind, _ in ordered],
        "ids": [object_id for _, object_id in ordered],
    }


def _marks(rows: Collection[Row[*tuple[object, ...]]]) -> dict[Key, Mark]:
    return {
        (Kind(row.kind), row.object_id): Mark(generation=row.generation, attempts=row.attempts, marked_at=row.marked_at)
        for row in rows
    }
