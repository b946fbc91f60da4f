"""How does a person try parked marks again, or let them go? The pages, the API and the command line call these."""

from __future__ import annotations

from collections.abc import Callable, Collection

from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.sync import marks
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind
from syncworker.sync.wake import Bell, Ring

Named = Collection[tuple[Kind, str | None]]
"""Marks by kind and id; None as id: all of the kind."""


def retry(context: Context, hub_id: int, named: Named | None = None) -> int:
    """Try these parked marks again, now; None: all of the portal. Return how many there were. Raises UnknownPortal."""
    count = _each(context, hub_id, named, marks.retry)
    context.waker.ring(Ring(Bell.SERVE_INTERACTIVE, hub_id), Ring(Bell.TELL))
    return count


def dismiss(context: Context, hub_id: int, named: Named | None = None) -> int:
    """Let these parked marks go; None: all of the portal. The next change of a record marks it anew.

    Return how many there were. Raises UnknownPortal.
    """
    return _each(context, hub_id, named, marks.dismiss)


def _each(context: Context, hub_id: int, named: Named | None, work: Callable[..., int]) -> int:
    def change(tx: Tx) -> int:
        portals.get(tx, hub_id)
        if named is None:
            return work(tx, hub_id)
        # In one order, whoever else does the same.
        ordered = sorted(set(named), key=lambda one: (one[0], one[1] or ""))
        return sum(work(tx, hub_id, kind, object_id) for kind, object_id in ordered)

    return context.database.run(change)
