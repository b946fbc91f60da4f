"""What an operator sees at a glance, forms with what they would have done, and holds: is it what is so?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from support.delivered import delivered
from support.rig import Rig
from syncworker.registration.rules.terms import HoldKind
from syncworker.store.portals import UnknownPortal
from syncworker.sync import operations
from syncworker.sync.lists.form_list import NoSuchForm, form_lines
from syncworker.sync.lists.form_trial import form_trial
from syncworker.sync.lists.glance import at_a_glance
from syncworker.sync.lists.hold_list import hold_lines
from syncworker.sync.lists.page_cursor import BadCursor
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals.form_switch import switch_form
from syncworker.sync.triggers import inbox
from syncworker.sync.watch import heard

ADA = "ada@fjordline-tools.se"


def test_a_glance_counts_what_is_due_parked_and_heard_of_this_portal_alone(rig: Rig) -> None:
    delivered(rig.context.database, [f'[[{rig.hub}, "contact", "1", "creation"], [{rig.hub}, "contact", "2", "x"]]'])
    inbox.expand(rig.context)
    rig.context.database.run(
        lambda tx: mark(tx, rig.other_hub, Kind.CONTACT, ["7"], priority=Priority.POLL, cause="a test")
    )
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE marks SET parked_at = now() WHERE object_id = '1'"))
    rig.pass_time(seconds=3)
    seen = at_a_glance(rig.context, rig.hub)
    assert (seen.due, seen.parked, seen.webhooks_last_hour, seen.is_blocked) == (1, 1, 2, False)
    assert seen.webhook_at is not None
    assert seen.oldest_due_s >= 0
    assert at_a_glance(rig.context, rig.other_hub).webhooks_last_hour == 0
    with pytest.raises(UnknownPortal):
        at_a_glance(rig.context, 1)


def test_webhooks_of_more_than_an_hour_ago_do_not_count(rig: Rig) -> None:
    def note(events: int) -> None:
        rig.context.database.run(lambda tx: heard.note(tx, {rig.hub: events, 1: 9}))

    note(3)
    note(4)
    rig.pass_time(minutes=30)
    note(5)
    with rig.context.database.transaction() as tx:
        assert heard.of_an_hour(tx, rig.hub) == 12
    rig.pass_time(minutes=30)
    # The same minute of the hour: the old one is written over
    note(1)
    with rig.context.database.transaction() as tx:
        assert heard.of_an_hour(tx, rig.hub) == 6


def test_switching_a_form_says_who_did_it_and_needs_no_hubspot_for_one_that_is_known(rig: Rig) -> None:
    [newsletter] = [form for form in form_lines(rig.context, rig.hub) if form.name == "Newsletter"]
    assert newsletter.enabled_at is None
    on = switch_form(rig.context, rig.hub, "Newsletter", on=True, who="user:op@us.example")
    assert (on.id, on.changed) == (newsletter.id, True)
    assert not switch_form(rig.context, rig.hub, newsletter.id, on=True, who="t").changed
    [newsletter] = [form for form in form_lines(rig.context, rig.hub) if form.name == "Newsletter"]
    assert newsletter.enabled_at == rig.clock.time
    rig.sandbox.reset_stats()
    assert switch_form(rig.context, rig.hub, newsletter.id, on=False, who="t").changed
    assert rig.sandbox.calls() == {}
    with rig.context.database.transaction() as tx:
        told = tx.connection.execute(text("SELECT event, why, persons.name FROM history JOIN persons ON person_id = persons.id ORDER BY history.id")).all()  # fmt: skip # noqa: E501
    assert [tuple(row) for row in told] == [
        ("form_enabled", newsletter.id, "user:op@us.example"),
        ("form_disabled", newsletter.id, "t"),
    ]
    with pytest.raises(NoSuchForm):
        switch_form(rig.context, rig.hub, "no such form", on=True, who="t")


def test_a_trial_says_what_a_form_would_have_done_and_changes_nothing(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=2)
    switch_form(rig.context, rig.hub, rig.form, on=False, who="t")
    operations.add_hold(rig.context, "granlund-bygg.se", HoldKind.EXISTING_CUSTOMER, who="t")
    rig.submit(ADA)
    # Asked twice, and a colleague: the domain counts once
    rig.submit(ADA)
    rig.submit("bo@fjordline-tools.se")
    rig.submit("cy@granlund-bygg.se", website="granlund-bygg.se")
    rig.submit("di@mail-hemma.se", website="gmail.com")
    rig.submit("ed@alfa-verken.se", website="alfa-verken.se")
    rig.submit("fi@beta-verken.se", website="beta-verken.se")
    rig.submit("gone@gamma-verken.se", website="gamma-verken.se")
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{rig.contact_id('gone@gamma-verken.se')}/delete")
    rig.pass_time(minutes=1)
    before = rig.requests(), rig.registrations(), rig.marks()
    seen = form_trial(rig.context, rig.hub, rig.form)
    assert (seen.submissions, seen.more, seen.since) == (8, False, rig.clock.time - timedelta(days=30))
    assert (seen.registered, seen.already, seen.pending) == (2, 1, 1)
    assert (seen.unavailable, seen.invalid, seen.unresolved) == (1, 1, 1)
    assert (rig.requests(), rig.registrations(), rig.marks()) == before
    # I expect what is older than asked for to be left out
    rig.pass_time(days=31)
    assert form_trial(rig.context, rig.hub, rig.form).submissions == 0


def test_holds_are_listed_by_page_searched_and_say_who_added_them(rig: Rig) -> None:
    for n in range(3):
        operations.add_hold(rig.context, f"held-{n}.se", HoldKind.PURSUED_BY_VENDOR, note=f"note {n}%", who="t")
    with rig.context.database.transaction() as tx:
        first = hold_lines(tx, limit=2)
        rest = hold_lines(tx, limit=2, cursor=first.next)
        assert [line.domain for line in (*first.items, *rest.items)] == ["held-0.se", "held-1.se", "held-2.se"]
        assert (first.total, rest.next, first.items[0].added_by) == (3, None, "t")
        assert [line.domain for line in hold_lines(tx, q="NOTE 1%").items] == ["held-1.se"]
        with pytest.raises(BadCursor):
            hold_lines(tx, cursor="x")


def test_a_hold_of_a_person_flags_what_is_registered(rig: Rig) -> None:
    rig.submit(ADA)
    rig.settle()
    operations.add_hold(rig.context, "fjordline-tools.se", HoldKind.EXISTING_CUSTOMER, who="t")
    rig.settle()
    assert rig.status(ADA) == ("registered", "hold_came_later")
