"""What does a worker do when it is a portal's turn?

Interactive: what somebody may be waiting for. Bulk: what may take its time. Each returns whether there is more, so
that the portal goes to the end of the queue and others get their turn.
"""

from __future__ import annotations

from collections.abc import Callable

from syncworker.sync import bulk_rest
from syncworker.sync.claims import Lane
from syncworker.sync.context import Context
from syncworker.sync.jobs.job_work import continue_jobs
from syncworker.sync.portals.failures import WRONG_SETTINGS, block, of_settings
from syncworker.sync.reconcile.reconcile import reconcile
from syncworker.sync.resync.turn import continue_resync
from syncworker.sync.triggers.polling import poll_records
from syncworker.sync.triggers.submissions import poll_forms

BATCHES = 5


def interactive_turn(context: Context, hub_id: int) -> bool:
    """Forms first: a contact that has just been created then has its request when it is read."""
    return _unless_settings_are_wrong(context, hub_id, lambda: _interactive_turn(context, hub_id))


def bulk_turn(context: Context, hub_id: int) -> bool:
    """Marks first, and between the pages of a long poll: a poll may take minutes."""
    return _unless_settings_are_wrong(context, hub_id, lambda: _bulk_turn(context.in_lane(Lane.BULK), hub_id))


def job_turn(context: Context, hub_id: int) -> bool:
    """What a person asked for, of many leads."""
    return _unless_settings_are_wrong(context, hub_id, lambda: continue_jobs(context, hub_id))


def _interactive_turn(context: Context, hub_id: int) -> bool:
    for _ in range(BATCHES):
        unread = poll_forms(context, hub_id)
        if not reconcile(context, hub_id, Lane.INTERACTIVE) and not unread:
            return False
    return True


def _bulk_turn(context: Context, hub_id: int) -> bool:
    rests_s = context.limiter.bulk_rests_s(hub_id)
    if rests_s:
        # The rest of the day's quota is for interactive work. The sweep rings again, and it is asked again.
        context.database.run(lambda tx: bulk_rest.note(tx, hub_id, rests_s))
        return False
    more = all(reconcile(context, hub_id, Lane.BULK) for _ in range(BATCHES))
    poll_records(context, hub_id, between=lambda: reconcile(context, hub_id, Lane.BULK))
    return continue_resync(context, hub_id) or more


def _unless_settings_are_wrong(context: Context, hub_id: int, turn: Callable[[], bool]) -> bool:
    """A portal that cannot be worked on for a mistake in the settings is blocked, whatever was at it first.

    Else it would be tried, and fail, with every sweep, and nobody be told why.
    """
    try:
        return turn()
    except WRONG_SETTINGS as error:
        failure = of_settings(error)
        context.database.run(lambda tx: block(tx, hub_id, failure))
        return False
