"""Who gets which slot, when, and does anybody lose one?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from support.desk import Desk, subject
from syncworker.registration.ledger import registrations
from syncworker.registration.ledger.registrations import TooLateToUndo
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import Reason, Source, Status
from syncworker.store import portals
from syncworker.store.portals import Mode, Portal


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    made = Desk(database_url)
    yield made
    made.close()


def at_once(*jobs: Callable[[], object]) -> None:
    """Run these at the same moment; raise what any of them raised."""
    start = threading.Barrier(len(jobs))
    raised: list[BaseException] = []

    def run(job: Callable[[], object]) -> None:
        start.wait(60)
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - raised again below, in the test's own thread
            raised.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for error in raised:
        raise error


# --- the line ---


def test_the_waiting_list_goes_by_the_time_of_the_request_and_not_of_its_arrival(desk: Desk) -> None:
    portal = desk.portal(1, capacity=1)
    desk.ask(portal, "1", "alfa.se")
    desk.ask(portal, "2", "bravo.se")
    # A submission that was made before, and read after
    desk.ask(portal, "3", "charlie.se", at=desk.rig.clock.time - timedelta(hours=1))
    desk.give_up(portal, "alfa.se")
    assert desk.active() == ["charlie.se"]
    assert desk.states("2") == [State.WAITING]


def test_of_requests_of_the_same_moment_the_first_id_is_first_in_line(desk: Desk) -> None:
    portal = desk.portal(1, capacity=1)
    desk.ask(portal, "1", "alfa.se")
    desk.ask(portal, "2", "zulu.se")
    desk.ask(portal, "3", "bravo.se")
    desk.give_up(portal, "alfa.se")
    assert desk.active() == ["zulu.se"]


def test_several_requests_for_a_domain_count_once(desk: Desk) -> None:
    portal = desk.portal(1, capacity=2)
    desk.ask(portal, "1", "alfa.se")
    desk.ask(portal, "2", "bravo.se")
    for contact, domain in (("3", "charlie.se"), ("4", "charlie.se"), ("5", "delta.se")):
        desk.ask(portal, contact, domain)
    desk.deregister(portal, "alfa.se")
    desk.give_up(portal, "bravo.se")
    # Two slots are free: one for each of the two domains
    assert desk.active() == ["charlie.se", "delta.se"]
    assert desk.states("4") == [State.REGISTERED]


def test_free_slots_go_to_all_who_wait_and_not_only_to_the_batch(desk: Desk) -> None:
    portal = desk.portal(1, capacity=1)
    desk.ask(portal, "1", "alfa.se")
    desk.ask(portal, "2", "bravo.se")
    # When the capacity grows, and a batch is decided in which the first in line is not
    desk.portal(1, capacity=2)
    waits = desk.ask(portal, "3", "charlie.se")
    assert desk.active() == ["alfa.se", "bravo.se"]
    assert waits.status is Status.PENDING


def test_two_leads_of_one_company_in_one_batch_are_one_registration(desk: Desk) -> None:
    portal = desk.portal(1, capacity=1)
    for contact in ("1", "2"):
        desk.request(portal, contact)
    decided = desk.decide_all(portal, {c: subject(c, "alfa.se") for c in ("1", "2")})
    assert {of.status for of in decided.values()} == {Status.REGISTERED}
    assert [claim.contact_id for claim in desk.claims()] == ["1"]


def test_a_partners_portals_share_their_capacity_and_their_line(desk: Desk) -> None:
    one, two = desk.portal(1, capacity=1), desk.portal(2, capacity=1)
    desk.ask(one, "1", "alfa.se")
    assert desk.ask(two, "1", "bravo.se").reason is Reason.CAPACITY_REACHED
    assert desk.ask(two, "2", "alfa.se").status is Status.REGISTERED
    desk.give_up(one, "alfa.se")
    assert [claim.hub_id for claim in desk.claims() if claim.is_active] == [2]


def test_a_portal_that_is_only_observed_gets_no_slot_until_it_is_written_to(desk: Desk) -> None:
    one, two = desk.portal(1, capacity=1), desk.portal(2, capacity=1)
    desk.ask(one, "1", "alfa.se")
    desk.ask(two, "1", "bravo.se")
    desk.ask(one, "2", "charlie.se")
    desk.work(lambda tx: portals.set_mode(tx, 2, Mode.OBSERVE))
    desk.give_up(one, "alfa.se")
    assert desk.active() == ["charlie.se"]
    desk.work(lambda tx: portals.set_mode(tx, 2, Mode.WRITE))
    desk.give_up(one, "charlie.se")
    assert desk.active() == ["bravo.se"]


# --- who loses what ---


def test_an_expired_slot_goes_to_whoever_waits(desk: Desk) -> None:
    portal = desk.portal(1, capacity=1)
    desk.ask(portal, "1", "alfa.se")
    desk.ask(portal, "2", "bravo.se")
    desk.pass_time(days=364)
    assert desk.active() == ["alfa.se"]
    desk.pass_time(days=2)
    assert desk.active() == ["bravo.se"]


def test_a_renewal_comes_before_anybody_who_waits(desk: Desk) -> None:
    portal = desk.portal(1, capacity=1)
    desk.ask(portal, "1", "alfa.se")
    desk.ask(portal, "2", "bravo.se")
    [claim] = desk.claims()
    desk.work(lambda tx: registrations.set_renewal(tx, [claim], renew=True, who="somebody", source=Source.APP))
    desk.pass_time(days=366)
    [renewed] = desk.claims()
    assert (renewed.is_active, renewed.expires_on > claim.expires_on) == (True, True)
    assert desk.states("2") == [State.WAITING]


def test_a_deregistered_claim_is_not_renewed(desk: Desk) -> None:
    portal = desk.portal(1, capacity=1)
    desk.ask(portal, "1", "alfa.se")
    [claim] = desk.claims()
    desk.work(lambda tx: registrations.set_renewal(tx, [claim], renew=True, who="somebody", source=Source.APP))
    desk.give_up(portal, "alfa.se")
    assert [claim.end_reason for claim in desk.claims()] == ["deregistered"]


def test_a_lower_tier_ends_nothing_and_lets_in_nobody_until_under(desk: Desk) -> None:
    portal = desk.portal(1, capacity=3)
    for contact, domain in (("1", "alfa.se"), ("2", "bravo.se"), ("3", "charlie.se")):
        desk.ask(portal, contact, domain)
    desk.portal(1, capacity=1)
    assert desk.ask(portal, "4", "delta.se").reason is Reason.CAPACITY_REACHED
    assert desk.active() == ["alfa.se", "bravo.se", "charlie.se"]
    desk.give_up(portal, "alfa.se")
    desk.give_up(portal, "bravo.se")
    assert desk.active() == ["charlie.se"]
    desk.give_up(portal, "charlie.se")
    assert desk.active() == ["delta.se"]


def test_while_it_can_be_undone_a_deregistration_keeps_slot_and_domain(desk: Desk) -> None:
    portal, other = desk.portal(1, capacity=1), desk.portal(2, partner="south")
    desk.ask(portal, "1", "alfa.se")
    desk.ask(portal, "2", "bravo.se")
    desk.deregister(portal, "alfa.se")
    desk.pass_time(minutes=9, seconds=59)
    assert desk.ask(portal, "3", "charlie.se").reason is Reason.CAPACITY_REACHED
    assert desk.active() == []
    assert desk.ask(other, "1", "alfa.se").reason is Reason.REGISTERED_BY_ANOTHER
    desk.work(
        lambda tx: registrations.undo_deregistration(tx, portal.partner.id, "alfa.se", who="p", source=Source.APP)
    )
    assert desk.active() == ["alfa.se"]


def test_after_ten_minutes_nothing_can_be_undone_and_slot_and_domain_are_free(desk: Desk) -> None:
    portal, other = desk.portal(1, capacity=1), desk.portal(2, partner="south")
    desk.ask(portal, "1", "alfa.se")
    desk.ask(portal, "2", "bravo.se")
    desk.deregister(portal, "alfa.se")
    desk.pass_time(minutes=10)
    with pytest.raises(TooLateToUndo):
        desk.work(
            lambda tx: registrations.undo_deregistration(tx, portal.partner.id, "alfa.se", who="p", source=Source.APP)
        )
    assert desk.active(portal) == ["bravo.se"]
    assert desk.ask(other, "1", "alfa.se").status is Status.REGISTERED


def test_nobody_undoes_another_partners_deregistration(desk: Desk) -> None:
    portal, other = desk.portal(1), desk.portal(2, partner="south")
    desk.ask(portal, "1", "alfa.se")
    desk.deregister(portal, "alfa.se")
    with pytest.raises(TooLateToUndo):
        desk.work(
            lambda tx: registrations.undo_deregistration(tx, other.partner.id, "alfa.se", who="p", source=Source.APP)
        )


def test_asked_for_again_within_the_undo_time_the_claim_comes_back_even_at_capacity(desk: Desk) -> None:
    portal = desk.portal(1, capacity=1)
    desk.ask(portal, "1", "alfa.se")
    desk.ask(portal, "2", "bravo.se")
    desk.deregister(portal, "alfa.se")
    assert desk.ask(portal, "3", "alfa.se").status is Status.REGISTERED
    [claim] = desk.claims()
    assert (claim.is_active, claim.undo_until) == (True, None)
    assert desk.states("2") == [State.WAITING]
    # and time does not end it
    desk.pass_time(minutes=11)
    assert desk.active() == ["alfa.se"]


def test_deregistering_says_that_the_commission_is_lost(desk: Desk) -> None:
    portal = desk.portal(1)
    desk.ask(portal, "1", "alfa.se")
    desk.deregister(portal, "alfa.se")
    assert desk.told()[-1] == ("deregistered", "alfa.se", "commission eligibility lost")


def test_a_domain_whose_registration_has_run_out_is_free_before_anybody_noted_it(desk: Desk) -> None:
    portal, other = desk.portal(1), desk.portal(2, partner="south")
    desk.ask(portal, "1", "alfa.se")
    desk.rig.clock.time += timedelta(days=367)
    assert desk.ask(other, "1", "alfa.se").status is Status.REGISTERED
    assert [claim.end_reason for claim in desk.claims()] == ["expired", None]


# --- at the same moment ---


def test_two_partners_race_for_a_domain_and_one_of_them_gets_it_every_time(desk: Desk) -> None:
    portals = [desk.portal(1, partner="north"), desk.portal(2, partner="south")]
    for number in range(15):
        contact, domain = str(number), f"race-{number}.se"
        for portal in portals:
            desk.request(portal, contact)

        def decide(portal: Portal, contact: str = contact, domain: str = domain) -> Callable[[], object]:
            return lambda: desk.decide(portal, contact, domain)

        at_once(*map(decide, portals))
        assert sorted(desk.states(contact)) == [State.REGISTERED, State.UNAVAILABLE]
        assert [claim.domain for claim in desk.claims()].count(domain) == 1


def test_a_partners_workers_together_never_exceed_its_capacity(desk: Desk) -> None:
    portal = desk.portal(1, capacity=3)
    contacts = [str(number) for number in range(8)]
    for contact in contacts:
        desk.request(portal, contact)

    def decide(contact: str) -> Callable[[], object]:
        return lambda: desk.decide(portal, contact, f"rush-{contact}.se")

    at_once(*map(decide, contacts))
    assert len(desk.active()) == 3
    assert sorted(r.state for r in desk.requests()) == [State.REGISTERED] * 3 + [State.WAITING] * 5


def test_the_database_itself_refuses_a_second_claim_on_a_domain(desk: Desk) -> None:
    portal, other = desk.portal(1), desk.portal(2, partner="south")
    desk.ask(portal, "1", "alfa.se")
    copied = """
        INSERT INTO registrations (partner_id, domain, source, registered_on, expires_on, expires_at, created_at)
        SELECT :other, domain, source, registered_on, expires_on, expires_at, created_at FROM registrations
        ON CONFLICT DO NOTHING
    """
    desk.work(lambda tx: tx.connection.execute(text(copied), {"other": other.partner.id}))
    assert len(desk.claims()) == 1


def test_a_transaction_that_lost_a_deadlock_runs_again(desk: Desk) -> None:
    first, second = desk.portal(1), desk.portal(2, partner="south")
    have_both_one = threading.Barrier(2)
    runs: list[int] = []

    def cross(mine: Portal, theirs: Portal) -> Callable[[], object]:
        def work(tx: object) -> None:
            runs.append(mine.hub_id)
            lock = text("UPDATE partners SET name = name WHERE id = :id")
            tx.connection.execute(lock, {"id": mine.partner.id})  # type: ignore[attr-defined] # a Tx
            if len(runs) <= 2:
                have_both_one.wait(60)
            tx.connection.execute(lock, {"id": theirs.partner.id})  # type: ignore[attr-defined] # a Tx

        return lambda: desk.work(work)

    at_once(cross(first, second), cross(second, first))
    assert len(runs) == 3
