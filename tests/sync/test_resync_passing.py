"""Which pages does a resync pass by, and what if something changes just then?"""

from __future__ import annotations

import pytest
from sqlalchemy import text

from support.rig import Rig
from support.second_worker import Meanwhile, second_worker
from sync.test_resync import go_on, look, registered_leads, run_resync
from syncworker.store.portals import Mode
from syncworker.sync.portals.connect import set_mode
from syncworker.sync.resync import passing, resync
from syncworker.sync.resync.resync import Resync, State


@pytest.fixture
def settled(rig: Rig) -> Resync:
    """A portal of four pages, one of companies: all of it is settled, or strange."""
    registered_leads(rig, 240)
    for _ in range(2):
        run_resync(rig)
    done = run_resync(rig)
    assert (done.listed, done.written, done.marked) == (240 + 48, 0, 0)
    return done


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records of each page are handed on to be decided."""
    numbers: list[int] = []
    pass_by = passing.pass_by

    def noted(*arguments: object) -> object:
        left = pass_by(*arguments)  # type: ignore[arg-type] # handed through
        numbers.append(0 if left is None else len(left))
        return left

    monkeypatch.setattr(passing, "pass_by", noted)
    return numbers


def test_pages_of_settled_records_and_strangers_are_counted_and_nothing_of_them_is_decided(
    rig: Rig, settled: Resync, decided: list[int]
) -> None:
    done = run_resync(rig)
    # The partner's own company, which shows the capacity, is never settled.
    assert decided == [1, 0, 0, 0]
    assert (done.state, done.listed, done.marked, done.failed) == (State.DONE, settled.listed, 0, 0)


def test_a_page_with_one_record_to_decide_is_not_passed_by(rig: Rig, settled: Resync, decided: list[int]) -> None:
    with rig.context.database.transaction() as tx:
        one = "(SELECT min(object_id) FROM records WHERE kind = 'contact' AND settled IS NOT NULL)"
        tx.connection.execute(text(f"UPDATE records SET settled = NULL WHERE kind = 'contact' AND object_id = {one}"))
    assert run_resync(rig).listed == settled.listed
    assert (decided[0], sorted(decided[1:])) == (1, [0, 0, 1])
    assert run_resync(rig).listed == settled.listed
    assert decided[4:] == [1, 0, 0, 0]


@pytest.mark.parametrize("page", ["/companies", "/contacts"])
def test_what_rests_on_the_partner_as_it_was_is_decided_for_the_partner_as_it_is(
    rig: Rig, settled: Resync, decided: list[int], page: str
) -> None:
    def promote() -> None:
        with rig.context.database.transaction() as tx:
            tx.connection.execute(text("UPDATE partners SET tier = 'elite'"))

    of = resync.start(rig.context, rig.hub, who="t")
    # As a page comes, the turn has begun.
    with second_worker(rig, Meanwhile(page, promote)) as worker:
        go_on(worker, rig)
    done = look(rig, of)
    assert (done.state, done.listed) == (State.DONE, settled.listed)
    # The page comes again in the next turn, which knows better.
    assert decided[-3:] == [100, 100, 40]
    if page == "/companies":  # they show the tier
        assert done.written > 40


def test_a_portal_that_is_paused_meanwhile_stays_where_it_is(rig: Rig, settled: Resync) -> None:
    def pause() -> None:
        set_mode(rig.context, rig.hub, Mode.PAUSED, who="t")

    of = resync.start(rig.context, rig.hub, who="t")
    with second_worker(rig, Meanwhile("/contacts", pause)) as worker:
        go_on(worker, rig)
        stopped = look(rig, of)
        assert (stopped.state, stopped.listed <= 48) == (State.RUNNING, True)
        set_mode(rig.context, rig.hub, Mode.WRITE, who="t")
        rig.pass_time(minutes=2)
        go_on(worker, rig)
    assert (look(rig, of).state, look(rig, of).listed) == (State.DONE, settled.listed)
