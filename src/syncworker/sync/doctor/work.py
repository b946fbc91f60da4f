"""Does the portal's work get done: mode, blocks, marks, polls, resyncs?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text

from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.sync import bulk_rest
from syncworker.sync.claims import WEBHOOK_FLOOD
from syncworker.sync.doctor.finding import MEND_SETTINGS, MODE, Finding, ago, fine, problem
from syncworker.sync.doctor.polls import polls
from syncworker.sync.lists.list_lines import MarkCount
from syncworker.sync.lists.mark_lists import waiting_in_words
from syncworker.sync.marks import Priority
from syncworker.sync.portals.failures import Blocked
from syncworker.sync.watch.runbook import Section, of_block

# A sweep rings every few seconds, and a webhook's mark is seconds' work: due this long, nobody works.
DUE_FOR = timedelta(minutes=5)

_WHEN_BLOCKED = {
    Blocked.CREDENTIALS: "give it a new token: syncworker portals add --hub-id {hub_id}",
    Blocked.SCOPES: "grant the app the scopes, install it again, then: syncworker portals unblock {hub_id}",
    Blocked.PROPERTIES: "run: syncworker setup --portal {hub_id}",
    Blocked.SETTINGS: MEND_SETTINGS,
    Blocked.BRAKE: "see why; if it is meant: syncworker unpause --portal {hub_id}",
    Blocked.DAILY_QUOTA: "nothing: it goes on when HubSpot's daily quota is new; or raise the quota",
}


def work(tx: Tx, portal: Portal, counts: Sequence[MarkCount], *, bulk_rests_s: float) -> list[Finding]:
    """Mode, block, due and parked marks, polls and resyncs that fail. `counts` are of all portals.

    `bulk_rests_s`: for how long polls and resyncs leave the rest of the day's calls to others.
    """
    hub_id = portal.hub_id
    ours = [count for count in counts if count.hub_id == hub_id]
    idle = portal.mode is Mode.PAUSED or portal.is_blocked(tx.now)
    found = [
        _mode(portal),
        blocked(portal, tx.now),
        _bulk_work(hub_id, tx.now, bulk_rests_s),
        _due(hub_id, ours, idle=idle, bulk_rests=bulk_rests_s > 0),
    ]
    parked = sum(count.parked for count in ours)
    if parked:
        what = f"see: syncworker marks --parked --portal {hub_id}"
        found.append(problem(hub_id, "parked", waiting_in_words(parked), what, Section.PARKED))
    else:
        found.append(fine(hub_id, "parked", "none"))
    return [*found, *polls(tx, hub_id, idle=idle, bulk_rests=bulk_rests_s > 0), *_resync(tx, hub_id)]


def _mode(portal: Portal) -> Finding:
    if portal.restored_from is not None:
        since = f"restored from a backup of {portal.restored_from:%Y-%m-%d %H:%M} UTC, not compared with the CRM yet"
        return problem(portal.hub_id, MODE, since, "run: syncworker rebuild", Section.REBUILD)
    if portal.pause is not None:
        why = f": {portal.pause.reason}" if portal.pause.reason else ""
        since = f"paused by {portal.pause.by} at {portal.pause.at:%Y-%m-%d %H:%M} UTC{why}"
        return fine(portal.hub_id, MODE, since, f"to let it go on: syncworker unpause --portal {portal.hub_id}")
    if portal.mode is Mode.OBSERVE:
        what = f"to let it register: syncworker portals mode {portal.hub_id} write"
        return fine(portal.hub_id, MODE, "observe: nothing is registered or written yet", what)
    return fine(portal.hub_id, MODE, "write")


def blocked(portal: Portal, now: datetime) -> Finding:
    """Whether a failure of the whole portal keeps it from being worked on."""
    if not portal.is_blocked(now):
        return fine(portal.hub_id, "blocked", "no")
    reason = portal.blocked_reason or "unknown"
    known = Blocked(reason) if reason in set(Blocked) else None
    what = _WHEN_BLOCKED.get(known, "nothing: it is tried again by itself") if known else "see the reason"
    what = what.format(hub_id=portal.hub_id)
    return problem(portal.hub_id, "blocked", f"{reason}: {portal.blocked_detail}", what, of_block(reason))


def _bulk_work(hub_id: int, now: datetime, rests_s: float) -> Finding:
    """Whether polls and resyncs may call HubSpot."""
    if not rests_s:
        return fine(hub_id, "bulk work", "it need not rest")
    what = "nothing: it goes on by itself; if it comes often, raise HubSpot's daily quota, or see what uses it up"
    return problem(hub_id, "bulk work", bulk_rest.said(now, rests_s), what, of_block(Blocked.DAILY_QUOTA))


def _due(hub_id: int, counts: Sequence[MarkCount], *, idle: bool, bulk_rests: bool) -> Finding:
    due = sum(count.due for count in counts)
    oldest = _oldest(counts)
    said = f"{due} due" + (f", the oldest for {ago(oldest)}" if due else "")
    # What is not in time for another reason than that bulk work rests.
    late = _oldest([count for count in counts if not (bulk_rests and _is_bulk(count))])
    if late > DUE_FOR and not idle:
        return problem(hub_id, "marks", said, "see that a worker and a scheduler run", Section.MARKS_LATE)
    return fine(hub_id, "marks", said)


def _is_bulk(count: MarkCount) -> bool:
    """Whether bulk work does them: a flood of webhooks is, too."""
    return not count.priority.resets or (count.priority is Priority.WEBHOOK and count.due > WEBHOOK_FLOOD)


def _oldest(counts: Sequence[MarkCount]) -> timedelta:
    return timedelta(seconds=max((count.oldest_due_s for count in counts), default=0.0))


_LAST_RESYNC = text("""
    SELECT id, state, listed, finished_at, last_error FROM resyncs WHERE hub_id = :hub_id ORDER BY id DESC LIMIT 1
""")


def _resync(tx: Tx, hub_id: int) -> list[Finding]:
    """The newest resync, where it runs or failed: an older one's failure is history."""
    row = tx.connection.execute(_LAST_RESYNC, {"hub_id": hub_id}).one_or_none()
    if row is None or row.state in {"done", "cancelled"}:
        return []
    if row.state == "failed":
        what = f"mend what it says, then: syncworker resync resume --portal {hub_id}"
        return [problem(hub_id, "resync", f"resync {row.id}: {row.last_error}", what, Section.RESYNC_FAILED)]
    said = f"resync {row.id} is {row.state}: {row.listed} records listed"
    return [fine(hub_id, "resync", said + (f"; it waits: {row.last_error}" if row.last_error else ""))]
