"""What must be looked at again?

A mark is one row per (portal, kind, id). Marking again takes a new generation; it never adds a row, so a thousand
webhooks for a contact are one read. Who takes marks, and what becomes of them, is in `claims.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import IntEnum, StrEnum

from sqlalchemy import text

from syncworker.store.database import Tx

RESET_AT_MOST_EVERY = timedelta(minutes=1)


class Kind(StrEnum):
    """What is marked."""

    CONTACT = "contact"
    COMPANY = "company"
    DOMAIN = "domain"
    NOTICE = "notice"
    """Something to be told to somebody (see notices/): no record, and nothing is read for it."""


class Priority(IntEnum):
    """Whose marks go first: the lowest."""

    PERSON = 0
    """A person or a form."""
    WEBHOOK = 1
    POLL = 2
    RESYNC = 3

    @property
    def resets(self) -> bool:
        """Such a mark unparks a record and resets its backoff; bulk marks leave both alone."""
        return self <= Priority.WEBHOOK


# `held`: somebody is at it: the lease stays, and finishing at the old generation makes it due at once.
# A failure behind it is wiped by whoever may, at most once a minute; what is parked is unparked in any case, and if
# that minute is not over, rests until it is: a person's word is never lost.
_MARK = text("""
    INSERT INTO marks AS m
        (hub_id, kind, object_id, generation, priority, cause, marked_at, not_before, reset_at)
    SELECT :hub_id, :kind, id, nextval('mark_generation'), :priority, :cause, :now, :due,
           CASE WHEN :resets THEN :now ::timestamptz END
      FROM unnest(CAST(:ids AS text[])) AS id
    ON CONFLICT (hub_id, kind, object_id) DO UPDATE SET
        generation = excluded.generation,
        cause = CASE WHEN excluded.priority <= m.priority THEN excluded.cause ELSE m.cause END,
        priority = least(m.priority, excluded.priority),
        marked_at = excluded.marked_at,
        not_before = CASE
            WHEN m.claim_token IS NOT NULL AND m.not_before > :now THEN m.not_before
            WHEN m.attempts = 0 AND m.parked_at IS NULL THEN least(m.not_before, excluded.not_before)
            WHEN :resets AND coalesce(m.reset_at <= :rested, true) THEN excluded.not_before
            WHEN :resets AND m.parked_at IS NOT NULL THEN m.reset_at + :rest
            ELSE m.not_before END,
        attempts = CASE
            WHEN :resets AND (coalesce(m.reset_at <= :rested, true) OR m.parked_at IS NOT NULL) THEN 0
            ELSE m.attempts END,
        parked_at = CASE WHEN :resets THEN NULL ELSE m.parked_at END,
        reset_at = CASE
            WHEN NOT :resets OR (m.attempts = 0 AND m.parked_at IS NULL) THEN m.reset_at
            WHEN coalesce(m.reset_at <= :rested, true) THEN :now
            WHEN m.parked_at IS NOT NULL THEN m.reset_at + :rest
            ELSE m.reset_at END
""")


def mark(
    tx: Tx,
    hub_id: int,
    kind: Kind,
    ids: Iterable[str],
    *,
    priority: Priority,
    cause: str,
    delay: timedelta = timedelta(0),
) -> int:
    """Mark records of a portal, in key order (the lock order); return how many."""
    ordered = sorted(set(ids))
    if ordered:
        parameters = {
            "hub_id": hub_id,
            "kind": kind.value,
            "ids": ordered,
            "priority": int(priority),
            "cause": cause,
            "resets": priority.resets,
            "rest": RESET_AT_MOST_EVERY,
            "rested": tx.now - RESET_AT_MOST_EVERY,
            "now": tx.now,
            "due": tx.now + delay,
        }
        tx.connection.execute(_MARK, parameters)
    return len(ordered)


_WHICH = """
     WHERE hub_id = :hub_id AND parked_at IS NOT NULL
       AND kind = coalesce(:kind, kind) AND object_id = coalesce(:object_id, object_id)
"""
_RETRY = text(
    """
    UPDATE marks SET parked_at = NULL, attempts = 0, not_before = :now, reset_at = :now, priority = 0,
           generation = nextval('mark_generation')
    """
    + _WHICH
)
# What was written too often to be believed in counts anew: else nothing would be written until an hour is over.
_BELIEVE = text(f"""
    UPDATE records AS r SET written_times = 0
      FROM (SELECT hub_id, kind, object_id FROM marks {_WHICH}) AS parked
     WHERE r.hub_id = parked.hub_id AND r.kind = parked.kind AND r.object_id = parked.object_id
""")
_DISMISS = text("DELETE FROM marks" + _WHICH)


def retry(tx: Tx, hub_id: int, kind: Kind | None = None, object_id: str | None = None) -> int:
    """A person asks to try parked marks again (one, or all of a portal); return how many."""
    parameters = {"hub_id": hub_id, "kind": kind, "object_id": object_id, "now": tx.now}
    # Records before marks, as whoever notes what it has written.
    tx.connection.execute(_BELIEVE, parameters)
    return tx.connection.execute(_RETRY, parameters).rowcount


def dismiss(tx: Tx, hub_id: int, kind: Kind | None = None, object_id: str | None = None) -> int:
    """A person lets parked marks go; the next change of the record marks it anew. Return how many."""
    return tx.connection.execute(_DISMISS, {"hub_id": hub_id, "kind": kind, "object_id": object_id}).rowcount
