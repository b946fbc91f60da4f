"""Where more is overdue than ends at once, does a request find what it is about as if all had ended?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from support.desk import Desk
from syncworker.program.model import UnknownTierError
from syncworker.registration.ledger import overdue, registrations
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.decision import Outcome
from syncworker.registration.rules.terms import Action, Source, Status
from syncworker.store import portals
from syncworker.store.portals import Mode


@pytest.fixture
def desk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Of a partner one ends at once, the longest overdue."""
    monkeypatch.setattr(overdue, "OVERDUE_AT_ONCE", 1)
    made = Desk(database_url)
    yield made
    made.close()


def let_end(desk: Desk, *domains: str) -> None:
    """Registered one after another, and all of them overdue: the first ends next."""
    portal = desk.portal(1)
    for number, domain in enumerate(domains):
        desk.ask(portal, str(number), domain)
        desk.rig.clock.time += timedelta(days=1)
    desk.rig.clock.time += timedelta(days=400)


def reasons(desk: Desk, domain: str) -> list[str | None]:
    return [claim.end_reason for claim in desk.claims() if claim.domain == domain]


def test_a_lead_that_is_asked_for_anew_is_registered_anew(desk: Desk) -> None:
    let_end(desk, "alfa.se", "bravo.se", "charlie.se")
    assert desk.ask(desk.portal(1), "2", "charlie.se").status is Status.REGISTERED
    # I expect what it is about to have ended, and the others to wait for their turn
    assert reasons(desk, "charlie.se") == ["expired", None]
    assert reasons(desk, "bravo.se") == [None]
    for _ in range(3):
        desk.pass_time(seconds=1)
    assert desk.active() == ["charlie.se"]


def test_another_partners_claim_is_in_nobodys_way(desk: Desk) -> None:
    let_end(desk, "alfa.se", "bravo.se", "charlie.se")
    other = desk.portal(2, partner="south")
    assert desk.ask(other, "9", "charlie.se").status is Status.REGISTERED
    assert desk.states("9") == [State.REGISTERED]
    assert desk.active(other) == ["charlie.se"]


@pytest.mark.parametrize("renews", [False, True])
def test_another_partner_whose_tier_is_not_there_is_in_nobodys_way(desk: Desk, renews: bool) -> None:
    let_end(desk, "alfa.se")
    theirs, other = desk.portal(1), desk.portal(2, partner="south")
    desk.work(lambda tx: tx.connection.execute(text("UPDATE partners SET tier = 'gone' WHERE name = 'north'")))
    desk.work(
        lambda tx: tx.connection.execute(text("UPDATE registrations SET renew_at_expiry = :renews"), {"renews": renews})
    )
    # What would have been renewed is theirs, whatever becomes of their tier
    wanted = Status.UNAVAILABLE if renews else Status.REGISTERED
    assert desk.ask(other, "9", "alfa.se").status is wanted
    assert desk.ask(other, "8", "bravo.se").status is Status.REGISTERED
    # Who is asked for a lead of theirs says what is wrong
    with pytest.raises(UnknownTierError):
        desk.ask(theirs, "1", "charlie.se")


def test_what_a_contact_stood_for_is_not_what_it_gives_up(desk: Desk) -> None:
    portal = desk.portal(1)
    let_end(desk, "alfa.se", "bravo.se", "charlie.se")
    # Given that the contact's website is another one by now
    desk.request(portal, "2", action=Action.DEREGISTER, source=Source.APP)
    assert desk.decide(portal, "2", "new.se", company_id=None).status is Status.EXPIRED
    assert desk.states("2") == [State.REGISTERED, State.WITHDRAWN]
    assert reasons(desk, "charlie.se") == ["expired"]


def test_one_that_renews_itself_is_renewed_before_it_is_joined(desk: Desk) -> None:
    let_end(desk, "alfa.se", "bravo.se")
    [renewing] = [claim for claim in desk.claims() if claim.domain == "bravo.se"]
    desk.work(lambda tx: registrations.set_renewal(tx, [renewing], renew=True, who="somebody", source=Source.APP))
    desk.ask(desk.portal(1), "8", "bravo.se")
    [renewed] = [claim for claim in desk.claims() if claim.domain == "bravo.se"]
    assert (renewed.is_active, renewed.expires_on > renewing.expires_on) == (True, True)


def test_who_waits_gets_no_claim_that_is_over(desk: Desk) -> None:
    portal, still = desk.portal(1, capacity=3), desk.portal(3, capacity=3)
    for number, domain in enumerate(("alfa.se", "bravo.se", "charlie.se")):
        desk.ask(portal, str(number), domain)
    assert desk.ask(still, "7", "delta.se").status is Status.PENDING
    # Given that another portal's lead gets the domain that is waited for while its portal stands still
    desk.work(lambda tx: portals.set_mode(tx, still.hub_id, Mode.PAUSED))
    desk.portal(1, capacity=4)
    assert desk.ask(portal, "3", "delta.se").status is Status.REGISTERED
    assert desk.states("7") == [State.WAITING]
    desk.rig.clock.time += timedelta(days=400)
    later = text("UPDATE registrations SET expires_at = expires_at + interval '1 day' WHERE domain = 'delta.se'")
    desk.work(lambda tx: tx.connection.execute(later))
    desk.work(lambda tx: portals.set_mode(tx, still.hub_id, Mode.WRITE))
    desk.ask(portal, "9", "echo.se")
    # I expect a registration of its own, and not what was left of the other one
    assert reasons(desk, "delta.se") == ["expired", None]
    assert desk.states("7") == [State.REGISTERED]


def test_where_the_clock_is_not_trusted_nothing_ends(desk: Desk) -> None:
    let_end(desk, "alfa.se", "bravo.se")
    untrusted = desk.rig.conditions(may_end=lambda: False)
    desk.rig.conditions = lambda **_: untrusted  # type: ignore[method-assign] # of this rig alone
    assert desk.ask(desk.portal(1), "1", "bravo.se").outcome is Outcome.NOTHING
    assert reasons(desk, "bravo.se") == [None]
