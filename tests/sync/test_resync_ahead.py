"""How far ahead is a list read, and what becomes of the pages that were?"""

from __future__ import annotations

import time
from typing import Any

import pytest

from support.rig import Rig
from support.second_worker import Meanwhile, second_worker
from sync.test_resync import go_on, look
from syncworker.hubspot import client
from syncworker.hubspot.errors import FixRequest
from syncworker.hubspot.listing import Listing, read_listing
from syncworker.sync.resync import ahead, page, place, resync
from syncworker.sync.resync.place import Taken
from syncworker.sync.resync.resync import Resync, State


def begun(rig: Rig) -> Resync:
    """A resync of five pages: one of companies, four of contacts."""
    rig.sandbox.seed(contacts=350, companies=70, portal=rig.hub)
    rig.sandbox.reset_stats()
    return resync.start(rig.context, rig.hub, who="t")


def take(rig: Rig) -> Taken:
    taken = rig.context.database.run(lambda tx: place.take(tx, rig.hub))
    assert taken is not None
    return taken


def pages_read(rig: Rig) -> int:
    return sum(rig.sandbox.calls("GET /crm").values())


def test_while_a_page_is_decided_two_more_are_read_and_not_a_third(rig: Rig) -> None:
    begun(rig)
    with ahead.pages(rig.context, take(rig), until=time.monotonic() + 60) as pages:
        first = next(iter(pages))
        while pages_read(rig) < 3:
            pass
    assert (first.place.stage, len(first.listing.listed), first.goes_on) == ("company", 70, True)
    # Whoever reads has ended by now.
    assert pages_read(rig) == 3


def test_what_is_read_is_decided_and_nothing_more_is_read_once_the_turn_is_over(rig: Rig) -> None:
    begun(rig)
    with ahead.pages(rig.context, take(rig), until=time.monotonic()) as pages:
        [only] = pages
    assert (only.goes_on, only.to) == (False, place.Place("contact"))
    assert pages_read(rig) == 1


def test_the_pages_before_one_that_hubspot_refuses_are_kept_and_it_goes_on_from_that_one(rig: Rig) -> None:
    of = begun(rig)
    refuse = Meanwhile("/contacts", lambda: rig.sandbox.faults(http={"429_daily": 1.0}), nth=2)
    with second_worker(rig, refuse) as worker:
        go_on(worker, rig)
        stopped = look(rig, of)
        assert (stopped.state, stopped.listed) == (State.RUNNING, 70 + 200)
        assert "daily" in (stopped.last_error or "").lower()
        # Paused, it waits for a person and for nothing else.
        assert resync.pause(rig.context, of.id, who="t").last_error is None
        assert resync.resume(rig.context, of.id, who="t").last_error is None
        rig.sandbox.faults()
        rig.pass_time(days=1)
        go_on(worker, rig)
    assert (look(rig, of).state, look(rig, of).listed) == (State.DONE, 70 + 350)


def test_a_refusal_in_words_that_cannot_be_stored_ends_a_resync_and_says_why(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = begun(rig)

    def refuse(*_: object) -> None:
        raise FixRequest("no such \x00 value: \ud800", route="GET /crm", status=400, correlation_id="\x00")

    monkeypatch.setattr(page, "read", refuse)
    go_on(rig.context, rig)
    assert look(rig, of).state is State.FAILED
    assert "no such value: ?" in (look(rig, of).last_error or "")


@pytest.mark.parametrize("odd", ["1\x00", "\ud800", "1\x1f2"])
def test_a_page_with_an_id_that_cannot_be_one_is_asked_for_again_later_and_says_so(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    of = begun(rig)

    def with_an_odd_id(object_type: str, source: Any, *, at: str | None) -> Listing:
        source["results"][0]["id"] = odd
        return read_listing(object_type, source, at=at)

    monkeypatch.setattr(client, "read_listing", with_an_odd_id)
    go_on(rig.context, rig)
    assert (look(rig, of).state, look(rig, of).listed) == (State.RUNNING, 0)
    assert "a record's id is no id" in (look(rig, of).last_error or "")
