"""What runs at once, because somebody may be waiting for it: webhooks, forms, people, ends of registrations."""

from __future__ import annotations

import dramatiq

from actors.process import context
from syncworker.sync import expiry, inbox, submissions
from syncworker.sync.claims import Lane
from syncworker.sync.reconcile import reconcile
from syncworker.sync.wake import INTERACTIVE_QUEUE, Bell, Ring

# Batches of one turn: then the portal goes to the end of the queue, so that portals take turns.
BATCHES_A_TURN = 5


@dramatiq.actor(queue_name=INTERACTIVE_QUEUE, priority=0, max_retries=0, time_limit=60_000, max_age=60_000)
def expand_inbox() -> None:
    """Turn what webhooks told into marks."""
    context().waker.answered(Ring(Bell.EXPAND_INBOX))
    while inbox.expand(context()):
        pass


@dramatiq.actor(queue_name=INTERACTIVE_QUEUE, priority=1, max_retries=0, time_limit=120_000, max_age=60_000)
def poll_forms(hub_id: int) -> None:
    """Turn new form submissions of a portal into requests."""
    context().waker.answered(Ring(Bell.POLL_FORMS, hub_id))
    submissions.poll_forms(context(), hub_id)


@dramatiq.actor(queue_name=INTERACTIVE_QUEUE, priority=2, max_retries=0, time_limit=300_000, max_age=60_000)
def reconcile_interactive(hub_id: int) -> None:
    """Work off what people, forms and webhooks marked."""
    context().waker.answered(Ring(Bell.RECONCILE_INTERACTIVE, hub_id))
    for _ in range(BATCHES_A_TURN):
        if not reconcile(context(), hub_id, Lane.INTERACTIVE):
            return
    context().waker.ring(Ring(Bell.RECONCILE_INTERACTIVE, hub_id))


@dramatiq.actor(queue_name=INTERACTIVE_QUEUE, priority=3, max_retries=0, time_limit=300_000, max_age=60_000)
def end_overdue() -> None:
    """End registrations that are past their last valid day, and give the slots to those who wait."""
    context().waker.answered(Ring(Bell.END_OVERDUE))
    expiry.end_overdue(context())
