"""What is looked for in a portal where no event tells of it, when was that last, and is it in time?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Row, text

from syncworker.store.database import Tx
from syncworker.sync.doctor.finding import Finding, ago, fine, problem
from syncworker.sync.triggers.cursors import FORM
from syncworker.sync.triggers.polling import STREAMS, Look
from syncworker.sync.watch.runbook import Section

# The slowest poll comes every quarter of an hour; a form's may come less often where the portal has many.
_LATE = timedelta(minutes=30)
# Polls wait for each other, and for a worker that sweeps.
_A_WHILE = timedelta(minutes=2)
_LOOKS = {stream.trigger: stream for stream in STREAMS}
_LOOKS_FOR = {
    Look.NOW: "changes",
    Look.LATE: "changes that HubSpot's search shows late",
    Look.ARCHIVED: "deletions",
}
_CURSORS = text("""
    SELECT c.trigger, c.due_at, c.polled_at, c.last_error, f.name AS form
      FROM cursors AS c LEFT JOIN forms AS f ON f.hub_id = c.hub_id AND c.trigger = :form || f.form_id
     WHERE c.hub_id = :hub_id ORDER BY c.trigger
""")


def polls(tx: Tx, hub_id: int, *, idle: bool, bulk_rests: bool) -> list[Finding]:
    """Those that fail or are late, each by itself, and in a line when the others were last.

    `idle`: none is to come; `bulk_rests`: none of records, since the day's calls are kept for others. Forms are polled.
    """
    found, well = [], []
    for row in tx.connection.execute(_CURSORS, {"hub_id": hub_id, "form": FORM}):
        name, late = f"poll {row.trigger}", tx.now - row.due_at
        rests = idle or (bulk_rests and row.trigger in _LOOKS)
        if row.last_error is not None and not (bulk_rests and rests):
            said = f"{_looks_for(row)}: {row.last_error}"
            found.append(problem(hub_id, name, said, "see the line itself", Section.POLL_FAILS))
        elif late > _LATE and not rests:
            said = f"{_looks_for(row)}: last looked for {_before(tx.now, row.polled_at)}, and due for {ago(late)}"
            found.append(problem(hub_id, name, said, "see that a worker runs", Section.POLL_LATE))
        else:
            well.append(row)
    return [*found, fine(hub_id, "polls", _said(tx.now, well, idle=idle, bulk_rests=bulk_rests))] if well else found


def _said(now: datetime, well: Iterable[Row[*tuple[object, ...]]], *, idle: bool, bulk_rests: bool) -> str:
    """All of one sort in a few words: the one that was looked for the longest ago speaks for them."""
    last, waits = defaultdict[str, list[datetime | None]](list), timedelta(0)
    for row in well:
        last[_LOOKS_FOR[_LOOKS[row.trigger].look] if row.trigger in _LOOKS else FORM].append(row.polled_at)
        waits = max(waits, now - row.due_at)
    forms = f"submissions of {len(last[FORM])} {'form' if len(last[FORM]) == 1 else 'forms'}"
    when = [
        f"{forms if sort is FORM else sort} {_before(now, *last[sort])}"
        for sort in (*_LOOKS_FOR.values(), FORM)
        if last[sort]
    ]
    how = (
        "they rest"
        if idle
        else "those of records rest"
        if bulk_rests
        else f"up to {ago(waits)} late"
        if waits > _A_WHILE
        else "in time"
    )
    return f"{how}; last looked for: {', '.join(when)}"


def _looks_for(row: Row[*tuple[object, ...]]) -> str:
    stream = _LOOKS.get(row.trigger)
    if stream is not None:
        return f"{_LOOKS_FOR[stream.look]} of {'contacts' if stream.kind == 'contact' else 'companies'}"
    return f"submissions of the form {row.form}" if row.form else "submissions"


def _before(now: datetime, *times: datetime | None) -> str:
    """How long ago the first of these was; one that was never is longer ago than all."""
    known = [at for at in times if at is not None]
    return f"{ago(now - min(known))} ago" if len(known) == len(times) else "never"
