"""How long is a request open, who may end it, and is anything decided twice?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from support.desk import Desk, subject
from syncworker.registration.ledger import holds, moves, requests
from syncworker.registration.ledger.deciding import decide_batch
from syncworker.registration.ledger.holds import Hold
from syncworker.registration.ledger.requests import NewRequest, NotOpen, State
from syncworker.registration.rules.terms import Action, HoldKind, Reason, Source, Status


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    made = Desk(database_url)
    yield made
    made.close()


def hold(desk: Desk, domain: str, kind: HoldKind = HoldKind.EXISTING_CUSTOMER) -> None:
    desk.work(lambda tx: holds.add(tx, [Hold(domain=domain, kind=kind)], who="somebody"))


# --- how long ---


def test_bad_data_is_open_for_thirty_days_and_then_ends(desk: Desk) -> None:
    portal = desk.portal(1)
    desk.request(portal, "1")
    assert desk.decide(portal, "1", "alfa.se", last_name=None).status is Status.INVALID_DATA
    desk.pass_time(days=29, hours=23)
    assert desk.states("1") == [State.INVALID_DATA]
    desk.pass_time(hours=1)
    assert desk.states("1") == [State.ENDED]
    # What has ended is not taken up again, however complete the record is now
    assert desk.decide(portal, "1", "alfa.se").status is None
    assert desk.active() == []


def test_bad_data_is_decided_again_when_the_record_changes(desk: Desk) -> None:
    portal = desk.portal(1)
    desk.request(portal, "1")
    desk.decide(portal, "1", "alfa.se", last_name=None, email=None)
    assert "email" in desk.requests()[0].detail
    desk.decide(portal, "1", "alfa.se", last_name=None)
    assert "email" not in desk.requests()[0].detail
    desk.decide(portal, "1", "alfa.se")
    assert desk.states("1") == [State.REGISTERED]


def test_pending_is_open_for_as_long_as_it_takes(desk: Desk) -> None:
    portal = desk.portal(1, capacity=0)
    assert desk.ask(portal, "1", "alfa.se").reason is Reason.CAPACITY_REACHED
    desk.pass_time(days=900)
    assert desk.states("1") == [State.WAITING]
    desk.portal(1, capacity=1)
    desk.decide(portal, "1", "alfa.se")
    assert desk.states("1") == [State.REGISTERED]


def test_a_request_waits_with_the_domain_it_will_get(desk: Desk) -> None:
    portal = desk.portal(1, capacity=0)
    desk.ask(portal, "1", "alfa.se")
    assert [r.domain for r in desk.requests()] == ["alfa.se"]
    desk.decide(portal, "1", "bravo.se")
    desk.portal(1, capacity=1)
    desk.ask(portal, "2", "charlie.se")
    assert desk.active() == ["bravo.se"]


# --- withdrawn ---


def test_whatever_is_open_can_be_withdrawn_once(desk: Desk) -> None:
    portal = desk.portal(1, capacity=1)
    desk.ask(portal, "0", "alfa.se")
    ids = {State.PROCESSING: desk.request(portal, "1")}
    ids[State.WAITING] = desk.request(portal, "2")
    desk.decide(portal, "2", "bravo.se")
    ids[State.INVALID_DATA] = desk.request(portal, "3")
    desk.decide(portal, "3", "charlie.se", email=None)
    ids[State.CONFIRMING] = desk.request(portal, "0", action=Action.DEREGISTER, source=Source.CRM)
    desk.decide(portal, "0", "alfa.se")
    ids[State.UNRESOLVED] = desk.request(portal, "4")
    unresolved = "UPDATE requests SET state = 'unresolved', contact_id = NULL WHERE id = :id"
    desk.work(lambda tx: tx.connection.execute(text(unresolved), {"id": ids[State.UNRESOLVED]}))
    assert {r.state: r.id for r in desk.requests() if r.id in ids.values()} == ids
    for request_id in ids.values():
        desk.work(lambda tx: moves.withdraw(tx, request_id, who="p"))  # noqa: B023 - run at once
        with pytest.raises(NotOpen):
            desk.work(lambda tx: moves.withdraw(tx, request_id, who="p"))  # noqa: B023 - run at once
    assert {r.state for r in desk.requests() if r.id in ids.values()} == {State.WITHDRAWN}
    # Withdrawing a deregistration leaves the registration
    assert desk.active() == ["alfa.se"]


def test_what_is_consumed_cannot_be_withdrawn(desk: Desk) -> None:
    portal = desk.portal(1)
    hold(desk, "held.se")
    desk.ask(portal, "1", "alfa.se")
    desk.ask(portal, "2", "held.se")
    desk.ask(portal, "1", "alfa.se", action=Action.DEREGISTER, source=Source.APP)
    assert [r.state for r in desk.requests()] == [State.REGISTERED, State.UNAVAILABLE, State.DEREGISTERED]
    for request in desk.requests():
        with pytest.raises(NotOpen):
            desk.work(lambda tx: moves.withdraw(tx, request.id, who="p"))  # noqa: B023 - run at once


def test_of_opposite_requests_the_later_one_counts(desk: Desk) -> None:
    portal = desk.portal(1, capacity=1)
    desk.ask(portal, "0", "alfa.se")
    desk.ask(portal, "1", "bravo.se")
    desk.rig.clock.time += timedelta(seconds=1)
    desk.ask(portal, "1", "bravo.se", action=Action.DEREGISTER, source=Source.CRM)
    assert desk.states("1") == [State.WITHDRAWN, State.WITHDRAWN]
    desk.give_up(portal, "alfa.se")
    assert desk.active() == []


# --- once ---


def test_the_same_key_is_the_same_request_in_a_portal_and_another_one_elsewhere(desk: Desk) -> None:
    one, two = desk.portal(1), desk.portal(2, partner="south")

    def ask(hub_id: int, partner_id: int) -> int:
        new = NewRequest(
            key="k", action=Action.REGISTER, source=Source.API, who="p",
            requested_at=desk.rig.clock.time, contact_id="1",
        )  # fmt: skip
        return desk.rig.database.run(lambda tx: len(requests.add(tx, partner_id=partner_id, hub_id=hub_id, new=[new])))

    assert [ask(1, one.partner.id), ask(1, one.partner.id), ask(2, two.partner.id)] == [1, 0, 1]


def test_nothing_consumed_is_decided_again(desk: Desk) -> None:
    portal = desk.portal(1)
    hold(desk, "alfa.se")
    assert desk.ask(portal, "1", "alfa.se").reason is Reason.EXISTING_CUSTOMER
    # When the hold is gone
    desk.work(lambda tx: tx.connection.execute(text("DELETE FROM holds")))
    # I expect the answer to stand until somebody asks anew
    assert desk.decide(portal, "1", "alfa.se").status is Status.UNAVAILABLE
    assert desk.active() == []
    assert desk.ask(portal, "1", "alfa.se").status is Status.REGISTERED


def test_a_registered_request_does_not_register_again_what_has_ended(desk: Desk) -> None:
    portal = desk.portal(1)
    desk.ask(portal, "1", "alfa.se")
    desk.pass_time(days=367)
    assert desk.decide(portal, "1", "alfa.se").status is Status.EXPIRED
    assert desk.active() == []


# --- holds ---


def test_a_hold_that_comes_later_flags_the_registration_and_ends_nothing(desk: Desk) -> None:
    portal = desk.portal(1)
    desk.ask(portal, "1", "alfa.se")
    hold(desk, "alfa.se", HoldKind.PURSUED_BY_VENDOR)
    hold(desk, "alfa.se", HoldKind.PURSUED_BY_VENDOR)
    assert desk.active() == ["alfa.se"]
    assert desk.decide(portal, "1", "alfa.se").reason is Reason.HOLD_CAME_LATER
    assert [event for event, *_ in desk.told()].count("hold_came") == 1


def test_a_hold_on_a_domain_that_is_waited_for_refuses_and_nobody_gets_it_by_a_free_slot(desk: Desk) -> None:
    portal = desk.portal(1, capacity=1)
    desk.ask(portal, "1", "alfa.se")
    desk.ask(portal, "2", "bravo.se")
    hold(desk, "bravo.se")
    desk.give_up(portal, "alfa.se")
    assert desk.active() == []
    assert desk.decide(portal, "2", "bravo.se").reason is Reason.EXISTING_CUSTOMER
    assert desk.states("2") == [State.UNAVAILABLE]


def test_a_hold_that_comes_while_its_domain_is_being_registered_still_flags_it(desk: Desk) -> None:
    portal = desk.portal(1)
    desk.request(portal, "1")
    done = threading.Event()

    def add() -> None:
        hold(desk, "alfa.se")
        done.set()

    thread = threading.Thread(target=add)
    with desk.rig.database.transaction() as tx:
        # Given a decision that found no hold, and is not committed
        decide_batch(tx, portal, {"1": subject("1", "alfa.se")}, desk.rig.conditions())
        thread.start()
        while not done.wait(0.01) and not _somebody_waits(desk):
            pass
    thread.join(60)
    [claim] = desk.claims()
    assert claim.hold is HoldKind.EXISTING_CUSTOMER


def _somebody_waits(desk: Desk) -> bool:
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with desk.rig.database.transaction() as tx:
        return bool(tx.connection.execute(text(waits)).scalar_one())
