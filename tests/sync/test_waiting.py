"""Does a manager's word move the waiting list, exchange registrations, and settle what was asked for in the CRM?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st
from sqlalchemy import text

from support.locked import while_it_waits
from syncworker.registration.ledger import allocation, registrations
from syncworker.registration.ledger.line_places import NotWaiting
from syncworker.registration.ledger.registrations import NotRegistered
from syncworker.registration.ledger.requests import NotOpen, State
from syncworker.registration.rules.terms import Action, Source
from syncworker.sync import waiting
from syncworker.sync.lists import asked_list
from syncworker.sync.lists.asked_list import Asked, AskedView
from syncworker.sync.lists.lists import UnknownRequest
from syncworker.sync.waiting import NotExchanged
from web.deployment import HUB, OTHER_HUB, Deployment


@pytest.fixture
def deployment(deployment: Deployment) -> Deployment:
    """With one slot."""
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE partners SET capacity = 1"))
    return deployment


def line(deployment: Deployment) -> list[str | None]:
    with deployment.database.transaction() as tx:
        return [one.domain for one in asked_list.asked(tx, HUB, Asked.PENDING, AskedView(size=100)).items]


def four_waiting(deployment: Deployment, *, apart: int = 10) -> dict[str, int]:
    return {
        name: deployment.asked(str(n), state=State.WAITING, domain=name, seconds_ago=100 - n * apart)
        for n, name in enumerate(("a.se", "b.se", "c.se", "d.se"))
    }


def move(deployment: Deployment, request_id: int, to: int, *, hub_id: int = HUB) -> int:
    return waiting.move(deployment.context, hub_id, request_id, to=to, who="marta", source=Source.APP)


def next_served(deployment: Deployment) -> str:
    """Whom the next free slot goes to, in a transaction that is taken back."""
    with deployment.database.engine.connect() as connection, deployment.database.transaction() as tx:
        trial = tx.connection.begin_nested()
        partner = 1
        granted = deployment.context.terms(_partner(deployment), tx)
        before = registrations.held_by(tx, partner)
        allocation.allocate(tx, partner, granted)
        [new] = registrations.held_by(tx, partner) - before
        trial.rollback()
        connection.rollback()
    return new


def _partner(deployment: Deployment):  # type: ignore[no-untyped-def] # a portal's
    from syncworker.store import portals

    with deployment.database.transaction() as tx:
        return portals.get(tx, HUB).partner


def test_a_request_is_moved_to_any_place_and_slots_go_by_it(deployment: Deployment) -> None:
    asked = four_waiting(deployment)
    assert move(deployment, asked["c.se"], 1) == 1
    assert line(deployment) == ["c.se", "a.se", "b.se", "d.se"]
    assert next_served(deployment) == "c.se"
    assert move(deployment, asked["a.se"], 99) == 4
    assert line(deployment) == ["c.se", "b.se", "d.se", "a.se"]
    assert move(deployment, asked["d.se"], 2) == 2
    assert line(deployment) == ["c.se", "d.se", "b.se", "a.se"]
    # Who comes later is behind all
    deployment.asked("9", state=State.WAITING, domain="late.se")
    assert line(deployment)[-1] == "late.se"
    told = deployment.rows(text("SELECT domain, why FROM history WHERE event = 'moved_in_line' ORDER BY id"))
    assert [tuple(row) for row in told] == [("c.se", "1"), ("a.se", "4"), ("d.se", "2")]


def test_those_who_asked_at_the_same_moment_are_moved_apart(deployment: Deployment) -> None:
    asked = four_waiting(deployment)
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE requests SET requested_at = '2026-01-01'"))
    assert line(deployment) == ["a.se", "b.se", "c.se", "d.se"]
    move(deployment, asked["d.se"], 2)
    assert line(deployment) == ["a.se", "d.se", "b.se", "c.se"]
    move(deployment, asked["a.se"], 3)
    assert line(deployment) == ["d.se", "b.se", "a.se", "c.se"]


@given(steps=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), max_size=8))
@of_hypothesis(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_moves_come_to_what_a_list_would(deployment: Deployment, steps: list[tuple[int, int]]) -> None:
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("DELETE FROM requests"))
    asked = four_waiting(deployment, apart=0) | {"e.se": deployment.asked("8", state=State.WAITING, domain="e.se")}
    # Two for one domain are moved together
    deployment.asked("9", state=State.WAITING, domain="b.se", seconds_ago=50)
    names = list(line(deployment))
    for which, to in steps:
        name = sorted(asked)[which]
        move(deployment, asked[name], to)
        names.remove(name)
        names.insert(to - 1, name)
        assert line(deployment) == names


def test_only_what_waits_is_moved_and_only_the_partners_own(deployment: Deployment) -> None:
    asked = four_waiting(deployment)
    done = deployment.asked("7", state=State.UNAVAILABLE, domain="x.se")
    deployment.portal(OTHER_HUB, partner="Other")
    for request_id, hub_id in ((done, HUB), (10**6, HUB), (asked["a.se"], OTHER_HUB)):
        with pytest.raises(NotWaiting if request_id == done else UnknownRequest):
            move(deployment, request_id, 1, hub_id=hub_id)


def test_a_registration_is_exchanged_for_one_that_waits_further_behind(deployment: Deployment) -> None:
    deployment.registered("old.se")
    asked = four_waiting(deployment)
    done = waiting.exchange(deployment.context, HUB, "old.se", asked["c.se"], who="marta", source=Source.APP)
    assert done.state is State.REGISTERED
    with deployment.database.transaction() as tx:
        assert registrations.held_by(tx, 1) == {"c.se"}
    assert line(deployment) == ["a.se", "b.se", "d.se"]


def test_an_exchange_that_frees_no_slot_changes_nothing(deployment: Deployment) -> None:
    deployment.registered("old.se")
    deployment.registered("one-too-many.se")
    asked = four_waiting(deployment)
    with pytest.raises(NotExchanged, match=r"old\.se stays registered"):
        waiting.exchange(deployment.context, HUB, "old.se", asked["c.se"], who="marta", source=Source.APP)
    with pytest.raises(NotRegistered):
        waiting.exchange(deployment.context, HUB, "never.se", asked["c.se"], who="marta", source=Source.APP)
    assert line(deployment) == ["a.se", "b.se", "c.se", "d.se"]
    with deployment.database.transaction() as tx:
        assert registrations.active_of(tx, 1, "old.se").expires_at > tx.now + timedelta(days=1)


def test_an_exchange_goes_by_the_capacity_of_its_moment(deployment: Deployment) -> None:
    deployment.registered("old.se")
    asked = four_waiting(deployment)

    def exchange() -> object:
        return waiting.exchange(deployment.context, HUB, "old.se", asked["c.se"], who="marta", source=Source.APP)

    # Given that the capacity is lowered while somebody who exchanges waits for the partner's lock
    with while_it_waits(deployment.database, HUB, exchange) as (tx, working):
        tx.connection.execute(text("UPDATE partners SET capacity = 0"))
    with pytest.raises(NotExchanged):
        working.result(30)
    with deployment.database.transaction() as tx:
        assert registrations.held_by(tx, 1) == {"old.se"}


def test_a_deregistration_asked_for_in_the_crm_is_confirmed_or_refused(deployment: Deployment) -> None:
    deployment.registered("give-up.se")
    first = deployment.asked("1", state=State.CONFIRMING, domain="give-up.se", action=Action.DEREGISTER)
    second = deployment.asked("2", state=State.CONFIRMING, domain="other.se", action=Action.DEREGISTER)
    deployment.portal(OTHER_HUB, partner="Other")
    with pytest.raises(UnknownRequest):
        waiting.refuse_deregistration(deployment.context, OTHER_HUB, first, who="marta")
    assert waiting.confirm_deregistration(deployment.context, HUB, first, who="marta").confirmed_by == "marta"
    assert waiting.refuse_deregistration(deployment.context, HUB, second, who="marta").state is State.WITHDRAWN
    with pytest.raises(NotOpen):
        waiting.refuse_deregistration(deployment.context, HUB, second, who="marta")
