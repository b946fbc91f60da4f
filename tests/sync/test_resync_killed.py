"""Is a resync right in the end, however often its worker is killed on the way?"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from datetime import datetime

import pytest
from sqlalchemy import event

from support.rig import Rig, Unlimited
from sync.test_resync import everybody, look, registered_leads, statuses
from syncworker.settings import Settings
from syncworker.store.database import ManualClock
from syncworker.sync import turns
from syncworker.sync.context import Context
from syncworker.sync.resync import resync
from syncworker.sync.resync.resync import State

STEPS = 20
AT_RANDOM = 20
FORK = multiprocessing.get_context("fork")


@pytest.mark.long
def test_killed_at_each_step_and_at_random_instants_it_writes_everything_once_needed(rig: Rig) -> None:
    leads = registered_leads(rig, 1500)
    begun = resync.start(rig.context, rig.hub, who="t")
    rig.sandbox.reset_stats()
    dice = random.Random(20261122)  # noqa: S311 - which instants, not a secret
    rig.context.database.engine.dispose()  # a fork must not share what is open
    # Each begins after the lease of the one before has run out; the n-th dies at its n-th step.
    for number in range(STEPS):
        _one_life(rig, dies_at=number + 1)
    for _ in range(AT_RANDOM):
        _one_life(rig, dies_after=dice.uniform(0.05, 0.35))
    rig.pass_time(minutes=2)
    rig.settle()
    done = look(rig, begun)
    assert (done.state, done.failed) == (State.DONE, 0)
    assert rig.marks() == []
    held = {one["id"] for one in everybody(rig, "companies") if one["properties"]["domain"] in leads.values()}
    assert statuses(rig, "companies").keys() == held
    assert statuses(rig).keys() >= leads.keys()
    assert set(statuses(rig).values()) == {"registered"}
    # A batch is written again only where its worker died between the write and its end.
    pages = 15 + 3
    assert sum(rig.writes().values()) <= pages + STEPS + AT_RANDOM
    again = resync.start(rig.context, rig.hub, who="t")
    rig.settle()
    assert look(rig, again).written == 0


def _one_life(rig: Rig, *, dies_at: int = 0, dies_after: float | None = None) -> None:
    """A worker process, from the end of the last lease to its death."""
    rig.pass_time(minutes=2)
    worker = FORK.Process(target=_work, args=(rig.settings, rig.clock.time, rig.hub, dies_at))
    worker.start()
    worker.join(dies_after if dies_after is not None else 120)
    worker.kill()
    worker.join()
    worker.close()


def _work(settings: Settings, now: datetime, hub_id: int, dies_at: int) -> None:
    """What a worker's bulk lane does. Dies at its `dies_at`-th step: a call, or before and after a commit."""
    steps = 0

    def step(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    context = Context(settings, clock=ManualClock(now), limiter=Unlimited(), on_call=step, pool_size=2)
    event.listen(context.database.engine, "commit", step)
    event.listen(context.database.engine, "checkin", step)
    while turns.bulk_turn(context, hub_id):
        pass
    os._exit(0)
