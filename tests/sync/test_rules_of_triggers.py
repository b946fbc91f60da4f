"""Where do polls begin, how long is a turn, and what does nobody but a person change?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from support.rig import Rig
from syncworker.hubspot.properties import PropertyNames
from syncworker.program import Authority
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.terms import Confirmation, Source
from syncworker.store import portals
from syncworker.store.portals import Mode
from syncworker.store.tables import cursors
from syncworker.sync import operations, turns
from syncworker.sync.claims import BATCH
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals.connect import set_mode
from syncworker.sync.reconcile.shown import contact_properties
from syncworker.sync.resync import resync
from syncworker.sync.wake import Bell

ADA = "ada@fjordline-tools.se"
CONFIRMED = "partner_registration_confirmed"


def registered(rig: Rig) -> str:
    rig.submit(ADA)
    rig.settle()
    assert rig.status(ADA) == ("registered", None)
    return rig.contact_id(ADA)


def test_all_polls_begin_at_the_time_of_connection_and_not_at_the_beginning(rig: Rig) -> None:
    with rig.context.database.transaction() as tx:
        began = tx.connection.execute(
            select(cursors.c.trigger, cursors.c.high_water).where(cursors.c.hub_id == rig.hub)
        ).all()
        connected = portals.get(tx, rig.hub).connected_at
    assert {row.trigger for row in began} >= {"contact.now", "contact.late", "company.now", "company.late"}
    # By HubSpot's clock, which tells whole seconds
    assert all(timedelta(0) <= connected - row.high_water <= timedelta(seconds=5) for row in began)


def test_connecting_again_does_not_move_what_was_polled(rig: Rig) -> None:
    def high_waters() -> list[object]:
        with rig.context.database.transaction() as tx:
            return list(tx.connection.execute(select(cursors.c.high_water).order_by(cursors.c.trigger)).scalars())

    before = high_waters()
    rig.pass_time(days=1)
    again = Rig(rig.sandbox, rig.settings.database_url or "", rig.settings.redis_url or "")
    assert high_waters() == before
    again.close()


def test_a_turn_ends_after_some_batches_so_that_other_portals_get_theirs(rig: Rig) -> None:
    ids = [str(900_000_000 + number) for number in range(turns.BATCHES * BATCH + 1)]
    rig.context.database.run(lambda tx: mark(tx, rig.hub, Kind.CONTACT, ids, priority=Priority.PERSON, cause="t"))
    assert turns.interactive_turn(rig.context, rig.hub) is True
    assert len(rig.marks()) == 1
    assert turns.interactive_turn(rig.context, rig.hub) is False
    assert rig.marks() == []


def test_nobody_is_rung_for_while_all_portals_of_a_partner_are_paused(rig: Rig) -> None:
    registered(rig)
    set_mode(rig.context, rig.hub, Mode.PAUSED, who="t")
    rig.pass_time(days=400)
    assert Bell.END_OVERDUE not in {ring.bell for ring in rig.settle()}
    assert [r.ended_at for r in rig.registrations()] == [None]
    # When they go on, it ends
    set_mode(rig.context, rig.hub, Mode.WRITE, who="t")
    rig.settle()
    assert rig.status(ADA)[0] == "expired"


def test_a_resync_makes_no_request_and_renews_nothing(rig: Rig) -> None:
    registered(rig)
    operations.set_renewal(rig.context, rig.hub, "fjordline-tools.se", renew=True, who="t")
    before = rig.registrations(), rig.requests()
    rig.pass_time(days=30)
    resync.start(rig.context, rig.hub, who="t")
    rig.settle()
    assert (rig.registrations(), rig.requests()) == before


@pytest.mark.parametrize("to", [Confirmation.CONFIRMED, Confirmation.CONTRADICTED])
def test_what_hubspot_is_known_to_say_is_a_persons_word_and_shows(rig: Rig, to: Confirmation) -> None:
    registered(rig)
    assert rig.contact(ADA)[CONFIRMED] == "unconfirmed"
    operations.confirm_registration(rig.context, rig.hub, "fjordline-tools.se", to, who="t", source=Source.APP)
    rig.settle()
    assert rig.contact(ADA)[CONFIRMED] == to
    assert rig.company("fjordline-tools.se")[CONFIRMED] == to


def test_where_this_ledger_is_the_authority_nothing_is_said_of_a_confirmation() -> None:
    nothing = Decision(outcome=Outcome.NOTHING)
    assert CONFIRMED not in contact_properties(PropertyNames(), nothing, Authority.OWN)
    assert CONFIRMED in contact_properties(PropertyNames(), nothing, Authority.HUBSPOT)
