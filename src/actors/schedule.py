"""What runs by the clock?"""

from __future__ import annotations

import dramatiq
from periodiq import cron

from actors.process import context, counts
from syncworker.sync.sweep import sweep
from syncworker.sync.triggers import daily
from syncworker.sync.wake import BULK_QUEUE, INTERACTIVE_QUEUE


@dramatiq.actor(
    queue_name=INTERACTIVE_QUEUE,
    priority=4,
    max_retries=0,
    time_limit=60_000,
    max_age=60_000,
    periodic=cron("* * * * *"),
)
def sweep_every_minute() -> None:
    """Ring for all that is due; and tell that the scheduler runs, which has no loop of ours in it."""
    counts().beat("scheduler")
    sweep(context())


@dramatiq.actor(
    queue_name=BULK_QUEUE,
    priority=13,
    max_retries=0,
    time_limit=600_000,
    max_age=600_000,
    periodic=cron("17 * * * *"),
)
def look_at_the_ledger() -> None:
    """Look at a share of all records the ledger knows, so that each is looked at once a day."""
    daily.look(context())
