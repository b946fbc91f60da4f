"""What becomes of a form with more unread submissions than a turn reads, and of a submission that is odd?"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, text

from support.processes import eventually
from support.rig import Rig
from syncworker.hubspot.json_values import UnreadableError
from syncworker.hubspot.reading import read_submission_page
from syncworker.sandbox.database import FILE
from syncworker.store.database import Tx
from syncworker.store.tables import cursors, requests
from syncworker.sync.portals.form_switch import disable_form, enable_form
from syncworker.sync.triggers import submissions
from syncworker.sync.triggers.submissions import poll_forms


@pytest.fixture(autouse=True)
def _a_page_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "PAGES_A_TURN", 1)


def of_firm(number: int) -> str:
    return f"a@firma-{number}.se"


def submit(rig: Rig, numbers: range) -> None:
    for number in numbers:
        rig.submit(of_firm(number), website=f"firma-{number}.se")


def asked(rig: Rig) -> list[Any]:
    with rig.context.database.transaction() as tx:
        query = select(requests.c.state, requests.c.contact_id, requests.c.resolve_after)
        return list(tx.connection.execute(query.order_by(requests.c.requested_at)))


def form_cursor(rig: Rig) -> Any:
    with rig.context.database.transaction() as tx:
        return tx.connection.execute(select(cursors).where(cursors.c.trigger == f"form:{rig.form}")).one()


def read(rig: Rig) -> int:
    """How many pages of submissions were read."""
    return sum(number for call, number in rig.sandbox.calls("GET").items() if "submissions/forms" in call)


def odd(rig: Rig, email: str, change: str) -> None:
    """HubSpot gives a submission in another shape: an expression of SQLite over its `body`."""
    with sqlite3.connect(rig.sandbox.data_dir / FILE, timeout=10) as database:
        changed = database.execute(f"UPDATE submissions SET body = {change} WHERE body LIKE ?", (f"%{email}%",))
        assert changed.rowcount == 1
    database.close()


def test_a_long_list_is_read_over_many_turns_and_who_asked_first_is_served_first(
    make_rig: Callable[..., Rig],
) -> None:
    # Given one slot, and submissions of a long time away
    rig = make_rig(partner_capacity=1)
    submit(rig, range(120))
    high_water = form_cursor(rig).high_water
    # When a turn has read the newest of them
    assert poll_forms(rig.context, rig.hub) is True
    assert [one.resolve_after for one in asked(rig)] == [None] * 50
    assert form_cursor(rig).high_water == high_water
    # and its process is killed, somebody submits, and another process goes on
    submit(rig, range(120, 121))
    other = make_rig(partner_capacity=1)
    other.clock.time = rig.clock.time
    other.settle()
    # I expect all of them, by the two pages that were left, and the first one registered
    assert read(rig) == 2
    assert [one.state for one in asked(rig)] == ["registered"] + ["waiting"] * 119
    assert form_cursor(rig).page_after is None
    # and with the next poll who came meanwhile
    other.hurry()
    other.settle()
    assert len(asked(rig)) == 121


def test_a_place_that_hubspot_refuses_is_read_from_the_top_again(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=200)
    submit(rig, range(70))
    poll_forms(rig.context, rig.hub)
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE cursors SET page_after = 'of last week' WHERE trigger LIKE 'form:%'"))
    assert poll_forms(rig.context, rig.hub) is False
    assert "answered 400" in (form_cursor(rig).last_error or "")
    rig.hurry()
    rig.settle()
    assert {one.state for one in asked(rig)} == {"registered"}
    assert len(asked(rig)) == 70
    assert form_cursor(rig).last_error is None


def test_a_form_that_is_disabled_half_way_lets_go_of_what_it_holds(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=200)
    submit(rig, range(70))
    poll_forms(rig.context, rig.hub)
    rig.context.database.run(lambda tx: disable_form(tx, rig.hub, rig.form))
    rig.settle()
    assert [one.state for one in asked(rig)] == ["registered"] * 50
    # and begins anew when it is enabled
    rig.context.database.run(lambda tx: enable_form(tx, rig.hub, rig.form))
    rig.hurry()
    rig.settle()
    assert form_cursor(rig).page_after is None
    assert len(asked(rig)) == 50


def test_what_a_look_holds_is_let_go_by_whoever_disables_the_form_that_moment(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(partner_capacity=200)
    submit(rig, range(60))
    add = submissions.asked.add
    with ThreadPoolExecutor(1) as person:
        disabling: list[Future[bool]] = []

        def add_while_somebody_disables(tx: Tx, **of: Any) -> Any:
            new = add(tx, **of)
            if not disabling:
                disabling.append(
                    person.submit(rig.context.database.run, lambda other: disable_form(other, rig.hub, rig.form))
                )
                eventually(lambda: waiting_for_a_lock(tx) or disabling[0].done(), what="the form is being disabled")
            return new

        monkeypatch.setattr(submissions.asked, "add", add_while_somebody_disables)
        poll_forms(rig.context, rig.hub)
        assert disabling[0].result(30)
    rig.settle()
    assert [one.state for one in asked(rig)] == ["registered"] * 50


def waiting_for_a_lock(tx: Tx) -> bool:
    return bool(tx.connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


# --- odd ones ---


def test_a_submission_without_a_time_is_kept_and_counts_once(rig: Rig) -> None:
    submit(rig, range(3))
    odd(rig, of_firm(1), "json_remove(body, '$.submittedAt', '$.conversionId')")
    rig.settle()
    for _ in range(2):
        rig.pass_time(minutes=20)
        rig.hurry()
        rig.settle()
    assert [one.state for one in asked(rig)] == ["registered"] * 3
    assert form_cursor(rig).last_error is None


def test_what_is_no_submission_is_left_out_and_shows_as_a_failing_poll(rig: Rig) -> None:
    submit(rig, range(3))
    odd(rig, of_firm(1), "json('17')")
    rig.settle()
    assert [one.state for one in asked(rig)] == ["registered"] * 2
    assert form_cursor(rig).last_error == "1 submissions cannot be read, and are left out"


def one(number: object, **fields: object) -> dict[str, object]:
    return {"submittedAt": number, "values": [], **fields}


@pytest.mark.parametrize("time", [None, "soon", -1, 0, 10**18, 1.5, True, {}])
def test_an_odd_time_is_taken_from_the_neighbour(time: object) -> None:
    page = read_submission_page({"results": [one(1_700_000_002_000), one(time), one(1_700_000_001_000)]})
    assert [(it.submitted_at.second, it.timed) for it in page.submissions] == [(22, True), (22, False), (21, True)]
    page = read_submission_page({"results": [one(time), one(1_700_000_001_000)]})
    assert [(it.submitted_at.second, it.timed) for it in page.submissions] == [(21, False), (21, True)]


def test_a_page_without_any_time_is_not_what_hubspot_promises() -> None:
    with pytest.raises(UnreadableError):
        read_submission_page(json.loads('{"results": [{"values": []}, {"values": []}]}'))
    # but one submission alone is left out
    page = read_submission_page({"results": [one(None)]})
    assert (page.submissions, page.unreadable) == ((), 1)
