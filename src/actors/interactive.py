"""What runs at once, because somebody may be waiting for it: webhooks, forms, people, ends of registrations."""

from __future__ import annotations

import dramatiq

from actors.process import context
from syncworker import tracing
from syncworker.sync.triggers import expiry, inbox
from syncworker.sync.turns import interactive_turn, job_turn
from syncworker.sync.wake import INTERACTIVE_QUEUE, Bell, Ring


@dramatiq.actor(queue_name=INTERACTIVE_QUEUE, priority=0, max_retries=0, time_limit=60_000, max_age=60_000)
def expand_inbox() -> None:
    """Turn what webhooks told into marks."""
    with context().waker.turn(Ring(Bell.EXPAND_INBOX)) as ours:
        while ours and inbox.expand(context()):
            pass


@dramatiq.actor(queue_name=INTERACTIVE_QUEUE, priority=1, max_retries=0, time_limit=300_000, max_age=60_000)
def serve_interactive(hub_id: int) -> None:
    """Poll a portal's forms, and work off what people, forms and webhooks marked."""
    ring = Ring(Bell.SERVE_INTERACTIVE, hub_id)
    with context().waker.turn(ring) as ours, tracing.span("turn", portal=hub_id, lane="interactive"):
        more = ours and interactive_turn(context(), hub_id)
    if more:
        context().waker.ring(ring)


@dramatiq.actor(queue_name=INTERACTIVE_QUEUE, priority=2, max_retries=0, time_limit=300_000, max_age=60_000)
def do_jobs(hub_id: int) -> None:
    """Do to many leads what a person asked for."""
    with context().waker.turn(Ring(Bell.DO_JOBS, hub_id)) as ours:
        while ours and job_turn(context(), hub_id):
            pass


@dramatiq.actor(queue_name=INTERACTIVE_QUEUE, priority=2, max_retries=0, time_limit=300_000, max_age=60_000)
def end_overdue() -> None:
    """End registrations that are past their last valid day, and give the slots to those who wait."""
    with context().waker.turn(Ring(Bell.END_OVERDUE)) as ours:
        if ours:
            expiry.end_overdue(context())
