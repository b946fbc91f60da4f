"""What has to be done when the clock goes back?

What is to be done later is written down as a time. If the database's clock was ahead and is set back, "in a minute"
has become "in an hour": leases that nobody holds, polls and tries that nobody makes. So whoever sees the clock go back
makes all of it due now. That is harmless: a claim that loses its lease writes nothing, and is made again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import TextClause, text

from syncworker.store.database import Database, Tx
from syncworker.store.portals import UNTIL_A_PERSON_ACTS

log = structlog.get_logger(__name__)

# Less than that every lease and every rest bears.
MOST = timedelta(seconds=5)
# Another process may have polled after this transaction began, but not as much later.
MOST_BETWEEN_TWO = timedelta(minutes=1)
# Rows in one transaction, for whose end whoever wants one of them has to wait.
BATCH = 5_000

# In the order in which everybody locks them. A parked mark goes on waiting, but hears the next word at once.
_MARKS_DUE_NOW = text("""
    WITH later AS MATERIALIZED (
        SELECT hub_id, kind, object_id FROM marks
         WHERE (hub_id, kind, object_id) > (:hub_id, :kind, :object_id)
           AND ((parked_at IS NULL AND not_before > :now) OR reset_at > :now)
         ORDER BY hub_id, kind, object_id LIMIT :batch FOR UPDATE
    ), made_due AS (
        UPDATE marks AS m
           SET not_before = CASE WHEN parked_at IS NULL THEN least(not_before, :now) ELSE not_before END,
               claim_token = NULL, reset_at = least(reset_at, :now)
          FROM later WHERE m.hub_id = later.hub_id AND m.kind = later.kind AND m.object_id = later.object_id
    )
    SELECT hub_id, kind, object_id FROM later ORDER BY hub_id DESC, kind DESC, object_id DESC LIMIT 1
""")
# What seems to have been looked at later is taken for having seen whatever changes until then.
_RECORDS_LOOKED_AT = text("""
    WITH later AS MATERIALIZED (
        SELECT hub_id, kind, object_id FROM records
         WHERE (hub_id, kind, object_id) > (:hub_id, :kind, :object_id)
           AND (reconciled_at > :now OR written_since > :now OR written_at > :now)
         ORDER BY hub_id, kind, object_id LIMIT :batch FOR UPDATE
    ), before AS (
        UPDATE records AS r
           SET reconciled_at = least(reconciled_at, CAST(:now AS timestamptz) - CAST('1 minute' AS interval)),
               written_since = CASE WHEN written_since > :now THEN :now ELSE written_since END,
               written_at = CASE WHEN written_at > :now THEN :now ELSE written_at END
          FROM later WHERE r.hub_id = later.hub_id AND r.kind = later.kind AND r.object_id = later.object_id
    )
    SELECT hub_id, kind, object_id FROM later ORDER BY hub_id DESC, kind DESC, object_id DESC LIMIT 1
""")
_DUE_NOW = (
    text("UPDATE requests SET resolve_after = :now WHERE state = 'processing' AND resolve_after > :now"),
    text("UPDATE resyncs SET leased_until = NULL WHERE state = 'running' AND leased_until > :now"),
    text("UPDATE portals SET blocked_until = :now WHERE blocked_until > :now AND blocked_until < :for_a_person"),
    # Else what a person sends from now on would seem to be from before they were erased.
    text("UPDATE erasures SET erased_at = :now WHERE erased_at > :now"),
    # Last: when it was polled is what tells others of a clock that went back, should this process end half way.
    text("""
        UPDATE cursors SET due_at = least(due_at, :now), leased_until = NULL, polled_at = least(polled_at, :now),
               hurried_at = least(hurried_at, :now), spent_until = least(spent_until, :now)
         WHERE due_at > :now OR leased_until > :now OR polled_at > :now OR spent_until > :now
    """),
)


class LastSeen:
    """The latest time that this process has seen."""

    def __init__(self) -> None:
        self._at: datetime | None = None

    def gone_back(self, now: datetime) -> timedelta:
        """How far the clock has gone back since it was last looked at; zero where it has not."""
        back = self._at - now if self._at is not None else timedelta(0)
        return back if back > MOST else timedelta(0)

    def saw(self, now: datetime) -> None:
        """Look from this time on: whatever a clock that went back asks for is done."""
        self._at = now


def since_a_poll(tx: Tx) -> timedelta:
    """How far the clock has gone back since the last poll, which says so to processes that have started since."""
    polled_at = tx.connection.execute(text("SELECT max(polled_at) FROM cursors")).scalar_one()
    back = polled_at - tx.now if polled_at is not None else timedelta(0)
    return back if back > MOST_BETWEEN_TWO else timedelta(0)


def make_due(database: Database, *, by: timedelta) -> None:
    """All that was to be later is due now, because the clock has gone back `by` so much.

    In many transactions, each right on its own: a million marks that rest take a while.
    """
    log.warning("clock_went_back", seconds=round(by.total_seconds(), 1))
    for some in (_RECORDS_LOOKED_AT, _MARKS_DUE_NOW):
        after = (0, "", "")
        while last := database.run(lambda tx: _some(tx, some, after)):  # noqa: B023 - run at once
            after = last
    for statement in _DUE_NOW:
        database.run(lambda tx: tx.connection.execute(statement, _now(tx)))  # noqa: B023 - run at once


def _some(tx: Tx, statement: TextClause, after: tuple[int, str, str]) -> tuple[int, str, str] | None:
    """Set the next rows after this key right; return the last of them, or None where there was none."""
    hub_id, kind, object_id = after
    values = {"now": tx.now, "hub_id": hub_id, "kind": kind, "object_id": object_id, "batch": BATCH}
    row = tx.connection.execute(statement, values).one_or_none()
    return None if row is None else (row.hub_id, row.kind, row.object_id)


def _now(tx: Tx) -> dict[str, datetime]:
    return {"now": tx.now, "for_a_person": UNTIL_A_PERSON_ACTS}
