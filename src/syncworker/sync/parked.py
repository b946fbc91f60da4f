"""How does a person try parked marks again, or let them go? The pages, the API and the command line call these."""

from __future__ import annotations

from collections.abc import Callable, Collection

from syncworker.registration.ledger.history import Happened
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.sync import marks
from syncworker.sync.context import Context
from syncworker.sync.did import did
from syncworker.sync.marks import Kind
from syncworker.sync.wake import Bell, Ring

Named = Collection[tuple[Kind, str | None]]
"""Marks by kind and id; None as id: all of the kind."""


# So many are named in the history; the rest is a number.
_MOST_NAMED = 20


def retry(context: Context, hub_id: int, named: Named | None = None, *, who: str, source: Source) -> int:
    """Try these parked marks again, now; None: all of the portal. Return how many there were. Raises UnknownPortal."""
    count = _each(context, hub_id, named, marks.retry, Happened.MARKS_RETRIED, who=who, source=source)
    context.waker.ring(Ring(Bell.SERVE_INTERACTIVE, hub_id), Ring(Bell.TELL))
    return count


def dismiss(context: Context, hub_id: int, named: Named | None = None, *, who: str, source: Source) -> int:
    """Let these parked marks go; None: all of the portal. The next change of a record marks it anew.

    Return how many there were. Raises UnknownPortal.
    """
    return _each(context, hub_id, named, marks.dismiss, Happened.MARKS_DISMISSED, who=who, source=source)


def _each(
    context: Context,
    hub_id: int,
    named: Named | None,
    work: Callable[..., int],
    happened: Happened,
    *,
    who: str,
    source: Source,
) -> int:
    # In one order, whoever else does the same.
    ordered = None if named is None else sorted(set(named), key=lambda one: (one[0], one[1] or ""))

    def change(tx: Tx) -> int:
        portals.get(tx, hub_id)
        if ordered is None:
            count = work(tx, hub_id)
        else:
            count = sum(work(tx, hub_id, kind, object_id) for kind, object_id in ordered)
        if count:
            which = [f"{kind} {object_id or 'all'}" for kind, object_id in (ordered or [])[:_MOST_NAMED]]
            told = {"count": count, "marks": which or ["all"]}
            did(tx, happened, who=who, source=source, hub_id=hub_id, detail=told)
        return count

    return context.database.run(change)
