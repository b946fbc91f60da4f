"""How far has each trigger of a portal come, and when is it due?

A cursor's high-water moves only in the transaction that stores what it passed. A lease keeps two workers from asking
HubSpot the same at the same time; losing it costs a call, not data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import text

from syncworker.store.database import Tx

FORM = "form:"
LEASE = timedelta(seconds=45)
# After a hint a form is looked at as soon as this allows, and again after 5 and 15 s, should HubSpot lag.
FORM_GAP = timedelta(milliseconds=500)
HURRY_AGAIN = (timedelta(seconds=5), timedelta(seconds=15))
# All form polls of a portal stay within this share of the lowest daily limit that HubSpot's usage guidelines name.
# A gap alone would not hold it: so each poll spends time, and half an hour's worth may be spent ahead.
FORM_POLLS_A_DAY = 250_000 * 5 // 100
A_POLL = timedelta(days=1) / FORM_POLLS_A_DAY
SPENT_AHEAD = timedelta(minutes=30)
# What a trigger may read beyond its due, in tenths of a page. Three pages are there at first, and at most.
A_PAGE = 10
RESERVE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A trigger that is ours to work on until the lease ends.

    `until` and `after_id`: the stretch from the high-water on that is being read, and how far that has come.
    `page_after`: where the list that is being read goes on, in HubSpot's words; None: at its beginning.
    Of a form: nothing before `settled_to` can appear any more that was not looked for. A look that a turn did not end
    has begun at `until`, and was shown `newest` at the top.
    """

    hub_id: int
    trigger: str
    high_water: datetime
    hurried_at: datetime | None
    until: datetime | None
    after_id: int
    settled_to: datetime | None
    page_after: str | None = None
    newest: datetime | None = None


_ENSURE = text("""
    INSERT INTO cursors (hub_id, trigger, high_water, due_at) VALUES (:hub_id, :trigger, :high_water, :now)
    ON CONFLICT (hub_id, trigger) DO NOTHING
""")
_TAKE = text("""
    UPDATE cursors SET leased_until = :lease, polled_at = :now,
           -- To go on with a look is not another one.
           spent_until = greatest(:now, coalesce(spent_until, :now)) + CASE WHEN until IS NULL THEN :spends * (
               SELECT count(*) FROM cursors AS all_forms
                WHERE all_forms.hub_id = :hub_id AND all_forms.trigger LIKE :pattern) ELSE '0' END
     WHERE (hub_id, trigger) IN (
        SELECT hub_id, trigger FROM cursors
         WHERE hub_id = :hub_id AND trigger LIKE :pattern AND due_at <= :now
           AND coalesce(leased_until <= :now, true)
         ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING hub_id, trigger, high_water, hurried_at, until, after_id, settled_to, page_after, newest
""")
_PASS = text("""
    UPDATE cursors SET high_water = greatest(high_water, :high_water) WHERE hub_id = :hub_id AND trigger = :trigger
""")
# Only from where we were: a worker that lost its lease in a long call must not put the stretch back.
_STEP = text("""
    UPDATE cursors SET high_water = :high_water, until = :until, after_id = :after_id, leased_until = :lease,
           page_after = :page_after, newest = :newest, settled_to = coalesce(:settled_to, settled_to)
     WHERE hub_id = :hub_id AND trigger = :trigger
       AND high_water = :was_high_water AND after_id = :was_after_id AND until IS NOT DISTINCT FROM :was_until
       AND page_after IS NOT DISTINCT FROM :was_page_after
""")
_LIST_ANEW = text("UPDATE cursors SET page_after = NULL WHERE hub_id = :hub_id AND trigger = :trigger")
_RENEW = text("""
    UPDATE cursors SET leased_until = :lease, spent_until = greatest(:now, coalesce(spent_until, :now)) + :spends * (
               SELECT count(*) FROM cursors AS all_forms
                WHERE all_forms.hub_id = :hub_id AND all_forms.trigger LIKE 'form:%')
     WHERE hub_id = :hub_id AND trigger = :trigger
""")
_EARN = text("""
    UPDATE cursors SET allowance = least(:most, allowance + :change) WHERE hub_id = :hub_id AND trigger = :trigger
""")
_SPEND = text("""
    UPDATE cursors SET allowance = allowance - :change
     WHERE hub_id = :hub_id AND trigger = :trigger AND allowance >= :change
""")
_REST = text("""
    UPDATE cursors SET leased_until = NULL, last_error = :error,
           -- A hint that came while we were asking is not lost.
           due_at = greatest(CASE WHEN until IS NULL THEN spent_until - :ahead END,
                             CASE WHEN hurried_at > polled_at THEN :now ELSE :due END)
     WHERE hub_id = :hub_id AND trigger = :trigger
""")
_HURRY = text("""
    UPDATE cursors SET hurried_at = :now,
           due_at = least(due_at, greatest(:now, polled_at + :gap, spent_until - :ahead))
     WHERE hub_id = :hub_id AND trigger LIKE 'form:%'
    RETURNING due_at
""")


def ensure(tx: Tx, hub_id: int, trigger: str, *, high_water: datetime) -> None:
    """Begin a trigger at a time, if it has not begun."""
    values = {"hub_id": hub_id, "trigger": trigger, "high_water": high_water, "now": tx.now}
    tx.connection.execute(_ENSURE, values)


def take(tx: Tx, hub_id: int, pattern: str, *, limit: int = 10) -> list[Cursor]:
    """Lease the due triggers of a portal whose name matches (as in SQL's LIKE)."""
    values = {
        "hub_id": hub_id,
        "pattern": pattern,
        "now": tx.now,
        "lease": tx.now + LEASE,
        "limit": limit,
        "spends": A_POLL if pattern.startswith(FORM) else timedelta(0),
    }
    return [Cursor(**row._mapping) for row in tx.connection.execute(_TAKE, values)]


def move(tx: Tx, cursor: Cursor, *, high_water: datetime) -> None:
    """Move the high-water, never back."""
    values = {"hub_id": cursor.hub_id, "trigger": cursor.trigger, "high_water": high_water}
    tx.connection.execute(_PASS, values)


def step(
    tx: Tx,
    cursor: Cursor,
    *,
    high_water: datetime,
    until: datetime | None = None,
    after_id: int = 0,
    page_after: str | None = None,
    newest: datetime | None = None,
    settled_to: datetime | None = None,
) -> Cursor | None:
    """Go on in the stretch or the list, and renew the lease; None where somebody else has gone on from there.

    `settled_to` stays as it is where none is given; all else that is not given ends.
    """
    values = {
        "hub_id": cursor.hub_id,
        "trigger": cursor.trigger,
        "high_water": high_water,
        "until": until,
        "after_id": after_id,
        "page_after": page_after,
        "newest": newest,
        "settled_to": settled_to,
        "lease": tx.now + LEASE,
        "was_high_water": cursor.high_water,
        "was_after_id": cursor.after_id,
        "was_until": cursor.until,
        "was_page_after": cursor.page_after,
    }
    if not tx.connection.execute(_STEP, values).rowcount:
        return None
    return replace(
        cursor,
        high_water=high_water,
        until=until,
        after_id=after_id,
        page_after=page_after,
        newest=newest,
        settled_to=settled_to or cursor.settled_to,
    )


def list_anew(tx: Tx, cursor: Cursor) -> None:
    """Read the list from its beginning: HubSpot refused the place where it was to go on."""
    tx.connection.execute(_LIST_ANEW, {"hub_id": cursor.hub_id, "trigger": cursor.trigger})


def renew(tx: Tx, cursor: Cursor, *, polls: int = 0) -> None:
    """Keep the lease for another while; so many polls of a form were made, beyond the one that was paid for."""
    values = {
        "hub_id": cursor.hub_id,
        "trigger": cursor.trigger,
        "now": tx.now,
        "lease": tx.now + LEASE,
        "spends": polls * A_POLL,
    }
    tx.connection.execute(_RENEW, values)


def earn(tx: Tx, hub_id: int, trigger: str) -> None:
    """Allow a trigger a tenth of a page more, up to its reserve."""
    values = {"hub_id": hub_id, "trigger": trigger, "most": RESERVE, "change": 1}
    tx.connection.execute(_EARN, values)


def spend(tx: Tx, cursor: Cursor) -> bool:
    """Take a page from the allowance, if there is one."""
    values = {"hub_id": cursor.hub_id, "trigger": cursor.trigger, "change": A_PAGE}
    return bool(tx.connection.execute(_SPEND, values).rowcount)


def rest(tx: Tx, cursor: Cursor, *, every: timedelta, error: str | None = None) -> None:
    """Give the lease back; due again after `every`, or sooner if it was hurried."""
    due = tx.now + every
    if cursor.hurried_at is not None and error is None:
        again = [cursor.hurried_at + after for after in HURRY_AGAIN]
        due = min([due, *(moment for moment in again if moment > tx.now)])
    values = {
        "hub_id": cursor.hub_id,
        "trigger": cursor.trigger,
        "due": due,
        "now": tx.now,
        "ahead": SPENT_AHEAD,
        "error": error[:500] if error else None,
    }
    tx.connection.execute(_REST, values)


def just_hurried(tx: Tx, cursor: Cursor) -> bool:
    """Whether a hint has come so shortly that `rest` makes the trigger due once more after it."""
    return cursor.hurried_at is not None and tx.now < cursor.hurried_at + HURRY_AGAIN[0]


def hurry_forms(tx: Tx, hub_id: int) -> int | None:
    """Look at the portal's forms soon; return in how many milliseconds, or None where it has no forms."""
    due = (
        tx.connection.execute(_HURRY, {"hub_id": hub_id, "now": tx.now, "gap": FORM_GAP, "ahead": SPENT_AHEAD})
        .scalars()
        .all()
    )
    if not due:
        return None
    return max(0, int((min(due) - tx.now).total_seconds() * 1000))
