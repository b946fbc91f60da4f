"""While a portal is paused nothing is registered, ends or is written, and nothing of what comes is lost."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text

from support.delivered import delivered
from support.locked import while_it_waits
from support.rig import LEAD, Rig
from syncworker.hubspot.events import Event
from syncworker.registration.ledger.history import Happened
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.store.portals import Mode
from syncworker.sync import operations
from syncworker.sync.portals import pausing
from syncworker.sync.portals.connect import set_mode
from syncworker.sync.triggers import inbox

ADA = "ada@fjordline-tools.se"
BO = "bo@granlund-bygg.se"


def pause(rig: Rig, reason: str = "the quarter's audit") -> None:
    pausing.pause(rig.context, rig.hub, who="cli:eva", source=Source.APP, reason=reason)


def unpause(rig: Rig) -> None:
    pausing.unpause(rig.context, rig.hub, who="cli:eva", source=Source.APP)


def portal(rig: Rig) -> portals.Portal:
    with rig.context.database.transaction() as tx:
        return portals.get(tx, rig.hub)


def test_what_comes_in_a_pause_is_kept_and_done_afterwards(rig: Rig) -> None:
    pause(rig)
    rig.submit(ADA)
    contact = rig.contact_id(ADA)
    changed = Event(
        hub_id=rig.hub,
        kind="contact",
        event="propertyChange",
        object_ids=(contact,),
        property_name="website",
    )
    delivered(rig.context.database, [inbox.row([changed])])
    rig.settle()
    # I expect the webhook to be a mark, and nothing to be done about it
    assert [(m.kind, m.object_id) for m in rig.marks()] == [("contact", contact)]
    assert (rig.registrations(), rig.requests(), rig.writes()) == ([], [], {})
    unpause(rig)
    rig.hurry()
    rig.settle()
    assert rig.status(ADA) == ("registered", None)


def test_who_paused_and_why_is_kept_and_the_mode_of_before_comes_back(rig: Rig) -> None:
    for mode in (Mode.OBSERVE, Mode.WRITE):
        set_mode(rig.context, rig.hub, mode, who="t")
        pause(rig)
        pause(rig, "again, by another hand")
        stopped = portal(rig)
        assert stopped.mode is Mode.PAUSED
        assert stopped.pause is not None
        assert (stopped.pause.by, stopped.pause.reason) == ("cli:eva", "the quarter's audit")
        unpause(rig)
        assert (portal(rig).mode, portal(rig).pause) == (mode, None)
    with rig.context.database.transaction() as tx:
        named = "SELECT event, name, why FROM history JOIN persons ON persons.id = person_id WHERE name = 'cli:eva' "
        named += "ORDER BY history.id"
        told = tx.connection.execute(text(named)).all()
    why = ("cli:eva", "the quarter's audit")
    assert [tuple(row) for row in told] == [(Happened.PAUSED, *why), (Happened.UNPAUSED, *why)] * 2


def test_a_registration_that_would_have_ended_in_the_pause_ends_after_it_with_its_dates(rig: Rig) -> None:
    rig.submit(ADA)
    rig.settle()
    [before] = rig.registrations()
    pause(rig)
    rig.pass_time(days=400)
    rig.settle()
    assert rig.registrations() == [before]
    unpause(rig)
    rig.settle()
    [after] = rig.registrations()
    assert (after.registered_on, after.expires_on) == (before.registered_on, before.expires_on)
    assert (after.end_reason, after.ended_at) == ("expired", before.expires_at)
    assert rig.status(ADA) == ("expired", None)


def test_one_that_renews_itself_goes_on_from_the_day_after_its_last(rig: Rig) -> None:
    rig.submit(ADA)
    rig.settle()
    operations.set_renewal(rig.context, rig.hub, "fjordline-tools.se", renew=True, who="eva")
    [before] = rig.registrations()
    pause(rig)
    rig.pass_time(days=380)
    unpause(rig)
    rig.settle()
    [after] = rig.registrations()
    assert (after.registered_on - before.expires_on).days == 1


def test_a_slot_that_comes_free_in_the_pause_registers_nobody_there_until_it_is_over(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig(partner_capacity=1)
    rig.submit(ADA)
    rig.settle()
    rig.submit(BO, website="granlund-bygg.se", company="Granlund Bygg")
    rig.settle()
    assert rig.status(BO) == ("pending", "capacity_reached")
    # Given that a person gives up the one slot while the portal is paused, for good
    pause(rig)
    operations.deregister(rig.context, rig.hub, "fjordline-tools.se", who="eva", source=Source.APP)
    rig.pass_time(minutes=11)
    rig.settle()
    assert [r.domain for r in rig.registrations()] == ["fjordline-tools.se"]
    unpause(rig)
    rig.settle()
    assert [r.domain for r in rig.registrations() if r.ended_at is None] == ["granlund-bygg.se"]
    assert (rig.status(ADA), rig.status(BO)) == (("deregistered", None), ("registered", None))


def test_a_batch_that_was_begun_before_the_pause_registers_nothing_after_it(rig: Rig) -> None:
    rig.submit(ADA)
    # Given that a batch has read the mode, and waits for the partner's lock, while a person pauses
    with while_it_waits(rig.context.database, rig.hub, rig.settle) as (tx, working):
        portals.pause(tx, rig.hub, who="eva", reason="")
    working.result(30)
    assert (rig.registrations(), rig.writes()) == ([], {})
    assert [m.claim_token for m in rig.marks()] == [None] * len(rig.marks())
    unpause(rig)
    rig.settle()
    assert rig.status(ADA) == ("registered", None)


def test_a_batch_that_was_begun_before_its_portal_is_only_observed_says_what_would_be(rig: Rig) -> None:
    rig.submit(ADA)
    with while_it_waits(rig.context.database, rig.hub, rig.settle) as (tx, working):
        portals.set_mode(tx, rig.hub, Mode.OBSERVE)
    working.result(30)
    assert (rig.registrations(), rig.writes()) == ([], {})
    [request] = rig.requests()
    assert "would be registered" in request.detail


def test_whoever_switches_the_mode_waits_for_what_is_being_registered(rig: Rig) -> None:
    def observe() -> None:
        set_mode(rig.context, rig.hub, Mode.OBSERVE, who="t")

    # I expect that to be over when the switch returns
    with while_it_waits(rig.context.database, rig.hub, observe):
        assert portal(rig).mode is Mode.WRITE
    assert portal(rig).mode is Mode.OBSERVE


def test_the_other_portals_of_a_paused_portals_partner_go_on(rig: Rig) -> None:
    pause(rig)
    rig.sandbox.create(rig.other_hub, "contacts", {**LEAD, "email": ADA})
    other = rig.sandbox.by_email(rig.other_hub, ADA)
    assert other is not None
    operations.register(rig.context, rig.other_hub, other["id"], who="eva", source=Source.APP, key="1")
    rig.settle()
    assert rig.contact(ADA, rig.other_hub)["partner_registration_status"] == "registered"


def test_one_that_was_paused_before_it_was_kept_by_whom_goes_on_in_the_careful_mode(rig: Rig) -> None:
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE portals SET mode = 'paused'"))
    assert portal(rig).pause is not None
    unpause(rig)
    assert (portal(rig).mode, portal(rig).pause) == (Mode.OBSERVE, None)
