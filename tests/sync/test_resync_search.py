"""Does a resync of a part of a portal find all of it, whatever search gives?"""

from __future__ import annotations

import pytest

from support.rig import Rig
from sync.test_resync import STATUS, go_on, look, registered_leads, run_resync, statuses
from syncworker.sync.resync import find, resync
from syncworker.sync.resync.resync import State
from syncworker.sync.resync.scope import Scope
from syncworker.sync.triggers.changed import SearchContradictsItself


@pytest.mark.parametrize("seed", [2, 3, 5])
def test_a_search_that_gives_what_nobody_asked_for_passes_nobody_over(rig: Rig, seed: int) -> None:
    leads = registered_leads(rig, 350)
    run_resync(rig)
    for contact_id in leads:
        rig.sandbox.edit(rig.hub, "contacts", contact_id, {STATUS: ""})
    worst = {"strangers": 1.0, "repeats": 1.0, "shuffled": True, "miscounts": True}
    rig.sandbox.faults(seed=seed, search_lag_s=0, search=worst)
    begun = resync.start(rig.context, rig.hub, who="t", scope=Scope(since=rig.clock.time.replace(year=2020)))
    go_on(rig.context, rig)
    assert look(rig, begun).state is State.DONE
    assert statuses(rig).keys() >= leads.keys()


def test_a_search_that_leads_nowhere_is_asked_again_later(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    leads = registered_leads(rig, 30)
    begun = resync.start(rig.context, rig.hub, who="t", scope=Scope(since=rig.clock.time.replace(year=2020)))

    def nowhere(after_id: int, *_: object, **__: object) -> None:
        raise SearchContradictsItself(after_id)

    with monkeypatch.context() as patched:
        patched.setattr(find, "shown_up_to", nowhere)
        go_on(rig.context, rig)
    rests = look(rig, begun)
    assert rests.state is State.RUNNING
    assert "asked again later" in (rests.last_error or "")
    go_on(rig.context, rig)
    assert look(rig, begun) == rests
    rig.pass_time(minutes=1)
    go_on(rig.context, rig)
    assert (look(rig, begun).state, look(rig, begun).last_error) == (State.DONE, None)
    assert statuses(rig).keys() >= leads.keys()
